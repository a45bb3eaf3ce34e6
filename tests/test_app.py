"""The parts, joined."""

import time
from contextlib import closing

import pytest

from msp_server.agents.echo import agent as echo
from msp_server.agents.router import Router
from msp_server.app import configure, make_gateway, open_store_of, working
from msp_server.errors import ConfigurationError, StoreBusy


def test_configure_reports_faults_of_settings_and_agent_together():
    with pytest.raises(ConfigurationError) as caught:
        configure({"MSP_PORT": "x", "MSP_AGENT": "no.such:agent", "MSP_LOG_LEVEL": "loud"})

    names = [fault.name for fault in caught.value.faults]
    assert names == ["MSP_PORT", "MSP_LOG_LEVEL", "MSP_AGENT"]


def test_configure_reports_an_unfit_agent_once():
    with pytest.raises(ConfigurationError) as caught:
        configure({"MSP_AGENT": "not a reference"})

    assert [fault.name for fault in caught.value.faults] == ["MSP_AGENT"]


def test_configure_without_any_variable_gives_the_guide_and_the_emulator():
    settings, router = configure({})

    assert settings.emulated
    assert router.choose(None).name == "guide"


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
