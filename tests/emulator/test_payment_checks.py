from uuid import uuid4

import pytest

from tests.emulator.conftest import SESSION_ID, make_payment, spoil

R = "paymentRequest"
A = f"{R}.applePay"
SHOP = "https://pay.example.com"


@pytest.fixture
def ask(samples, open_session):
    """Send a payment, spoiled at dotted paths, and give the answer."""

    def send(changes=None, **interactive):
        address = f"{SHOP}/paymentGateway/s3cret-token"
        session = open_session(samples.emulator.url, initiativeContext=address).json()
        payment = spoil(make_payment(SHOP, session), changes or {})
        return send_payment(samples, payment, **interactive)

    return send


def send_payment(samples, payment, **interactive):
    fields = {
        "interactiveData.data": {
            "version": "1.0",
            "requestIdentifier": str(uuid4()),
            "payment": payment,
        },
        "interactiveData.sessionIdentifier": SESSION_ID,
        "interactiveData.receivedMessage": {"title": "Pay"},
    }
    fields |= {f"interactiveData.{key}": value for key, value in interactive.items()}
    return samples.send("list_picker", fields)


@pytest.fixture
def refusal(samples, ask):
    def refuse(changes, **interactive):
        answer = ask(changes, **interactive)
        assert answer.status_code == 400
        assert samples.ava.transcript()["entries"] == []
        return newest_refusal(samples)

    return refuse


def newest_refusal(samples):
    url = f"{samples.emulator.url}/emulator/journal?limit=1"
    (exchange,) = samples.web.get(url, timeout=5).json()["exchanges"]
    return exchange["rule"], exchange["reason"]


def total(amount):
    return {f"{R}.total.amount": amount}


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({R: ...}, "key-missing", "paymentRequest is missing"),
        ({A: ...}, "key-missing", "applePay is missing"),
        ({f"{A}.merchantIdentifier": ""}, "key-empty", "merchantIdentifier"),
        ({f"{A}.supportedNetworks": ...}, "key-missing", "supportedNetworks"),
        ({f"{A}.supportedNetworks": []}, "key-empty", "supportedNetworks"),
        ({f"{A}.supportedNetworks": "visa"}, "key-type", "it has to be a list"),
        ({f"{A}.supportedNetworks": ["visa", "Visa"]}, "payment-network", "holds 'Visa'"),
        ({f"{A}.supportedNetworks": [[]]}, "payment-network", "holds []"),
        ({f"{A}.merchantCapabilities": ["3DS"]}, "merchant-capability", "holds '3DS'"),
        ({f"{A}.merchantCapabilities": ...}, "key-missing", "merchantCapabilities"),
        ({f"{R}.countryCode": ...}, "key-missing", "countryCode is missing"),
        ({f"{R}.countryCode": "de"}, "country-code", "two capital letters"),
        ({f"{R}.countryCode": "DEU"}, "country-code", "two capital letters"),
        ({f"{R}.currencyCode": "eur"}, "currency-code", "three capital letters"),
        ({f"{R}.currencyCode": ...}, "key-missing", "currencyCode is missing"),
        ({f"{R}.supportedCountries": ["DE", "usa"]}, "country-code", "supportedCountries"),
        ({f"{R}.supportedCountries": "DE"}, "country-code", "supportedCountries"),
        ({f"{R}.merchantName": 7}, "key-type", "merchantName is 7"),
        ({f"{R}.requiredBillingContactFields": ["fax"]}, "contact-field", "holds 'fax'"),
        ({f"{R}.requiredShippingContactFields": {}}, "key-type", "it has to be a list"),
        ({f"{R}.lineItems": []}, "line-items-empty", "or leave it out"),
        ({f"{R}.lineItems": {}}, "key-type", "it has to be a list"),
        ({f"{R}.lineItems.0.label": ...}, "key-missing", "lineItems[0].label is missing"),
        ({f"{R}.lineItems.0.amount": ...}, "key-missing", "lineItems[0].amount is missing"),
        ({f"{R}.lineItems.0.amount": 39}, "amount-form", "lineItems[0].amount is 39"),
        ({f"{R}.lineItems.0.amount": "39,00"}, "amount-form", "is '39,00'"),
        ({f"{R}.lineItems.0.type": "Final"}, "key-value", "write final or pending"),
        ({f"{R}.total": ...}, "key-missing", "total is missing"),
        ({f"{R}.total.label": ""}, "key-empty", "total.label"),
        (total("0.00"), "total-positive", "it has to be above zero"),
        (total("-1.00"), "total-positive", "it has to be above zero"),
        (total("37.91"), "total-sum", "come to 35.00, 37.90 with the first shipping method"),
        (total("44.90"), "total-sum", "make it the sum"),
        ({f"{R}.shippingMethods": []}, "key-empty", "shippingMethods"),
        ({f"{R}.shippingMethods.0.identifier": ...}, "key-missing", "identifier is missing"),
        ({f"{R}.shippingMethods.1.identifier": "std"}, "shipping-method-repeated", "'std'"),
        ({f"{R}.shippingMethods.1.label": ...}, "key-missing", "label is missing"),
        ({f"{R}.shippingMethods.1.amount": "-1"}, "amount-form", "0 or more"),
        ({f"{R}.shippingMethods.1.amount": 2.9}, "amount-form", "is 2.9"),
        ({"merchantSession": ...}, "key-missing", "merchantSession is missing"),
        ({"merchantSession": "x"}, "key-type", "merchantSession is 'x'"),
        ({"merchantSession": {"nonce": "0a"}}, "merchant-session-unknown", "given out here"),
        ({"merchantSession.nonce": "0a"}, "merchant-session-unknown", "every key as it came"),
        ({"endpoints": ...}, "key-missing", "endpoints is missing"),
        ({"endpoints.paymentGatewayUrl": ...}, "key-missing", "paymentGatewayUrl is missing"),
        ({"endpoints.orderTrackingUrl": "x"}, "address-form", "endpoints.orderTrackingUrl"),
        (
            {"endpoints.paymentGatewayUrl": f"{SHOP}/other"},
            "merchant-session-context",
            "another address",
        ),
    ],
)
def test_payment_that_does_not_hold_is_refused(refusal, changes, rule, words):
    refused, reason = refusal(changes)

    assert refused == rule
    assert words in reason
    assert "(source: " in reason


