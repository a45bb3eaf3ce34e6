import base64
import dataclasses
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from operator import attrgetter
from pathlib import Path

import pytest

import msp_server
from msp_server.errors import ConfigurationError
from msp_server.settings import (
    GATEWAYS,
    SESSION_URL,
    ApplePaySettings,
    Settings,
    SignInSettings,
    agent_reference,
    read_environment,
)

MSP_ID = "5e5f6a7b-8c9d-4e0f-a1b2-c3d4e5f60718"
SHOP = "a1b2c3d4-e5f6-4789-8abc-def012345678"
BANK = "0f0e0d0c-0b0a-4908-8706-050403020100"
KEY = b"0123456789abcdef0123456789abcdef"
OLD_KEY = b"fedcba9876543210fedcba9876543210"
SECRET = base64.b64encode(KEY).decode()
OLD_SECRET = base64.b64encode(OLD_KEY).decode()

#: All that Apple's gateways need, and nothing more.
VALID = {
    "MSP_ID": MSP_ID,
    "MSP_BUSINESS_ID": SHOP,
    "MSP_SECRET": SECRET,
    "MSP_GATEWAY": "staging",
}

#: Something unfit for every variable that can be.
UNFIT = {
    "MSP_ID": "me",
    "MSP_BUSINESS_ID": "my shop",
    "MSP_SECRET": "***",
    "MSP_GATEWAY": "moon",
    "MSP_ENDPOINT": "http://example.com",
    "MSP_PORT": "0",
    "MSP_ADMIN_PORT": "-1",
    "MSP_EMULATOR_PORT": "70000",
    "MSP_AGENT": "my agent",
    "MSP_AGENT_SECRET": "whsec_",
    "MSP_AGENT_TOKEN": "short",
    "MSP_AGENT_TIMEOUT_S": "0",
    "MSP_DATABASE_URL": "sqlite://",
    "MSP_TOKEN_MAX_AGE_S": "-1",
    "MSP_SEND_GIVE_UP_S": "soon",
    "MSP_SENDS_PER_S": "0.001",
    "MSP_RETENTION_DAYS": "1",
    "MSP_LEASE_S": "0",
    "MSP_CONTENT_LIMITS": "none",
    "MSP_CONTENT_HOSTS": "*",
    "MSP_APPLE_PAY_DOMAIN": "https://shop.example.com",
    "MSP_APPLE_PAY_SESSION_URL": "http://example.com/session",
    "MSP_PAYMENT_PROCESSOR": "my money",
    "MSP_OAUTH_TOKEN_URL": "http://id.example.com/token",
    "MSP_OAUTH_USER_URL": "id.example.com/user",
    "MSP_OAUTH_SCOPE": '"openid"',
    "MSP_ACCOUNT_LINKER": "linker",
    "MSP_LOG_LEVEL": "LOUD",
    "MSP_LOG_FORMAT": "xml",
}

OTHERS = (
    "MSP_HOST",
    "MSP_DATA_DIR",
    "MSP_APPLE_PAY_MERCHANT_ID",
    "MSP_APPLE_PAY_CERTIFICATE",
    "MSP_APPLE_PAY_KEY",
    "MSP_OAUTH_CLIENT_ID",
    "MSP_OAUTH_CLIENT_SECRET",
    "CSP_ID",
    "BIZ_ID",
    "HTTPS_PROXY",
    "https_proxy",
)

#: All that payments need at Apple's gateways.
APPLE_PAY = {
    "MSP_APPLE_PAY_MERCHANT_ID": "merchant.com.example.shop",
    "MSP_APPLE_PAY_DOMAIN": "shop.example.com",
    "MSP_APPLE_PAY_CERTIFICATE": "merchant.pem",
    "MSP_ENDPOINT": "https://msp.example.com",
}
#: All that sign-ins need there.
SIGN_IN = {
    "MSP_OAUTH_TOKEN_URL": "https://id.example.com/token",
    "MSP_OAUTH_USER_URL": "https://id.example.com/user",
    "MSP_OAUTH_CLIENT_ID": "client",
    "MSP_OAUTH_CLIENT_SECRET": "planted-client-secret",
    "MSP_ENDPOINT": "https://msp.example.com",
}

READ_AT_ONCE = """
import sys
from msp_server.settings import Settings
sys.stdin.readline()
print(Settings.from_environment({"MSP_DATA_DIR": sys.argv[1]}).environment()["MSP_SECRET"])
"""


def read(**changes):
    """Read the valid environment with some variables changed; None takes one out."""
    merged = {**VALID, **changes}
    return Settings.from_environment({k: v for k, v in merged.items() if v is not None})


def faults(**changes):
    """Read what does not hold and give the faults."""
    with pytest.raises(ConfigurationError) as refused:
        read(**changes)
    return refused.value.faults


def read_emulated(data_dir, **variables):
    return Settings.from_environment({"MSP_DATA_DIR": str(data_dir), **variables})


