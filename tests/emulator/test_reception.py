import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
import requests
from flask import Flask

from msp_server.emulator.checks import Refused
from msp_server.emulator.fault_orders import parse_fault
from msp_server.emulator.faults import Faults
from msp_server.emulator.journal import Journal
from msp_server.emulator.reception import Reception, empty, header_text, told


@pytest.fixture
def reception(settings):
    return Reception(settings, Journal(), Faults(), Event())


def receive(reception, check=lambda _: "checked", finish=lambda *_: empty(200)):
    with Flask("x").test_request_context("/v1/message", headers={"id": "7"}):
        return reception.receive("message", check, finish)


def exchanges(reception):
    return reception.journal.select(lambda _: True)


def test_what_was_checked_is_finished(reception):
    seen = []

    response = receive(reception, finish=lambda *given: seen.append(given) or told({"a": 1}))

    assert response.get_json() == {"a": 1}
    assert seen == [("checked", None)]
    (exchange,) = exchanges(reception)
    assert (exchange.status, exchange.message_id, exchange.rule) == (200, "7", None)


def test_exchange_is_in_the_journal_before_it_is_finished(reception):
    noted = []

    receive(reception, finish=lambda *_: noted.extend(exchanges(reception)) or empty(200))

    assert len(noted) == 1


def test_refusal_is_told_in_header_and_journal(reception):
    def refuse(exchange):
        raise Refused(400, "a-rule", "Something\nis é", "assumed")

    response = receive(reception, check=refuse)

    assert (response.status_code, response.get_data()) == (400, b"")
    assert response.headers["X-Emulator-Reason"] == "Something is \\xe9"
    (exchange,) = exchanges(reception)
    assert (exchange.rule, exchange.status) == ("a-rule", 400)
    assert exchange.reason == "Something\nis é (source: assumed)"


def test_fault_comes_in_the_place_of_the_answer(reception):
    reception.faults.add(parse_fault({"do": "status", "status": 500}))

    response = receive(reception, finish=lambda *_: pytest.fail("it was finished"))

    assert response.status_code == 500
    assert exchanges(reception)[0].rule == "fault"


def test_fault_that_the_endpoint_makes_happen_is_given_to_it(reception):
    reception.faults.add(parse_fault({"do": "garble"}))
    with Flask("x").test_request_context("/mmcs/download/x"):
        given = []
        reception.receive(
            "download", lambda _: None, lambda _, fault: given.append(fault.do) or empty(200)
        )

    assert given == ["garble"]
    assert exchanges(reception)[0].reason == "A fault gave other bytes than there are"


def test_delay_ends_when_the_emulator_stops(reception):
    reception.faults.add(parse_fault({"do": "delay", "delay_s": 60}))
    reception.stopping.set()
    started = time.monotonic()

    assert receive(reception).status_code == 200
    assert time.monotonic() - started < 5


def test_reason_fits_a_header():
    assert header_text("a\r\nb") == "a b"
    assert len(header_text("x" * 2_000)) == 1_000


def test_reference_that_expired_is_refused_in_the_place_of_its_message(reception):
    reception.faults.add(parse_fault({"do": "expired", "endpoint": "dataRef"}))

    def check(exchange):
        exchange.fields = {"type": "interactive", "interactiveDataRef": {"url": "x"}}

    assert receive(reception).status_code == 200
    assert receive(reception, check=check).status_code == 400
    assert exchanges(reception)[-1].reason == "A fault answered 400: it holds no more"


def test_answer_is_noted_with_what_was_finished(reception):
    receive(reception, finish=lambda *_: told({"a": 1}))

    assert exchanges(reception)[0].answer.fields == {"a": 1}


def test_caller_gives_up_on_a_fault_that_never_answers(sender, order_fault, journal, msp, emulator):
    order_fault("time_out")

    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{sender.url}/v1/message",
            json=(fields := sender.fields()),
            headers=sender.headers(fields),
            timeout=0.2,
        )

    (exchange,) = journal()
    assert (exchange["status"], exchange["answer"]) == (None, None)
    assert exchange["reason"] == "A fault gave no answer, and nothing was accepted"


def test_fault_that_never_answers_ends_when_the_emulator_stops(sender, order_fault, emulator):
    order_fault("time_out")

    with ThreadPoolExecutor() as pool:
        answer = pool.submit(sender.send)
        while emulator._parts.faults.to_json():
            pass
        emulator.stop()

        with pytest.raises(requests.ConnectionError, match=r"closed|aborted"):
            answer.result(timeout=4)


@pytest.mark.parametrize("endpoint", ["preDownload", "upload"])
def test_address_that_expired_is_403(mover, order_fault, endpoint):
    place = mover.store(b"abc")
    announced = mover.announce(3).json()["upload-url"]
    order_fault("expired", endpoint=endpoint)

    ask = {
        "preDownload": lambda: mover.look_up(place),
        "upload": lambda: mover.upload(announced, b"abc"),
    }

    assert ask[endpoint]().status_code == 403
