import base64
import hashlib
import hmac
import json
from pathlib import Path

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msp_server.errors import TokenMissing, TokenRefused
from msp_server.wire.tokens import bearer_token, sign, verify

ANYTHING = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECRET = b"0123456789abcdef0123456789abcdef"
OTHER_SECRET = b"fedcba9876543210fedcba9876543210"
MSP_ID = "5e5f6a7b-8c9d-4e0f-a1b2-c3d4e5f60718"
NOW = 1735689600
MAX_AGE_S = 3600

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "vectors" / "jwt-hs256.json").read_text("utf-8")
)
VECTOR_SECRET = base64.b64decode(VECTORS["secret_base64"])
INBOUND = [case for case in VECTORS["cases"] if case["direction"] in ("gateway -> MSP", "either")]
ACCEPTED = [case for case in INBOUND if case["expected"] == "accept"]
REFUSED = [case for case in INBOUND if case["expected"] != "accept"]
OUTBOUND = {case["name"]: case for case in VECTORS["cases"]}["outbound-minimal"]


def by_name(case):
    return case["name"]


def encode(part):
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def signed(payload, header=b'{"alg":"HS256","typ":"JWT"}', secret=SECRET, digest=hashlib.sha256):
    """Sign any bytes, also such as no library would sign."""
    said = encode(header) + b"." + encode(payload)
    return (said + b"." + encode(hmac.new(secret, said, digest).digest())).decode()


def token_of(**changes):
    """Make a token that holds, with some claims changed; None leaves a claim out."""
    claims = {"aud": MSP_ID, "iat": NOW, **changes}
    held = {name: claim for name, claim in claims.items() if claim is not None}
    return signed(json.dumps(held).encode())


def token_issued(iat):
    """Make a token that holds, with the text of `iat` as it stands in the JSON."""
    return signed(f'{{"aud":"{MSP_ID}","iat":{iat}}}'.encode())


def verified(token, secrets=(SECRET,), now=NOW, max_age_s=MAX_AGE_S):
    return verify(token, secrets, MSP_ID, now, max_age_s)


# The Authorization header


@pytest.mark.parametrize(
    "authorization",
    ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "  Bearer   a.b.c  "],
)
def test_bearer_token_takes_the_token_out_of_the_header(authorization):
    assert bearer_token(authorization) == "a.b.c"


@pytest.mark.parametrize("authorization", [None, "", " "])
def test_bearer_token_misses_a_header_that_did_not_come(authorization):
    with pytest.raises(TokenMissing):
        bearer_token(authorization)


@pytest.mark.parametrize("authorization", ["Basic a.b.c", "a.b.c", "Bearera.b.c", "Token a.b.c"])
def test_bearer_token_misses_the_scheme_bearer(authorization):
    with pytest.raises(TokenMissing):
        bearer_token(authorization)


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer a", "Bearer a.b", "Bearer a.b.c.d"])
def test_bearer_token_misses_one_of_the_three_parts(authorization):
    with pytest.raises(TokenMissing):
        bearer_token(authorization)


@ANYTHING
@given(st.text())
def test_bearer_token_raises_nothing_but_token_missing(text):
    for authorization in (text, f"Bearer {text}"):
        try:
            token = bearer_token(authorization)
        except TokenMissing:
            continue

        assert token.count(".") == 2


# Vectors


@pytest.mark.parametrize("case", ACCEPTED, ids=by_name)
def test_verify_accepts_vector(case):
    token = bearer_token(f"Bearer {case['token']}")

    claims = verify(token, [VECTOR_SECRET], VECTORS["msp_id"], VECTORS["iat"], MAX_AGE_S)

    assert claims == case["claims"]


@pytest.mark.parametrize("case", REFUSED, ids=by_name)
def test_verify_refuses_vector(case):
    token = bearer_token(f"Bearer {case['token']}")

    with pytest.raises(TokenRefused):
        verify(token, [VECTOR_SECRET], VECTORS["msp_id"], VECTORS["iat"], MAX_AGE_S)


def test_sign_makes_the_claims_of_the_outbound_vector():
    token = sign(VECTORS["msp_id"], VECTOR_SECRET, VECTORS["iat"])

    claims = jwt.decode(token, VECTOR_SECRET, ["HS256"], options={"verify_iat": False})
    assert claims == OUTBOUND["claims"]


# What we sign


def test_sign_names_the_one_algorithm_that_apple_takes():
    header = jwt.get_unverified_header(sign(MSP_ID, SECRET, NOW))

    assert header["alg"] == "HS256"


