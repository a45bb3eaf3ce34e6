"""POST /message: what is taken in, and each refusal of the table with its status."""

import gzip
import json
import sqlite3
import threading
import time

import pytest
import requests

from msp_server import Agent, Text, metrics
from msp_server.app import create_app

KIB = 1024
MIB = 1024 * KIB


def kept(msp):
    return msp.store.history.newest(100)


def refused(answer, status):
    """Tell whether an answer is a refusal in one line of JSON."""
    error = answer.json()["error"]
    return answer.status_code == status and error and "\n" not in error


def test_valid_message_is_acknowledged_and_kept_as_the_bytes_that_came(msp, request_of_apple):
    answer = request_of_apple.send_to(msp)

    entry = kept(msp)[0]
    assert answer.status_code == 200
    assert entry.message_id == request_of_apple.fields["id"]
    assert json.loads(gzip.decompress(entry.packed)) == request_of_apple.fields


def test_message_id_seen_before_is_acknowledged_and_kept_once(msp, request_of_apple):
    request_of_apple.send_to(msp)

    answer = request_of_apple.send_to(msp)

    assert answer.status_code == 200
    assert [e.direction for e in kept(msp)].count("in") == 1


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic YTpi", "Bearer", "Bearer a.b", "Bearer a.b.c.d", "Token a.b.c"],
)
def test_request_without_a_bearer_token_of_three_parts_is_401(msp, request_of_apple, authorization):
    request_of_apple.headers["Authorization"] = authorization

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 401)
    assert kept(msp) == []


def spoil_signature(request):
    request.secret = bytes(32)


def spoil_audience(request):
    request.claims["aud"] = "99990000-aaaa-bbbb-cccc-ddddeeeeffff"


def spoil_age(request):
    request.claims["iat"] -= 3700


def spoil_future(request):
    request.claims["iat"] += 3700


def spoil_iat_kind(request):
    request.claims["iat"] = str(request.claims["iat"])


def leave_out_iat(request):
    del request.claims["iat"]


def use_algorithm_none(request):
    request.algorithm = "none"


def use_hs512(request):
    request.algorithm = "HS512"
    request.secret = request.secret * 2


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_signature,
        spoil_audience,
        spoil_age,
        spoil_future,
        spoil_iat_kind,
        leave_out_iat,
        use_algorithm_none,
        use_hs512,
    ],
)
def test_token_that_apple_did_not_sign_for_us_lately_is_403(msp, request_of_apple, spoil):
    spoil(request_of_apple)

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 403)
    assert kept(msp) == []


def test_token_of_rs256_is_403(msp, request_of_apple):
    header = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9"
    request_of_apple.headers["Authorization"] = (
        f"Bearer {header}.{request_of_apple.token.split('.', 1)[1]}"
    )

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 403)


def test_refusal_for_age_names_age_and_setting_in_the_log(msp, request_of_apple, caplog):
    spoil_age(request_of_apple)

    request_of_apple.send_to(msp)

    assert "issued 3700 s ago" in caplog.text or "issued 3701 s ago" in caplog.text
    assert "MSP_TOKEN_MAX_AGE_S" in caplog.text


def test_audience_in_other_case_is_accepted(msp, request_of_apple):
    request_of_apple.claims["aud"] = msp.settings.msp_id.upper()

    assert request_of_apple.send_to(msp).status_code == 200


@pytest.mark.parametrize("destination", [None, "0f0e0d0c-0b0a-0908-0706-0504030201ff"])
def test_business_that_is_not_ours_is_404(msp, request_of_apple, destination):
    request_of_apple.headers["destination-id"] = destination

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 404)
    assert kept(msp) == []


def without(name):
    def spoil(request):
        del request.fields[name]

    return spoil


def with_field(name, value):
    def spoil(request):
        request.fields[name] = value

    return spoil


def with_id(value):
    def spoil(request):
        request.fields["id"] = value
        request.headers["id"] = None

    return spoil


def with_body(body):
    def spoil(request):
        request.body = body

    return spoil


