import json
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as many
from hypothesis import strategies as st

from msp_server.emulator.app import Parts, create_app
from tests.emulator.conftest import APPLE_BID, make_payment

VERBS = ["card", "address", "shipping", "authorise", "cancel"]


@pytest.fixture
def pay(ava, msp):
    """Do one thing with a payment, and give sheet, names of steps, and what reached the MSP."""
    msp.answer = b"{}"
    msp.answers["/paymentGateway/s3cret-token"] = "200 OK", b'{"status": "STATUS_SUCCESS"}'

    def pay(verb, **fields):
        answer = ava.do(f"pay/{verb}", **fields)
        assert answer.status_code == 200, answer.text
        told = [msp.next().fields for _ in range(msp.received.qsize())]
        shown = answer.json()
        return shown["sheet"], [step["step"] for step in shown["steps"]], told

    return pay


def test_sheet_is_gone_through_step_by_step(pay, ask_to_pay):
    message_id = ask_to_pay()

    sheet, steps, told = pay("open")
    assert (sheet["to"], sheet["open"], steps, told) == (message_id, True, [], [])

    sheet, steps, told = pay("card", card={"network": "AmEx", "type": "Debit"})
    assert (sheet["card"]["network"], steps) == ("AmEx", ["paymentMethodUpdate"])
    assert told[0]["payment"] == {"paymentMethod": {"type": "Debit"}}

    sheet, steps, told = pay("address", postal_code="90210")
    assert (sheet["postal_code"], steps) == ("90210", ["shippingContactUpdate"])
    assert told[0]["payment"]["shippingContact"]["postalCode"] == "90210"

    sheet, steps, told = pay("shipping", shipping="exp")
    assert (sheet["shipping"], steps) == ("exp", ["shippingMethodUpdate"])
    assert told[0]["payment"]["shippingMethod"]["amount"] == "9.90"

    sheet, steps, told = pay("authorise")
    assert (sheet["status"], sheet["open"]) == ("STATUS_SUCCESS", False)
    assert steps == ["paymentGateway", "orderTracking", "message"]
    token = told[0]["payment"]["paymentToken"]
    assert token["paymentMethod"] == {
        "displayName": "AmEx 1234",
        "network": "AmEx",
        "type": "Debit",
    }


def test_sheet_can_be_cancelled_and_opened_again(pay, ask_to_pay):
    ask_to_pay()
    pay("open")

    sheet, steps, told = pay("cancel")

    assert (sheet["status"], steps) == ("STATUS_FAILURE", ["message"])
    assert told[0]["interactiveData"]["data"]["payment"] == {"status": "STATUS_FAILURE"}
    assert pay("open")[0]["status"] is None


def test_same_authorisation_can_be_told_again(pay, ask_to_pay):
    ask_to_pay(paths=["paymentGateway"])
    pay("open")

    _, _, first = pay("authorise", stop_after="paymentGateway")
    _, _, second = pay("authorise", stop_after="paymentGateway")
    pay("card", card={"type": "Debit"})
    _, _, third = pay("authorise")

    assert first == second
    assert first[0]["payment"]["paymentToken"] != third[0]["payment"]["paymentToken"]


def test_message_that_is_named_is_paid(pay, ask_to_pay, ava):
    first = ask_to_pay()
    ask_to_pay()

    assert pay("open", to=first)[0]["to"] == first
    assert ava.do("pay/card", card={}).status_code == 409
    assert pay("card", card={}, to=first)[0]["to"] == first


@pytest.mark.parametrize("verb", VERBS)
def test_sheet_that_is_not_open_is_409(ava, ask_to_pay, verb, msp):
    ask_to_pay()

    answer = ava.do(f"pay/{verb}")

    assert answer.status_code == 409
    assert "POST to pay/open first" in answer.json()["error"]
    assert msp.received.empty()


def test_sheet_is_closed_by_a_reset(pay, ask_to_pay, ava, emulator, web, sender):
    ask_to_pay()
    pay("open")
    web.post(f"{emulator.url}/emulator/reset", timeout=5)

    assert not emulator._parts.sheets._sheets
    ask_to_pay()

    assert ava.do("pay/authorise").status_code == 409


@pytest.mark.parametrize("verb", ["pay", "pay/open", *(f"pay/{verb}" for verb in VERBS)])
def test_phone_without_payment_is_404(ava, verb):
    assert ava.do(verb).status_code == 404