@pytest.fixture
def nothing_set(tmp_path, monkeypatch):
    """Have an environment and a directory without any setting."""
    for name in (*UNFIT, *OTHERS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Every variable


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("endpoint", None),
        ("host", "127.0.0.1"),
        ("port", 8002),
        ("emulator_port", 8004),
        ("agent", "msp_server.agents.guide:agent"),
        ("data_dir", Path("var")),
        ("database_url", "sqlite:///var/msp.db"),
        ("token_max_age_s", 3600),
        ("send_give_up_s", 3600),
        ("sends_per_s", 10),
        ("retention_days", None),
        ("lease_s", 60),
        ("content_limits", "all"),
        ("content_hosts", ("icloud.com", "icloud-content.com", "apple.com")),
        ("apple_pay", ApplePaySettings()),
        ("payment_processor", None),
        ("sign_in", SignInSettings()),
        ("account_linker", None),
        ("public_url", None),
        ("log_level", "INFO"),
        ("log_format", "text"),
        ("admin_port", None),
        ("https_proxy", None),
    ],
)
def test_setting_that_was_not_given_stands_at_its_default(field, default):
    assert getattr(read(), field) == default


@pytest.mark.parametrize(
    ("gateway", "sends_per_s"),
    [
        ("staging", 10),
        (GATEWAYS["staging"], 10),
        ("production", 0),
        ("https://example.com/v1", 0),
    ],
)
def test_sends_are_limited_by_default_where_the_gateway_is_apples_for_tests(gateway, sends_per_s):
    assert read(MSP_GATEWAY=gateway).sends_per_s == sends_per_s


def test_sends_to_the_emulator_are_not_limited_by_default(tmp_path):
    assert read_emulated(tmp_path).sends_per_s == 0


