import datetime
import gzip
import hashlib
import json
import socket
import ssl
import threading
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from msp_server.errors import (
    AddressRefused,
    CredentialsRefused,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
    SizeMismatch,
    UploadRefused,
)
from msp_server.remote import addresses, http
from msp_server.remote import transfer as transfer_module
from msp_server.remote.gateway import Gateway
from msp_server.remote.http import HttpClient
from msp_server.remote.transfer import ANSWER_LIMIT_BYTES, SIZE_LIMIT_BYTES, Stored, Transfer

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
MESSAGE_ID = "5f7f3b5e-0000-4000-8000-000000000003"
TOKEN = "head.claims.signature"
BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps"
CHECKSUM = "AaGyw9Tl9gcYKTpLXG1+j5ChssPU"
SOURCE = Stored("https://p54-content.icloud.com/M0011.C01USN00", "M0011.C01USN00", CHECKSUM)
ENCRYPTED = bytes(range(256)) * 40
SIZE_BYTES = len(ENCRYPTED)
#: HTTP spells it in bytes: the beginning of a good answer.
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
#: The same, where nobody says how much comes.
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
LARGE_BYTES = 30 * 1024 * 1024
PIECE = bytes(64 * 1024)
ROOM_BYTES = 4 * 1024 * 1024
#: What no header can hold.
UNFIT = ["\ud800", "a\r\nX-Evil: 1", "gr\u00fc\u00df", "a" * 8193]


def whole(body, status="200 OK", **headers):
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def as_json(fields):
    return whole(json.dumps(fields).encode())


@dataclass(frozen=True)
class Seen:
    """A request as it came, with its body's length and checksum in place of the body."""

    method: str
    path: str
    headers: dict[str, str]
    size_bytes: int
    sha256: str


@dataclass
class Apple:
    """The gateway and the store on one port; a test spoils the answers."""

    port: int = 0
    #: By path: bytes that are written, or a list of pieces.
    answers: dict[str, object] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def paths(self):
        return [seen.path for seen in self.seen]

    def tell(self, path, **changes):
        """Spoil what the gateway says in JSON; None takes a key out."""
        fields = {
            "/v1/preUpload": {
                "upload-url": f"{self.origin}/upload",
                "mmcs-url": SOURCE.url,
                "mmcs-owner": SOURCE.owner,
            },
            "/v1/preDownload": {"download-url": f"{self.origin}/download"},
        }[path] | {name.replace("_", "-"): value for name, value in changes.items()}
        self.answers[path] = as_json({k: v for k, v in fields.items() if v is not None})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        apple = self.server.apple
        left, digest = int(self.headers.get("Content-Length", "0")), hashlib.sha256()
        size_bytes = left
        while left and (piece := self.rfile.read(min(left, len(PIECE)))):
            digest.update(piece)
            left -= len(piece)
        apple.seen.append(
            Seen(self.command, self.path, dict(self.headers), size_bytes, digest.hexdigest())
        )
        answer = apple.answers.get(self.path, whole(b"", "404 Not Found"))
        try:
            for piece in [answer] if isinstance(answer, bytes) else answer:
                self.wfile.write(piece)
        except OSError:
            pass  # it had read enough
        self.close_connection = True

    def do_GET(self):
        self.do_POST()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def apple():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.apple = apple = Apple(listening.server_port)
        apple.tell("/v1/preUpload")
        apple.tell("/v1/preDownload")
        apple.answers["/upload"] = as_json({"singleFile": {"fileChecksum": CHECKSUM, "size": 1}})
        apple.answers["/download"] = whole(ENCRYPTED)
        apple.answers["/v1/decodePayload"] = whole(b'{"data":{}}')
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield apple
        listening.shutdown()
        thread.join()


@pytest.fixture
def transfer(apple):
    gateway = Gateway(f"{apple.origin}/v1", lambda: TOKEN, HttpClient())
    public = HttpClient(public_only=True)
    return Transfer(gateway, public, HttpClient(), ("icloud.com",))


class Body:
    """Encrypted bytes, in pieces."""

    def __init__(self, *pieces):
        self.pieces = pieces

    @property
    def size_bytes(self):
        return sum(len(piece) for piece in self.pieces)

    def __iter__(self):
        yield from self.pieces


