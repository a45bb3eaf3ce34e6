from dataclasses import replace

import pytest

from msp_server.emulator import Emulator
from msp_server.emulator.serving import PortTaken


def test_taken_port_is_told(emulator, settings):

    with pytest.raises(PortTaken, match=r"--port"):
        Emulator(replace(settings, port=emulator.port)).start()


def test_port_is_free_again_after_stop(settings, web):

    with Emulator(settings) as first:
        port = first.port

    with Emulator(replace(settings, port=port)) as second:
        assert web.get(second.url, timeout=5).status_code == 200
