"""Whatever is posted, Apple gets an answer, and never a 500."""

import base64
import json
import time

import jwt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from msp_server.app import create_app, open_store_of

EXPECTED = {200, 400, 401, 403, 404, 413}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
header_texts = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=40)
names = ["type", "id", "sourceId", "destinationId", "body", "locale", "intent", "group", "v"]
kinds = st.sampled_from(["text", "typing_start", "close", "interactive"]) | st.text(max_size=8)
some_fields = st.dictionaries(st.sampled_from(names) | st.text(max_size=5), json_values, max_size=6)

fuzzed = profile(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def post(settings):
    """Give a function that posts to the app as Apple would, with what it is given instead."""
    store = open_store_of(settings)
    client = create_app(settings, store).test_client()
    claims = {"aud": settings.msp_id, "iat": int(time.time())}
    headers = {
        "Authorization": f"Bearer {jwt.encode(claims, settings.api_secrets[0])}",
        "destination-id": settings.business_ids[0],
    }

    def post(body, **changes):
        return client.post("/message", data=body, headers=headers | changes)

    yield post
    store.close()


@fuzzed
@given(body=st.binary(max_size=2000))
def test_any_bytes_are_answered(post, body):
    assert post(body).status_code in EXPECTED


@fuzzed
@given(fields=some_fields, kind=kinds, message_id=st.uuids())
def test_any_json_is_answered(post, fields, kind, message_id):
    valid = {"type": kind, "id": str(message_id), "sourceId": "urn:mbid:x", "v": 1}

    answer = post(json.dumps({**valid, **fields}).encode())

    assert answer.status_code in EXPECTED


@fuzzed
@given(
    header=st.sampled_from(
        ["Authorization", "id", "source-id", "destination-id", "capability-list"]
    ),
    text=header_texts,
)
def test_any_header_is_answered(post, header, text):
    body = json.dumps({"type": "text", "id": "1", "sourceId": "urn:mbid:x", "body": "hello"})

    assert post(body.encode(), **{header: text}).status_code in EXPECTED


@fuzzed
@given(parts=st.lists(st.binary(max_size=30), min_size=3, max_size=3))
def test_any_token_is_answered(post, parts):
    token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    assert post(b"{}", Authorization=f"Bearer {token}").status_code in {401, 403}
