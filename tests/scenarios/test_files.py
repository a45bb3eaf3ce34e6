"""A customer sends files and gets some, whatever goes wrong on the way."""

import hashlib

import pytest

from msp_server import Agent, Attachment, AttachmentError, Text
from msp_server.agents.guide import agent as guide
from msp_server.agents.pictures import APPLE, KETTLE


@pytest.fixture
def heard():
    """List what the handler was given: of each file its name, type, and bytes or why not."""
    return []


@pytest.fixture
def _soon_given_up(monkeypatch):
    monkeypatch.setattr("msp_server.delivery.fetching.REFUSALS_LIMIT", 2)
    monkeypatch.setattr("msp_server.delivery.fetching.GIVE_UP_S", 0.2)


@pytest.fixture
def listening(heard):
    """An agent that opens each file, and answers with their names."""
    agent = Agent("files")

    @agent.on(Text, where=lambda text, _conversation: bool(text.attachments))
    def open_all(text, _conversation):
        for attachment in text.attachments:
            try:
                with attachment.open() as file:
                    found = file.read(10_000_000)
            except AttachmentError as error:
                found = str(error)
            heard.append((attachment.name, attachment.mime_type, found))
        return Text(f"{text.body} {len(text.attachments)}")

    agent.on(Text)(lambda text, _conversation: Text(f"Said: {text.body}"))
    return agent


def test_photo_that_a_customer_sends_is_opened_by_the_agent(apple, start_msp, listening, heard):
    with start_msp(listening):
        apple.phone().files(("IMG_1.png", "image/png", APPLE.data))

        assert apple.phone().wait_for_bodies(1) == ["\ufffc 1"]
    assert heard == [("IMG_1.png", "image/png", APPLE.data)]


def test_several_files_keep_their_order(apple, start_msp, listening, heard):
    with start_msp(listening):
        apple.phone().files(
            ("a.png", "image/png", APPLE.data), ("b.pdf", "application/pdf", b"%PDF"), body="two"
        )
        apple.phone().wait_for_bodies(1)

    assert [name for name, _, _ in heard] == ["a.png", "b.pdf"]
    assert heard[1][2] == b"%PDF"


def test_guide_names_what_came_and_sends_a_photo(apple, start_msp):
    phone = apple.phone()

    with start_msp(guide):
        phone.files(("kettle.png", "image/png", KETTLE.data))
        phone.text("photo")
        phone.wait_for_bodies(2)
        told, photo = phone.entries()

    assert told["body"] == f"You sent:\nkettle.png, image/png, {len(KETTLE.data)} bytes"
    assert phone.attachment(photo["id"]) == KETTLE.data


def test_conversation_stays_in_order_while_a_file_is_fetched(apple, start_msp, listening):
    apple.fault("delay", endpoint="preDownload", delay_s=1.5)

    with start_msp(listening):
        apple.phone().files(("a.png", "image/png", APPLE.data), body="first")
        apple.phone().text("second")
        apple.phone("ben").text("meanwhile")
        apple.phone("ben").wait_for_bodies(1)
        assert apple.phone().bodies() == []

        bodies = apple.phone().wait_for_bodies(2)

    assert bodies == ["\ufffcfirst 1", "Said: second"]


@pytest.mark.parametrize(
    ("do", "fields"),
    [
        ("status", {"endpoint": "preDownload", "status": 500}),
        ("drop", {"endpoint": "preDownload"}),
        ("status", {"endpoint": "download", "status": 503}),
        ("drop", {"endpoint": "download"}),
        ("expired", {"endpoint": "download"}),
        ("truncate", {"endpoint": "download"}),
        ("short", {"endpoint": "download"}),
        ("long", {"endpoint": "download"}),
        ("drip", {"endpoint": "download", "delay_s": 0.01}),
    ],
)
def test_file_arrives_whole_whatever_went_wrong_once(
    apple, start_msp, listening, heard, do, fields
):
    apple.fault(do, **fields)

    with start_msp(listening) as msp:
        apple.phone().files(("a.png", "image/png", APPLE.data))
        apple.phone().wait_for_bodies(1)

        kept = [path.name for path in msp.settings.attachments_dir.iterdir()]
    assert heard == [("a.png", "image/png", APPLE.data)]
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"do": "wrong_size", "endpoint": "descriptor"}, "bytes"),
        ({"do": "short", "endpoint": "download", "count": 9}, "bytes"),
        ({"do": "expired", "endpoint": "download", "count": 9}, "answered"),
        ({"do": "status", "endpoint": "preDownload", "status": 404, "count": 9}, "answered 404"),
    ],
)
@pytest.mark.usefixtures("_soon_given_up")
def test_agent_is_told_why_a_file_cannot_be_had(apple, start_msp, listening, heard, fault, said):
    apple.fault(**fault)

    with start_msp(listening) as msp:
        apple.phone().files(("a.png", "image/png", APPLE.data))
        apple.phone().wait_for_bodies(1)
        assert list(msp.settings.attachments_dir.glob("*")) == []

    ((name, _, problem),) = heard
    assert name == "a.png"
    assert said in problem