def with_extra(value):
    """Put a field into the valid message, as JSON by hand."""

    def spoil(request):
        request.body = json.dumps(request.fields)[:-1].encode() + b',"extra":' + value + b"}"

    return spoil


def cut_short(request):
    request.body = request.packed()[:-9]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(with_body(b"\xff\xfe neither"), id="neither gzip nor JSON"),
        pytest.param(with_body(b""), id="empty"),
        pytest.param(cut_short, id="truncated gzip"),
        pytest.param(with_body(b"[1]"), id="no object"),
        pytest.param(without("type"), id="no type"),
        pytest.param(without("id"), id="no id"),
        pytest.param(with_field("id", "another"), id="ids differ"),
        pytest.param(with_id("x" * 1025), id="id too long"),
        pytest.param(with_id("a\x00b"), id="NUL in id"),
        pytest.param(with_id("a\nb"), id="line break in id"),
        pytest.param(with_extra(b"[" * 64 + b"]" * 64), id="nesting"),
        pytest.param(with_extra(b"1e999"), id="number too large"),
        pytest.param(with_extra(b"NaN"), id="NaN"),
        pytest.param(with_extra(b"9" * 5000), id="too many digits"),
    ],
)
def test_body_that_is_no_message_is_400(msp, request_of_apple, spoil):
    spoil(request_of_apple)

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 400)
    assert kept(msp) == []


def test_body_with_two_lengths_is_400_and_the_connection_closed(msp, request_of_apple):
    packed = request_of_apple.packed()
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)

    received = request_of_apple.send_raw(
        msp, [f"Content-Length: {len(packed)}", "Transfer-Encoding: chunked"], chunked
    )

    head, body = received.split("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert "connection: close" in head.lower()
    assert "Transfer-Encoding" in json.loads(body)["error"]
    assert kept(msp) == []


def test_chunked_body_is_taken_in(msp, request_of_apple):
    packed = request_of_apple.packed()
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)

    received = request_of_apple.send_raw(
        msp, ["Transfer-Encoding: chunked", "Connection: close"], chunked
    )

    assert received.startswith("HTTP/1.1 200 ")
    assert kept(msp)[0].packed == packed


def padded(size_bytes):
    """Make a message of ours that measures so many bytes, packed or not."""
    text = '{"type":"text","id":"1","body":"%s"}'
    return (text % ("x" * (size_bytes - len(text) + 2))).encode()


def test_largest_packed_body_is_taken_in(msp, request_of_apple):
    request_of_apple.headers["id"] = "1"
    request_of_apple.body = padded(MIB)

    assert request_of_apple.send_to(msp).status_code == 200


@pytest.mark.parametrize("size_bytes", [MIB + 1, 2 * MIB + 1, 20 * MIB])
def test_packed_body_past_the_limit_is_413(msp, request_of_apple, size_bytes):
    request_of_apple.headers["id"] = "1"
    request_of_apple.body = padded(size_bytes)

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 413)
    assert kept(msp) == []


def test_chunked_body_past_the_limit_is_413(msp, request_of_apple):
    body = padded(MIB + 1)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    received = request_of_apple.send_raw(
        msp, ["Transfer-Encoding: chunked", "Connection: close"], chunked
    )

    assert received.startswith("HTTP/1.1 413 ")
    assert kept(msp) == []


def test_largest_unpacked_body_is_taken_in(msp, request_of_apple):
    request_of_apple.headers["id"] = "1"
    request_of_apple.body = gzip.compress(padded(2 * MIB))

    assert request_of_apple.send_to(msp).status_code == 200


@pytest.mark.parametrize("size_bytes", [2 * MIB + 1, 900 * MIB])
def test_body_that_unpacks_past_the_limit_is_413(msp, request_of_apple, size_bytes):
    piece = gzip.compress(bytes(100 * MIB), 9)
    small = gzip.compress(padded(size_bytes)) if size_bytes < 100 * MIB else piece * 9
    request_of_apple.body = small

    answer = request_of_apple.send_to(msp)

    assert refused(answer, 413)
    assert kept(msp) == []


