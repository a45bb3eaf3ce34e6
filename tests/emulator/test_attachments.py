import pytest
from Crypto.Cipher import AES

from msp_server.emulator.attachments import attachments_to_json
from msp_server.emulator.transcript import Transcript

FILE = {"name": "a.png", "mimeType": "image/png", "size": 3, "url": "https://x/M01", "key": "?"}


def received(**fields):
    transcript = Transcript()
    transcript.add_received("m/1", {"type": "text"} | fields, None, True)
    return attachments_to_json(transcript.entries[0], "ava")


def sent(**fields):
    transcript = Transcript()
    return attachments_to_json(transcript.add_sent("2", {"type": "text"} | fields), "ava")


def test_attachments_have_name_type_size_and_address():
    shown = sent(body="\ufffc", attachments=[FILE])

    assert shown == {
        "attachments": [
            {
                "name": "a.png",
                "type": "image/png",
                "size": 3,
                "url": "/customers/ava/attachments/2/0",
            }
        ]
    }


def test_older_names_and_sizes_in_text_are_read():
    older = {"name": "a", "mime-type": "text/plain", "file-size": "12"}

    (shown,) = received(body="\ufffc", attachments=[older])["attachments"]

    assert (shown["type"], shown["size"]) == ("text/plain", 12)
    assert shown["url"] == "/customers/ava/attachments/m/1/0"


@pytest.mark.parametrize(("body", "count"), [("", 0), ("\ufffc", 1), ("\ufffc" * 3, 2)])
def test_business_shows_as_many_as_the_body_has_places_for(body, count):
    shown = received(body=body, attachments=[FILE, FILE])

    assert len(shown.get("attachments", [])) == count


def test_text_without_attachments_shows_none():
    assert sent(body="\ufffc") == {}
    assert sent(body="\ufffc", attachments="x") == {}


@pytest.mark.parametrize("unfit", [{}, {"name": 7, "mimeType": [], "size": "big", "url": None}])
def test_raw_attachment_of_any_shape_is_shown(unfit):
    (shown,) = sent(attachments=[unfit])["attachments"]

    assert (shown["name"], shown["type"], shown["size"]) == (None, None, None)


def test_message_id_of_any_characters_has_an_address():
    transcript = Transcript()
    entry = transcript.add_sent("a b?\ud800", {"type": "text", "attachments": [FILE]})

    (shown,) = attachments_to_json(entry, "ava")["attachments"]

    assert shown["url"] == "/customers/ava/attachments/a%20b%3F%3F/0"


@pytest.fixture
def show(ava, emulator, web):
    """Give what the phone shows of the newest entry's first attachment."""

    def fetch(index=0):
        (*_, entry) = ava.transcript()["entries"]
        return web.get(emulator.url + entry["attachments"][index]["url"], timeout=5)

    return fetch


@pytest.fixture
def deliver(mover, sender):
    """Let the business send a file of these plain bytes."""

    def send(plain, **changes):
        key = "00" + "a1" * 32
        attachment = {"name": "a.png", "mimeType": "image/png", "key": key}
        attachment |= mover.store(crypt(plain, key)) | changes
        answer = sender.send(body="\ufffc", attachments=[attachment])
        assert answer.status_code == 200, answer.headers
        return answer

    return send


def crypt(plain, key):
    cipher = AES.new(bytes.fromhex(key[2:]), AES.MODE_CTR, nonce=b"", initial_value=bytes(16))
    return cipher.encrypt(plain)


def test_phone_decrypts_what_the_business_sent(deliver, show):
    deliver(b"a picture")

    answer = show()

    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["content-length"] == "9"
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''a.png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("named", "served"),
    [
        ("image/jpg", "image/jpeg"),
        ("IMAGE/GIF", "image/gif"),
        ("image/webp", "image/webp"),
        ("image/heic", "image/heic"),
        ("application/pdf", "application/pdf"),
        ("text/plain; charset=latin-1", "text/plain; charset=utf-8"),
        ("audio/x-caf", "audio/x-caf"),
        ("video/mp4", "video/mp4"),
    ],
)
def test_what_does_no_harm_is_shown(deliver, show, named, served):
    deliver(b"x", mimeType=named)

    answer = show()

    assert answer.headers["content-type"] == served
    assert answer.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    "named",
    [
        "text/html",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/javascript",
        "text/xml",
        "application/vnd.apple.pkpass",
        "vnd.usdz+zip",
        "video/mp4\r\nx: y",
        "video/" + "x" * 65,
        "?",
    ],
)
def test_anything_else_is_only_saved(deliver, show, named):
    deliver(b"<script>", mimeType=named)

    answer = show()

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "x" not in answer.headers


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("../../etc/passwd", ".._.._etc_passwd"),
        ('a"b\r\nx: y', "a_b__x%3A%20y"),
        ("Grüße 👋.png", "Gr%C3%BC%C3%9Fe%20%F0%9F%91%8B.png"),
        ("x" * 300, "x" * 200),
        ("\ud800", "_"),
    ],
)
def test_name_may_be_anything(deliver, show, name, saved):
    deliver(b"x", name=name)

    answer = show()

    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f"inline; filename*=UTF-8''{saved}"
    assert "x" not in answer.headers


def test_raw_attachment_that_lies_nowhere_is_404(ava, show):
    ava.do("raw", fields={"type": "text", "body": "\ufffc", "attachments": [FILE]})

    answer = show()

    assert answer.status_code == 404
    assert "bytes are gone" in answer.json()["error"]


def test_attachment_whose_key_is_none_is_400(ava, mover, show):
    attachment = mover.store(b"x") | {"key": "?"}
    ava.do("raw", fields={"type": "text", "body": "\ufffc", "attachments": [attachment]})

    answer = show()

    assert answer.status_code == 400
    assert "00 and 64 hex digits" in answer.json()["error"]


def test_attachment_that_made_room_is_404(emulator, deliver, show):
    deliver(b"x")
    emulator._parts.mmcs.clear()

    assert show().status_code == 404


@pytest.mark.parametrize("rest", ["nothing/0", "{id}/1", "{id}/x", "{id}/-1", "{id}"])
def test_attachment_that_is_not_there_is_404(emulator, ava, deliver, web, rest):
    deliver(b"x")
    (entry,) = ava.transcript()["entries"]
    path = rest.format(id=entry["id"])

    answer = web.get(f"{emulator.url}/customers/ava/attachments/{path}", timeout=5)

    assert answer.status_code == 404
    assert answer.json()["error"]
