"""Another server, and certificates, for the tests of what we ask other servers."""

import datetime
import ipaddress
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

DEADLINE_S = 20
#: When certificates are made: 14 November 2023.
NOW = 1_700_000_000
DAY_S = 86_400


@dataclass(frozen=True)
class Asked:
    """A request as it came to the other server."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """Another server: what it answers, and what it was asked."""

    url: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    #: Whether it never answers.
    silent: bool = False
    #: Whether it goes on with single bytes, without an end.
    drips: bool = False
    hangs_up: bool = False
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        peer = self.server.peer
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        peer.asked.append(Asked(self.command, self.path, dict(self.headers.items()), body))
        if peer.silent:
            peer.over.wait(DEADLINE_S)
        if peer.silent or peer.hangs_up:
            self.close_connection = True
            return
        self.send_response(peer.status)
        for name, value in peer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(10**6 if peer.drips else len(peer.body)))
        self.end_headers()
        self._write(peer)

    def _write(self, peer):
        try:
            self.wfile.write(peer.body)
            while peer.drips and not peer.over.wait(0.01):
                self.wfile.write(b" ")
        except OSError:
            self.close_connection = True

    def do_GET(self):
        self.do_POST()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def peer():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as listening:
        listening.peer = Peer(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening.peer
        listening.peer.over.set()
        listening.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def make_certificate():
    """Give a function that makes a certificate for 127.0.0.1, signed by its own key, in PEM."""

    def make(key=None, starts=NOW - DAY_S, ends=NOW + 100 * DAY_S):
        key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "merchant")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime.fromtimestamp(starts, datetime.UTC))
            .not_valid_after(datetime.datetime.fromtimestamp(ends, datetime.UTC))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM), _pem_of(key)

    return make


def _pem_of(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
