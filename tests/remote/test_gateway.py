import json
import socket
import threading
import traceback
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from msp_server.errors import (
    CredentialsRefused,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
)
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import BusinessId, MessageId, OpaqueId
from msp_server.messages.text import Text
from msp_server.remote.gateway import MSP_AGENT, Gateway
from msp_server.remote.http import HttpClient

TOKEN = "head.claims.signature"
MESSAGE_ID = "5f7f3b5e-0000-4000-8000-000000000003"

#: What HTTP itself adds to a request.
OF_HTTP = {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "Content-Length"}


@dataclass
class Script:
    """What the server answers, and the requests it saw: path, headers, body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    hangs_up: bool = False
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


class AppleGateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        script = self.server.script
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        script.seen.append((self.path, dict(self.headers.items()), body))
        if script.hangs_up:
            self.close_connection = True
            return
        self.send_response(script.status)
        for name, value in script.headers.items():
            self.send_header(name, value)
        if script.status != 204:
            self.send_header("Content-Length", str(len(script.body)))
        self.end_headers()
        self.wfile.write(script.body)

    def do_GET(self):
        self.do_POST()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), AppleGateway) as listening:
        listening.script = Script()
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture
def script(server):
    return server.script


@pytest.fixture
def gateway(server):
    return Gateway(f"http://127.0.0.1:{server.server_port}/v1", lambda: TOKEN, HttpClient())


def send(gateway, body="Grüße 👋", automated=False):
    message = OutboundMessage(
        id=MessageId(MESSAGE_ID),
        business_id=BusinessId("a1b2c3d4-e5f6-4789-8abc-def012345678"),
        customer_id=OpaqueId("urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY="),
        content=Text(body),
        automated=automated,
    )
    headers, packed = message.to_wire()
    return gateway.send(headers, packed, message.id)


def refusal(gateway):
    with pytest.raises(RemoteError) as refused:
        send(gateway)
    return refused.value


# What is sent


def test_send_posts_to_the_message_address(gateway, script):
    send(gateway)

    assert [path for path, _, _ in script.seen] == ["/v1/message"]


def test_send_carries_the_headers_that_apple_asks_for(gateway, script):
    send(gateway)

    [(_, headers, _)] = script.seen
    assert {name: value for name, value in headers.items() if name not in OF_HTTP} == {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "application/json",
        "id": MESSAGE_ID,
        "Source-Id": "a1b2c3d4-e5f6-4789-8abc-def012345678",
        "Destination-Id": "urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY=",
        "msp-agent": MSP_AGENT,
    }


def test_send_says_that_a_machine_wrote_it(gateway, script):
    send(gateway, automated=True)

    [(_, headers, _)] = script.seen
    assert headers["auto-reply"] == "true"


def test_send_names_us_in_as_many_characters_as_apple_logs():
    assert 0 < len(MSP_AGENT) <= 64


def test_send_carries_the_body_untouched(gateway, script):
    packed = b'{"v":1, "body":"Gr\xc3\xbc\xc3\x9fe"}\n'

    gateway.send({}, packed, MESSAGE_ID)

    assert [body for _, _, body in script.seen] == [packed]


def test_send_carries_json_in_utf_8(gateway, script):
    send(gateway, "Grüße 👋")

    [(_, _, body)] = script.seen
    assert json.loads(body)["body"] == "Grüße 👋"


def test_send_makes_a_token_for_every_request(server, script):
    tokens = iter(["a.b.1", "a.b.2"])
    gateway = Gateway(
        f"http://127.0.0.1:{server.server_port}/v1", lambda: next(tokens), HttpClient()
    )

    send(gateway)
    send(gateway)

    assert [headers["Authorization"] for _, headers, _ in script.seen] == [
        "Bearer a.b.1",
        "Bearer a.b.2",
    ]


def test_send_does_not_let_a_header_of_the_message_replace_the_token(gateway, script):
    gateway.send({"Authorization": "Bearer x.y.z"}, b"{}", MESSAGE_ID)

    [(_, headers, _)] = script.seen
    assert headers["Authorization"] == f"Bearer {TOKEN}"


# What is answered


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_send_gives_the_answer_of_a_gateway_that_accepted(status, gateway, script):
    script.status = status

    assert send(gateway).status == status


def test_send_gives_the_body_of_the_answer(gateway, script):
    script.body = b'{"dataRef":{}}'

    assert send(gateway).body == b'{"dataRef":{}}'


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, RemoteRefused),
        (302, RemoteRefused),
        (400, RemoteRefused),
        (404, RemoteRefused),
        (410, RemoteRefused),
        (413, RemoteRefused),
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (408, RemoteBusy),
        (429, RemoteBusy),
        (500, RemoteBusy),
        (502, RemoteBusy),
        (503, RemoteBusy),
        (599, RemoteBusy),
    ],
)
def test_send_raises_what_the_status_means(status, kind, gateway, script):
    script.status = status

    assert type(refusal(gateway)) is kind


@pytest.mark.parametrize(
    ("status", "retryable"), [(302, False), (400, False), (404, False), (403, True), (503, True)]
)
def test_send_tells_whether_the_same_attempt_may_succeed_later(status, retryable, gateway, script):
    script.status = status

    assert refusal(gateway).retryable is retryable


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_send_does_not_follow_a_redirect(status, server, gateway, script):
    script.status = status
    script.headers = {"Location": f"http://127.0.0.1:{server.server_port}/elsewhere"}

    refusal(gateway)

    assert [path for path, _, _ in script.seen] == ["/v1/message"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_send_tells_how_long_a_busy_gateway_asks_us_to_wait(status, gateway, script):
    script.status = status
    script.headers = {"Retry-After": "7"}

    assert refusal(gateway).delay_s == 7


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [
        ("0", 0),
        (" 12 ", 12),
        ("0.5", 0.5),
        ("300", 300),
        ("301", 300),
        ("1e300", 300),
        ("9" * 400, None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_send_waits_300_seconds_at_most_and_only_for_a_number(text, delay_s, gateway, script):
    script.status = 503
    script.headers = {"Retry-After": text}

    assert refusal(gateway).delay_s == delay_s


def test_send_knows_of_no_wait_when_a_busy_gateway_asks_for_none(gateway, script):
    script.status = 503

    assert refusal(gateway).delay_s is None


# What an error tells


def test_error_tells_request_and_status(server, gateway, script):
    script.status = 400

    assert str(refusal(gateway)) == (
        f"POST http://127.0.0.1:{server.server_port}/v1/message: answered 400"
    )


def test_error_keeps_status_and_message(gateway, script):
    script.status = 404

    error = refusal(gateway)

    assert (error.status, error.message_id) == (404, MESSAGE_ID)


@pytest.mark.parametrize(
    ("headers", "body", "answer"),
    [
        ({}, b"", ""),
        ({}, b"ids differ", "ids differ"),
        ({}, b"x" * 1000, "x" * 200),
        ({}, b"\xff", "\ufffd"),
        ({"X-Emulator-Reason": "no such phone"}, b"", "no such phone"),
        ({"X-Emulator-Reason": "no such phone"}, b"other", "no such phone"),
    ],
)
def test_error_keeps_the_beginning_of_what_was_answered(headers, body, answer, gateway, script):
    script.status, script.headers, script.body = 400, headers, body

    assert refusal(gateway).answer == answer


@pytest.mark.parametrize("status", [302, 400, 403, 503])
def test_error_does_not_tell_the_token(status, gateway, script):
    script.status = status

    error = refusal(gateway)

    assert TOKEN not in f"{vars(error)} {''.join(traceback.format_exception(error))}"


def test_error_about_no_answer_does_not_tell_the_token(gateway, script):
    script.hangs_up = True

    error = refusal(gateway)

    assert TOKEN not in f"{vars(error)} {''.join(traceback.format_exception(error))}"


# No answer


def test_gateway_that_hangs_up_is_unreachable(gateway, script):
    script.hangs_up = True

    error = refusal(gateway)

    assert (type(error), error.message_id, error.retryable) == (RemoteUnreachable, MESSAGE_ID, True)


def test_gateway_that_is_not_there_is_unreachable():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"

        error = refusal(Gateway(address, lambda: TOKEN, HttpClient()))

    assert (type(error), error.message_id, error.retryable) == (RemoteUnreachable, MESSAGE_ID, True)


# Other endpoints


def test_call_asks_for_a_path_below_the_base_with_a_token(gateway, script):
    gateway.call("GET", "/preUpload", {"MMCS-Size": "5"}, b"", MESSAGE_ID)

    [(path, headers, body)] = script.seen
    assert (path, body) == ("/v1/preUpload", b"")
    assert (headers["Authorization"], headers["MMCS-Size"]) == (f"Bearer {TOKEN}", "5")


def test_call_gives_as_much_of_the_answer_as_is_wanted(gateway, script):
    script.body = b"x" * 200_000

    answer = gateway.call("POST", "/decodePayload", {}, b"", MESSAGE_ID, 150_000)

    assert len(answer.body) == 150_000


@pytest.mark.parametrize(
    ("status", "kind"), [(404, RemoteRefused), (403, CredentialsRefused), (503, RemoteBusy)]
)
def test_call_raises_what_the_status_means_and_names_the_endpoint(status, kind, gateway, script):
    script.status = status

    with pytest.raises(kind, match=rf"GET http://.*/v1/preDownload: answered {status}"):
        gateway.call("GET", "/preDownload", {}, b"", MESSAGE_ID)
