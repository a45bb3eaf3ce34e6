import jwt
import pytest

from msp_server.emulator.tokens import TokenUnfit, peek, sign, verify

SECRET = b"0123456789abcdef0123456789abcdef"


def test_signed_token_is_what_apple_sends():
    token = sign("msp", SECRET, 1_700_000_000)

    assert peek(token) == (
        {"alg": "HS256", "typ": "JWT"},
        {"aud": "msp", "iat": 1_700_000_000},
    )
    assert jwt.decode(token, SECRET, algorithms=["HS256"], audience="msp")


def test_short_secret_works_without_a_warning():
    assert verify(sign("msp", b"short", 1), (b"short",))["aud"] == "msp"


def test_verify_tries_every_secret():
    assert verify(sign("msp", SECRET, 1), (b"another", SECRET))


@pytest.mark.parametrize(
    ("token", "rule"),
    [
        ("", "token-unreadable"),
        ("a.b.c", "token-unreadable"),
        ("\xff.\xff.\xff", "token-unreadable"),
        (sign("msp", b"other", 1), "token-signature"),
        (jwt.encode({}, SECRET * 2, "HS512"), "token-algorithm"),
        (jwt.PyJWS().encode(b"[]", SECRET), "token-unreadable"),
    ],
)
def test_unfit_token_is_refused_by_its_rule(token, rule):
    with pytest.raises(TokenUnfit) as caught:
        verify(token, (SECRET,))

    assert caught.value.rule == rule


@pytest.mark.parametrize("token", ["", "a.b.c", "\xff"])
def test_peek_gives_nothing_for_what_is_no_token(token):
    assert peek(token) == (None, None)
