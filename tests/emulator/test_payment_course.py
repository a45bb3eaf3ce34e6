import json

import pytest

from tests.emulator.conftest import REPLIED, REQUEST_ID, SESSION_ID

SUCCESS = b'{"status": "STATUS_SUCCESS"}'
NOBODY = "http://127.0.0.1:1"
FULL = [
    "paymentMethodUpdate",
    "shippingContactUpdate",
    "shippingMethodUpdate",
    "paymentGateway",
    "orderTracking",
    "message",
]


def told(answer):
    return "200 OK", json.dumps(answer).encode()


def bill(total, *items):
    lines = [{"label": f"Item {item}", "amount": item, "type": "final"} for item in items]
    total = {"label": "Example Shop", "amount": total, "type": "final"}
    return {"newTotal": total, "newLineItems": lines}


@pytest.fixture
def answer(msp):
    """Let the MSP answer at some of the payment's addresses; `{}` at all others."""
    msp.answer = b"{}"

    def answer(**answers):
        msp.answers |= {f"/{name}/s3cret-token": given for name, given in answers.items()}

    answer(paymentGateway=("200 OK", SUCCESS))
    return answer


@pytest.fixture
def pay(ava):
    """Pay, and give what the API shows, with the names of the steps."""

    def pay(status=200, verb="pay", **fields):
        shown = ava.do(verb, **fields)
        assert shown.status_code == status, shown.text
        shown = shown.json()
        return shown["sheet"], shown["steps"], [step["step"] for step in shown["steps"]]

    return pay


def paths_of(msp):
    received = [msp.next() for _ in range(msp.received.qsize())]
    return [each.headers[":path"].removesuffix("/s3cret-token").strip("/") for each in received]


def test_everything_is_told_in_the_true_order(pay, answer, ask_to_pay, msp):
    ask_to_pay()

    sheet, steps, names = pay()

    assert names == FULL == paths_of(msp)
    assert [step["status"] for step in steps] == [200] * 6
    assert [step["error"] for step in steps] == [None] * 6
    assert steps[3]["path"] == "/paymentGateway/s3cr…"
    assert steps[3]["answer"] == {"status": "STATUS_SUCCESS"}
    assert (sheet["status"], sheet["open"]) == ("STATUS_SUCCESS", False)
    assert sheet["total"]["amount"] == "37.90"


def test_closing_message_answers_the_request(pay, answer, ask_to_pay, msp, ava):
    ask_to_pay()

    _, steps, _ = pay(shipping="exp")

    closing = [msp.next() for _ in range(msp.received.qsize())][-1].fields
    data = closing["interactiveData"]["data"]
    assert closing["id"] == steps[-1]["id"]
    assert closing["interactiveData"]["sessionIdentifier"] == SESSION_ID
    assert data["requestIdentifier"] == REQUEST_ID
    assert data["payment"] == {"status": "STATUS_SUCCESS"}
    assert data["replyMessage"] == REPLIED
    bubble, reply = ava.transcript()["entries"]
    assert (bubble["shows"], bubble["replied"]) == ("payment", REPLIED)
    assert (reply["shows"], reply["status"]) == ("payment", "accepted")


def test_bubble_without_reply_says_that_it_is_paid(pay, answer, ask_to_pay, ava):
    ask_to_pay(replyMessage=None)

    pay()

    assert ava.transcript()["entries"][0]["replied"]["title"] == "Paid"


def test_changes_move_the_total(pay, answer, ask_to_pay):
    answer(
        paymentMethodUpdate=told(bill("36.00", "39.00", "-3.00")),
        shippingMethodUpdate=told(bill("45.90", "39.00", "-3.00", "9.90")),
    )
    ask_to_pay()

    sheet, steps, _ = pay(card={"type": "Debit"}, shipping="exp")

    assert sheet["total"]["amount"] == "45.90"
    assert [item["amount"] for item in sheet["line_items"]] == ["39.00", "-3.00", "9.90"]
    assert [step["finding"] for step in steps] == [None] * 6


def test_total_that_does_not_add_up_is_a_finding_and_shown(pay, answer, ask_to_pay):
    answer(shippingContactUpdate=told(bill("40.00", "39.00")))
    ask_to_pay()

    sheet, steps, names = pay()

    assert names == FULL
    assert steps[1]["finding"].startswith("It does not add up: newTotal is 40.00")
    assert steps[1]["error"] is None
    assert sheet["total"]["amount"] == "40.00"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("200 OK", b"thanks"), "cannot be understood: The answer is no JSON object"),
        (("200 OK", b""), "cannot be understood: The answer is no JSON object"),
        (told({"newTotal": {"amount": 1}}), "cannot be understood: newTotal.label"),
        (("404 Not Found", b"{}"), "The MSP answered 404"),
        (("302 Found", b"{}"), "The MSP answered 302"),
    ],
)
def test_answer_that_is_not_understood_ends_it_and_leaves_the_sheet_open(
    pay, answer, ask_to_pay, given, words
):
    answer(shippingContactUpdate=given)
    ask_to_pay()

    sheet, steps, names = pay()

    assert names == FULL[:2]
    assert words in steps[1]["error"]
    assert (sheet["open"], sheet["status"], sheet["total"]["amount"]) == (True, None, "37.90")


def test_addresses_that_are_not_named_are_not_called(pay, answer, ask_to_pay, msp):
    ask_to_pay(paths=["paymentGateway"])

    assert pay()[2] == ["paymentGateway", "message"] == paths_of(msp)


def test_nobody_asks_about_shipping_where_nothing_is_shipped(pay, answer, ask_to_pay):
    request = "paymentRequest"
    ask_to_pay(
        {
            f"{request}.shippingMethods": ...,
            f"{request}.requiredShippingContactFields": [],
            f"{request}.total.amount": "35.00",
        }
    )

    assert pay()[2] == ["paymentMethodUpdate", "paymentGateway", "orderTracking", "message"]