def test_store_that_cannot_commit_is_503_with_retry_after(hurried_store, msp, request_of_apple):
    file = msp.settings.database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    answer = request_of_apple.send_to(msp)
    other.execute("ROLLBACK")
    other.close()

    assert refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert request_of_apple.send_to(msp).status_code == 200


def test_extra_field_of_an_unspoiled_message_is_taken_in(msp, request_of_apple):
    with_extra(b"[" * 63 + b"1.5e3" + b"]" * 63)(request_of_apple)

    assert request_of_apple.send_to(msp).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"body": "half a pair \ud83d here"}, id="lone surrogate"),
        pytest.param({"body": "a\x00b"}, id="NUL"),
        pytest.param({"type": "hologram"}, id="unknown type"),
        pytest.param({"type": "text", "body": {"not": "words"}}, id="text in another shape"),
        pytest.param({"type": "x" * 5000}, id="long type"),
        pytest.param({"locale": "\x00\ud800", "intent": 5, "group": ["a"]}, id="odd hints"),
    ],
)
def test_oddities_are_acknowledged_and_kept(msp, request_of_apple, wait_for, fields):
    request_of_apple.fields.update(fields)
    packed = request_of_apple.packed()
    request_of_apple.body = packed

    answer = request_of_apple.send_to(msp)

    entry = wait_for(lambda: [e for e in kept(msp) if e.state == "ANSWERED"])[0]
    assert answer.status_code == 200
    assert entry.packed == packed


def test_unknown_type_is_logged_escaped_and_cut(msp, request_of_apple, caplog):
    request_of_apple.fields["type"] = "holo\ngram" + "x" * 5000

    request_of_apple.send_to(msp)

    (line,) = [r.getMessage() for r in caplog.records if "kind=Unknown" in r.getMessage()]
    assert r"'holo\ngramx" in line
    assert len(line) < 300


def test_values_from_outside_are_escaped_and_cut_in_a_refusals_log_line(
    msp, request_of_apple, caplog
):
    request_of_apple.headers["id"] = "\xfc" + "x" * 5000
    request_of_apple.headers["Authorization"] = "Basic secret-word"

    request_of_apple.send_to(msp)

    (line,) = [r.getMessage() for r in caplog.records if "refused" in r.getMessage()]
    assert r"'\xfcxxx" in line
    assert len(line) < 400
    assert "secret-word" not in line


def test_acknowledgement_waits_for_no_agent(start_msp, apple, wait_for):
    agent = Agent("slow")
    may_answer = threading.Event()

    @agent.on(Text)
    def answer_late(text, conversation):
        may_answer.wait(10)
        return Text("late")

    with start_msp(agent):
        before = time.monotonic()
        receipt = apple.phone().text("hello")
        seconds = time.monotonic() - before
        may_answer.set()
        assert apple.phone().wait_for_bodies(1) == ["late"]

    assert receipt["status"] == 200
    assert seconds < 5


def test_get_says_in_one_sentence_that_apple_posts_here(msp):
    with requests.Session() as web:
        answer = web.get(f"{msp.url}/message")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "Apple posts" in answer.json()["error"]


def test_time_to_acknowledge_begins_when_the_server_read_the_request(msp, request_of_apple):
    app = create_app(msp.settings, msp.store)
    before = metrics.REGISTRY.get_sample_value("msp_acknowledged_seconds_sum")

    answer = app.test_client().post(
        "/message",
        data=request_of_apple.packed(),
        headers=request_of_apple.all_headers(),
        environ_base={metrics.READ_AT: time.perf_counter() - 7},
    )

    after = metrics.REGISTRY.get_sample_value("msp_acknowledged_seconds_sum")
    assert answer.status_code == 200
    assert 7 <= after - before < 17


def test_unknown_kind_is_logged_with_what_apple_calls_it(msp, request_of_apple, caplog):
    request_of_apple.fields = {**request_of_apple.fields, "type": "hologram\n"}

    request_of_apple.send_to(msp)

    assert "kind=Unknown new=True type='hologram\\n'" in caplog.text
