from uuid import UUID

import pytest

from msp_server.emulator.transcript import ENTRY_LIMIT, DeedUnfit, Transcript


def test_transcript_keeps_the_newest_entries():
    transcript = Transcript()

    for number in range(ENTRY_LIMIT + 5):
        transcript.add_sent(str(number), {"type": "text"})

    assert len(transcript.entries) == ENTRY_LIMIT
    assert transcript.entries[-1].seq == ENTRY_LIMIT + 5


def test_typing_of_the_customer_does_not_reopen():
    transcript = Transcript()

    transcript.add_sent("1", {"type": "close"})
    transcript.add_sent("2", {"type": "typing_start"})

    assert transcript.open is False


def test_settling_counts_as_a_change_and_keeps_the_place():
    transcript = Transcript()
    first = transcript.add_sent("1", {"type": "text"})
    second = transcript.add_sent("2", {"type": "text"})

    transcript.settle(first, "no answer")

    assert first.changed > second.changed
    assert (first.seq, first.status, first.error) == (1, "not delivered", "no answer")


QUICK_REPLY = {"type": "interactive", "interactiveData": {"data": {"quick-reply": {}}}}
LIST_PICKER = {"type": "interactive", "interactiveData": {"data": {"listPicker": {}}}}


@pytest.fixture
def transcript():
    """A transcript with a quick reply and a list picker of the business."""
    transcript = Transcript()
    transcript.add_received("quick", QUICK_REPLY, None, True)
    transcript.add_received("list", LIST_PICKER, None, True)
    return transcript


def test_close_from_a_telephone_number_deletes_nothing(transcript):
    transcript.add_sent("1", {"type": "close", "sourceId": "tel:+15551234567"})

    assert transcript.open is True
    assert [entry.answerable for entry in transcript.entries] == [True, True, False]


def test_close_deletes_what_came_before_it(transcript):
    transcript.add_sent("1", {"type": "close", "sourceId": "urn:mbid:x"})

    assert transcript.open is False
    assert [entry.answerable for entry in transcript.entries] == [False, False, False]
    assert transcript.find_received(lambda _: True) is None


def test_newest_message_of_the_business_is_found(transcript):
    transcript.add_sent("1", {"type": "text"})

    assert transcript.find_received(lambda _: True).message_id == "list"
    assert transcript.find_received(lambda e: e.shows == "quick_reply").message_id == "quick"


def test_answer_counts_as_a_change(transcript):
    entry = transcript.entries[1]
    before = transcript.changes

    transcript.answer(entry, {"title": "Tea"})

    assert entry.changed == transcript.changes == before + 1
    assert entry.to_json()["replied"] == {"title": "Tea"}


def test_quick_reply_is_answered_once(transcript):
    entry = transcript.entries[0]
    transcript.answer(entry, {"title": "Yes"})

    with pytest.raises(DeedUnfit, match="tapped already"):
        transcript.answer(entry, {"title": "No"})

    assert entry.replied == {"title": "Yes"}


def test_session_is_the_one_that_was_sent_or_a_new_one(transcript):
    sent = {"type": "interactive", "interactiveData": {"sessionIdentifier": "mine"}}
    transcript.add_received("3", sent, None, True)

    assert transcript.entries[-1].session_id == "mine"
    assert UUID(transcript.entries[0].session_id).version == 4


def test_text_shows_nothing_interactive(transcript):
    transcript.add_received("3", {"type": "text", "body": "Hello"}, None, True)

    assert not {"shows", "answerable"} & transcript.entries[-1].to_json().keys()
