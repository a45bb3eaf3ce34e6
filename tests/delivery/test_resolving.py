import json

import pytest

from msp_server.delivery.files import UNKEPT, Files
from msp_server.delivery.resolving import Resolving, read_answer
from msp_server.errors import AttachmentUnusable, DiskRefused, WebhookError
from msp_server.messages.content import DataRef, ResponseLost, Unknown, parse_content
from msp_server.messages.presence import TypingStart
from msp_server.messages.quick_reply import QuickReplyResponse
from msp_server.messages.references import ANSWER_PLACE, Reference
from msp_server.messages.text import Text
from msp_server.store.fetches import FetchRecord
from msp_server.store.schema import FetchState

BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps"
RAW = {"type": "interactive", "id": "1", "interactiveDataRef": {"bid": BID, "key": "00"}}
REPLY = {
    "bid": BID,
    "sessionIdentifier": "2d1c0b0a-1111-4222-8333-444455556667",
    "data": {
        "version": "1.0",
        "requestIdentifier": "c0ffee00-0000-4000-8000-000000000006",
        "quick-reply": {
            "summaryText": "Tea or juice?",
            "selectedIdentifier": "tea",
            "selectedIndex": 0,
            "items": [
                {"identifier": "tea", "title": "Tea"},
                {"identifier": "juice", "title": "Juice"},
            ],
        },
    },
}
DIRECT = parse_content("interactive", {"type": "interactive", "id": "1", "interactiveData": REPLY})


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "attachments")


@pytest.fixture
def resolving(files):
    return Resolving(files)


def record(place=0, state=FetchState.FETCHED, reason=None, file=None, answer=None, **fields):
    reference = Reference(
        place=place,
        name=fields.get("name", "photo.jpg"),
        mime_type="image/jpeg",
        size_bytes=12,
        key="00" + "ab" * 32,
        url="https://mmcs",
        owner="owner",
        signature="AQID",
    )
    return FetchRecord("1", "conversation", reference, state, reason, file, answer, 0.0)


def answered(fields):
    return record(ANSWER_PLACE, answer=json.dumps(fields).encode())


# Attachments


def test_text_without_files_stays_as_it_is(resolving):
    text = Text("Hi")

    assert resolving.resolve(text, []) is text


def test_text_is_given_its_files_in_their_order(resolving, files):
    names = [files.write([body]).name for body in (b"one", b"two")]
    fetched = [record(n, file=name, name=f"{n}.jpg") for n, name in enumerate(names)]

    found = resolving.resolve(Text("\ufffc\ufffc"), fetched).attachments

    assert [(each.name, each.source.read_bytes()) for each in found] == [
        ("0.jpg", b"one"),
        ("1.jpg", b"two"),
    ]


def test_file_that_came_has_no_problem(resolving, files):
    fetched = [record(file=files.write([b"one"]).name)]

    (found,) = resolving.resolve(Text("\ufffc"), fetched).attachments

    assert (found.mime_type, found.problem, found.size_bytes) == ("image/jpeg", None, 3)


def test_file_that_could_not_be_fetched_says_why_when_it_is_opened(resolving):
    fetched = [record(state=FetchState.FAILED, reason="expired")]

    (found,) = resolving.resolve(Text("\ufffc"), fetched).attachments

    assert found.problem == "expired"
    with pytest.raises(AttachmentUnusable, match="expired"), found.open():
        pass


def test_file_that_failed_without_a_reason_has_a_problem_all_the_same(resolving):
    fetched = [record(state=FetchState.FAILED)]

    assert resolving.resolve(Text("\ufffc"), fetched).attachments[0].problem


def test_reason_of_an_earlier_attempt_is_no_problem(resolving, files):
    fetched = [record(file=files.write([b"one"]).name, reason="answered 503")]

    assert resolving.resolve(Text("\ufffc"), fetched).attachments[0].problem is None


def test_message_whose_file_could_not_be_written_here_is_not_answered(resolving):
    fetched = [record(state=FetchState.FAILED, reason=f"{UNKEPT}: No space left on device")]

    with pytest.raises(DiskRefused, match="No space left on device"):
        resolving.resolve(Text("\ufffc"), fetched)


def test_reason_of_a_full_disk_is_the_one_that_resolving_looks_for(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(DiskRefused) as unwritten:
        Files(tmp_path / "file" / "x").write([b"a"])

    assert str(unwritten.value).startswith(UNKEPT)


def test_response_is_given_its_files(resolving, files):
    fetched = [record(file=files.write([b"one"]).name)]

    found = resolving.resolve(DIRECT, fetched)

    assert [each.name for each in found.attachments] == ["photo.jpg"]


def test_what_asks_for_no_answer_is_nothing(resolving):
    assert resolving.resolve(TypingStart(), []) is None


# Large answers


@pytest.mark.parametrize(
    "decoded",
    [{"interactiveData": REPLY}, REPLY, {k: v for k, v in REPLY.items() if k != "bid"}],
    ids=["interactiveData on top", "data on top", "without bid"],
)
def test_large_answer_reads_as_if_it_had_come_by_itself(decoded, resolving):
    found = resolving.resolve(DataRef(raw=RAW), [answered(decoded)])

    assert isinstance(found, QuickReplyResponse)
    assert (found.identifier, found.session_id, found.request_id) == (
        DIRECT.identifier,
        DIRECT.session_id,
        DIRECT.request_id,
    )


def test_large_answer_with_files_has_both(resolving, files):
    fetched = [answered(REPLY), record(file=files.write([b"one"]).name)]

    found = resolving.resolve(DataRef(raw=RAW), fetched)

    assert [each.name for each in found.attachments] == ["photo.jpg"]


@pytest.mark.parametrize(
    "fetched",
    [
        [],
        [record(0)],
        [record(ANSWER_PLACE, FetchState.FAILED, "expired")],
        [record(ANSWER_PLACE, FetchState.FAILED)],
    ],
    ids=["nothing", "another", "failed", "failed without a reason"],
)
def test_large_answer_that_could_not_be_fetched_is_lost(fetched, resolving):
    assert isinstance(resolving.resolve(DataRef(raw=RAW), fetched), ResponseLost)


def test_lost_answer_says_why_and_keeps_what_came(resolving):
    fetched = [record(ANSWER_PLACE, FetchState.FAILED, "expired")]

    lost = resolving.resolve(DataRef(raw=RAW), fetched)

    assert (lost.problem, lost.raw) == ("expired", RAW)


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_answer_that_is_no_json_object_is_not_understood(answer, resolving):
    with pytest.raises(WebhookError):
        read_answer(RAW, answer)

    assert isinstance(
        resolving.resolve(DataRef(raw=RAW), [record(ANSWER_PLACE, answer=answer)]), Unknown
    )


@pytest.mark.parametrize(
    "decoded",
    [
        {},
        {"interactiveData": {}},
        {"interactiveData": None},
        {"interactiveData": [REPLY]},
        {"data": None},
        {"data": {"quick-reply": 7}},
        {"data": {"listPicker": []}},
        {"interactiveDataRef": {"bid": BID}},
        {"type": "close"},
    ],
)
def test_answer_of_any_other_shape_is_never_an_error(decoded, resolving):
    found = resolving.resolve(DataRef(raw=RAW), [answered(decoded)])

    assert found is not None
    assert not isinstance(found, DataRef)
