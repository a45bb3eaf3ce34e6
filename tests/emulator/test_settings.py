import base64
from pathlib import Path

import pytest

from msp_server.emulator.settings import (
    EmulatorSettings,
    SettingsUnfit,
    parse_business_ids,
    parse_secrets,
)

FIT = {"msp_id": "m", "api_secrets": (b"s",), "business_ids": ("b",)}


@pytest.mark.parametrize(
    ("spoiled", "word"),
    [
        ({"msp_id": " "}, "MSP_ID"),
        ({"api_secrets": ()}, "MSP_SECRET"),
        ({"api_secrets": (b"",)}, "MSP_SECRET"),
        ({"business_ids": ()}, "MSP_BUSINESS_ID"),
        ({"msp_url": "localhost:8002"}, "MSP_EMULATOR_MSP"),
        ({"msp_url": "http://[x"}, "MSP_EMULATOR_MSP"),
        ({"host": "192.0.2.1"}, "MSP_EMULATOR_HOST"),
        ({"host": "example.com"}, "MSP_EMULATOR_HOST"),
        ({"port": 65536}, "MSP_EMULATOR_PORT"),
        ({"token_max_age_s": -1}, "MSP_TOKEN_MAX_AGE_S"),
        ({"data_dir": Path("nowhere")}, "MSP_EMULATOR_DATA_DIR"),
        ({"oauth_client_id": ""}, "MSP_OAUTH_CLIENT_ID"),
        ({"oauth_client_secret": " "}, "MSP_OAUTH_CLIENT_SECRET"),
        ({"oauth_client_secret": "a\nb"}, "MSP_OAUTH_CLIENT_SECRET"),
        ({"oauth_url": "x", "oauth_token_url": "http://a"}, "MSP_EMULATOR_OAUTH_URL"),
        ({"oauth_url": "http://a", "oauth_token_url": "http://["}, "MSP_EMULATOR_OAUTH_TOKEN_URL"),
        ({"oauth_url": "http://a"}, "both or neither"),
    ],
)
def test_unfit_setting_is_named_with_its_variable(spoiled, word):
    with pytest.raises(SettingsUnfit, match=word):
        EmulatorSettings(**(FIT | spoiled))


def test_all_faults_are_reported_together():
    with pytest.raises(SettingsUnfit) as caught:
        EmulatorSettings("", (), ())

    assert len(caught.value.faults) == 3


def test_secrets_are_decoded_and_stay_out_of_the_repr():
    text = ",".join(base64.b64encode(s).decode() for s in (b"first one", b"second"))

    settings = EmulatorSettings("m", parse_secrets(text), ("b",))

    assert settings.api_secrets == (b"first one", b"second")
    assert "first" not in repr(settings)


def test_secret_that_is_not_base64_is_not_repeated():
    with pytest.raises(SettingsUnfit, match="secret 2") as caught:
        parse_secrets("YWJj, %%%")

    assert "%%%" not in str(caught.value)


def test_pasted_prefix_and_repetition_of_business_ids_are_dropped():
    assert parse_business_ids("urn:biz:a, b,a,") == ("a", "b")


def test_client_secret_stays_out_of_the_repr():
    settings = EmulatorSettings(**FIT, oauth_client_secret="hidden")

    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "phone.example.test"])  # noqa: S104
def test_host_beyond_this_machine_needs_a_name_that_is_let_in(host):
    with pytest.raises(SettingsUnfit, match="--allow-host"):
        EmulatorSettings(**FIT, host=host)

    EmulatorSettings(**FIT, host=host, allowed_hosts=("phone.example.test", "[fd00::1]:8004"))


@pytest.mark.parametrize("name", ["", "*", "a b", "http://a", "a/b", "a:b", "a:", "::1", "a" * 300])
def test_name_that_no_browser_writes_is_unfit(name):
    with pytest.raises(SettingsUnfit, match="is no host name"):
        EmulatorSettings(**FIT, allowed_hosts=("fit.example.test", name))
