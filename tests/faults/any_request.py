"""Requests of every kind to every route, by somebody who knows Apple's token or does not."""

import json
import re
import urllib.parse

import jwt
from hypothesis import strategies as st

from tests.faults.fuzzing import BODIES, OF_PAYMENTS, bodies, good_claims, some_bytes, words

#: The ends of two addresses that are open.
TOKEN = "t" * 43
STATE = "s" * 32
#: What opens the routes for agents elsewhere.
AGENT_TOKEN = "a" * 32
POSTS = (
    {"id": "1", "as": "desk", "messages": [{"kind": "Text", "body": "hi"}]},
    {
        "id": "2",
        "messages": [
            {
                "kind": "ListPicker",
                "received": "What?",
                "sections": [{"title": "Drinks", "items": ["Tea", {"title": "Coffee"}]}],
            }
        ],
    },
    {"desk": "billing", "note": "late"},
)

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "JUNK")
_HEADERS = (
    *("id", "source-id", "destination-id", "capability-list", "content-encoding", "content-type"),
    *("Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "Host", "X-Forwarded-For", "Accept"),
    *("Transfer-Encoding", "Content-Length", "Range", "If-None-Match", "Expect", "x-junk"),
)
_FIELDS = (
    *("id", "name", "logo", "userName", "userPassword", "token"),
    *("state", "code", "error", "x"),
)
_FIELD_VALUES = (STATE, "0f0e0d0c-0b0a-0908-0706-050403020100", "https://example.com/a.png", "\0")
_FORM = "application/x-www-form-urlencoded"

_number = st.integers(0, 10_000_000)
_any_body, _payment_body = bodies(BODIES), bodies(OF_PAYMENTS)
_post_body = bodies({each: each for each in map(json.dumps, POSTS)})
_header_text = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30)


def authorizations(settings):
    """Give what may stand in the header `Authorization`: Apple's token twelve times of eighteen."""
    claims = good_claims(settings.msp_id)
    good = jwt.encode(claims, settings.api_secrets[0])
    other = [
        jwt.encode(claims, bytes(32)),
        jwt.encode({**claims, "aud": "another"}, settings.api_secrets[0]),
        jwt.encode(claims, "", "none"),
        "a.b.c",
        "",
    ]
    agent = [AGENT_TOKEN] * 6
    return [None, *(f"Bearer {token}" for token in [good] * 12 + agent + other)]


@st.composite
def requests_to(draw, rules, authorizations, conversation_id):
    """Draw method, path with query, headers and body: of a route mostly, as it wants it mostly."""
    number = draw(_number)
    rule = rules[number % len(rules)]
    number //= len(rules)
    headers = _drawn_headers(draw, number, authorizations)
    body = draw(_payment_body if rule.arguments and number % 2 else _any_body)
    if number % 3 and "conversations" in rule.endpoint:
        body = draw(_post_body)
    if number % 3 == 1 and rule.endpoint.startswith(("landing", "desk")):
        body = urllib.parse.urlencode(_drawn_fields(draw, 8)).encode()
        headers["content-type"] = _FORM
    path = _drawn_path(draw, rule, conversation_id)
    return _drawn_method(draw, rule), path, headers, body


def _drawn_headers(draw, number, authorizations):
    headers = {"destination-id": "0f0e0d0c-0b0a-0908-0706-050403020100"}
    authorization = authorizations[number % len(authorizations)]
    if authorization is not None:
        headers["Authorization"] = authorization
    if number % 4 == 1:
        headers[_HEADERS[draw(_number) % len(_HEADERS)]] = draw(_header_text)
    return headers


def _drawn_method(draw, rule):
    own = sorted(rule.methods - {"HEAD", "OPTIONS"})
    number = draw(_number)
    return _METHODS[number // 7 % len(_METHODS)] if number % 7 == 1 else own[number % len(own)]


def _drawn_path(draw, rule, conversation_id):
    number = draw(_number)
    path = rule.rule
    for argument in rule.arguments:
        known = conversation_id if argument == "conversation_id" else TOKEN
        end = draw(words) if number % 5 == 1 else known
        end = urllib.parse.quote(end, safe="", errors="replace")
        path = re.sub(f"<(path:)?{argument}>", lambda _, end=end: end, path)
    if number % 23 == 5:
        path = "/" + urllib.parse.quote(draw(some_bytes))
    if number % 2:
        return path
    if number % 19 == 6:
        return f"{path}?{urllib.parse.quote(draw(some_bytes))}"
    return f"{path}?{urllib.parse.urlencode(_drawn_fields(draw, 4))}"


def _drawn_fields(draw, limit):
    """Draw the fields of a query or a form; some of them twice."""
    number = draw(_number)
    fields = []
    for _ in range(number % limit):
        number = draw(_number)
        known = _FIELD_VALUES[number // 64 % len(_FIELD_VALUES)]
        text = draw(words) if number % 3 == 1 else known
        fields.append((_FIELDS[number % len(_FIELDS)], text.encode("utf-8", "surrogatepass")))
    return fields