class Promise(Body):
    """A body that says it is longer, or shorter, than it is; at its own pace."""

    def __init__(self, size_bytes, *pieces, pace=None):
        super().__init__(*pieces)
        self.promised, self.pace = size_bytes, pace

    @property
    def size_bytes(self):
        return self.promised

    def __iter__(self):
        for piece in self.pieces:
            if self.pace:
                self.pace.wait(0.002)
            yield piece


@dataclass
class Dripping:
    """An answer that comes byte by byte, without an end."""

    head: bytes
    over: threading.Event

    def __iter__(self):
        yield self.head
        while not self.over.wait(0.002):
            yield b"x"


@pytest.fixture
def over():
    ended = threading.Event()
    yield ended
    ended.set()


def upload(transfer, *pieces):
    return transfer.upload(BUSINESS, Body(*pieces or (ENCRYPTED,)), MESSAGE_ID)


def download(transfer, size_bytes=SIZE_BYTES, source=SOURCE):
    with transfer.download(BUSINESS, source, size_bytes, MESSAGE_ID) as chunks:
        return b"".join(chunks)


def decode(transfer, body=b"packed", bid=BID):
    return transfer.decode_payload(BUSINESS, bid, body, MESSAGE_ID)


# Uploads


def test_upload_asks_where_to_and_goes_there(transfer, apple):
    upload(transfer)

    assert [(seen.method, seen.path) for seen in apple.seen] == [
        ("GET", "/v1/preUpload"),
        ("POST", "/upload"),
    ]


def test_upload_gives_where_the_bytes_rest(transfer):
    assert upload(transfer) == SOURCE


def test_upload_says_to_the_gateway_who_sends_how_much(transfer, apple):
    upload(transfer)

    expected = {
        "Authorization": f"Bearer {TOKEN}",
        "Source-Id": BUSINESS,
        "MMCS-Size": str(len(ENCRYPTED)),
    }
    assert expected.items() <= apple.seen[0].headers.items()


def test_upload_carries_the_bytes_with_their_length_and_not_the_token(transfer, apple):
    upload(transfer, ENCRYPTED[:5], b"", ENCRYPTED[5:])

    stored = apple.seen[1]
    assert stored.sha256 == hashlib.sha256(ENCRYPTED).hexdigest()
    assert stored.headers["Content-Length"] == str(len(ENCRYPTED))
    assert not stored.headers.keys() & {"Authorization", "Transfer-Encoding"}


@pytest.mark.parametrize(
    "status", ["201 Created", "302 Found", "400 Bad", "401 No", "404 No", "413 Large", "500 Oh"]
)
def test_upload_that_the_store_refuses_can_start_again(status, transfer, apple):
    apple.answers["/upload"] = whole(b"{}", status)

    with pytest.raises(UploadRefused, match=f"answered {status[:3]}") as refused:
        upload(transfer)

    assert (refused.value.retryable, refused.value.status) == (True, int(status[:3]))


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        None,
        {"singleFile": None},
        {"singleFile": []},
        {"singleFile": {}},
        {"singleFile": {"fileChecksum": None}},
        {"singleFile": {"fileChecksum": 7}},
        {"singleFile": {"fileChecksum": ""}},
    ],
)
def test_upload_without_a_checksum_can_start_again(answer, transfer, apple):
    apple.answers["/upload"] = as_json(answer)

    with pytest.raises(UploadRefused, match=r"singleFile\.fileChecksum"):
        upload(transfer)


@pytest.mark.parametrize("junk", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b"<html>"])
@pytest.mark.parametrize("path", ["/v1/preUpload", "/upload"])
def test_junk_in_place_of_json_can_be_asked_for_again(junk, path, transfer, apple):
    apple.answers[path] = whole(junk)

    with pytest.raises((UploadRefused, RemoteBusy)) as failed:
        upload(transfer)

    assert failed.value.retryable


@pytest.mark.parametrize("name", ["upload_url", "mmcs_url", "mmcs_owner"])
@pytest.mark.parametrize("value", [None, "", 7, [], {}, False])
def test_preupload_without_a_key_is_asked_again(name, value, transfer, apple):
    apple.tell("/v1/preUpload", **{name: value})

    with pytest.raises(RemoteBusy, match=f"answered without {name.replace('_', '-')}"):
        upload(transfer)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("302 Found", RemoteRefused),
        ("400 Bad", RemoteRefused),
        ("403 No", CredentialsRefused),
        ("429 Wait", RemoteBusy),
        ("503 Wait", RemoteBusy),
    ],
)
@pytest.mark.parametrize("work", [upload, download], ids=["preUpload", "preDownload"])
def test_gateway_that_refuses_is_heard(status, kind, work, transfer, apple):
    for path in ("/v1/preUpload", "/v1/preDownload"):
        apple.answers[path] = whole(b"", status)

    with pytest.raises(kind):
        work(transfer)

    assert len(apple.seen) == 1


