from msp_server.emulator.transcript import ENTRY_LIMIT, Transcript


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
