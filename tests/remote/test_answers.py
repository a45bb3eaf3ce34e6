import gzip

import pytest

from msp_server.errors import AnswerUnreadable, RemoteBusy, RemoteRefused, RemoteUnreachable
from msp_server.remote.answers import (
    RETRY_AFTER_LIMIT_S,
    Question,
    kind_of,
    read_object,
    reason_in,
    retry_after_s,
)
from msp_server.remote.http import HttpAnswer, HttpClient

LIMIT_BYTES = 100
SECRET = "planted-secret"


@pytest.fixture
def question(peer):
    return Question(
        "POST",
        f"{peer.url}/ask?q={SECRET}",
        "m1",
        {"Authorization": SECRET},
        LIMIT_BYTES,
        SECRET.encode(),
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, RemoteRefused),
        (400, RemoteRefused),
        (401, RemoteRefused),
        (404, RemoteRefused),
        (408, RemoteBusy),
        (429, RemoteBusy),
        (499, RemoteRefused),
        (500, RemoteBusy),
        (599, RemoteBusy),
    ],
)
def test_status_means_refused_or_busy(status, kind):
    assert kind_of(status) is kind


@pytest.mark.parametrize(
    ("headers", "delay_s"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "1e300"}, RETRY_AFTER_LIMIT_S),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
    ],
)
def test_wait_is_a_number_of_seconds_up_to_a_limit(headers, delay_s):
    assert retry_after_s(headers) == delay_s


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({}, b"", ""),
        ({}, b"x" * 1000, "x" * 200),
        ({}, b"\xff", "\ufffd"),
        ({"X-Emulator-Reason": "no such phone"}, b"other", "no such phone"),
    ],
)
def test_reason_is_the_emulators_or_the_beginning_of_the_body(headers, body, reason):
    assert reason_in(HttpAnswer(400, headers, body)) == reason


# Reading


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"\xff{}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"a":' * 100_000,
        gzip.compress(b"x" * 10**6),
        b"<html>no</html>",
    ],
    ids=range(14),
)
def test_what_is_no_json_object_is_none(body):
    assert read_object(body, 10**6) is None


def test_object_may_measure_its_limit_and_no_more():
    assert read_object(b'{"a":1}', 7) == {"a": 1}
    assert read_object(b'{"a":1}', 6) is None


def test_question_reads_the_object(peer, question):
    peer.body = '{"name":"Käthe"}'.encode()

    assert question.read(question.ask(HttpClient())) == {"name": "Käthe"}


def test_question_reads_no_more_than_one_byte_beyond_its_limit(peer, question):
    peer.body = b'{"a":1}' + b" " * 10**6

    answer = question.ask(HttpClient())

    assert len(answer.body) == LIMIT_BYTES + 1
    with pytest.raises(AnswerUnreadable, match="no JSON object of 100 bytes at most"):
        question.read(answer)


def test_answer_that_only_drips_is_given_up(peer, question):
    peer.body, peer.drips = b"{}", True
    question = Question("GET", question.address, "m1", {}, 10**5)

    with pytest.raises(RemoteUnreachable, match="too slowly"):
        question.ask(HttpClient(read_timeout_s=0.1))


# Errors


def test_refusal_tells_how_long_to_wait(peer, question):
    peer.status, peer.headers = 503, {"Retry-After": "9"}

    error = question.refusal(question.ask(HttpClient()))

    assert (type(error), error.delay_s, error.status) == (RemoteBusy, 9, 503)


def test_error_names_the_request_and_nothing_that_it_carried(peer, question):
    peer.status, peer.body = 400, SECRET.encode()

    error = question.refusal(question.ask(HttpClient()), ": why")

    assert str(error) == f"POST {peer.url}/ask: answered 400: why"
    assert vars(error) == {
        "method": "POST",
        "address": f"{peer.url}/ask",
        "status": 400,
        "message_id": "m1",
        "answer": "",
    }


def test_question_does_not_show_what_it_carries():
    question = Question("POST", "http://a", "m1", {"Authorization": SECRET}, 1, SECRET.encode())

    assert SECRET not in repr(question)