def test_payment_without_its_bubble_is_refused(refusal):
    assert refusal({}, receivedMessage=...)[0] == "key-missing"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        total("35.00"),
        {f"{R}.lineItems": ..., **total("1")},
        {f"{R}.lineItems.0.type": "pending"},
        {f"{R}.lineItems.0.type": ...},
        {f"{R}.shippingMethods": ..., **total("35")},
        {f"{R}.shippingMethods.0.detail": ...},
        {f"{R}.supportedCountries": ["DE", "AT"]},
        {f"{R}.requiredBillingContactFields": []},
        {f"{R}.requiredBillingContactFields": ...},
        {f"{R}.requiredShippingContactFields": ["postalAddress", "phoneticName"]},
        {"endpoints.fallbackUrl": ...},
    ],
)
def test_payment_that_holds_is_accepted(samples, ask, changes):
    answer = ask(changes)

    assert answer.headers.get("X-Emulator-Reason") is None
    assert answer.status_code == 200
    (entry,) = samples.ava.transcript()["entries"]
    assert (entry["shows"], entry["answerable"]) == ("payment", True)


def test_any_session_passes_while_the_switch_is_off(samples):
    samples.set_switches(check_merchant_session=False)

    assert send_payment(samples, make_payment(SHOP, {"any": "thing"})).status_code == 200


def test_session_is_void_after_a_reset(samples, open_session):
    address = f"{SHOP}/paymentGateway/s3cret-token"
    session = open_session(samples.emulator.url, initiativeContext=address).json()
    samples.reset()

    assert send_payment(samples, make_payment(SHOP, session)).status_code == 400
    assert newest_refusal(samples)[0] == "merchant-session-unknown"