def test_sign_gives_iat_in_whole_seconds():
    token = sign(MSP_ID, SECRET, NOW + 0.75)

    claims = jwt.decode(token, SECRET, ["HS256"], options={"verify_iat": False})
    assert (claims["iat"], type(claims["iat"])) == (NOW, int)


# Signature and algorithm


def test_verify_gives_the_claims():
    assert verified(token_of()) == {"aud": MSP_ID, "iat": NOW}


def test_verify_refuses_another_signature():
    token = signed(json.dumps({"aud": MSP_ID, "iat": NOW}).encode(), secret=OTHER_SECRET)

    with pytest.raises(TokenRefused, match="MSP_SECRET"):
        verified(token)


def test_verify_refuses_claims_changed_after_signing():
    header, _, signature = token_of().split(".")
    changed = encode(json.dumps({"aud": MSP_ID, "iat": NOW + 1}).encode()).decode()

    with pytest.raises(TokenRefused, match="signature"):
        verified(f"{header}.{changed}.{signature}")


@pytest.mark.parametrize("secrets", [(SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET)])
def test_verify_accepts_a_token_signed_with_any_of_the_secrets(secrets):
    assert verified(token_of(), secrets)["aud"] == MSP_ID


def test_verify_refuses_every_token_when_there_is_no_secret():
    with pytest.raises(TokenRefused):
        verified(token_of(), secrets=())


@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
def test_verify_refuses_a_token_that_nobody_signed(name):
    header = json.dumps({"alg": name}).encode()
    unsigned = f"{encode(header).decode()}.{token_of().split('.')[1]}."

    with pytest.raises(TokenRefused):
        verified(unsigned)


@pytest.mark.parametrize("header", [b'{"alg":"RS256"}', b'{"alg":"hs256"}', b'{"alg":["HS256"]}'])
def test_verify_refuses_a_header_that_names_another_algorithm(header):
    token = signed(json.dumps({"aud": MSP_ID, "iat": NOW}).encode(), header)

    with pytest.raises(TokenRefused, match="HS256"):
        verified(token)


@pytest.mark.parametrize(("name", "digest"), [("HS384", "sha384"), ("HS512", "sha512")])
def test_verify_refuses_a_longer_hmac_with_our_own_secret(name, digest):
    header = json.dumps({"alg": name}).encode()
    token = signed(json.dumps({"aud": MSP_ID, "iat": NOW}).encode(), header, digest=digest)

    with pytest.raises(TokenRefused, match="HS256"):
        verified(token)


# Shape


def test_verify_refuses_a_token_of_more_than_8192_characters():
    token = token_of(padding="x" * 8192)

    with pytest.raises(TokenRefused, match="8192"):
        verified(token)


def test_verify_reads_a_token_of_8192_characters():
    spare = (8192 - len(token_of(padding=""))) * 3 // 4
    token = max(
        (t for n in range(spare - 3, spare + 4) if len(t := token_of(padding="x" * n)) <= 8192),
        key=len,
    )

    claims = verified(token)

    assert (len(token) > 8188, claims["aud"]) == (True, MSP_ID)


@pytest.mark.parametrize("token", ["..", "a.b.c", "!.!.!", "é.ü.ß", "\ud800.a.b", "\0.\0.\0"])
def test_verify_refuses_three_parts_of_junk(token):
    with pytest.raises(TokenRefused):
        verified(token)


@pytest.mark.parametrize("payload", [b"[]", b"null", b'"text"', b"1", b"", b"{", b"\xff"])
def test_verify_refuses_a_payload_that_is_no_object(payload):
    with pytest.raises(TokenRefused, match="JSON object"):
        verified(signed(payload))


@pytest.mark.parametrize(
    "header", [b"[]", b"null", b"\xff", b'{"alg":"HS256","crit":["x"]}', b'{"alg":"HS256","kid":5}']
)
def test_verify_refuses_a_header_that_is_none(header):
    token = signed(json.dumps({"aud": MSP_ID, "iat": NOW}).encode(), header)

    with pytest.raises(TokenRefused):
        verified(token)


def test_verify_refuses_a_header_nested_deeper_than_python_goes():
    token = signed(json.dumps({"aud": MSP_ID, "iat": NOW}).encode(), header=b"[" * 5000)

    with pytest.raises(TokenRefused, match="no JWT"):
        verified(token)


def test_verify_refuses_claims_nested_deeper_than_python_goes():
    with pytest.raises(TokenRefused, match="no JWT"):
        verified(signed(b"[" * 5000))


@ANYTHING
@given(st.text())
def test_verify_raises_nothing_but_token_refused_for_any_text(text):
    with pytest.raises(TokenRefused):
        verified(text)