@pytest.mark.parametrize("value", UNFIT)
@pytest.mark.parametrize("name", ["mmcs_url", "mmcs_owner"])
def test_preupload_with_a_value_that_is_no_header_is_asked_again(name, value, transfer, apple):
    apple.tell("/v1/preUpload", **{name: value})

    with pytest.raises(RemoteBusy, match=name.replace("_", "-")):
        upload(transfer)

    assert apple.paths() == ["/v1/preUpload"]


@pytest.mark.parametrize("value", UNFIT)
def test_upload_with_a_checksum_that_is_no_header_can_start_again(value, transfer, apple):
    apple.answers["/upload"] = as_json({"singleFile": {"fileChecksum": value}})

    with pytest.raises(UploadRefused, match=r"singleFile\.fileChecksum"):
        upload(transfer)


def test_upload_of_nothing_says_its_length(transfer, apple):
    upload(transfer, b"")

    assert apple.seen[1].headers["Content-Length"] == "0"
    assert "Transfer-Encoding" not in apple.seen[1].headers


@pytest.mark.parametrize("promised", [1, 9, 11, 100])
def test_upload_of_another_length_than_it_promised_is_not_waited_for(promised, transfer):
    body = Promise(promised, b"01234", b"56789")

    with pytest.raises(SizeMismatch):
        transfer.upload(BUSINESS, body, MESSAGE_ID)


def test_upload_ends_when_it_took_too_long(transfer, monkeypatch, over):
    monkeypatch.setattr(http, "TRANSFER_LIMIT_S", 0.05)
    body = Promise(10**9, *[b"x"] * 10_000, pace=over)

    with pytest.raises(RemoteUnreachable, match=r"not done within 0\.05 s"):
        transfer.upload(BUSINESS, body, MESSAGE_ID)


@pytest.mark.parametrize("path", ["/v1/preUpload", "/upload"])
def test_server_that_hangs_up_on_an_upload_is_unreachable(path, transfer, apple):
    apple.answers[path] = b""

    with pytest.raises(RemoteUnreachable):
        upload(transfer)


# Where we connect to


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/x",
        "https://127.0.0.1:{port}/x",
        "http://127.0.0.2:{port}/x",
        "http://localhost:{port}/x",
        "http://me:word@127.0.0.1:{port}/x",
        "http://127.0.0.1:{port}\\@icloud.com/x",
        "http://p54-content.icloud.com/x",
        "https://icloud.com.evil.example/x",
        "https://evil.example/x",
        "https://me@icloud.com/x",
        "https://p54\u3002icloud.com/x",
        "file:///etc/passwd",
        "/upload",
        "x" * 60_000,
    ],
)
@pytest.mark.parametrize("work", [upload, download])
def test_address_elsewhere_is_not_connected_to(address, work, transfer, apple):
    elsewhere = address.format(port=apple.port)
    apple.tell("/v1/preUpload", upload_url=elsewhere)
    apple.tell("/v1/preDownload", download_url=elsewhere)

    with pytest.raises(AddressRefused) as refused:
        work(transfer)

    assert (refused.value.retryable, len(apple.seen)) == (False, 1)
    assert len(str(refused.value)) < 1000


def test_refused_address_tells_host_and_setting_but_not_its_token(transfer, apple):
    apple.tell("/v1/preDownload", download_url="https://evil.example/x?token=abc")

    with pytest.raises(AddressRefused, match=r"evil\.example is none of MSP_CONTENT_HOSTS") as no:
        download(transfer)

    assert "token=abc" not in str(no.value)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Go", "308 Go"])
@pytest.mark.parametrize(
    ("work", "path"), [(upload, "/upload"), (download, "/download")], ids=["upload", "download"]
)
def test_redirect_is_not_followed(status, work, path, transfer, apple):
    apple.answers[path] = whole(b"", status, Location=f"{apple.origin}/elsewhere")

    with pytest.raises((UploadRefused, RemoteRefused)):
        work(transfer)

    assert "/elsewhere" not in apple.paths()


