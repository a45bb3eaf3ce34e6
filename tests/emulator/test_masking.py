from copy import deepcopy

from msp_server.emulator.masking import holds_mask, masked, masked_answer, unmasked


def test_secrets_are_masked_at_any_depth_and_the_rest_stays():
    oauth = {"clientSecret": "s1", "state": "x", "scope": ["a"]}
    fields = {"id": 1, "data": {"authenticate": {"oauth2": oauth}}, "more": [[{"clientSecret": 7}]]}
    before = deepcopy(fields)

    shown = masked(fields)

    assert shown == {
        "id": 1,
        "data": {"authenticate": {"oauth2": oauth | {"clientSecret": "…"}}},
        "more": [[{"clientSecret": "…"}]],
    }
    assert fields == before


def test_token_is_masked_in_a_sign_in_alone():
    fields = {"authenticate": {"status": "authenticated", "token": "BA=="}, "token": "word"}

    assert masked(fields) == {
        "authenticate": {"status": "authenticated", "token": "…"},
        "token": "word",
    }


def test_missing_secret_is_shown_as_missing():
    assert masked({"clientSecret": None}) == {"clientSecret": None}


def test_tokens_in_answers_are_masked_at_any_depth():
    answer = {"access_token": "s", "a": [{"refresh_token": "s", "token": "kept"}]}

    assert masked_answer(answer) == {
        "access_token": "…",
        "a": [{"refresh_token": "…", "token": "kept"}],
    }


def test_secrets_are_put_back_where_they_were():
    original = {
        "body": "old",
        "authenticate": {"token": "s3cret", "steps": [{"clientSecret": "t"}, {"a": 1}]},
    }
    edited = masked(original) | {"body": "…", "more": ["…"]}
    edited["authenticate"]["steps"].append({"clientSecret": "…"})

    back = unmasked(edited, original)

    assert back["authenticate"]["token"] == "s3cret"
    assert back["authenticate"]["steps"] == [{"clientSecret": "t"}, {"a": 1}, {"clientSecret": "…"}]
    assert (back["body"], back["more"]) == ("…", ["…"])  # which were no masks


def test_secret_that_was_written_over_stays_so():
    assert unmasked({"clientSecret": "mine"}, {"clientSecret": "s"}) == {"clientSecret": "mine"}
    assert unmasked({"clientSecret": {"…": "…"}}, {"clientSecret": "s"}) == {
        "clientSecret": {"…": "…"}
    }


def test_masks_are_found_at_any_depth():
    assert holds_mask({"a": [{"b": "…"}]})
    assert not holds_mask({"a": [{"b": "… and so on"}], "…": None})
