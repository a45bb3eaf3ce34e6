"""Whatever a device answers is acknowledged, kept, and breaks nothing behind it."""

import gzip
import json
import random
import time
import uuid
from contextlib import suppress

import jwt
import pytest

from msp_server.app import create_app, open_store_of
from tests.messages.answers import make_answer

ANSWERS = 10_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_thousand_random_answers_are_acknowledged_and_kept(settings):
    source = random.Random(5)  # noqa: S311 - the same answers every time
    store = open_store_of(settings)
    web = create_app(settings, store).test_client()
    claims = {"aud": settings.msp_id, "iat": int(time.time())}
    headers = {
        "Authorization": f"Bearer {jwt.encode(claims, settings.api_secrets[0], 'HS256')}",
        "source-id": "urn:mbid:alice",
        "destination-id": settings.business_ids[0],
    }
    sent = 0

    while sent < ANSWERS:
        fields = {**make_answer(source), "type": "interactive", "id": str(uuid.uuid4())}
        with suppress(ValueError):  # a number that JSON does not have
            packed = gzip.compress(json.dumps(fields, allow_nan=False).encode(), compresslevel=1)
            answer = web.post("/message", data=packed, headers=headers)
            assert answer.status_code == 200, answer.json
            sent += 1

    kept = store.history.newest(ANSWERS + 1)
    store.close()
    assert len(kept) == ANSWERS