@pytest.mark.parametrize("name", [*sorted(UNFIT.keys() - VALID.keys()), *OTHERS])
@pytest.mark.parametrize("text", ["", "  "])
def test_variable_without_text_counts_as_not_given(name, text):
    assert read(**{name: text}) == read()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("MSP_ID", MSP_ID.upper(), "msp_id", MSP_ID),
        ("MSP_ID", f" {MSP_ID}\n", "msp_id", MSP_ID),
        ("MSP_BUSINESS_ID", SHOP.upper(), "business_ids", (SHOP,)),
        ("MSP_BUSINESS_ID", f"urn:biz:{SHOP}", "business_ids", (SHOP,)),
        ("MSP_BUSINESS_ID", f"{SHOP}, urn:biz:{BANK}", "business_ids", (SHOP, BANK)),
        ("MSP_SECRET", SECRET, "api_secrets", (KEY,)),
        ("MSP_SECRET", f"{SECRET},{OLD_SECRET}", "api_secrets", (KEY, OLD_KEY)),
        ("MSP_SECRET", f"{SECRET} , {OLD_SECRET}", "api_secrets", (KEY, OLD_KEY)),
        ("MSP_GATEWAY", "staging", "gateway_url", "https://mspgw-int.push.apple.com/v1"),
        ("MSP_GATEWAY", "production", "gateway_url", "https://mspgw.push.apple.com/v1"),
        ("MSP_GATEWAY", "https://example.com/v1", "gateway_url", "https://example.com/v1"),
        (
            "MSP_GATEWAY",
            "https://example.com:8443/a/v1/",
            "gateway_url",
            "https://example.com:8443/a/v1",
        ),
        ("MSP_GATEWAY", "http://localhost:9/v1", "gateway_url", "http://localhost:9/v1"),
        ("MSP_GATEWAY", "http://127.0.0.1:9/v1", "gateway_url", "http://127.0.0.1:9/v1"),
        ("MSP_GATEWAY", "http://[::1]:9/v1", "gateway_url", "http://[::1]:9/v1"),
        ("MSP_ENDPOINT", "https://example.com", "endpoint", "https://example.com"),
        ("MSP_ENDPOINT", "https://example.com/msp/", "endpoint", "https://example.com/msp"),
        ("MSP_HOST", "0.0.0.0", "host", "0.0.0.0"),  # noqa: S104, it is only read
        ("MSP_PORT", "1", "port", 1),
        ("MSP_PORT", "65535", "port", 65535),
        ("MSP_EMULATOR_PORT", "9004", "emulator_port", 9004),
        ("MSP_AGENT", "shop.desk:agent", "agent", "shop.desk:agent"),
        ("MSP_AGENT", "desk:router", "agent", "desk:router"),
        ("MSP_DATA_DIR", "/srv/msp", "data_dir", Path("/srv/msp")),
        ("MSP_DATA_DIR", "/srv/msp", "database_url", "sqlite:////srv/msp/msp.db"),
        ("MSP_DATABASE_URL", "sqlite:///kept.db", "database_url", "sqlite:///kept.db"),
        (
            "MSP_DATABASE_URL",
            "postgresql+psycopg://me@db/msp",
            "database_url",
            "postgresql+psycopg://me@db/msp",
        ),
        ("MSP_TOKEN_MAX_AGE_S", "0", "token_max_age_s", 0),
        ("MSP_TOKEN_MAX_AGE_S", "90.5", "token_max_age_s", 90.5),
        ("MSP_SEND_GIVE_UP_S", "86400", "send_give_up_s", 86400),
        ("MSP_SENDS_PER_S", "0", "sends_per_s", 0),
        ("MSP_SENDS_PER_S", "0.01", "sends_per_s", 0.01),
        ("MSP_SENDS_PER_S", "250", "sends_per_s", 250),
        ("MSP_RETENTION_DAYS", "2", "retention_days", 2),
        ("MSP_RETENTION_DAYS", "30.5", "retention_days", 30.5),
        ("MSP_LEASE_S", "1", "lease_s", 1),
        ("MSP_AGENT", "https://a.example/hook", "agent", "https://a.example/hook"),
        ("MSP_AGENT", "http://localhost:8010/", "agent", "http://localhost:8010/"),
        ("MSP_AGENT_SECRET", f"whsec_{'A' * 32}", "agent_secret", f"whsec_{'A' * 32}"),
        ("MSP_AGENT_TOKEN", "t" * 32, "agent_token", "t" * 32),
        ("MSP_AGENT_TIMEOUT_S", "0.5", "agent_timeout_s", 0.5),
        ("MSP_LEASE_S", "2.5", "lease_s", 2.5),
        ("MSP_LEASE_S", "300", "lease_s", 300),
        ("MSP_CONTENT_LIMITS", "all", "content_limits", "all"),
        ("MSP_CONTENT_LIMITS", "Apple", "content_limits", "apple"),
        (
            "MSP_PAYMENT_PROCESSOR",
            "shop.money:processor",
            "payment_processor",
            "shop.money:processor",
        ),
        ("MSP_ACCOUNT_LINKER", "shop.links:linker", "account_linker", "shop.links:linker"),
        ("MSP_APPLE_PAY_DOMAIN", "Shop.Example.com", "apple_pay.domain", "shop.example.com"),
        ("MSP_APPLE_PAY_CERTIFICATE", "a/b.pem", "apple_pay.certificate", Path("a/b.pem")),
        ("MSP_APPLE_PAY_KEY", "a/b.key", "apple_pay.key", Path("a/b.key")),
        (
            "MSP_APPLE_PAY_SESSION_URL",
            "https://cn-apple-pay-gateway.apple.com/paymentservices/paymentSession",
            "apple_pay.session_url",
            "https://cn-apple-pay-gateway.apple.com/paymentservices/paymentSession",
        ),
        ("MSP_OAUTH_USER_URL", "http://[::1]:9/user", "sign_in.user_url", "http://[::1]:9/user"),
        ("MSP_OAUTH_CLIENT_ID", "client", "sign_in.client_id", "client"),
        ("MSP_OAUTH_CLIENT_SECRET", " a secret ", "sign_in.client_secret", "a secret"),
        ("MSP_OAUTH_SCOPE", "openid", "sign_in.scope", ("openid",)),
        ("MSP_OAUTH_SCOPE", "openid  r_profile,w", "sign_in.scope", ("openid", "r_profile", "w")),
        ("MSP_CONTENT_HOSTS", "example.com", "content_hosts", ("example.com",)),
        (
            "MSP_CONTENT_HOSTS",
            "A.example , .b.example.",
            "content_hosts",
            ("a.example", "b.example"),
        ),
        ("MSP_LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("MSP_LOG_LEVEL", "ERROR", "log_level", "ERROR"),
        ("MSP_LOG_FORMAT", "json", "log_format", "json"),
        ("MSP_LOG_FORMAT", "Text", "log_format", "text"),
        ("MSP_ADMIN_PORT", "8003", "admin_port", 8003),
        ("HTTPS_PROXY", "http://proxy:3128", "https_proxy", "http://proxy:3128"),
        ("https_proxy", "http://proxy:3128", "https_proxy", "http://proxy:3128"),
    ],
)
def test_variable_is_read(name, text, field, value):
    assert attrgetter(field)(read(**{name: text})) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *UNFIT.items(),
        ("MSP_ID", MSP_ID[:-1]),
        ("MSP_ID", MSP_ID.replace("-", "")),
        ("MSP_ID", f"{{{MSP_ID}}}"),
        ("MSP_ID", MSP_ID.replace("5", "g")),
        ("MSP_BUSINESS_ID", f"{SHOP};{BANK}"),
        ("MSP_BUSINESS_ID", f"{SHOP},"),
        ("MSP_BUSINESS_ID", ","),
        ("MSP_BUSINESS_ID", f"urn:mbid:{SHOP}"),
        ("MSP_SECRET", KEY.hex()),
        ("MSP_SECRET", KEY.hex().upper()),
        ("MSP_SECRET", SECRET[:-1]),
        ("MSP_SECRET", SECRET.replace("=", "é")),
        ("MSP_SECRET", f"{SECRET[:20]}!{SECRET[20:]}"),
        ("MSP_SECRET", f"{SECRET[:20]} {SECRET[20:]}"),
        ("MSP_SECRET", f"{SECRET},"),
        ("MSP_SECRET", f",{SECRET}"),
        ("MSP_SECRET", f"{SECRET},,{OLD_SECRET}"),
        ("MSP_SECRET", f"{SECRET},***"),
        ("MSP_GATEWAY", "Staging"),
        ("MSP_GATEWAY", "https://example.com"),
        ("MSP_GATEWAY", "https://example.com/v2"),
        ("MSP_GATEWAY", "http://example.com/v1"),
        ("MSP_GATEWAY", "ftp://example.com/v1"),
        ("MSP_GATEWAY", "https:///v1"),
        ("MSP_GATEWAY", "https://me:word@example.com/v1"),
        ("MSP_GATEWAY", "https://example.com/v1?a=/v1"),
        ("MSP_GATEWAY", "https://example.com/v1#/v1"),
        ("MSP_GATEWAY", "https://example.com:0/v1"),
        ("MSP_GATEWAY", "https://example.com:70000/v1"),
        ("MSP_GATEWAY", "https://[::1/v1"),
        ("MSP_ENDPOINT", "example.com"),
        ("MSP_ENDPOINT", "https://example.com/message"),
        ("MSP_ENDPOINT", "https://example.com/message/"),
        ("MSP_ENDPOINT", "https://example.com/?a=b"),
        ("MSP_PORT", "65536"),
        ("MSP_PORT", "-1"),
        ("MSP_PORT", "80.0"),
        ("MSP_PORT", "http"),
        ("MSP_PORT", "８０"),  # noqa: RUF001, digits that are none of ASCII's
        ("MSP_PORT", "²"),
        ("MSP_ADMIN_PORT", "none"),
        ("MSP_EMULATOR_PORT", "0"),
        ("MSP_AGENT", "desk"),
        ("MSP_AGENT", "desk:"),
        ("MSP_AGENT", ":agent"),
        ("MSP_AGENT", "shop..desk:agent"),
        ("MSP_AGENT", "shop/desk.py:agent"),
        ("MSP_AGENT", "desk:agent:more"),
        ("MSP_DATABASE_URL", "sqlite:///"),
        ("MSP_DATABASE_URL", "sqlite:///:memory:"),
        ("MSP_DATABASE_URL", "mysql://me@db/msp"),
        ("MSP_DATABASE_URL", "postgresql://me@db/msp"),
        ("MSP_DATABASE_URL", "postgresql+psycopg://"),
        ("MSP_TOKEN_MAX_AGE_S", "an hour"),
        ("MSP_TOKEN_MAX_AGE_S", "nan"),
        ("MSP_TOKEN_MAX_AGE_S", "inf"),
        ("MSP_TOKEN_MAX_AGE_S", "1e999"),
        ("MSP_SEND_GIVE_UP_S", "-0.5"),
        ("MSP_SENDS_PER_S", "0.009"),
        ("MSP_SENDS_PER_S", "-1"),
        ("MSP_SENDS_PER_S", "inf"),
        ("MSP_SENDS_PER_S", "ten"),
        ("MSP_RETENTION_DAYS", "1.9"),
        ("MSP_AGENT", "http://agent.example.com/"),
        ("MSP_AGENT", "https://me:hidden@agent.example.com/"),
        ("MSP_AGENT_SECRET", "whsec_%%%"),
        ("MSP_AGENT_SECRET", "A" * 32),
        ("MSP_AGENT_SECRET", "whsec_AAAA"),
        ("MSP_AGENT_TOKEN", "t" * 31),
        ("MSP_AGENT_TOKEN", "t" * 31 + "é"),
        ("MSP_AGENT_TIMEOUT_S", "0"),
        ("MSP_AGENT_TIMEOUT_S", "301"),
        ("MSP_RETENTION_DAYS", "inf"),
        ("MSP_RETENTION_DAYS", "a month"),
        ("MSP_LEASE_S", "0.9"),
        ("MSP_LEASE_S", "a minute"),
        ("MSP_LEASE_S", "300.5"),
        ("MSP_CONTENT_LIMITS", "vendor"),
        ("MSP_CONTENT_LIMITS", "all,apple"),
        ("MSP_APPLE_PAY_DOMAIN", "shop"),
        ("MSP_APPLE_PAY_DOMAIN", "shop.example.com:443"),
        ("MSP_APPLE_PAY_SESSION_URL", "apple.com"),
        ("MSP_APPLE_PAY_SESSION_URL", "https://me:word@example.com/session"),
        ("MSP_PAYMENT_PROCESSOR", "shop.money"),
        ("MSP_PAYMENT_PROCESSOR", "shop/money.py:processor"),
        ("MSP_OAUTH_TOKEN_URL", "https://"),
        ("MSP_OAUTH_TOKEN_URL", "javascript:alert(1)"),
        ("MSP_OAUTH_USER_URL", "http://id.example.com/user"),
        ("MSP_OAUTH_SCOPE", ","),
        ("MSP_OAUTH_SCOPE", "öffentlich"),
        ("MSP_OAUTH_SCOPE", "a\\b"),
        ("MSP_OAUTH_SCOPE", "a\tb"),
        ("MSP_ACCOUNT_LINKER", "links:"),
        ("MSP_CONTENT_HOSTS", "com"),
        ("MSP_CONTENT_HOSTS", "example.com,"),
        ("MSP_CONTENT_HOSTS", "*.example.com"),
        ("MSP_CONTENT_HOSTS", "https://example.com"),
        ("MSP_CONTENT_HOSTS", "example.com:443"),
        ("MSP_LOG_LEVEL", "CRITICAL"),
        ("MSP_LOG_FORMAT", "jsonl"),
    ],
)
def test_variable_that_does_not_hold_is_the_one_fault(name, text):
    assert [fault.name for fault in faults(**{name: text})] == [name]


