from copy import deepcopy

from msp_server.emulator.masking import masked


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