# Downloads


def test_download_gives_the_bytes(transfer):
    assert download(transfer) == ENCRYPTED


def test_download_of_unknown_length_gives_the_bytes(transfer):
    assert download(transfer, size_bytes=None) == ENCRYPTED


def test_download_says_to_the_gateway_what_is_wanted_and_nothing_to_the_store(transfer, apple):
    download(transfer)

    expected = {
        "Authorization": f"Bearer {TOKEN}",
        "source-id": BUSINESS,
        "MMCS-Url": SOURCE.url,
        "MMCS-Signature": CHECKSUM,
        "MMCS-Owner": SOURCE.owner,
    }
    assert expected.items() <= apple.seen[0].headers.items()
    assert not apple.seen[1].headers.keys() & (expected.keys())


@pytest.mark.parametrize("size_bytes", [0, 1, len(ENCRYPTED) - 1, len(ENCRYPTED) + 1])
def test_download_of_another_length_is_a_mismatch(size_bytes, transfer):
    with pytest.raises(SizeMismatch):
        download(transfer, size_bytes)


def test_mismatch_tells_both_lengths(transfer):
    with pytest.raises(SizeMismatch, match="10240 bytes are offered, 10241 were said"):
        download(transfer, len(ENCRYPTED) + 1)


@pytest.mark.parametrize("offered", [b"0", b"10239", b"10241", b"9" * 30])
def test_download_that_offers_another_length_is_not_opened(offered, transfer, apple):
    apple.answers["/download"] = b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n" % offered

    with (
        pytest.raises(SizeMismatch, match="bytes are offered, 10240 were said"),
        transfer.download(BUSINESS, SOURCE, len(ENCRYPTED), MESSAGE_ID),
    ):
        pytest.fail("it was opened")


def test_download_that_offers_more_than_the_limit_is_not_opened(transfer, apple):
    apple.answers["/download"] = GOOD % (SIZE_LIMIT_BYTES + 1)

    with pytest.raises(SizeMismatch, match="more than 104857600 bytes are offered"):
        download(transfer, size_bytes=None)


@pytest.mark.parametrize("sent", [0, 1, len(ENCRYPTED) - 1])
def test_download_that_ends_early_without_a_word_is_a_mismatch(sent, transfer, apple):
    apple.answers["/download"] = ENDLESS + ENCRYPTED[:sent]

    with pytest.raises(SizeMismatch, match=f"{sent} bytes came, 10240 were said"):
        download(transfer)


def test_download_that_only_drips_ends_when_it_took_too_long(transfer, apple, monkeypatch, over):
    monkeypatch.setattr(http, "TRANSFER_LIMIT_S", 0.05)
    apple.answers["/download"] = Dripping(ENDLESS, over)

    with pytest.raises(RemoteUnreachable, match=r"not done within 0\.05 s"):
        download(transfer, 10**6)


@pytest.mark.parametrize("kind", [OSError, UnicodeError, KeyError])
def test_what_fails_while_a_download_is_kept_is_told_as_it_is(kind, transfer):
    def keep():
        with transfer.download(BUSINESS, SOURCE, len(ENCRYPTED), MESSAGE_ID) as chunks:
            next(chunks)
            raise kind("the disk")

    with pytest.raises(kind, match="the disk"):
        keep()


def test_download_without_an_end_is_stopped_at_its_length(transfer, apple):
    apple.answers["/download"] = [ENDLESS, *[PIECE] * 2000]

    with pytest.raises(SizeMismatch, match="more than 10240 bytes came"):
        download(transfer)


def test_download_of_unknown_length_is_stopped_at_the_limit(transfer, apple, monkeypatch):
    monkeypatch.setattr(transfer_module, "SIZE_LIMIT_BYTES", 1000)
    apple.answers["/download"] = ENDLESS + ENCRYPTED

    with pytest.raises(SizeMismatch, match="more than 1000 bytes came"):
        download(transfer, size_bytes=None)


def test_download_beyond_the_limit_is_not_asked_for(transfer, apple):
    with pytest.raises(SizeMismatch):
        download(transfer, SIZE_LIMIT_BYTES + 1)

    assert apple.seen == []