@pytest.mark.parametrize("name", ["MSP_BUSINESS_ID", "MSP_SECRET"])
@pytest.mark.parametrize("spoil", ["{},", ",{}", "{0},,{0}", ","])
def test_fault_of_an_empty_part_says_how_several_are_separated(name, spoil):
    [fault] = faults(**{name: spoil.format(VALID[name])})

    assert "comma" in fault.cure


@pytest.mark.parametrize("name", UNFIT)
def test_fault_names_a_cure(name):
    [fault] = faults(**{name: UNFIT[name]})

    assert (bool(fault.problem), bool(fault.cure)) == (True, True)


def test_all_faults_are_reported_together():
    assert {fault.name for fault in faults(**UNFIT)} == set(UNFIT)


def test_all_faults_are_in_the_words_of_the_error():
    with pytest.raises(ConfigurationError) as refused:
        read(**UNFIT)

    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        fault.name for fault in refused.value.faults
    ]


@pytest.mark.parametrize("secret", [KEY.hex(), SECRET[:-1], f"{SECRET},", f"{SECRET},***"])
def test_fault_of_a_secret_does_not_tell_it(secret):
    [fault] = faults(MSP_SECRET=secret)

    assert secret[:20] not in str(fault)


def test_fault_of_a_database_does_not_tell_its_password():
    [fault] = faults(MSP_DATABASE_URL="postgres://me:password@db/msp")

    assert "password" not in str(fault)


