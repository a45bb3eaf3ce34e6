"""The gateway fails in every way it can, and nothing is lost, doubled or out of order."""

from datetime import datetime

import pytest

from msp_server import Agent, Router, Text
from msp_server.listing import message_line
from msp_server.store.schema import OutboxState


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr("msp_server.delivery.sending.FIRST_DELAY_S", 0.02)


def outbox(msp):
    return [entry for entry in msp.store.history.newest(100) if entry.direction == "out"]


def send_times(apple):
    return sorted(datetime.fromisoformat(send["at"]) for send in apple.sends())


def states(msp):
    return [entry.state for entry in outbox(msp)]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_busy_gateway_is_tried_again_with_the_same_id_and_bytes(apple, msp, status):
    apple.fault("status", status=status, count=3)

    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(1) == ["hello"]
    sends = apple.sends()
    assert [send["status"] for send in sends] == [status] * 3 + [200]
    assert len({(send["id"], send["body_sha256"]) for send in sends}) == 1


@pytest.mark.parametrize("do", ["drop", "drop_after"])
def test_cut_connection_is_tried_again_with_the_same_id_and_bytes(apple, msp, wait_for, do):
    apple.fault(do, count=2)

    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(1) == ["hello"]
    wait_for(lambda: states(msp) == [OutboxState.SENT], "the last attempt")
    sends = apple.sends()
    assert len(sends) == 3
    assert len({(send["id"], send["body_sha256"]) for send in sends}) == 1


@pytest.mark.parametrize(
    ("fault", "unsure"), [({"do": "drop_after"}, 2), ({"do": "status", "status": 503}, 0)], ids=str
)
def test_message_is_marked_if_it_may_have_been_accepted_more_than_once(
    apple, msp, wait_for, fault, unsure
):
    apple.fault(**fault, count=2)

    apple.phone().text("hello")

    wait_for(lambda: states(msp) == [OutboxState.SENT], "the last attempt")
    (sent,) = outbox(msp)
    assert (sent.attempts, sent.unsure) == (3, unsure)
    assert ("perhaps more than once" in message_line(sent)) is (unsure > 0)


def test_gateway_that_takes_no_more_is_left_alone_by_all_conversations(
    apple, msp, wait_for, caplog
):
    apple.fault("status", status=429, retry_after="1", count=1, customer="ava")
    apple.phone().text("one")
    wait_for(lambda: "slowed message_id" in caplog.text, "the refusal")

    apple.phone("ben").text("two")

    assert apple.phone("ben").wait_for_bodies(1) == ["two"]
    assert apple.phone().wait_for_bodies(1) == ["one"]
    first, *others = send_times(apple)
    assert all((at - first).total_seconds() >= 0.9 for at in others)


def test_no_more_messages_are_sent_in_a_second_than_were_set(apple, start_msp):
    with start_msp(sends_per_s=2):
        for word in ("one", "two", "three"):
            apple.phone("ava").text(word)
            apple.phone("ben").text(word)

        assert apple.phone("ava").wait_for_bodies(3) == ["one", "two", "three"]
        assert apple.phone("ben").wait_for_bodies(3) == ["one", "two", "three"]

    first, *_, last = send_times(apple)
    assert (last - first).total_seconds() >= 1  # two at once, and four within two seconds


def test_later_messages_of_a_conversation_wait_for_the_first_to_be_accepted(apple, msp):
    apple.fault("status", status=503, count=4, customer="ava")

    for word in ("one", "two", "three"):
        apple.phone().text(word)

    assert apple.phone().wait_for_bodies(3) == ["one", "two", "three"]
    assert [send["fields"]["body"] for send in apple.sends()] == ["one"] * 5 + ["two", "three"]


def test_another_conversation_goes_on_while_one_fails(apple, msp):
    apple.fault("status", status=503, count=1000, customer="ava")
    apple.phone().text("stuck")

    apple.phone("ben").text("hello")

    assert apple.phone("ben").wait_for_bodies(1) == ["hello"]
    assert apple.phone().bodies() == []


def test_refused_message_is_buried_with_its_reason_and_the_next_is_sent(apple, msp, wait_for):
    apple.fault("status", status=400, count=1)

    apple.phone().text("one")
    apple.phone().text("two")

    assert apple.phone().wait_for_bodies(1) == ["two"]
    wait_for(lambda: states(msp) == [OutboxState.BURIED, OutboxState.SENT])
    assert "400" in outbox(msp)[0].reason


def test_refused_token_pauses_all_sending_and_buries_nothing(apple, msp, wait_for, caplog):
    apple.fault("status", status=403, count=2)

    apple.phone().text("one")
    apple.phone("ben").text("two")

    assert apple.phone().wait_for_bodies(1) == ["one"]
    assert apple.phone("ben").wait_for_bodies(1) == ["two"]
    wait_for(lambda: states(msp) == [OutboxState.SENT, OutboxState.SENT])
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert errors
    assert all("MSP_SECRET" in error for error in errors)


def test_message_that_fails_for_too_long_is_buried(apple, start_msp, wait_for):
    with start_msp(send_give_up_s=0.05) as msp:
        apple.fault("status", status=503, count=1000)

        apple.phone().text("hello")

        wait_for(lambda: states(msp) == [OutboxState.BURIED])
        assert "MSP_SEND_GIVE_UP_S" in outbox(msp)[0].reason


def test_handler_that_raises_is_buried_and_the_next_message_answered(apple, start_msp):
    agent = Agent("fragile")

    @agent.on(Text)
    def answer(text, conversation):
        if text.body == "break":
            raise ValueError(text.body)
        return Text(text.body)

    with start_msp(agent) as msp:
        apple.phone().text("break")
        apple.phone().text("hello")

        assert apple.phone().wait_for_bodies(1) == ["hello"]
        (buried,) = [e for e in msp.store.history.newest(9) if e.state == "BURIED"]

    assert "ValueError: break" in buried.reason


def test_router_chooses_by_the_entry_points_intent(apple, start_msp):
    desk, billing = Agent("first"), Agent("second")
    desk.on(Text)(lambda text, conversation: Text("desk"))
    billing.on(Text)(lambda text, conversation: Text("billing"))
    router = Router(default=desk)
    router.add(billing, intent="billing")

    with start_msp(router):
        apple.phone().text("hello")
        apple.phone("ben", intent="billing").text("hello")

        assert apple.phone().wait_for_bodies(1) == ["desk"]
        assert apple.phone("ben").wait_for_bodies(1) == ["billing"]
