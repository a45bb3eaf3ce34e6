import gzip

import pytest


def test_session_is_given_to_who_asks(emulator, open_session, journal):
    answer = open_session(emulator.url)

    session = answer.json()
    assert answer.status_code == 200
    assert session["expiresAt"] - session["epochTimestamp"] == 7_200_000
    assert session["initiativeContext"] == "https://pay.example.com/paymentGateway/s3cret-token"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    (exchange,) = journal()
    assert (exchange["direction"], exchange["status"]) == ("to_gateway", 200)
    assert exchange["fields"]["domainName"] == "shop.example.com"


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({"merchantIdentifier": None}, "key-missing", "merchantIdentifier is missing"),
        ({"merchantIdentifier": ""}, "key-empty", "merchantIdentifier is empty"),
        ({"merchantIdentifier": 7}, "key-type", "has to be a string"),
        ({"merchantIdentifier": "x" * 201}, "identifier-length", "measures 201"),
        ({"domainName": None}, "key-missing", "domainName is missing"),
        ({"domainName": "https://shop.example.com"}, "merchant-domain", "host name alone"),
        ({"domainName": "shop.example.com/pay"}, "merchant-domain", "host name alone"),
        ({"domainName": "shop.example.com:443"}, "merchant-domain", "host name alone"),
        ({"domainName": "shop"}, "merchant-domain", "host name alone"),
        ({"domainName": "shop.example.com\n"}, "merchant-domain", "host name alone"),
        ({"domainName": "a." * 127 + "com"}, "merchant-domain", "host name alone"),
        ({"displayName": None}, "key-missing", "displayName is missing"),
        ({"displayName": "x" * 201}, "text-length", "measures 201"),
        ({"initiative": "web"}, "key-value", "write messaging"),
        ({"initiativeContext": "pay.example.com"}, "address-form", "absolute address"),
        ({"initiativeContext": None}, "key-missing", "initiativeContext is missing"),
    ],
)
def test_unfit_request_is_refused(emulator, open_session, refused_by, changes, rule, words):
    refused, reason = refused_by(open_session(emulator.url, **changes), 400)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "packed", [b"", b"[]", b"{", gzip.compress(b"{}"), b"{}" + b" " * 6_000_000]
)
def test_body_that_is_no_json_object_is_refused(emulator, web, refused_by, packed):
    answer = web.post(f"{emulator.url}/paymentservices/paymentSession", data=packed, timeout=5)

    assert refused_by(answer, 400)


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("OPTIONS", 405), ("PUT", 405)])
def test_other_method_is_refused(emulator, web, refused_by, method, status):
    url = f"{emulator.url}/paymentservices/paymentSession"

    assert refused_by(web.request(method, url, timeout=5), status)[0] == "method"


def test_other_address_below_is_no_endpoint(emulator, web, refused_by):
    answer = web.post(f"{emulator.url}/paymentservices/other", timeout=5)

    assert refused_by(answer, 404)[0] == "endpoint-unknown"


def test_fault_befalls_the_next_request_only(emulator, open_session, order_fault):
    order_fault("status", endpoint="session", status=500)

    assert open_session(emulator.url).status_code == 500
    assert open_session(emulator.url).status_code == 200


def test_dropped_request_has_no_answer_and_makes_no_session(emulator, open_session, order_fault):
    order_fault("drop", endpoint="session")

    with pytest.raises(OSError, match="Connection"):
        open_session(emulator.url)

    assert len(emulator._parts.sessions._sessions) == 0
