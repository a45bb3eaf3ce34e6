"""Our own form and others'."""

import time

import pytest

from msp_server.errors import FormRefused
from msp_server.web.form_tokens import FORM_AGE_LIMIT_S, FormTokens

OLD, NEW, OTHER = bytes(32), bytes(range(32)), b"x" * 32


@pytest.fixture
def tokens():
    return FormTokens([NEW])


@pytest.fixture
def cookie(tokens):
    return tokens.cookie(None)


def test_token_made_for_a_browser_is_accepted_from_it(tokens, cookie):
    tokens.require(tokens.make(cookie), cookie)


def test_token_of_another_browser_is_refused(tokens, cookie):
    with pytest.raises(FormRefused):
        tokens.require(tokens.make(tokens.cookie(None)), cookie)


def test_token_after_its_time_is_refused(cookie):
    token = FormTokens([NEW], lambda: time.time() - FORM_AGE_LIMIT_S - 1).make(cookie)

    with pytest.raises(FormRefused, match="long ago"):
        FormTokens([NEW]).require(token, cookie)


def test_token_shortly_before_its_time_is_accepted(cookie):
    token = FormTokens([NEW], lambda: time.time() - FORM_AGE_LIMIT_S + 30).make(cookie)

    FormTokens([NEW]).require(token, cookie)


def test_token_is_signed_with_the_first_secret(cookie):
    token = FormTokens([NEW, OLD]).make(cookie)

    FormTokens([NEW]).require(token, cookie)
    with pytest.raises(FormRefused):
        FormTokens([OLD]).require(token, cookie)


def test_token_signed_with_any_secret_is_accepted(cookie):
    token = FormTokens([OLD]).make(cookie)

    FormTokens([NEW, OLD]).require(token, cookie)


def test_token_signed_with_another_secret_is_refused(tokens, cookie):
    with pytest.raises(FormRefused):
        tokens.require(FormTokens([OTHER]).make(cookie), cookie)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "☕.é", "x" * 100_000, "\0", "W10.x"])
def test_junk_is_refused(token, tokens, cookie):
    with pytest.raises(FormRefused):
        tokens.require(token, cookie)


def test_every_spoiled_character_is_noticed(tokens, cookie):
    token = tokens.make(cookie)

    for place in range(len(token) - 1):  # the last one has bits that mean nothing
        spoiled = f"{token[:place]}{'B' if token[place] != 'B' else 'C'}{token[place + 1 :]}"
        with pytest.raises(FormRefused):
            tokens.require(spoiled, cookie)


@pytest.mark.parametrize("cookie", [None, "", "short", "é" * 43])
def test_browser_without_a_cookie_of_ours_is_told_so(cookie, tokens):
    with pytest.raises(FormRefused, match="cookie"):
        tokens.require(tokens.make(tokens.cookie(None)), cookie)


def test_cookie_of_ours_is_kept(tokens, cookie):
    assert tokens.cookie(cookie) == cookie


@pytest.mark.parametrize("received", [None, "", "mine", "a" * 44, "\n" * 43, "a" * 42 + "\n"])
def test_any_other_cookie_is_made_anew_and_never_twice(received, tokens):
    made = {tokens.cookie(received) for _ in range(3)}

    assert len(made) == 3
    assert received not in made
