"""What happened between a customer and us is counted, whatever goes wrong."""

import pytest

from msp_server import Agent, Attachment, Text, metrics
from msp_server.store.schema import OutboxState


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch):
    monkeypatch.setattr("msp_server.delivery.sending.FIRST_DELAY_S", 0.02)


@pytest.fixture
def gained():
    """Give a function that says by how much a metric has grown since the test began."""
    before = {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
    }

    def gained(name, **labels):
        value = metrics.REGISTRY.get_sample_value(name, labels) or 0
        return value - before.get((name, *labels.values()), 0)

    return gained


def states(msp):
    return [entry.state for entry in msp.store.history.newest(100) if entry.direction == "out"]


def test_messages_are_counted_as_they_come_and_go(apple, msp, gained):
    for word in ("one", "two"):
        apple.phone().text(word)
    apple.phone().wait_for_bodies(2)

    assert gained("msp_received_total", kind="Text") == 2
    assert gained("msp_sends_total", status="accepted") == 2
    assert gained("msp_acknowledged_seconds_count") == gained(
        "msp_received_total", kind="Text"
    ) + gained("msp_received_total", kind="TypingStart")
    assert gained("msp_retries_total", loop="sending") == 0


def test_message_that_comes_again_is_counted_as_such(apple, msp, gained):
    apple.fault("repeat", count=1)

    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    assert gained("msp_received_total", kind="Text") == 1
    assert gained("msp_repeated_total") == 1


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"do": "status", "status": 500}, "5xx"),
        ({"do": "status", "status": 429}, "4xx"),
        ({"do": "drop"}, "none"),
    ],
)
def test_send_that_fails_is_counted_with_what_was_answered(apple, msp, gained, fault, status):
    apple.fault(**fault, count=2)

    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    assert gained("msp_sends_total", status=status) == 2
    assert gained("msp_retries_total", loop="sending") == 2


@pytest.mark.parametrize("status", [401, 429])
def test_answer_that_makes_all_sending_pause_is_counted(apple, msp, gained, status):
    apple.fault("status", status=status, count=1)

    apple.phone().text("hello")
    apple.phone().wait_for_bodies(1)

    assert gained("msp_pauses_total") == 1


def test_message_that_is_buried_is_not_counted_as_a_retry(apple, msp, gained, wait_for):
    apple.fault("status", status=400, count=1)

    apple.phone().text("hello")
    wait_for(lambda: states(msp) == [OutboxState.BURIED])

    assert gained("msp_sends_total", status="4xx") == 1
    assert gained("msp_retries_total", loop="sending") == 0


def test_bytes_of_files_are_counted_both_ways(apple, start_msp, tmp_path, gained):
    (tmp_path / "invoice.txt").write_bytes(b"x" * 3000)
    agent = Agent("files")
    agent.on(Text)(lambda _text, _talk: Text("Here:", [Attachment(tmp_path / "invoice.txt")]))

    with start_msp(agent):
        apple.phone().files(("photo.png", "image/png", b"y" * 5000))
        apple.phone().wait_for_entries(1)

    assert gained("msp_attachment_bytes_total", way="down") == 5000
    assert gained("msp_attachment_bytes_total", way="up") == 3000


def test_file_that_is_fetched_again_is_counted_as_a_retry(apple, msp, gained):
    apple.fault("status", endpoint="preDownload", status=503, count=1)

    apple.phone().files(("photo.png", "image/png", b"y" * 5000))
    apple.phone().wait_for_entries(1)

    assert gained("msp_retries_total", loop="fetching") == 1