@pytest.mark.parametrize("sent", [0, 1, len(ENCRYPTED) - 1])
@pytest.mark.parametrize("size_bytes", [None, len(ENCRYPTED)])
def test_body_that_is_cut_off_is_unreachable(sent, size_bytes, transfer, apple):
    apple.answers["/download"] = GOOD % len(ENCRYPTED) + ENCRYPTED[:sent]

    with pytest.raises(RemoteUnreachable):
        download(transfer, size_bytes)


def test_body_in_chunks_that_is_cut_off_is_unreachable(transfer, apple):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    apple.answers["/download"] = head + b"5\r\nshort\r\n"

    with pytest.raises(RemoteUnreachable):
        download(transfer, None)


def test_body_is_given_as_it_is_whatever_its_headers_say(transfer, apple):
    packed = gzip.compress(ENCRYPTED)
    apple.answers["/download"] = whole(packed, **{"Content-Encoding": "gzip"})

    assert download(transfer, len(packed)) == packed


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("204 Nothing", RemoteRefused),
        ("206 Some", RemoteRefused),
        ("403 Expired", RemoteRefused),
        ("404 Gone", RemoteRefused),
        ("410 Gone", RemoteRefused),
        ("500 Oh", RemoteBusy),
    ],
)
def test_store_that_refuses_a_download_is_heard(status, kind, transfer, apple):
    apple.answers["/download"] = (
        f"HTTP/1.1 {status}\r\n\r\n".encode() if status[:3] == "204" else whole(b"x", status)
    )

    with pytest.raises(kind, match=f"answered {status[:3]}"):
        download(transfer)


@pytest.mark.parametrize("value", [None, "", 7, [], {}])
def test_predownload_without_an_address_is_asked_again(value, transfer, apple):
    apple.tell("/v1/preDownload", download_url=value)

    with pytest.raises(RemoteBusy, match="answered without download-url"):
        download(transfer)


@pytest.mark.parametrize(
    "value",
    ["", "a\r\nX-Evil: 1", "a\nb", "a\0b", "gr\u00fc\u00df", "\U0001f600", "a" * 8193, " a"],
)
@pytest.mark.parametrize("name", ["url", "owner", "signature_base64"])
def test_value_that_is_no_header_is_not_sent(name, value, transfer, apple):
    source = Stored(**(vars(SOURCE) | {name: value}))

    with pytest.raises(RemoteRefused):
        download(transfer, source=source)

    assert apple.seen == []


def test_longest_value_is_sent(transfer, apple):
    source = Stored(f"https://{'a' * 8184}", SOURCE.owner, CHECKSUM)

    assert download(transfer, source=source) == ENCRYPTED


# Answers


def test_decode_gives_the_answer_of_the_gateway(transfer):
    assert decode(transfer) == b'{"data":{}}'


def test_decode_sends_the_bytes_as_they_are(transfer, apple):
    decode(transfer, b"\x1f\x8b\x00")

    (seen,) = apple.seen
    assert (seen.method, seen.path) == ("POST", "/v1/decodePayload")
    assert seen.sha256 == hashlib.sha256(b"\x1f\x8b\x00").hexdigest()
    assert {
        "Authorization": f"Bearer {TOKEN}",
        "source-id": BUSINESS,
        "bid": BID,
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
    }.items() <= seen.headers.items()


def test_decode_reads_an_answer_that_is_packed(transfer, apple):
    packed = gzip.compress(b'{"data":{"a":1}}')
    apple.answers["/v1/decodePayload"] = whole(packed, **{"Content-Encoding": "gzip"})

    assert decode(transfer) == b'{"data":{"a":1}}'


def test_decode_reads_an_answer_up_to_the_limit(transfer, apple):
    apple.answers["/v1/decodePayload"] = whole(b"x" * ANSWER_LIMIT_BYTES)

    assert len(decode(transfer)) == ANSWER_LIMIT_BYTES


def test_decode_refuses_an_answer_beyond_the_limit(transfer, apple):
    apple.answers["/v1/decodePayload"] = whole(b"x" * (ANSWER_LIMIT_BYTES + 1))

    with pytest.raises(RemoteRefused, match="more than 8388608 bytes"):
        decode(transfer)


