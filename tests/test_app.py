"""The parts, joined."""

import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from msp_server.agents.echo import agent as echo
from msp_server.agents.router import Router
from msp_server.app import (
    configure,
    create_app,
    make_gateway,
    make_merchant,
    make_preparing,
    make_provider,
    make_sending,
    open_store_of,
    sealing_keys,
    working,
)
from msp_server.delivery.signing_in import SigningIn
from msp_server.errors import ConfigurationError, RemoteUnreachable, StoreBusy
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.capability import Capability
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.text import Text
from msp_server.settings import ApplePaySettings, SignInSettings
from msp_server.wire.auth_keys import unseal


def test_configure_reports_faults_of_settings_and_agent_together():
    with pytest.raises(ConfigurationError) as caught:
        configure({"MSP_PORT": "x", "MSP_AGENT": "no.such:agent", "MSP_LOG_LEVEL": "loud"})

    names = [fault.name for fault in caught.value.faults]
    assert names == ["MSP_PORT", "MSP_LOG_LEVEL", "MSP_AGENT"]


def test_configure_reports_a_program_without_a_secret():
    with pytest.raises(ConfigurationError, match="MSP_AGENT_SECRET: not set"):
        configure({"MSP_AGENT": "https://agent.example.com/"})


def test_configure_takes_a_program_with_a_secret():
    secret = f"whsec_{'A' * 32}"

    settings, router = configure(
        {"MSP_AGENT": "https://agent.example.com/", "MSP_AGENT_SECRET": secret}
    )

    assert settings.agent_secret == secret
    assert [agent.name for agent in router.agents] == ["agent.example.com"]
    assert secret not in repr(settings)


def test_configure_reports_an_unfit_agent_once():
    with pytest.raises(ConfigurationError) as caught:
        configure({"MSP_AGENT": "not a reference"})

    assert [fault.name for fault in caught.value.faults] == ["MSP_AGENT"]


def test_configure_without_any_variable_gives_the_guide_and_the_emulator():
    settings, router = configure({})

    assert settings.emulated
    assert router.choose(None).name == "guide"


def test_configure_reports_what_cannot_be_imported_together():
    with pytest.raises(ConfigurationError) as caught:
        configure(
            {
                "MSP_AGENT": "no.such:agent",
                "MSP_PAYMENT_PROCESSOR": "no.such:processor",
                "MSP_ACCOUNT_LINKER": "msp_server.agents.demonstration:processor",
            }
        )

    assert [fault.name for fault in caught.value.faults] == [
        "MSP_PAYMENT_PROCESSOR",
        "MSP_ACCOUNT_LINKER",
        "MSP_AGENT",
    ]


@pytest.mark.parametrize("name", ["MSP_PAYMENT_PROCESSOR", "MSP_ACCOUNT_LINKER"])
def test_configure_reports_one_that_cannot_be_imported(name):
    with pytest.raises(ConfigurationError) as caught:
        configure({name: "no.such:thing"})

    assert [fault.name for fault in caught.value.faults] == [name]


# What customers' devices and browsers see


ROUTES = {
    "/message",
    "/paymentGateway/<token>",
    "/paymentMethodUpdate/<token>",
    "/shippingContactUpdate/<token>",
    "/shippingMethodUpdate/<token>",
    "/orderTracking/<token>",
    "/fallback/<token>",
    "/oauth/callback",
    "/landingPage",
    "/landingPage_handle",
    "/landingPage_done",
}


@pytest.fixture
def store(settings):
    store = open_store_of(settings)
    yield store
    store.close()


def test_store_is_opened_with_the_pace_that_is_set(settings):
    message = OutboundMessage("a", "a business", "urn:mbid:alice", Text("Hello"), True)
    with closing(open_store_of(replace(settings, sends_per_s=0.5))) as store:
        store.outbox.put([message, replace(message, id="b")], 0)
        store.outbox.finish(store.outbox.claim(1000, 60), 1000)

        assert store.outbox.claim(1001, 60) is None
        assert store.outbox.claim(1002, 60) is not None


def test_app_has_every_route_of_the_tutorial(settings, store):
    app = create_app(settings, store)

    assert {rule.rule for rule in app.url_map.iter_rules()} >= ROUTES


def test_app_refuses_a_processor_that_cannot_be_imported(settings, store):
    with pytest.raises(ConfigurationError, match="MSP_PAYMENT_PROCESSOR"):
        create_app(replace(settings, payment_processor="no.such:processor"), store)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/paymentGateway/token"),
        ("POST", "/orderTracking/token"),
        ("GET", "/fallback/token"),
        ("GET", "/landingPage?id=0f0e0d0c-0b0a-0908-0706-050403020100&name=Shop"),
    ],
)
def test_app_that_is_not_set_up_for_it_takes_neither_money_nor_passwords(
    settings, store, method, path
):
    answer = create_app(settings, store).test_client().open(path, method=method, json={})

    assert answer.status_code == 404