def test_deleted_conversation_has_nothing_to_pay(ava, ask_to_pay):
    ask_to_pay()
    ava.do("close")

    assert ava.do("pay").status_code == 404


def test_message_of_another_kind_is_400(ava, sender):
    message_id = str(uuid4())
    sender.send(id=message_id)

    answer = ava.do("pay", to=message_id)

    assert answer.status_code == 400
    assert "not a payment" in answer.json()["error"]


def test_unknown_customer_and_verb_are_404(ava, emulator, web):
    assert web.post(f"{emulator.url}/customers/nobody/pay", timeout=5).status_code == 404
    assert ava.do("pay/refund").status_code == 404


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("pay", {"times": 0}),
        ("pay", {"times": 21}),
        ("pay", {"times": True}),
        ("pay", {"times": "2"}),
        ("pay", {"cancel": "yes"}),
        ("pay", {"stop_after": "message"}),
        ("pay", {"stop_after": ["open"]}),
        ("pay", {"colour": "blue"}),
        ("pay", {"card": {"network": "Discover"}}),
        ("pay", {"shipping": "slow"}),
        ("pay", {"to": 7}),
        ("pay/open", {"times": 1}),
        ("pay/card", {"card": "Visa"}),
        ("pay/address", {"postal_code": 7}),
        ("pay/shipping", {}),
        ("pay/authorise", {"stop_after": "open"}),
        ("pay/cancel", {"status": "STATUS_FAILURE"}),
    ],
)
def test_unfit_request_is_400_with_a_sentence(ava, pay, ask_to_pay, msp, verb, fields):
    ask_to_pay()
    pay("open")

    answer = ava.do(verb, **fields)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert msp.received.empty()


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["std", "12.00", "visa", "STATUS_SUCCESS", "http://127.0.0.1:1/x", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [
        ("paymentRequest",),
        ("endpoints",),
        ("endpoints", "paymentGatewayUrl"),
        ("endpoints", "paymentMethodUpdateUrl"),
        *[
            ("paymentRequest", key)
            for key in (
                "applePay",
                "total",
                "lineItems",
                "shippingMethods",
                "requiredBillingContactFields",
                "requiredShippingContactFields",
            )
        ],
    ]
)


@pytest.fixture
def client(settings):
    """Give the parts, and a client without a port: quick enough for hundreds of requests."""
    parts = Parts.from_settings(settings)
    parts.msp.url = "http://127.0.0.1:1"
    client = create_app(parts, frozenset({"localhost"})).test_client()
    client.environ_base["HTTP_HOST"] = "localhost"
    yield parts, client
    parts.mmcs.close()


@many(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=PLACES, odd=ODD, fields=st.dictionaries(st.sampled_from(["card", "contact"]), ODD))
def test_any_payment_on_a_phone_is_answered(client, place, odd, fields):
    parts, client = client
    payment = json.loads(json.dumps(make_payment("http://127.0.0.1:1", {})))
    *outer, last = place
    (payment[outer[0]] if outer else payment)[last] = odd
    data = {"requestIdentifier": "r-1", "payment": payment}
    message = {"type": "interactive", "interactiveData": {"bid": APPLE_BID, "data": data}}
    parts.phones.reset()
    parts.phones.receive(parts.phones.find("ava"), str(uuid4()), message, None)

    for verb in ("pay", "pay/open", *(f"pay/{verb}" for verb in VERBS)):
        given_fields = fields if verb in ("pay", "pay/open") else {}
        answer = client.post(f"/customers/ava/{verb}", json=given_fields)

        assert answer.status_code in {200, 400, 409, 502}, answer.text


def test_file_tells_all_that_was_chosen_on_the_way(pay, ask_to_pay, ava):
    ask_to_pay()
    pay("open")
    pay("card", card={"network": "AmEx", "type": "Debit"})
    pay("address", postal_code="90210")
    pay("shipping", shipping="exp")
    pay("authorise", times=2)

    *_, done = ava.saved()

    assert (done["does"], done["to"]) == ("pay", 1)
    assert done["with"].pop("contact")["postalCode"] == "90210"
    assert done["with"] == {
        "card": {"network": "AmEx", "type": "Debit", "display_name": "AmEx 1234"},
        "shipping": "exp",
        "times": 2,
    }


def test_file_tells_that_a_payment_was_cancelled(pay, ask_to_pay, ava):
    ask_to_pay()
    pay("open")
    pay("cancel")

    assert ava.saved()[-1]["with"]["cancel"] is True