def test_fault_of_the_content_limits_names_the_choices():
    [fault] = faults(MSP_CONTENT_LIMITS="none")

    assert "all, apple" in fault.cure


def test_hex_is_a_secret_when_it_is_too_short_for_one_in_hex():
    assert read(MSP_SECRET="c0ffee00").api_secrets == (base64.b64decode("c0ffee00"),)


@pytest.mark.parametrize(
    ("name", "older", "field", "text"),
    [("MSP_ID", "CSP_ID", "msp_id", MSP_ID), ("MSP_BUSINESS_ID", "BIZ_ID", "business_ids", BANK)],
)
class TestOlderName:
    def test_variable_is_read_under_its_older_name(self, name, older, field, text):
        assert text in getattr(read(**{name: None, older: text}), field)

    def test_variable_counts_before_its_older_name(self, name, older, field, text):
        assert getattr(read(**{older: "unfit"}), field) == getattr(read(), field)

    def test_variable_without_text_leaves_its_older_name_to_count(self, name, older, field, text):
        assert text in getattr(read(**{name: " ", older: text}), field)

    def test_fault_is_reported_under_the_name_of_today(self, name, older, field, text):
        assert [fault.name for fault in faults(**{name: None, older: "unfit"})] == [name]


# The gateway


@pytest.mark.parametrize("name", ["MSP_ID", "MSP_BUSINESS_ID", "MSP_SECRET"])
@pytest.mark.parametrize("gateway", ["staging", "production", "https://example.com/v1"])
def test_gateway_of_apple_needs_what_nobody_can_make_up(gateway, name):
    assert [fault.name for fault in faults(**{"MSP_GATEWAY": gateway, name: None})] == [name]


@pytest.mark.parametrize("gateway", ["staging", "production", "https://example.com/v1"])
def test_gateway_of_apple_is_not_the_emulator(gateway):
    assert not read(MSP_GATEWAY=gateway).emulated


def test_gateway_is_the_emulator_when_it_is_chosen():
    settings = read(MSP_GATEWAY="emulator", MSP_EMULATOR_PORT="9004")

    assert (settings.emulated, settings.gateway_url) == (True, "http://127.0.0.1:9004/v1")


def test_gateway_is_the_emulator_when_nothing_is_set(tmp_path):
    assert read_emulated(tmp_path).emulated


@pytest.mark.parametrize(
    "given", [{"MSP_ID": MSP_ID}, {"CSP_ID": MSP_ID}, {"MSP_SECRET": SECRET}, VALID]
)
def test_given_id_without_a_gateway_is_a_fault(given, tmp_path):
    variables = {**given, "MSP_GATEWAY": "", "MSP_DATA_DIR": str(tmp_path)}

    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment(variables)

    assert [fault.name for fault in refused.value.faults] == ["MSP_GATEWAY"]


@pytest.mark.parametrize(("port", "name"), [("8002", "MSP_PORT"), ("9000", "MSP_PORT")])
def test_port_of_the_metrics_is_no_other_port_of_ours(port, name):
    changes = {"MSP_ADMIN_PORT": port, name: port}

    assert [(fault.name, name in fault.problem) for fault in faults(**changes)] == [
        ("MSP_ADMIN_PORT", True)
    ]


def test_port_of_the_metrics_is_not_the_emulators(tmp_path):
    with pytest.raises(ConfigurationError, match="MSP_ADMIN_PORT: 8004 is MSP_EMULATOR_PORT"):
        read_emulated(tmp_path, MSP_ADMIN_PORT="8004")


def test_port_of_the_emulator_is_free_for_metrics_where_there_is_none():
    assert read(MSP_ADMIN_PORT="8004").admin_port == 8004


def test_gateways_of_apple_are_https():
    assert all(url.startswith("https://") for url in GATEWAYS.values())


# Payments and sign-ins


@pytest.mark.parametrize("name", APPLE_PAY.keys() - {"MSP_APPLE_PAY_MERCHANT_ID"})
def test_merchant_needs_all_that_proves_who_it_is(name):
    [fault] = faults(**{**APPLE_PAY, name: None})

    assert (fault.name, fault.problem, bool(fault.cure)) == (name, "not set", True)


@pytest.mark.parametrize("name", SIGN_IN.keys() - {"MSP_OAUTH_TOKEN_URL"})
def test_provider_needs_all_that_asks_it(name):
    [fault] = faults(**{**SIGN_IN, name: None})

    assert (fault.name, fault.problem, bool(fault.cure)) == (name, "not set", True)


def test_what_payments_and_sign_ins_both_need_is_one_fault():
    assert [fault.name for fault in faults(**{**APPLE_PAY, **SIGN_IN, "MSP_ENDPOINT": None})] == [
        "MSP_ENDPOINT"
    ]