def test_wrong_key_gives_other_bytes_and_no_crash(apple, start_msp, listening, heard):
    apple.fault("wrong_key", endpoint="descriptor")

    with start_msp(listening):
        apple.phone().files(("a.png", "image/png", APPLE.data))
        apple.phone().wait_for_bodies(1)

    ((_, _, found),) = heard
    assert len(found) == len(APPLE.data)
    assert found != APPLE.data


def sending(*attachments):
    agent = Agent("sending")
    agent.on(Text)(lambda _text, _conversation: Text("Your invoice: ", list(attachments)))
    return agent


@pytest.mark.parametrize(
    ("do", "fields"),
    [
        ("delay", {"endpoint": "upload", "delay_s": 0.01}),
        ("status", {"endpoint": "preUpload", "status": 500}),
        ("drop", {"endpoint": "preUpload"}),
        ("status", {"endpoint": "upload", "status": 500}),
        ("status", {"endpoint": "upload", "status": 400}),
        ("drop", {"endpoint": "upload"}),
        ("drop_after", {"endpoint": "upload"}),
        ("status", {"endpoint": "message", "status": 503}),
        ("drop_after", {"endpoint": "message"}),
    ],
)
def test_file_lies_in_the_transcript_once_whatever_went_wrong(
    apple, start_msp, wait_for, do, fields
):
    apple.fault(do, **fields)

    with start_msp(sending(Attachment(b"%PDF-1.7 paid", "invoice.pdf"))) as msp:
        apple.phone().text("invoice")
        (entry,) = apple.phone().wait_for_entries(1)
        wait_for(lambda: not list(msp.settings.outgoing_dir.iterdir()))

    assert entry["body"] == "Your invoice: \ufffc"
    assert entry["attachments"][0]["name"] == "invoice.pdf"
    assert apple.phone().attachment(entry["id"]) == b"%PDF-1.7 paid"
    sends = [send for send in apple.sends() if send["url"].endswith("/v1/message")]
    assert len({(send["id"], send["body_sha256"]) for send in sends}) == 1


def test_several_files_go_with_one_text(apple, start_msp):
    files = [Attachment(APPLE.data, "a.png"), Attachment(KETTLE.data, "k.png")]

    with start_msp(sending(*files)):
        apple.phone().text("both")
        (entry,) = apple.phone().wait_for_entries(1)

    phone = apple.phone()
    assert [phone.attachment(entry["id"], index) for index in (0, 1)] == [APPLE.data, KETTLE.data]


def test_file_that_came_can_be_sent_on(apple, start_msp):
    agent = Agent("back")
    agent.on(Text)(lambda text, _conversation: Text("Back to you", text.attachments))

    with start_msp(agent):
        apple.phone().files(("a.png", "image/png", APPLE.data))
        (entry,) = apple.phone().wait_for_entries(1)

    assert apple.phone().attachment(entry["id"]) == APPLE.data


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_hundred_megabytes_travel_both_ways(apple, start_msp, wait_for):
    agent = Agent("back")
    sums = []

    @agent.on(Text)
    def send_back(text, _conversation):
        (attachment,) = text.attachments
        with attachment.source.open("rb") as file:
            sums.append(hashlib.file_digest(file, "sha256").hexdigest())
        return Text("Back", [attachment])

    with start_msp(agent):
        apple.phone().make_files(("big.bin", "application/octet-stream", 100 * 1024 * 1024))
        wait_for(lambda: apple.phone().entries(), "100 MB there and back", limit_s=200)
        (entry,) = apple.phone().entries()

    url = f"{apple.url}/customers/ava/attachments/{entry['id']}/0"
    digest = hashlib.sha256()
    with apple.web.get(url, stream=True) as answer:
        for chunk in answer.iter_content(1024 * 1024):
            digest.update(chunk)
    assert digest.hexdigest() == sums[0]


@pytest.mark.usefixtures("_soon_given_up")
def test_file_that_this_machine_cannot_write_buries_its_message_and_no_other(
    apple, start_msp, listening, heard, wait_for
):
    with start_msp(listening) as msp:
        msp.settings.attachments_dir.write_text("stands where the directory would be")
        apple.phone().files(("a.png", "image/png", APPLE.data))
        apple.phone().text("and now?")
        apple.phone().wait_for_bodies(1)

        (buried,) = [each for each in msp.store.history.newest(9) if each.state == "BURIED"]
    assert "cannot be kept" in buried.reason
    assert apple.phone().bodies() == ["Said: and now?"]
    assert heard == []


def test_file_that_can_never_be_kept_until_it_is_sent_buries_what_it_answers(
    apple, start_msp, wait_for, monkeypatch
):
    monkeypatch.setattr("msp_server.delivery.answering.GIVE_UP_S", 0.05)
    with start_msp(sending(Attachment(b"%PDF", "invoice.pdf"))) as msp:
        msp.settings.outgoing_dir.write_text("stands where the directory would be")
        apple.phone().text("invoice")
        kept = wait_for(
            lambda: [each for each in msp.store.history.newest(9) if each.state == "BURIED"]
        )

    assert "cannot be kept" in kept[0].reason
