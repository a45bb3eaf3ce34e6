import datetime
import socket
import ssl
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import serialization

from msp_server.errors import RemoteRefused, RemoteUnreachable
from msp_server.remote import http
from msp_server.remote.http import ANSWER_LIMIT_BYTES, HttpClient

DEADLINE_S = 20
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Seen:
    """A request as it came to the server."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    client_port: int

    def header(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Script:
    """What the server answers, byte by byte, and what it saw."""

    answer: bytes = EMPTY
    keeps_connection: bool = False
    endless: bool = False
    #: Whether it goes on with single bytes.
    drips: bool = False
    silent: bool = False
    seen: list[Seen] = field(default_factory=list)
    cut_off: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Listener(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        script = self.server.script
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        script.seen.append(
            Seen(self.command, self.path, self.headers.items(), body, self.client_address[1])
        )
        if script.silent:
            script.over.wait(DEADLINE_S)
        try:
            self.wfile.write(script.answer)
            while script.endless and not script.over.is_set():
                self.wfile.write(b"x" * 65536)
            while script.drips and not script.over.wait(0.01):
                self.wfile.write(b"x")
        except OSError:
            script.cut_off.set()
        self.close_connection = not script.keeps_connection

    def do_GET(self):
        self.do_POST()

    def do_CONNECT(self):
        self.do_POST()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as listening:
        listening.script = Script()
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.script.over.set()
        listening.shutdown()
        thread.join()


@pytest.fixture
def script(server):
    return server.script


@pytest.fixture
def address(server):
    return f"http://127.0.0.1:{server.server_port}/v1/message"


@pytest.fixture
def closed_port():
    """Give a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


# What is sent


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_request_is_made_with_the_method_and_the_address(method, script, address):
    HttpClient().request(method, f"{address}?a=b")

    assert [(seen.method, seen.path) for seen in script.seen] == [(method, "/v1/message?a=b")]


def test_request_carries_the_headers_as_they_are_spelled(script, address):
    headers = {"id": "3c1e6b0a", "Source-Id": "a1b2c3d4", "auto-reply": "true"}

    HttpClient().request("POST", address, headers)

    assert headers.items() <= dict(script.seen[0].headers).items()


@pytest.mark.parametrize("body", [b"", b"{}", "Grüße 👋".encode(), bytes(range(256)), b"x" * 10**6])
def test_request_carries_the_body_untouched(body, script, address):
    HttpClient().request("POST", address, {}, body)

    assert script.seen[0].body == body


def test_request_does_not_take_credentials_from_netrc(script, address, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password word\n", "utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))

    HttpClient().request("POST", address, {"Authorization": "Bearer a.b.c"})

    assert script.seen[0].header("Authorization") == ["Bearer a.b.c"]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_request_does_not_take_a_proxy_from_the_environment(
    name, script, address, closed_port, monkeypatch
):
    for exception in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(exception, raising=False)
    monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")

    HttpClient().request("POST", address)

    assert len(script.seen) == 1


def test_request_for_https_goes_through_the_proxy_that_was_given(server, script):
    script.answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    client = HttpClient(https_proxy=f"http://127.0.0.1:{server.server_port}")

    with pytest.raises(RemoteUnreachable):
        client.request("POST", "https://gateway.example/v1/message")

    assert [(seen.method, seen.path) for seen in script.seen] == [
        ("CONNECT", "gateway.example:443")
    ]


def test_proxy_does_not_see_the_headers_of_a_request_for_https(server, script):
    script.answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    client = HttpClient(https_proxy=f"http://127.0.0.1:{server.server_port}")

    with pytest.raises(RemoteUnreachable):
        client.request("POST", "https://gateway.example/v1", {"Authorization": "Bearer a.b.c"})

    assert script.seen[0].header("Authorization") == []


def test_request_for_http_does_not_go_through_the_proxy(script, address, closed_port):
    HttpClient(https_proxy=f"http://127.0.0.1:{closed_port}").request("POST", address)

    assert len(script.seen) == 1


# What is answered


def test_answer_has_status_headers_and_body(script, address):
    script.answer = b"HTTP/1.1 418 Teapot\r\nX-Kind: tea\r\nContent-Length: 5\r\n\r\nshort"

    answer = HttpClient().request("POST", address)

    assert (answer.status, answer.headers["x-kind"], answer.body) == (418, "tea", b"short")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answer_without_a_body_has_an_empty_one(status, script, address):
    script.answer = f"HTTP/1.1 {status}\r\n\r\n".encode()

    assert HttpClient().request("POST", address).body == b""