def test_what_payments_need_and_is_unfit_is_one_fault():
    assert [fault.name for fault in faults(**{**APPLE_PAY, "MSP_ENDPOINT": "http://a.b"})] == [
        "MSP_ENDPOINT"
    ]


def test_merchant_is_read():
    assert read(**APPLE_PAY).apple_pay == ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        certificate=Path("merchant.pem"),
        session_url=SESSION_URL,
    )


def test_provider_is_read():
    assert read(**SIGN_IN).sign_in == SignInSettings(
        token_url="https://id.example.com/token",
        user_url="https://id.example.com/user",
        client_id="client",
        client_secret="planted-client-secret",
    )


def test_session_url_of_apple_is_https():
    assert SESSION_URL.startswith("https://")


@pytest.mark.parametrize("gateway", ["staging", "production"])
def test_nobody_stands_in_at_gateways_of_apple(gateway):
    settings = read(MSP_GATEWAY=gateway)

    assert (settings.payment_processor, settings.account_linker) == (None, None)
    assert (settings.apple_pay.merchant_id, settings.sign_in.token_url) == (None, None)


def test_somebody_stands_in_at_the_emulator(tmp_path):
    settings = read_emulated(tmp_path, MSP_EMULATOR_PORT="9004")

    assert settings.payment_processor == "msp_server.agents.demonstration:processor"
    assert settings.account_linker == "msp_server.agents.demonstration:linker"
    assert settings.apple_pay == ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        session_url="http://127.0.0.1:9004/paymentservices/paymentSession",
    )
    assert settings.sign_in == SignInSettings(
        token_url="http://127.0.0.1:9004/oauth/token",
        user_url="http://127.0.0.1:9004/oauth/userinfo",
        client_id="emulator",
        client_secret="emulator-client-secret",
    )


def test_who_stands_in_at_the_emulator_makes_room_for_who_is_named(tmp_path):
    settings = read_emulated(
        tmp_path,
        MSP_PAYMENT_PROCESSOR="shop.money:processor",
        MSP_ACCOUNT_LINKER="shop.links:linker",
        MSP_APPLE_PAY_MERCHANT_ID="merchant.of.mine",
        MSP_OAUTH_TOKEN_URL="https://id.example.com/token",
    )

    assert (settings.payment_processor, settings.account_linker) == (
        "shop.money:processor",
        "shop.links:linker",
    )
    assert settings.apple_pay.merchant_id == "merchant.of.mine"
    assert settings.sign_in.token_url == "https://id.example.com/token"


def test_public_url_is_where_apple_delivers():
    assert read(MSP_ENDPOINT="https://msp.example.com/base/").public_url == (
        "https://msp.example.com/base"
    )


def test_public_url_at_the_emulator_is_on_this_machine(tmp_path):
    settings = read_emulated(tmp_path, MSP_ENDPOINT="https://msp.example.com", MSP_PORT="9002")

    assert settings.public_url == "http://127.0.0.1:9002"


def test_environment_tells_the_emulator_who_signs_in_there(tmp_path):
    settings = read_emulated(tmp_path, MSP_OAUTH_CLIENT_SECRET="another")

    environment = settings.environment()

    assert (environment["MSP_OAUTH_CLIENT_ID"], environment["MSP_OAUTH_CLIENT_SECRET"]) == (
        "emulator",
        "another",
    )


# Where things are


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:8002"),
        ("127.0.0.10", "http://127.0.0.10:8002"),
        ("0.0.0.0", "http://localhost:8002"),  # noqa: S104, nothing listens
        ("::", "http://[::1]:8002"),
        ("::1", "http://[::1]:8002"),
        ("192.0.2.7", "http://192.0.2.7:8002"),
        ("2001:db8::7", "http://[2001:db8::7]:8002"),
        ("msp.example.com", "http://msp.example.com:8002"),
    ],
)
def test_server_url_is_where_the_server_answers_on_this_machine(host, url):
    assert read(MSP_HOST=host).server_url == url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9002"),
        ("0.0.0.0", "http://127.0.0.1:9002"),  # noqa: S104, nothing listens
        ("::", "http://[::1]:9002"),
        ("192.0.2.7", "http://192.0.2.7:9002"),
    ],
)
def test_environment_tells_the_emulator_where_the_server_answers(host, url):
    settings = read(MSP_HOST=host, MSP_PORT="9002")

    assert settings.environment()["MSP_EMULATOR_MSP"] == url


def test_emulator_url_is_where_the_phone_is():
    assert read(MSP_EMULATOR_PORT="9004").emulator_url == "http://localhost:9004"


# Made-up credentials


def test_credentials_are_made_up_when_none_are_given(tmp_path):
    settings = read_emulated(tmp_path / "var")

    assert (len(settings.msp_id), len(settings.business_ids), len(settings.api_secrets[0])) == (
        36,
        1,
        32,
    )


def test_made_up_credentials_are_the_same_on_the_second_read(tmp_path):
    first, second = read_emulated(tmp_path), read_emulated(tmp_path)

    assert first == second


def test_made_up_credentials_are_others_in_another_directory(tmp_path):
    here, there = read_emulated(tmp_path / "here"), read_emulated(tmp_path / "there")

    assert not {here.msp_id, *here.api_secrets} & {there.msp_id, *there.api_secrets}


def test_made_up_credentials_are_for_their_owner_alone(tmp_path):
    read_emulated(tmp_path / "var")

    assert (tmp_path / "var" / "emulator.json").stat().st_mode & 0o777 == 0o600


