import json

import pytest

from msp_server.errors import (
    AnswerUnreadable,
    CredentialsRefused,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
)
from msp_server.remote.http import HttpClient
from msp_server.remote.programs import ANSWER_LIMIT_BYTES, Programs

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#: Of the example of Standard Webhooks' specification.
EXAMPLE_ID, EXAMPLE_AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330
EXAMPLE_BODY = b'{"test": 2432232314}'
EXAMPLE_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.fixture
def programs():
    return Programs(SECRET, HttpClient(read_timeout_s=0.2))


def ask(programs, peer):
    return programs.ask(f"{peer.url}/hook", EXAMPLE_BODY, EXAMPLE_ID, EXAMPLE_AT)


def test_a_request_is_signed_as_the_example_of_the_specification(programs, peer):
    ask(programs, peer)

    (asked,) = peer.asked
    headers = {name.lower(): value for name, value in asked.headers.items()}
    assert asked.body == EXAMPLE_BODY
    assert headers["webhook-id"] == EXAMPLE_ID
    assert headers["webhook-timestamp"] == str(EXAMPLE_AT)
    assert headers["webhook-signature"] == EXAMPLE_SIGNATURE


def test_what_a_program_answers_is_given(programs, peer):
    peer.body = json.dumps({"messages": []}).encode()

    assert ask(programs, peer) == {"messages": []}


@pytest.mark.parametrize("status", [202, 204])
def test_a_program_may_say_nothing_for_now(programs, peer, status):
    peer.status, peer.body = status, b""

    assert ask(programs, peer) == {}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (400, RemoteRefused),
        (302, RemoteRefused),
        (429, RemoteBusy),
        (500, RemoteBusy),
    ],
)
def test_each_status_has_its_error(programs, peer, status, kind):
    peer.status, peer.body = status, b"because"

    with pytest.raises(kind) as refused:
        ask(programs, peer)

    assert (refused.value.status, refused.value.answer) == (status, "because")
    assert "because" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"hello", b"[]", b" " * (ANSWER_LIMIT_BYTES + 1)])
def test_an_answer_that_is_no_object_is_unreadable(programs, peer, body):
    peer.body = body

    with pytest.raises(AnswerUnreadable):
        ask(programs, peer)


def test_a_program_that_is_silent_is_unreachable(programs, peer):
    peer.silent = True

    with pytest.raises(RemoteUnreachable):
        ask(programs, peer)