def test_answer_that_is_chunked_is_read(script, address):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    script.answer = head + b"5\r\nshort\r\n6\r\n, long\r\n0\r\n\r\n"

    assert HttpClient().request("POST", address).body == b"short, long"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_an_answer_and_is_not_followed(status, script, address):
    script.answer = (
        f"HTTP/1.1 {status} Elsewhere\r\nLocation: {address}/2\r\nContent-Length: 0\r\n\r\n"
    ).encode()

    answer = HttpClient().request("POST", address)

    assert (answer.status, len(script.seen)) == (status, 1)


def test_answer_of_a_megabyte_is_read_to_its_limit(script, address):
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + b"x" * 2**20

    assert HttpClient().request("POST", address).body == b"x" * ANSWER_LIMIT_BYTES


def test_answer_without_an_end_is_cut_off(script, address):
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
    script.endless = True

    HttpClient().request("POST", address)

    assert script.cut_off.wait(DEADLINE_S)


def test_answer_limit_is_64_kilobytes():
    assert ANSWER_LIMIT_BYTES == 65536


# Connections


@pytest.mark.parametrize("answer", [EMPTY, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])
def test_connection_is_kept_for_the_next_request(answer, script, address):
    script.answer, script.keeps_connection = answer, True
    client = HttpClient()

    client.request("POST", address)
    client.request("POST", address)

    assert len({seen.client_port for seen in script.seen}) == 1


def test_connection_is_not_shared_between_threads(script, address):
    script.keeps_connection = True
    client = HttpClient()
    client.request("POST", address)

    other = threading.Thread(target=client.request, args=("POST", address))
    other.start()
    other.join()

    assert len({seen.client_port for seen in script.seen}) == 2


def test_request_after_a_failed_one_is_made_over_a_new_connection(script, address):
    client = HttpClient()
    script.answer = b""
    with pytest.raises(RemoteUnreachable):
        client.request("POST", address)
    script.answer = EMPTY

    assert client.request("POST", address).status == 200


# No answer


def test_refused_connection_is_unreachable(closed_port):
    with pytest.raises(RemoteUnreachable, match="not connected"):
        HttpClient().request("POST", f"http://127.0.0.1:{closed_port}/v1/message")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nshort",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
    ids=["nothing", "cut head", "cut body", "bad chunk", "bad gzip", "not HTTP"],
)
def test_broken_answer_is_unreachable(answer, script, address):
    script.answer = answer

    with pytest.raises(RemoteUnreachable):
        HttpClient().request("POST", address)


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"],
    ids=["nothing", "cut head", "cut body"],
)
def test_outcome_of_a_request_that_had_gone_is_unsure(answer, script, address):
    script.answer = answer

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", address, {}, b"{}")

    assert failed.value.unsure


def test_outcome_of_a_request_that_had_gone_is_unsure_when_nothing_is_said(
    script, address, monkeypatch
):
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.05)
    script.silent = True

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", address, {}, b"{}")

    assert failed.value.unsure


def test_outcome_of_a_request_that_did_not_go_is_sure(closed_port):
    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", f"http://127.0.0.1:{closed_port}/v1/message", {}, b"{}")

    assert not failed.value.unsure


def test_outcome_of_a_request_that_no_tls_was_agreed_for_is_sure(address):
    with pytest.raises(RemoteUnreachable, match="TLS failed") as failed:
        HttpClient().request("POST", address.replace("http:", "https:"), {}, b"{}")

    assert not failed.value.unsure


def test_outcome_of_a_request_whose_body_did_not_go_to_its_end_is_sure(script, address):
    class Broken:
        def __len__(self):
            return 4

        def __iter__(self):
            yield b"ab"
            raise OSError

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", address, {}, Broken())

    assert not failed.value.unsure


def test_request_that_got_no_answer_is_not_made_again(script, address):
    script.answer = b""

    with pytest.raises(RemoteUnreachable):
        HttpClient().request("POST", address)

    assert len(script.seen) == 1


def test_server_without_tls_is_unreachable_by_https(address):
    with pytest.raises(RemoteUnreachable, match="TLS failed"):
        HttpClient().request("POST", address.replace("http://", "https://"))


def test_address_that_is_none_is_refused():
    with pytest.raises(RemoteRefused, match="InvalidURL"):
        HttpClient().request("POST", "http://[::1/v1/message")


def test_header_that_would_be_two_is_not_sent(script, address):
    with pytest.raises(RemoteRefused, match="InvalidHeader"):
        HttpClient().request("POST", address, {"id": "a\r\nb: c"})

    assert script.seen == []