def test_directory_of_made_up_credentials_is_for_its_owner_alone(tmp_path):
    read_emulated(tmp_path / "var")

    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_nothing_else_is_left_in_the_directory_of_made_up_credentials(tmp_path):
    read_emulated(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["emulator.json"]


def test_made_up_credentials_are_the_same_for_processes_that_read_at_once(tmp_path):
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READ_AT_ONCE, str(tmp_path / "var")],
            cwd=Path(msp_server.__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    for reader in readers:
        reader.stdin.write("go\n")
        reader.stdin.flush()
    said = {reader.communicate(timeout=60)[0].strip() for reader in readers}

    assert said == {read_emulated(tmp_path / "var").environment()["MSP_SECRET"]}


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("MSP_ID", MSP_ID, "msp_id", MSP_ID),
        ("MSP_BUSINESS_ID", SHOP, "business_ids", (SHOP,)),
        ("MSP_SECRET", SECRET, "api_secrets", (KEY,)),
    ],
)
def test_credential_that_is_given_counts_before_the_made_up_one(name, text, field, value, tmp_path):
    made_up = read_emulated(tmp_path)

    settings = read_emulated(tmp_path, MSP_GATEWAY="emulator", **{name: text})

    assert settings == dataclasses.replace(made_up, **{field: value})


def test_nothing_is_made_up_when_all_is_given(tmp_path):
    read(MSP_GATEWAY="emulator", MSP_DATA_DIR=str(tmp_path / "var"))

    assert not (tmp_path / "var").exists()


def test_nothing_is_made_up_when_there_is_a_fault(tmp_path):
    with pytest.raises(ConfigurationError):
        read_emulated(tmp_path / "var", MSP_PORT="0")

    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        json.dumps({"MSP_ID": MSP_ID, "MSP_BUSINESS_ID": SHOP}).encode(),
        json.dumps({"MSP_ID": None, "MSP_BUSINESS_ID": SHOP, "MSP_SECRET": SECRET}).encode(),
        json.dumps({"MSP_ID": MSP_ID, "MSP_BUSINESS_ID": "x", "MSP_SECRET": SECRET}).encode(),
        json.dumps({"MSP_ID": MSP_ID, "MSP_BUSINESS_ID": 5, "MSP_SECRET": SECRET}).encode(),
        b"[" * 100_000,
        json.dumps({"MSP_ID": MSP_ID, "MSP_BUSINESS_ID": SHOP, "MSP_SECRET": "***"}).encode(),
    ],
)
def test_damaged_file_of_credentials_is_a_fault_that_says_to_remove_it(damaged, tmp_path):
    (tmp_path / "emulator.json").write_bytes(damaged)

    with pytest.raises(ConfigurationError, match=r"emulator\.json is damaged; remove that file"):
        read_emulated(tmp_path)


def test_directory_in_place_of_the_file_of_credentials_is_a_fault(tmp_path):
    (tmp_path / "emulator.json").mkdir()

    with pytest.raises(ConfigurationError, match="MSP_DATA_DIR: cannot be written"):
        read_emulated(tmp_path)


def test_data_dir_below_a_file_is_a_fault(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="MSP_DATA_DIR: cannot be written"):
        read_emulated(tmp_path / "file" / "var")


def test_data_dir_that_is_a_file_is_a_fault(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="MSP_DATA_DIR: cannot be written"):
        read_emulated(tmp_path / "file")


def test_data_dir_that_this_user_cannot_write_is_a_fault(tmp_path):
    tmp_path.chmod(0o500)
    try:
        (tmp_path / "probe").touch()
    except PermissionError:
        pass
    else:
        pytest.skip("this user can write everywhere")

    with pytest.raises(ConfigurationError, match="MSP_DATA_DIR: cannot be written"):
        read_emulated(tmp_path)


def test_make_data_dir_makes_the_directories_above_it(tmp_path):
    read(MSP_DATA_DIR=str(tmp_path / "a" / "b")).make_data_dir()

    assert (tmp_path / "a" / "b").is_dir()


def test_make_data_dir_leaves_a_directory_that_is_there_as_it_is(tmp_path):
    tmp_path.chmod(0o750)

    read(MSP_DATA_DIR=str(tmp_path)).make_data_dir()

    assert tmp_path.stat().st_mode & 0o777 == 0o750


# What is not shown


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("MSP_SECRET", SECRET, SECRET),
        ("MSP_SECRET", SECRET, repr(KEY)),
        ("MSP_DATABASE_URL", "postgresql+psycopg://me:password@db/msp", "password"),
        ("HTTPS_PROXY", "http://me:password@proxy:3128", "password"),
        ("MSP_OAUTH_CLIENT_SECRET", "planted-client-secret", "planted"),
    ],
)
def test_repr_does_not_tell_a_secret(name, text, secret):
    assert secret not in repr(read(**{name: text}))


def test_repr_does_not_tell_a_made_up_secret(tmp_path):
    settings = read_emulated(tmp_path)

    assert repr(settings.api_secrets[0]) not in repr(settings)


# The environment of the process


def test_environment_of_the_process_is_read(nothing_set, monkeypatch):
    for name, text in VALID.items():
        monkeypatch.setenv(name, text)

    assert Settings.from_environment() == read()