def test_decode_unpacks_no_more_of_an_answer_than_the_limit(transfer, apple):
    packed = gzip.compress(bytes(200 * 1024 * 1024), 1)
    apple.answers["/v1/decodePayload"] = whole(packed, **{"Content-Encoding": "gzip"})
    tracemalloc.start()

    with pytest.raises(RemoteRefused, match="more than 8388608 bytes"):
        decode(transfer)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * ANSWER_LIMIT_BYTES


def test_decode_of_an_answer_that_is_cut_off_is_unreachable(transfer, apple):
    apple.answers["/v1/decodePayload"] = GOOD % 100 + b"short"

    with pytest.raises(RemoteUnreachable):
        decode(transfer)


@pytest.mark.parametrize("bid", ["a\r\nb: c", "gr\u00fc\u00df", "a" * 8193])
def test_decode_sends_no_bid_that_is_no_header(bid, transfer, apple):
    with pytest.raises(RemoteRefused):
        decode(transfer, bid=bid)

    assert apple.seen == []


def test_decode_of_an_answer_that_only_drips_is_unreachable(transfer, apple, monkeypatch, over):
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.1)
    apple.answers["/v1/decodePayload"] = Dripping(GOOD % 10**6, over)

    with pytest.raises(RemoteUnreachable):
        decode(transfer)


# TLS


def make_certificate(name):
    """Make a key and a certificate for a name, in one PEM; who trusts it, it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, *private) + certificate.public_bytes(pem)


@pytest.fixture
def tls_store(apple, tmp_path, monkeypatch):
    """Give a function that lets p54-content.icloud.com be this machine, with a certificate."""

    @contextmanager
    def store(certified_name):
        trusted = tmp_path / "certificate.pem"
        trusted.write_bytes(make_certificate(certified_name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(trusted)
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            listening.apple = apple
            listening.handle_error = lambda *_: None  # a client may hang up
            listening.socket = context.wrap_socket(
                listening.socket, server_side=True, do_handshake_on_connect=False
            )
            thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
            thread.start()
            there = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listening.server_address)]
            resolve = socket.getaddrinfo
            monkeypatch.setattr(
                socket,
                "getaddrinfo",
                lambda host, *rest: there if "icloud" in host else resolve(host, *rest),
            )
            monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(trusted))
            monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
            origin = "https://p54-content.icloud.com"
            apple.tell("/v1/preUpload", upload_url=f"{origin}/upload")
            apple.tell("/v1/preDownload", download_url=f"{origin}/download")
            try:
                yield
            finally:
                listening.shutdown()
                thread.join()

    return store


@pytest.mark.parametrize("certified_name", ["p54-content.icloud.com", "*.icloud.com"])
def test_bytes_go_over_tls_to_a_listed_host_and_come_back(
    certified_name, transfer, apple, tls_store
):
    with tls_store(certified_name):
        assert (upload(transfer), download(transfer)) == (SOURCE, ENCRYPTED)

    assert apple.paths()[-1] == "/download"
    assert "Authorization" not in apple.seen[-1].headers


@pytest.mark.parametrize("work", [upload, download])
def test_nothing_is_sent_to_a_listed_host_with_the_certificate_of_another(
    work, transfer, apple, tls_store
):
    with (
        tls_store("p54-content.icloud.com.evil.example"),
        pytest.raises(RemoteUnreachable, match="TLS failed"),
    ):
        work(transfer)

    assert len(apple.seen) == 1


# Memory


class Large:
    """Many bytes that are nowhere."""

    size_bytes = LARGE_BYTES

    def __iter__(self):
        for _ in range(LARGE_BYTES // len(PIECE)):
            yield PIECE


def grown(work):
    """Give by how much the memory of this process grew at most, bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_large_upload_is_not_held_in_memory(transfer, apple):
    growth = grown(lambda: transfer.upload(BUSINESS, Large(), MESSAGE_ID))

    assert (apple.seen[1].size_bytes, growth < ROOM_BYTES) == (LARGE_BYTES, True)


def test_large_download_is_not_held_in_memory(transfer, apple):
    apple.answers["/download"] = [GOOD % LARGE_BYTES, *[PIECE] * (LARGE_BYTES // len(PIECE))]

    def read():
        with transfer.download(BUSINESS, SOURCE, LARGE_BYTES, MESSAGE_ID) as chunks:
            assert sum(len(chunk) for chunk in chunks) == LARGE_BYTES

    assert grown(read) < ROOM_BYTES
