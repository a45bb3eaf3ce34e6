"""The control plane under `/emulator/`: reset, switches and devices."""

from collections.abc import Callable

from flask import Blueprint
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields
from msp_server.emulator.devices import DEVICES
from msp_server.emulator.msp import Msp
from msp_server.emulator.settings import EmulatorSettings
from msp_server.emulator.switches import Switches, SwitchUnfit

NAME = "emulator of Apple's Messages for Business gateway"


def blueprint(
    settings: EmulatorSettings,
    msp: Msp,
    switches: Switches,
    forget: Callable[[], None],
) -> Blueprint:
    """Make the routes under `/emulator/`; `forget` makes everything as it was at the start."""
    bp = Blueprint("control", __name__, url_prefix="/emulator")

    @bp.get("/")
    def show_emulator() -> ResponseReturnValue:
        return {
            "name": NAME,
            "msp": msp.url,
            "msp_id": settings.msp_id,
            "business_ids": list(settings.business_ids),
            "oauth_client_id": settings.oauth_client_id,
        }

    @bp.post("/reset")
    def reset() -> ResponseReturnValue:
        forget()
        return {}

    _add_switch_routes(bp, switches)
    return bp


def _add_switch_routes(bp: Blueprint, switches: Switches) -> None:
    @bp.get("/switches")
    def show_switches() -> ResponseReturnValue:
        return switches.positions.to_json()

    @bp.patch("/switches")
    def set_switches() -> ResponseReturnValue:
        try:
            return switches.set(read_fields()).to_json()
        except SwitchUnfit as unfit:
            raise ApiMistake(400, str(unfit)) from unfit

    @bp.get("/devices")
    def list_devices() -> ResponseReturnValue:
        return {"devices": [device.to_json() for device in DEVICES.values()]}
