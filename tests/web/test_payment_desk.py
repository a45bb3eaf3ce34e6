"""What the desk does with processors that fail, and with what comes twice."""

import logging
import threading
import time

import pytest

from msp_server import LineItem, PaymentStatus
from msp_server.errors import PaymentUnknown, ServerBusy
from msp_server.messages.payment import parse_authorisation
from msp_server.store.payments import BUSY_LIMIT_S
from msp_server.store.schema import PaymentState
from msp_server.web import payment_desk
from msp_server.web.payment_desk import PaymentDesk
from msp_server.web.slots import Slots

TOKEN = {"paymentToken": {"paymentData": {"data": "opaque"}}}
OTHER = {"paymentToken": {"paymentData": {"data": "another"}}}
CARD = {"paymentMethod": {"type": "Credit"}}


@pytest.mark.parametrize("answer", [RuntimeError("the card of Kim Example"), "STATUS_MAYBE"])
def test_processor_that_fails_leaves_the_payment_unclear(shop, caplog, answer):
    shop.till.answer = answer

    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_FAILURE"}

    shop.till.answer = PaymentStatus.SUCCESS
    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_FAILURE"}
    assert shop.post("paymentGateway", OTHER).status_code == 410
    assert shop.record.state is PaymentState.UNCLEAR
    assert "Kim" not in caplog.text


def test_refusal_lets_another_card_try(shop):
    shop.till.answer = PaymentStatus.FAILURE
    shop.post("paymentGateway", TOKEN)
    shop.till.answer = PaymentStatus.SUCCESS

    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_FAILURE"}
    assert shop.post("paymentGateway", OTHER).json == {"status": "STATUS_SUCCESS"}


@pytest.mark.parametrize(
    "lines",
    [ZeroDivisionError(), (LineItem("Fee", "0.001"),), 7, ["a fee"], (LineItem("All", "-10"),)],
)
def test_lines_that_cannot_be_had_are_an_error_of_the_processor(shop, caplog, lines):
    caplog.set_level(logging.ERROR)
    shop.till.lines = lines
    before = shop.record

    answer = shop.post("paymentMethodUpdate", CARD)

    assert answer.status_code == 502
    assert shop.record == before
    assert "processor" in caplog.text


def test_second_of_two_equal_authorisations_waits_for_the_first(shop):
    began, may_end = threading.Event(), threading.Event()
    authorise = shop.till.authorise

    def slowly(payment, authorisation):
        began.set()
        assert may_end.wait(10)
        return authorise(payment, authorisation)

    shop.till.authorise = slowly
    answers = []
    first, second = (
        threading.Thread(target=lambda: answers.append(shop.post("paymentGateway", TOKEN).json))
        for _ in range(2)
    )
    first.start()
    assert began.wait(10)
    second.start()
    may_end.set()
    for thread in (first, second):
        thread.join(10)

    assert answers == [{"status": "STATUS_SUCCESS"}] * 2
    assert len(shop.till.charged) == 1


def test_second_is_told_of_a_failure_when_the_first_takes_too_long(shop, monkeypatch):
    monkeypatch.setattr(payment_desk, "RESULT_LIMIT_S", 0.1)
    fingerprint = parse_authorisation({"payment": TOKEN}).fingerprint
    shop.store.payments.begin(shop.token, fingerprint, time.time())

    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_FAILURE"}
    assert shop.record.state is PaymentState.AUTHORISING


def test_authorisation_at_which_a_process_died_becomes_unclear(shop):
    fingerprint = parse_authorisation({"payment": TOKEN}).fingerprint
    shop.store.payments.begin(shop.token, fingerprint, time.time() - BUSY_LIMIT_S - 1)

    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_FAILURE"}
    assert shop.record.state is PaymentState.UNCLEAR
    assert shop.till.charged == []


def test_charge_is_what_the_change_before_it_came_to(shop):
    shop.till.lines = (LineItem("Credit card", "0.50"),)
    shop.post("paymentMethodUpdate", CARD)
    shop.post("shippingMethodUpdate", {"shippingMethod": {"identifier": "fast"}})

    shop.post("paymentGateway", TOKEN)

    [(payment, _)] = shop.till.charged
    assert str(payment.total) == "13.00"
    assert payment.key == f"payment-{payment.message_id}"


def test_without_a_processor_no_payment_is_known(shop):
    desk = PaymentDesk(shop.store.payments, None, Slots())

    with pytest.raises(PaymentUnknown):
        desk.find(shop.token)
    with pytest.raises(PaymentUnknown):
        desk.ask(lambda processor: processor)


def test_no_place_is_told_at_once(shop):
    slots = Slots(1)
    desk = PaymentDesk(shop.store.payments, shop.till, slots)
    authorisation = parse_authorisation({"payment": TOKEN})

    with slots.taken(), pytest.raises(ServerBusy):
        desk.authorise(shop.record, authorisation)

    assert shop.record.state is PaymentState.ASKED
    assert desk.authorise(shop.record, authorisation) is PaymentStatus.SUCCESS


def test_token_is_in_no_log(shop, caplog):
    for path in ("paymentGateway", "orderTracking", "paymentMethodUpdate"):
        shop.post(path, TOKEN, requestIdentifier="other")

    assert shop.token not in caplog.text
    assert "/paymentGateway/<token>" in caplog.text


def test_each_authorisation_has_its_result_for_good(shop):
    shop.till.answer = PaymentStatus.FAILURE
    shop.post("paymentGateway", TOKEN)
    shop.till.answer = PaymentStatus.PIN_INCORRECT
    shop.post("paymentGateway", OTHER)
    shop.till.answer = PaymentStatus.SUCCESS

    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_FAILURE"}
    assert shop.post("paymentGateway", OTHER).json == {"status": "STATUS_PIN_INCORRECT"}
    assert len(shop.till.charged) == 2


def test_result_that_comes_late_counts(shop):
    authorise = shop.till.authorise

    def too_late(payment, authorisation):
        shop.store.payments.give_up_abandoned(time.time() + BUSY_LIMIT_S + 1)
        assert shop.record.state is PaymentState.UNCLEAR
        return authorise(payment, authorisation)

    shop.till.authorise = too_late

    assert shop.post("paymentGateway", TOKEN).json == {"status": "STATUS_SUCCESS"}
    assert shop.record.state is PaymentState.AUTHORISED
    assert shop.record.status is PaymentStatus.SUCCESS


def test_payment_takes_so_many_cards_and_no_more(shop):
    shop.till.answer = PaymentStatus.FAILURE
    statuses = [
        shop.post("paymentGateway", {"paymentToken": {"paymentData": {"data": str(n)}}}).status_code
        for n in range(21)
    ]

    assert statuses == [200] * 20 + [410]