def test_address_is_told_where_there_are_no_shipping_methods(pay, answer, ask_to_pay):
    ask_to_pay({"paymentRequest.shippingMethods": ..., "paymentRequest.total.amount": "35.00"})

    assert pay()[2] == [name for name in FULL if name != "shippingMethodUpdate"]


def test_refused_payment_is_not_tracked_and_closes_so(pay, answer, ask_to_pay, msp, ava):
    answer(paymentGateway=told({"status": "STATUS_PIN_INCORRECT"}))
    ask_to_pay()

    sheet, _, names = pay()

    assert names == [name for name in FULL if name != "orderTracking"]
    assert (sheet["status"], sheet["open"]) == ("STATUS_PIN_INCORRECT", False)
    closing = [msp.next() for _ in range(msp.received.qsize())][-1].fields
    data = closing["interactiveData"]["data"]
    assert data["payment"] == {"status": "STATUS_PIN_INCORRECT"}
    assert data["replyMessage"]["title"] == "Not paid"
    assert ava.transcript()["entries"][0]["replied"]["title"] == "Not paid"


@pytest.mark.parametrize("given", [("500 Oops", b"{}"), ("200 OK", b"{}"), told({"status": "OK"})])
def test_authorisation_without_status_leaves_the_sheet_open(pay, answer, ask_to_pay, given):
    answer(paymentGateway=given)
    ask_to_pay()

    sheet, steps, names = pay()

    assert names == FULL[:4]
    assert steps[-1]["error"]
    assert (sheet["status"], sheet["open"]) == (None, True)


def test_lost_tracking_does_not_keep_the_closing_message_back(pay, answer, ask_to_pay):
    answer(orderTracking=("500 Oops", b""))
    ask_to_pay()

    _, steps, names = pay()

    assert names == FULL
    assert steps[4]["error"] == "The MSP answered 500"


@pytest.mark.parametrize(
    ("stop_after", "count"),
    [
        ("open", 0),
        ("paymentMethodUpdate", 1),
        ("shippingContactUpdate", 2),
        ("shippingMethodUpdate", 3),
        ("paymentGateway", 4),
        ("orderTracking", 5),
    ],
)
def test_nothing_happens_after_the_step_named(pay, answer, ask_to_pay, msp, stop_after, count):
    ask_to_pay()

    sheet, _, names = pay(stop_after=stop_after)

    assert names == FULL[:count] == paths_of(msp)
    assert sheet["open"] is True


def test_cancelled_payment_is_not_authorised_and_closes_as_a_failure(
    pay, answer, ask_to_pay, msp, ava
):
    ask_to_pay()

    sheet, _, names = pay(cancel=True)

    assert names == [*FULL[:3], "message"] == paths_of(msp)
    assert (sheet["status"], sheet["open"]) == ("STATUS_FAILURE", False)
    assert ava.transcript()["entries"][0]["replied"]["title"] == "Not paid"


def test_one_authorisation_is_told_several_times_at_once(pay, answer, ask_to_pay, msp):
    ask_to_pay(paths=["paymentGateway"])

    _, steps, names = pay(times=5)

    assert names == ["paymentGateway"] * 5 + ["message"]
    assert [step["finding"] for step in steps] == [None] * 6
    calls = [msp.next() for _ in range(msp.received.qsize())][:-1]
    assert len({call.packed for call in calls}) == 1
    assert calls[0].fields["payment"]["paymentToken"]["paymentData"]["version"] == "EC_v1"


def test_answers_to_one_authorisation_that_differ_are_a_finding(pay, answer, ask_to_pay, msp):
    class Once(dict):
        """Answers the first call with a success, and every other with a failure."""

        def get(self, path, default):
            if not path.startswith("/paymentGateway"):
                return default
            return self.pop("first", told({"status": "STATUS_FAILURE"}))

    msp.answers = Once(first=("200 OK", SUCCESS))
    ask_to_pay(paths=["paymentGateway"])

    _, steps, _ = pay(times=2)

    findings = [step["finding"] for step in steps if step["finding"]]
    assert len(findings) == 1
    assert "The same authorisation was answered" in findings[0]


def test_msp_that_gives_no_answer_is_502(pay, answer, ask_to_pay):
    ask_to_pay({"endpoints.paymentMethodUpdateUrl": f"{NOBODY}/paymentMethodUpdate/s3cret"})

    _, steps, names = pay(status=502)

    assert names == ["paymentMethodUpdate"]
    assert "connection refused" in steps[0]["error"]
    assert (steps[0]["status"], steps[0]["answer"]) == (None, None)


def test_address_elsewhere_is_an_error_of_its_step(pay, answer, ask_to_pay, msp):
    ask_to_pay(base_url="https://pay.example.com")

    _, steps, names = pay()

    assert names == ["paymentMethodUpdate"]
    assert "https://pay.example.com" in steps[0]["error"]
    assert msp.received.empty()


def test_journal_has_every_step_without_secrets(pay, answer, ask_to_pay, journal):
    ask_to_pay()

    pay(contact={"emailAddress": "lee@example.org"}, postal_code="90210")

    exchanges = journal(direction="to_msp")
    assert len(exchanges) == 6
    assert {exchange["customer"] for exchange in exchanges} == {"ava"}
    told_there = exchanges[3]["fields"]["payment"]
    assert told_there == dict.fromkeys(["paymentToken", "billingContact", "shippingContact"], "…")
    calls = json.dumps(exchanges[:5])
    assert not [word for word in ("lee@", "90210", "s3cret-token", "EC_v1") if word in calls]
