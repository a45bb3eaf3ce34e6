import pytest

from msp_server.emulator.reachable import find_objection, origin_of, without_query


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8002/oauth/callback?code=1",
        "http://127.8.9.1/",
        "http://localhost:8002/",
        "HTTP://LOCALHOST/",
        "https://[::1]:8002/x",
    ],
)
def test_this_machine_may_be_called(address):
    assert find_objection(address, ()) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://msp.example.com/callback",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://0.0.0.0:8002/",
        "http://[::]/",
        "http://2130706433/",
    ],
)
def test_any_other_host_is_not_called(address):
    assert "neither on this machine" in find_objection(address, ())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "callback",
        "/callback",
        "//127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "messages-auth://?status=success",
        "http://",
        "http:///path",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http://evil.example\\@127.0.0.1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\nHost: x",
        "http://127.0.0.1/ü",
    ],
)
def test_what_is_no_web_address_is_not_called(address):
    assert find_objection(address, ("http://127.0.0.1",)) is not None


def test_user_and_password_are_not_taken():
    objection = find_objection("http://kim:secret@127.0.0.1/", ())

    assert "user name" in objection
    assert "secret" not in objection


@pytest.mark.parametrize(
    "address",
    ["https://msp.example.com/any?x=1", "https://MSP.example.com:443/"],
)
def test_allowed_origin_may_be_called_at_any_path(address):
    assert find_objection(address, ("https://msp.example.com/base",)) is None


@pytest.mark.parametrize(
    "address",
    [
        "http://msp.example.com/",
        "https://msp.example.com:444/",
        "https://msp.example.com.evil.example/",
        "https://other.example.com/",
    ],
)
def test_another_scheme_port_or_host_is_another_origin(address):
    assert find_objection(address, ("https://msp.example.com/base", "no address")) is not None


def test_origin_names_the_port_always():
    assert origin_of("https://Example.com/x") == "https://example.com:443"
    assert origin_of("http://[::1]:8/x") == "http://[::1]:8"
    assert origin_of("nothing") is None


def test_address_is_shown_without_what_could_be_secret():
    assert without_query("http://u:p@h.example:8/a?code=x#y") == "http://h.example:8/a"
    assert without_query("messages-auth://?status=success") == "messages-auth://"
    assert without_query("http://h.example/a#token") == "http://h.example/a"
    assert without_query("http://h.example/users/kim@x") == "http://h.example/users/kim@x"
