"""The emulator as a process of its own: find the one that runs, or start one."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from msp_server.errors import ConfigurationError, Fault, RemoteUnreachable
from msp_server.remote.http import HttpClient
from msp_server.settings import Settings

#: How long an emulator may take to say who it is.
_LOOK_LIMIT_S: Final = 2.0
_START_LIMIT_S: Final = 20.0
_STOP_LIMIT_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.05


@contextmanager
def running_emulator(settings: Settings) -> Iterator[bool]:
    """Have an emulator while the block lasts.

    Yields:
        Whether it was started for this block; one that ran before goes on afterwards.

    Raises:
        ConfigurationError: its port is taken by something else, or it did not start.
    """
    if is_running(settings):
        yield False
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "msp_server.emulator", "--until-stdin-ends"],
        env=settings.environment(),
        stdin=subprocess.PIPE,  # it ends with us, however we end
        stdout=subprocess.DEVNULL,
    )
    try:
        _await_start(settings, process)
        yield True
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_running(settings: Settings) -> bool:
    """Tell whether an emulator with our MSP ID is there.

    Raises:
        ConfigurationError: something else is on its port.
    """
    try:
        told = _get(settings, "/emulator/")
    except RemoteUnreachable as error:
        if "no answer" not in str(error):
            return False
        told = None
    if told is None or "emulator" not in str(told.get("name")):
        raise _taken(settings, "something else", "stop that, or choose another port")
    if told.get("msp_id") != settings.msp_id:
        raise _taken(settings, "an emulator for another MSP ID", "stop that emulator")
    if told.get("msp") != settings.local_url:
        problem = f"an emulator for the MSP at {told.get('msp')}"
        raise _taken(settings, problem, "stop that emulator, or have MSP_PORT as it was")
    return True


def first_customer(settings: Settings) -> str | None:
    """Give the opaque ID of the emulator's first customer."""
    told = _get(settings, "/customers")
    customers = (told or {}).get("customers", [])
    return str(customers[0]["id"]) if customers else None


def _get(settings: Settings, path: str) -> dict[str, Any] | None:
    """Ask the emulator; None when what answers is no JSON object."""
    address = f"http://127.0.0.1:{settings.emulator_port}{path}"
    answer = HttpClient(read_timeout_s=_LOOK_LIMIT_S).request("GET", address)
    try:
        told = json.loads(answer.body)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _await_start(settings: Settings, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while not is_running(settings):
        if process.poll() is not None or time.monotonic() > deadline:
            raise _taken(settings, "it could not be started", "see what it said above")
        time.sleep(_LOOK_AGAIN_S)


def _taken(settings: Settings, problem: str, cure: str) -> ConfigurationError:
    return ConfigurationError(
        [Fault("MSP_EMULATOR_PORT", f"port {settings.emulator_port}: {problem}", cure)]
    )