def test_app_that_nobody_signs_in_at_knows_no_state(settings, store):
    answer = create_app(settings, store).test_client().get("/oauth/callback?state=a&code=b")

    assert answer.status_code == 400


# Parts


def test_sealing_keys_are_of_each_secret_in_its_order_and_none_of_them(settings):
    two = replace(settings, api_secrets=(b"new" * 10, b"old" * 10))

    keys = sealing_keys(two)

    assert [len(key) for key in keys] == [32, 32]
    assert keys == [
        sealing_keys(replace(two, api_secrets=(secret,)))[0] for secret in two.api_secrets
    ]
    assert not set(keys) & set(two.api_secrets)


def test_what_the_first_secret_sealed_is_unsealed_once_it_is_the_second(settings):
    before = replace(
        settings,
        endpoint="https://msp.example.com",
        sign_in=SignInSettings(token_url="https://id.example.com/token"),
    )
    after = replace(before, api_secrets=(b"new" * 10, *before.api_secrets))

    opening = make_preparing(before).equipping.equip(
        Authenticate("Sign in"), frozenset({Capability.AUTH})
    )[1]

    assert len(unseal(opening.sealed_key, sealing_keys(after)[1])) == 48
    signing_in = SigningIn(None, None, sealing_keys(after), time.time)
    assert len(signing_in._unsealed(opening.sealed_key)) == 48


def test_there_is_no_provider_where_nobody_signs_in(settings):
    assert make_provider(settings) is None


def test_sending_fills_in_the_client_secret_of_the_settings(settings, store):
    sign_in = SignInSettings(token_url="https://id.example.com/token", client_secret="planted")

    sending = make_sending(replace(settings, sign_in=sign_in), store)

    assert sending.completing.client_secret == "planted"
    assert "planted" not in repr(sending)


def test_merchant_asks_where_the_settings_say(settings):
    apple_pay = ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        session_url="http://127.0.0.1:9/paymentSession",
    )

    with pytest.raises(RemoteUnreachable, match=r"127\.0\.0\.1:9/paymentSession"):
        make_merchant(replace(settings, apple_pay=apple_pay)).open_session("Shop", "https://a", "m")


def test_merchant_whose_certificate_is_not_there_is_unreachable_and_says_so(settings):
    apple_pay = ApplePaySettings(
        merchant_id="merchant.com.example.shop",
        domain="shop.example.com",
        certificate=Path("not-there.pem"),
        session_url="https://127.0.0.1:9/paymentSession",
    )

    with pytest.raises(RemoteUnreachable, match="MSP_APPLE_PAY_CERTIFICATE"):
        make_merchant(replace(settings, apple_pay=apple_pay)).open_session("Shop", "https://a", "m")


def test_gateway_signs_with_the_first_secret_for_the_gateway_of_the_settings(settings):
    gateway = make_gateway(settings)

    assert gateway.base_url == settings.gateway_url


def test_second_worker_on_the_same_store_is_refused(settings):
    first, second = open_store_of(settings), open_store_of(settings)
    with (
        closing(first),
        closing(second),
        working(settings, first, Router(default=echo)),
        pytest.raises(StoreBusy),
        working(settings, second, Router(default=echo)),
    ):
        pass


def test_worker_takes_up_what_one_that_died_had_claimed(settings, msp, apple, wait_for):
    apple.fault("drop", count=1)
    apple.phone().text("hello")

    assert apple.phone().wait_for_bodies(1) == ["hello"]
    assert msp.store.outbox.claim(time.time(), 60) is None


@pytest.mark.parametrize(("days", "left"), [(None, {"old", "new"}), (30.0, {"new"})])
def test_worker_removes_what_is_older_than_the_settings_say(settings, wait_for, days, left):
    settings = replace(settings, retention_days=days)
    with closing(open_store_of(settings)) as store:
        for message_id, ago_s in (("old", 31 * 86_400), ("new", 29 * 86_400)):
            message = InboundMessage(
                message_id, settings.business_ids[0], "urn:mbid:alice", Text("Hi")
            )
            at = time.time() - ago_s
            store.inbox.put(message, {}, b"{}", at)
            store.inbox.finish(store.inbox.claim(at, 60), [], at)

        with working(settings, store, Router(default=echo)):
            wait_for(lambda: {each.message_id for each in store.history.newest(10)} == left)

        assert {each.message_id for each in store.history.newest(10)} == left
        assert not [each for each in threading.enumerate() if each.name == "retention"]
