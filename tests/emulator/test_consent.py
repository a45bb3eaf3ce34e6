import pytest
from werkzeug.datastructures import MultiDict

from msp_server.emulator.browser import find_form
from msp_server.emulator.consent import (
    ALLOW,
    Asked,
    NotSentBack,
    SentBack,
    add_query,
    make_page,
    make_policy,
    make_refusal,
    read_asked,
)

BACK = "http://127.0.0.1:8002/oauth/callback"
GOOD = {
    "response_type": "code",
    "client_id": "emulator",
    "redirect_uri": BACK,
    "scope": "openid email",
    "state": "a+b/c=",
}


def read(*more, **changes):
    pairs = [*(GOOD | changes).items(), *more]
    return read_asked(MultiDict(pairs), "emulator", ("https://msp.example.com",))


def test_request_that_holds_is_read_whole():
    assert read() == Asked(**GOOD)
    assert read(("prompt", "login")) == Asked(**GOOD)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "other"}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"redirect_uri": ""}, "redirect_uri"),
        ({"redirect_uri": "http://192.0.2.1/"}, "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"redirect_uri": BACK + "\r\nSet-Cookie: a=b"}, "redirect_uri"),
        ({"redirect_uri": BACK + "#x"}, "fragment"),
    ],
)
def test_nobody_is_sent_to_where_it_is_not_known_who_that_is(changes, words):
    with pytest.raises(NotSentBack, match=words):
        read(**changes)


@pytest.mark.parametrize("name", GOOD)
def test_parameter_that_is_there_twice_is_refused(name):
    with pytest.raises(NotSentBack, match=f"{name} is there more than once"):
        read((name, GOOD[name]))


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({"state": ""}, f"{BACK}?error=invalid_request"),
        (
            {"response_type": "token"},
            f"{BACK}?error=unsupported_response_type&state=a%2Bb%2Fc%3D",
        ),
    ],
)
def test_what_else_is_wrong_is_told_to_the_business(changes, address):
    with pytest.raises(SentBack) as caught:
        read(**changes)

    assert caught.value.address == address


def test_query_goes_behind_one_that_is_there():
    assert add_query("http://a/?x=1", {"y": "& é"}) == "http://a/?x=1&y=%26%20%C3%A9"


EVIL = "\"'><script>alert(1)</script>&amp;"


@pytest.mark.parametrize("name", ["client_id", "scope", "state"])
def test_page_escapes_what_it_shows_and_hands_on(name):
    page = make_page(Asked(**GOOD | {name: EVIL}), EVIL)

    assert "<script" not in page
    form = find_form(page, ALLOW)
    assert form.fields == GOOD | {name: EVIL, "login": EVIL, "decision": "allow"}


def test_page_tells_who_asks_for_what():
    page = make_page(Asked(**GOOD), "ava")

    assert "<strong>emulator</strong>" in page
    assert "http://127.0.0.1:8002" in page
    for shown in ("<li>openid</li>", "<li>email</li>", ">Allow<", ">Deny<"):
        assert shown in page


def test_refusal_is_escaped():
    assert "<script" not in make_refusal(EVIL)


def test_policy_lets_the_form_lead_to_the_business_and_nothing_else():
    assert "form-action 'self' http://127.0.0.1:8002 messages-auth:" in make_policy(Asked(**GOOD))
    assert "form-action 'none'" in make_policy(None)
    assert make_policy(None).startswith("default-src 'none';")
