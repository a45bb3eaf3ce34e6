"""Inputs that nobody sends on purpose: of all types, and true ones that are spoilt."""

import base64
import gzip
import json
import time

import jwt
from hypothesis import HealthCheck
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests.faults.conftest import size
from tests.messages.answers import ANSWERS, LEAVES, places_in
from tests.messages.samples import BID, SAMPLES

#: How often everything is done: hypothesis remembers what it tried, so that a round is not endless.
ROUNDS = range(size(1, 20))
#: How many inputs of each kind one round tries.
EXAMPLES = {
    "tokens": 9_000,
    "bodies": 10_000,
    "messages": 11_000,
    "requests": 19_500,
    "payments": 200,
    "answers": 1_500,
}

FILE = {
    "name": "a.png",
    "mimeType": "image/png",
    "size": 3,
    "key": "00" + "ab" * 32,
    "url": "https://p54-content.icloud.com/M1.C01USN00",
    "owner": "M1.C01USN00",
    "signature": base64.b16encode(bytes(21)).decode(),
    "signature-base64": base64.b64encode(bytes(21)).decode(),
}
ENVELOPE = {
    "v": 1,
    "id": "5f7f3b5e-0000-4000-8000-000000000003",
    "sourceId": "urn:mbid:kim",
    "destinationId": "0f0e0d0c-0b0a-0908-0706-050403020100",
}
#: JSON of Apple's, by what it is.
VALID = {
    **{path.stem: json.loads(path.read_text("utf-8")) for path in sorted(SAMPLES.glob("*.json"))},
    **{f"answer {name}": fields for name, (fields, _) in ANSWERS.items()},
    "files": {"type": "text", "body": "\ufffctwo", "attachments": [FILE, FILE]},
    "large answer": {
        "type": "interactive",
        "interactiveDataRef": {**FILE, "bid": BID, "title": "Menu"},
    },
    "reaction": {"type": "text", "body": "Loved “Hello”"},
}
#: All of it as messages, some of which would not be of Apple's; as text, which is copied fastest.
MESSAGES = {
    name: json.dumps({"type": "interactive", **ENVELOPE, **fields})
    for name, fields in VALID.items()
}
#: All of it as it stands in a request: what devices post to payments, too.
BODIES = {**MESSAGES, **{f"bare {name}": json.dumps(fields) for name, fields in VALID.items()}}
#: What a customer's device posts while a payment is made.
OF_PAYMENTS = {
    name: text
    for name, text in BODIES.items()
    if name.startswith(("bare payment_", "bare shipping_"))
}
#: One value of each type, and some that are almost right.
OF_EACH_TYPE = [None, True, 0, -1, 1.5, "", "x", "0", [], {}, [[]], [{}], [None], {"": None}]

DEEP = b"[" * 100_000
BOMB = gzip.compress(bytes(64 * 1024 * 1024), 9)
#: Bodies that cost more than they measure.
HEAVY = [
    DEEP,
    gzip.compress(DEEP),
    b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    BOMB,
    gzip.compress(BOMB),
    gzip.compress(b"{}") * 40,
    b"x" * (1024 * 1024 + 1),
    b"9" * 100_000,
    b'{"type": "text", "body": "' + b"\\ud800" * 50_000 + b'"}',
]

words = st.text(max_size=20)
some_bytes = st.binary(max_size=300)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
#: Mostly of a list, which is drawn from ten times as fast.
junk = st.one_of([st.sampled_from([*OF_EACH_TYPE, *LEAVES])] * 7 + [json_values])
_number = st.integers(0, 1_000_000)
_few = st.integers(0, 15)


def fuzzed(kind):
    """Try a test with so many inputs of a kind, as fast as it goes."""
    return profile(
        max_examples=EXAMPLES[kind],
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
    )


def _copied(value):
    return json.loads(json.dumps(value))


def _put_junk(draw, holder, key, _places):
    holder[key] = _copied(draw(junk))  # what is drawn is drawn again


def _take_out(_draw, holder, key, _places):
    del holder[key]


def _double(_draw, holder, key, _places):
    holder[key] = [holder[key], holder[key]]


def _swap(draw, holder, key, places):
    other, its_key = places[draw(_number) % len(places)]
    holder[key] = _copied(other[its_key])


_DEEDS = [_put_junk, _put_junk, _put_junk, _take_out, _double, _swap]


@st.composite
def spoilt(draw, samples):
    """Draw a valid sample with nothing, or up to three things, wrong with it."""
    names = [*samples]
    number = draw(_number)
    fields = json.loads(samples[names[number % len(names)]])
    for _ in range(number % 4):
        places = [*places_in(fields)]
        if places:
            number = draw(_number)
            _DEEDS[number % len(_DEEDS)](draw, *places[number // 6 % len(places)], places)
    return {**fields, "id": f"id {number}"} if "id" in fields else fields


def written(fields):
    """Write JSON as bytes, as Python does: NaN and halves of pairs are among it."""
    return json.dumps(fields).encode()


def _cut(packed):
    return packed[: len(packed) * 2 // 3]


def _zipped(packed):
    return gzip.compress(packed, 1)


#: What may become of bytes on their way.
_WRAPPINGS = [bytes, bytes, _zipped, _zipped, _zipped, _cut]
_WRAPPINGS += [lambda packed: _cut(_zipped(packed)), lambda packed: _zipped(packed) + b"x"]


@st.composite
def bodies(draw, samples):
    """Draw the body of a request: spoilt, heavy, or any bytes."""
    match draw(_few):
        case 0:
            return HEAVY[draw(_few) % len(HEAVY)]
        case 1 | 2:
            return draw(some_bytes)
        case 3:
            packed = written(draw(junk))
        case _:
            packed = written(draw(spoilt(samples)))
    return _WRAPPINGS[draw(_few) % len(_WRAPPINGS)](packed)


def _encoded(value):
    packed = value if isinstance(value, bytes) else written(value)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


_HEADERS = [{"alg": "HS256", "typ": "JWT"}] * 4
_HEADERS += [{"alg": "none"}, {"alg": "HS512"}, {"alg": None}, {}]
_CLAIMS = ("aud", "iat", "exp", "nbf", "iss", "sub", "jti", "x")
_HEADER_NAMES = ("alg", "typ", "crit", "kid", "b64", "cty", "zip", "x")
_HMAC = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)


@st.composite
def tokens(draw, api_secret, claims):
    """Draw a token, and whether the secret signed it: true ones, spoilt ones, and any words."""
    number = draw(_number)
    header, made = {**_HEADERS[number % 8]}, {**claims}
    for names, fields in ((_CLAIMS, made), (_HEADER_NAMES, header)):
        number //= 8
        if number % 2:
            fields[names[number // 2 % 8]] = draw(junk)
    head = draw(junk) if number % 11 == 1 else header
    body = draw(some_bytes) if number % 13 == 2 else draw(junk) if number % 7 == 3 else made
    signed = f"{_encoded(head)}.{_encoded(body)}"
    secret = b"another" if number % 5 == 4 else api_secret
    signature = draw(some_bytes) if number % 17 == 5 else _HMAC.sign(signed.encode(), secret)
    return f"{signed}.{_encoded(signature)}", signature == _HMAC.sign(signed.encode(), api_secret)


def good_claims(msp_id):
    """Give what Apple says in a token."""
    return {"aud": msp_id, "iat": int(time.time())}
