"""A customer leaves, and may come back."""

import threading

from msp_server import Agent, Text


def outbox(msp):
    return [entry for entry in msp.store.history.newest(100) if entry.direction == "out"]


def test_what_was_queued_when_the_customer_left_is_buried_as_closed(apple, msp, wait_for):
    apple.fault("status", status=503, count=1000, retry_after="1")
    apple.phone().text("hello")
    wait_for(apple.sends)

    apple.phone().close()

    (entry,) = wait_for(lambda: [e for e in outbox(msp) if e.state == "BURIED"])
    assert "closed" in entry.reason


def test_answer_decided_after_the_customer_left_is_not_sent(apple, start_msp, wait_for):
    agent = Agent("dawdler")
    asked, may_answer = threading.Event(), threading.Event()

    @agent.on(Text)
    def answer(text, conversation):
        if text.body == "slow":
            asked.set()
            may_answer.wait(10)
        return Text(text.body)

    with start_msp(agent) as msp:
        sender = threading.Thread(target=apple.phone().text, args=("slow",))
        sender.start()
        asked.wait(10)
        sender.join()
        apple.phone().close()
        apple.phone().text("back")
        may_answer.set()

        assert apple.phone().wait_for_bodies(1) == ["back"]
        wait_for(lambda: [entry.state for entry in outbox(msp)] == ["BURIED", "SENT"])


def test_customer_who_writes_again_is_answered(apple, msp):
    apple.phone().text("one")
    apple.phone().wait_for_bodies(1)
    apple.phone().close()

    apple.phone().text("two")

    assert apple.phone().wait_for_bodies(2)[-1] == "two"