def test_file_in_the_current_directory_is_read(nothing_set):
    (nothing_set / ".env").write_text("".join(f"{k}={v}\n" for k, v in VALID.items()), "utf-8")

    assert Settings.from_environment() == read()


def test_environment_counts_before_the_file(nothing_set, monkeypatch):
    (nothing_set / ".env").write_text("MSP_PORT=9001\nMSP_HOST=192.0.2.7\n", "utf-8")
    monkeypatch.setenv("MSP_PORT", "9002")

    variables = read_environment()

    assert (variables["MSP_PORT"], variables["MSP_HOST"]) == ("9002", "192.0.2.7")


def test_file_above_the_current_directory_is_not_read(nothing_set, monkeypatch):
    (nothing_set / ".env").write_text("MSP_PORT=9001\n", "utf-8")
    (nothing_set / "below").mkdir()
    monkeypatch.chdir(nothing_set / "below")

    assert "MSP_PORT" not in read_environment()


def test_name_without_a_value_in_the_file_is_passed_over(nothing_set):
    (nothing_set / ".env").write_text("MSP_PORT\n", "utf-8")

    assert "MSP_PORT" not in read_environment()


def test_variables_that_are_given_are_read_alone(nothing_set, monkeypatch):
    monkeypatch.setenv("MSP_PORT", "9002")

    assert read().port == 8002


def test_environment_gives_the_same_settings_to_a_process_of_ours(nothing_set, monkeypatch):
    variables = {
        **VALID,
        "MSP_BUSINESS_ID": f"{SHOP},{BANK}",
        "MSP_SECRET": f"{SECRET},{OLD_SECRET}",
        "MSP_ENDPOINT": "https://example.com",
        "MSP_HOST": "192.0.2.7",
        "MSP_PORT": "9002",
        "MSP_EMULATOR_PORT": "9004",
        "MSP_AGENT": "desk:agent",
        "MSP_DATA_DIR": str(nothing_set),
        "MSP_TOKEN_MAX_AGE_S": "60",
        "MSP_SEND_GIVE_UP_S": "90",
        "MSP_SENDS_PER_S": "50",
        "MSP_RETENTION_DAYS": "90",
        "MSP_LEASE_S": "9",
        "MSP_CONTENT_LIMITS": "apple",
        "MSP_CONTENT_HOSTS": "example.com,example.org",
        **APPLE_PAY,
        **SIGN_IN,
        "MSP_OAUTH_SCOPE": "openid phone",
        "MSP_PAYMENT_PROCESSOR": "shop.money:processor",
        "MSP_ACCOUNT_LINKER": "shop.links:linker",
        "MSP_LOG_LEVEL": "DEBUG",
        "MSP_LOG_FORMAT": "json",
        "MSP_ADMIN_PORT": "9003",
        "HTTPS_PROXY": "http://proxy:3128",
    }
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    settings = Settings.from_environment()

    assert Settings.from_environment(settings.environment()) == settings


def test_environment_tells_a_process_of_ours_what_was_made_up(nothing_set, monkeypatch):
    monkeypatch.setenv("MSP_GATEWAY", "emulator")
    settings = Settings.from_environment()
    (nothing_set / "var" / "emulator.json").unlink()

    assert Settings.from_environment(settings.environment()) == settings


def test_environment_keeps_the_variables_of_others(nothing_set, monkeypatch):
    monkeypatch.setenv("OTHERS", "kept")

    assert read().environment()["OTHERS"] == "kept"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MSP_PORT", "9" * 5000),
        ("MSP_SECRET", base64.b64encode(b"-----BEGIN marzipan KEY-----").decode()),
        ("MSP_DATA_DIR", "a\0b"),
        ("MSP_DATA_DIR", "a?b"),
        ("MSP_GATEWAY", "https://:marzipan@example.com/v1"),
        ("MSP_GATEWAY", "https://me:marzipan@example.com/v1"),
        ("MSP_GATEWAY", "https://a..b/v1"),
        ("MSP_ENDPOINT", "https://:marzipan@example.com"),
    ],
)
def test_hostile_text_is_a_fault_that_quotes_no_password(name, text):
    with pytest.raises(ConfigurationError) as caught:
        read(**{name: text})

    assert [fault.name for fault in caught.value.faults] == [name]
    assert "marzipan" not in str(caught.value)


def test_env_file_that_is_not_text_is_a_fault(tmp_path):
    (tmp_path / ".env").write_bytes(b"MSP_PORT=\xff\xfe")

    with pytest.raises(ConfigurationError, match=r"\.env: cannot be read"):
        read_environment()


def test_age_below_a_second_is_handed_on_as_it_is():
    assert read(MSP_TOKEN_MAX_AGE_S="0.5").environment()["MSP_TOKEN_MAX_AGE_S"] == "0.5"


def test_made_up_credentials_are_the_same_for_threads_that_read_at_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        read_at_once = list(pool.map(lambda _: read_emulated(tmp_path / "var"), range(32)))

    assert len({(s.msp_id, s.business_ids, s.api_secrets) for s in read_at_once}) == 1
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["emulator.json"]


# The agent


@pytest.mark.parametrize("text", [None, "", " "])
def test_agent_reference_is_the_default_when_none_is_given(text):
    assert agent_reference({} if text is None else {"MSP_AGENT": text}) == Settings.agent


def test_agent_reference_is_told_however_unfit_the_rest_is():
    assert agent_reference({**UNFIT, "MSP_AGENT": " desk:agent "}) == "desk:agent"
