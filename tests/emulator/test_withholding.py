import pytest

from msp_server.emulator.withholding import hide_tokens, without_secrets

TOKEN = "qDx6VGa7ZlCrOqHfzcGRb2wkWQDYjRic"
KEY = "00" + "0A" * 32


def test_secrets_are_gone_at_any_depth_and_the_rest_stays():
    fields = {
        "interactiveData": {
            "data": {
                "payment": {"merchantSession": {"nonce": "n"}, "merchantName": "Shop"},
                "authenticate": {"oauth2": {"state": TOKEN, "clientSecret": "s", "scope": ["a"]}},
            }
        },
        "attachments": [{"name": "a.png", "key": KEY, "size": 7}],
    }

    kept = without_secrets(fields)

    assert kept == {
        "interactiveData": {
            "data": {
                "payment": {"merchantSession": "…", "merchantName": "Shop"},
                "authenticate": {"oauth2": {"state": "…", "clientSecret": "…", "scope": ["a"]}},
            }
        },
        "attachments": [{"name": "a.png", "key": "…", "size": 7}],
    }
    assert fields["attachments"][0]["key"] == KEY


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (f"http://127.0.0.1:8002/paymentGateway/{TOKEN}", "http://127.0.0.1:8002/paymentGateway/…"),
        (
            f"Go to https://a.example/in?t={TOKEN}&to=1, or not",
            "Go to https://a.example/in?t=…&to=1, or not",
        ),
        ("https://a.example/0f0e0d0c-0b0a-0908-0706-050403020100/x", "https://a.example/…/x"),
    ],
)
def test_token_in_an_address_is_hidden(text, hidden):
    assert hide_tokens(text, "…") == hidden


@pytest.mark.parametrize(
    "text",
    [
        "https://shop.example.com/kettles/a-kettle-that-sings-2031",
        "https://shop.example.com/?campaign=spring-sale-of-2031",
        f"The code is {TOKEN}",
        "state: start",
    ],
)
def test_words_stay(text):
    assert hide_tokens(text, "…") == text


def test_state_of_another_thing_stays():
    assert without_secrets({"state": "start"}) == {"state": "start"}