@ANYTHING
@given(st.binary(), st.binary(), st.binary())
def test_verify_raises_nothing_but_token_refused_for_any_three_parts(header, payload, signature):
    token = b".".join(encode(part) for part in (header, payload, signature)).decode()

    with pytest.raises(TokenRefused):
        verified(token)


@ANYTHING
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "b64"]), st.none() | st.text()),
)
def test_verify_raises_nothing_but_token_refused_for_what_our_secret_signed(claims, more):
    token = signed(json.dumps(claims).encode(), json.dumps({"alg": "HS256", **more}).encode())

    with pytest.raises(TokenRefused):
        verified(token)


# Audience


@pytest.mark.parametrize(
    "audience",
    [MSP_ID.upper(), [MSP_ID], [MSP_ID.upper()], ["another", MSP_ID], [None, 7, MSP_ID]],
)
def test_verify_accepts_a_token_with_our_msp_id_in_aud(audience):
    assert verified(token_of(aud=audience))["aud"] == audience


@pytest.mark.parametrize(
    "audience",
    ["99990000-aaaa-4bbb-8ccc-ddddeeeeffff", "", MSP_ID[:-1], f"{MSP_ID} ", [], ["x"], [[MSP_ID]]],
)
def test_verify_refuses_token_for_another_msp(audience):
    with pytest.raises(TokenRefused, match="MSP_ID"):
        verified(token_of(aud=audience))


@pytest.mark.parametrize("audience", [None, 5, True, {MSP_ID: MSP_ID}])
def test_verify_refuses_a_token_without_audience(audience):
    with pytest.raises(TokenRefused, match="aud"):
        verified(token_of(aud=audience))


# Age


@pytest.mark.parametrize("max_age_s", [MAX_AGE_S, 0])
def test_verify_refuses_a_token_without_iat(max_age_s):
    with pytest.raises(TokenRefused, match="iat"):
        verified(token_of(iat=None), max_age_s=max_age_s)


@pytest.mark.parametrize("max_age_s", [MAX_AGE_S, 0])
@pytest.mark.parametrize("iat", [f'"{NOW}"', "true", "false", "null", "[]", "{}"])
def test_verify_refuses_an_iat_that_is_no_number(iat, max_age_s):
    with pytest.raises(TokenRefused, match="iat"):
        verified(token_issued(iat), max_age_s=max_age_s)


@pytest.mark.parametrize("max_age_s", [MAX_AGE_S, 0])
@pytest.mark.parametrize("iat", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_verify_refuses_an_iat_that_is_not_finite(iat, max_age_s):
    with pytest.raises(TokenRefused, match="finite"):
        verified(token_issued(iat), max_age_s=max_age_s)


@pytest.mark.parametrize("iat", ["9" * 300, "-" + "9" * 300, "9" * 4000, "1e300", "9" * 5000])
def test_verify_refuses_an_iat_beyond_all_times(iat):
    with pytest.raises(TokenRefused):
        verified(token_issued(iat))


def test_verify_refuses_an_iat_in_milliseconds():
    with pytest.raises(TokenRefused, match="clock"):
        verified(token_of(iat=NOW * 1000))


@pytest.mark.parametrize("iat", [NOW - MAX_AGE_S, NOW + MAX_AGE_S, NOW - 0.5, NOW + 0.5])
def test_verify_accepts_a_token_at_the_limit_of_its_age(iat):
    assert verified(token_of(iat=iat))["iat"] == iat


@pytest.mark.parametrize("iat", [NOW - MAX_AGE_S - 1, NOW + MAX_AGE_S + 1, 0, -NOW])
def test_verify_refuses_a_token_past_the_limit_of_its_age(iat):
    with pytest.raises(TokenRefused, match="MSP_TOKEN_MAX_AGE_S"):
        verified(token_of(iat=iat))


def test_verify_leaves_parts_of_a_second_out_of_the_age():
    assert verified(token_of(iat=NOW - MAX_AGE_S), now=NOW + 0.9)["iat"] == NOW - MAX_AGE_S


@pytest.mark.parametrize("iat", [0, 1.5, -NOW, NOW * 1000])
def test_verify_accepts_any_age_when_the_limit_is_zero(iat):
    assert verified(token_of(iat=iat), max_age_s=0)["iat"] == iat


@pytest.mark.parametrize("claim", ["exp", "nbf"])
def test_verify_leaves_claims_that_apple_does_not_send_unread(claim):
    assert verified(token_of(**{claim: "junk"}))["aud"] == MSP_ID


def test_verify_tells_a_refused_age_in_few_words():
    with pytest.raises(TokenRefused) as refused:
        verified(token_issued("9" * 300))

    assert len(str(refused.value)) < 200
