"""What a process leaves on disk that ends while a handler runs."""

import threading

import pytest

from msp_server.delivery.cut_offs import ALONE_FROM, CutOffs
from msp_server.store.base import Entry


def entry(message_id="1", attempts=2):
    return Entry(
        seq=1,
        message_id=message_id,
        conversation_id="c",
        kind="Text",
        headers={},
        packed=b"",
        attempts=attempts,
        created_at=0,
        failing_since=None,
        claim="claim",
    )


@pytest.fixture
def cut_offs(tmp_path):
    return CutOffs(tmp_path / "cut_offs")


def cut_off(cut_offs, cut=None):
    """Begin, and leave what a process that is killed would leave."""
    cut_offs._begin(cut or entry())


def test_handler_that_ends_leaves_nothing(cut_offs):
    with cut_offs.noted(entry()):
        assert cut_offs.count(entry()) == 1

    assert cut_offs.count(entry()) == 0
    assert list(cut_offs.directory.iterdir()) == []


def test_handler_that_raises_leaves_nothing(cut_offs):
    with pytest.raises(ValueError, match="by itself"), cut_offs.noted(entry()):
        raise ValueError("by itself")

    assert cut_offs.count(entry()) == 0


def test_each_cut_off_is_counted_for_its_own_message(cut_offs):
    cut_off(cut_offs)
    cut_off(cut_offs)
    cut_off(cut_offs, entry("../2"))

    assert (cut_offs.count(entry()), cut_offs.count(entry("../2"))) == (2, 1)
    names = [path.name for path in cut_offs.directory.iterdir()]
    assert [name.isalnum() for name in names] == [True, True]


def test_nothing_is_noted_of_a_message_that_is_claimed_for_the_first_time(cut_offs):
    with cut_offs.noted(entry(attempts=1)):
        assert not cut_offs.directory.exists()


def test_nothing_is_noted_where_nothing_can_be_written(cut_offs):
    cut_offs.directory.write_text("in the way")

    with cut_offs.noted(entry()):
        assert cut_offs.count(entry()) == 0


def test_handlers_that_were_cut_off_often_run_one_at_a_time(cut_offs):
    for message_id in ("1", "2"):
        for _ in range(ALONE_FROM):
            cut_off(cut_offs, entry(message_id))
    began = threading.Event()

    def run():
        with cut_offs.noted(entry("2")):
            began.set()

    thread = threading.Thread(target=run)
    with cut_offs.noted(entry("1")), cut_offs.noted(entry("3")):
        thread.start()
        assert not began.wait(0.1)
    thread.join()

    assert began.is_set()