def test_header_that_no_header_can_hold_is_not_sent(script, address):
    with pytest.raises(RemoteRefused, match="UnicodeEncodeError"):
        HttpClient().request("POST", address, {"id": "\u2713"})

    assert script.seen == []


def test_server_that_says_nothing_is_unreachable(script, address, monkeypatch):
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.05)
    script.silent = True

    with pytest.raises(RemoteUnreachable, match=r"no answer within 0\.05 s"):
        HttpClient().request("POST", address)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse what they cannot queue")
def test_server_that_takes_no_connection_is_unreachable(monkeypatch):
    monkeypatch.setattr(http, "CONNECT_TIMEOUT_S", 0.05)
    waiting = [socket.socket() for _ in range(4)]
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())

        with pytest.raises(RemoteUnreachable, match=r"not connected within 0\.05 s"):
            HttpClient().request("POST", f"http://127.0.0.1:{full.getsockname()[1]}/v1/message")

    for one in waiting:
        one.close()


def test_unreachable_tells_which_request_failed(script, address):
    script.answer = b""

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", address, {}, b"", "3c1e6b0a")

    assert vars(failed.value) == {
        "method": "POST",
        "address": address,
        "status": None,
        "message_id": "3c1e6b0a",
        "answer": "",
        "unsure": False,
    }


def test_unreachable_does_not_tell_the_headers(script, address):
    script.answer = b""

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", address, {"Authorization": "Bearer a.b.c"})

    assert "a.b.c" not in f"{failed.value!r} {failed.value.__cause__!r}"


# Transfers


class Chunks:
    """A body in chunks, of a length that is said."""

    def __init__(self, *chunks):
        self.chunks = chunks

    def __len__(self):
        return sum(len(chunk) for chunk in self.chunks)

    def __iter__(self):
        yield from self.chunks


@pytest.mark.parametrize("chunks", [[b"a"], [b"ab", b"", b"c"], [b"x" * 10**6] * 3])
def test_body_in_chunks_goes_with_its_length(chunks, script, address):
    HttpClient().request("POST", address, {}, Chunks(*chunks))

    (seen,) = script.seen
    assert seen.body == b"".join(chunks)
    assert seen.header("Content-Length") == [str(len(seen.body))]
    assert seen.header("Transfer-Encoding") == []


def test_answer_limit_can_be_set_for_a_request(script, address):
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + b"x" * 2**20

    answer = HttpClient().request("POST", address, answer_limit_bytes=100_000)

    assert len(answer.body) == 100_000


def test_stream_gives_status_headers_and_the_answer_as_it_comes(script, address):
    script.answer = b"HTTP/1.1 206 Some\r\nX-Kind: tea\r\nContent-Length: 5\r\n\r\nshort"

    with HttpClient().stream("GET", address) as stream:
        seen = (stream.status, stream.headers["x-kind"], b"".join(stream.chunks))

    assert seen == (206, "tea", b"short")


def test_stream_asks_for_the_bytes_as_they_are(script, address):
    with HttpClient().stream("GET", address):
        pass

    assert script.seen[0].header("Accept-Encoding") == ["identity"]


def test_stream_can_be_left_before_its_end(script, address):
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
    script.endless = True

    with HttpClient().stream("GET", address) as stream:
        next(stream.chunks)

    assert script.cut_off.wait(DEADLINE_S)


def test_stream_that_only_drips_ends_when_a_transfer_took_too_long(script, address, monkeypatch):
    monkeypatch.setattr(http, "TRANSFER_LIMIT_S", 0.1)
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    script.drips = True

    with (
        HttpClient().stream("GET", address) as stream,
        pytest.raises(RemoteUnreachable),
    ):
        list(stream.chunks)


def test_stream_that_stops_is_unreachable(script, address):
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"
    client = HttpClient()

    with (
        client.stream("GET", address, "3c1e6b0a") as stream,
        pytest.raises(RemoteUnreachable) as cut,
    ):
        list(stream.chunks)

    assert cut.value.message_id == "3c1e6b0a"


def test_stream_that_never_begins_is_unreachable(script, address):
    script.answer = b""

    with pytest.raises(RemoteUnreachable), HttpClient().stream("GET", address):
        pass


def test_error_of_a_transfer_does_not_tell_what_follows_the_question_mark(script, address):
    script.answer = b""

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient().request("POST", f"{address}?token=abc")

    assert "token=abc" not in str(failed.value)


