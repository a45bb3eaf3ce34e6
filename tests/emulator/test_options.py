import base64

import click
import pytest
from click.testing import CliRunner

from msp_server.emulator.options import read_settings, settings_options
from msp_server.emulator.settings import SettingsUnfit

SECRET = base64.b64encode(b"k" * 32).decode()
FIT = {"MSP_ID": "msp", "MSP_SECRET": SECRET, "MSP_BUSINESS_ID": "shop"}


@pytest.fixture
def read():
    """Give the settings of a command line, or what is unfit of it."""
    found = []

    @click.command()
    @settings_options
    def command(**options):
        found.append(read_settings(options, seed="s"))

    def read(*arguments, environment=FIT):
        ran = CliRunner().invoke(command, arguments, env=environment)
        if ran.exception is not None:
            raise ran.exception
        return found[-1]

    return read


def test_settings_are_those_of_options_and_variables(read):
    settings = read("--port", "9", "--business-id", "urn:biz:a,b", "--allow-host", "x")

    assert (settings.msp_id, settings.port, settings.seed) == ("msp", 9, "s")
    assert settings.business_ids == ("a", "b")
    assert settings.allowed_hosts == ("x",)


def test_every_fault_is_told_at_once(read):
    with pytest.raises(SettingsUnfit) as unfit:
        read("--port", "-1", environment={"MSP_SECRET": "%"})

    assert len(unfit.value.faults) == 4