def test_answer_that_only_drips_ends_when_the_client_waited_long_enough(script, address):
    script.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    script.drips = True

    answer = HttpClient(read_timeout_s=0.1).request("GET", address)

    assert not answer.in_time
    assert 0 < len(answer.body) < 1000  # one each hundredth of a second


# Certificates


@pytest.fixture
def files(make_certificate, tmp_path):
    """Give the files of a certificate and its key, which now both server and client have."""
    starts = datetime.datetime.now(datetime.UTC).timestamp() - 60
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for path, content in zip(
        (certificate, key), make_certificate(starts=starts, ends=starts + 3600), strict=True
    ):
        path.write_bytes(content)
    return certificate, key


@pytest.fixture
def tls_address(server, files):
    """Give the address of the server, which now asks for a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.load_verify_locations(files[0])
    context.verify_mode = ssl.CERT_REQUIRED
    # The handshake is made by the thread that answers, and one that fails is nobody's matter here.
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.handle_error = lambda *_: None
    return f"https://127.0.0.1:{server.server_port}/session"


def tls_client(files, certificate):
    client = HttpClient(read_timeout_s=5, certificate=certificate)
    client._session().verify = str(files[0])
    return client


def test_certificate_and_key_are_shown_to_a_server_that_asks(tls_address, files, script):
    answer = tls_client(files, files).request("POST", tls_address)

    assert (answer.status, len(script.seen)) == (200, 1)


def test_certificate_and_key_may_lie_in_one_file(tls_address, files, script, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(path.read_bytes() for path in files))

    answer = tls_client(files, (both, None)).request("POST", tls_address)

    assert (answer.status, len(script.seen)) == (200, 1)


def test_server_that_asks_for_a_certificate_refuses_who_has_none(tls_address, files, script):
    with pytest.raises(RemoteUnreachable):
        tls_client(files, None).request("POST", tls_address)

    assert script.seen == []


def test_certificate_of_somebody_else_may_be_why_it_is_refused(
    tls_address, files, script, make_certificate, tmp_path
):
    other = tmp_path / "other.pem"
    other.write_bytes(b"".join(make_certificate()))

    with pytest.raises(RemoteUnreachable, match="MSP_APPLE_PAY_CERTIFICATE"):
        tls_client(files, (other, None)).request("POST", tls_address)

    assert script.seen == []


def encrypted(key):
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path, key: path.unlink(),
        lambda path, key: path.write_bytes(b""),
        lambda path, key: path.write_bytes(b"\x30\x82\xff\xfe"),
        lambda path, key: path.write_bytes(encrypted(key)),
        lambda path, key: (path.unlink(), path.mkdir()),
    ],
    ids=["missing", "empty", "DER", "encrypted", "directory"],
)
@pytest.mark.parametrize("which", [0, 1], ids=["certificate", "key"])
def test_certificate_or_key_of_no_use_can_be_repaired(
    which, spoil, tls_address, files, script, tmp_path
):
    unfit = [tmp_path / "unfit.pem", tmp_path / "unfit.key"]
    for path, good in zip(unfit, files, strict=True):
        path.write_bytes(good.read_bytes())
    spoil(unfit[which], files[1].read_bytes())
    client = tls_client(files, tuple(unfit))

    with pytest.raises(RemoteUnreachable, match="MSP_APPLE_PAY_CERTIFICATE") as failed:
        client.request("POST", tls_address, message_id="m1")

    assert (failed.value.retryable, failed.value.message_id, script.seen) == (True, "m1", [])
    if unfit[which].is_dir():
        unfit[which].rmdir()
    unfit[which].write_bytes(files[which].read_bytes())
    assert client.request("POST", tls_address).status == 200


def test_encrypted_key_in_the_certificates_file_asks_nobody_for_a_passphrase(
    tls_address, files, tmp_path
):
    both = tmp_path / "both.pem"
    both.write_bytes(files[0].read_bytes() + encrypted(files[1].read_bytes()))

    with pytest.raises(RemoteUnreachable, match="TLS failed"):
        tls_client(files, (both, None)).request("POST", tls_address)


def test_slow_server_is_not_blamed_on_the_certificate(script, address, files):
    script.silent = True

    with pytest.raises(RemoteUnreachable) as failed:
        HttpClient(read_timeout_s=0.05, certificate=files).request("POST", address)

    assert "CERTIFICATE" not in str(failed.value)


def test_certificate_is_of_no_matter_without_tls(script, address, files):
    assert HttpClient(certificate=files).request("POST", address).status == 200
