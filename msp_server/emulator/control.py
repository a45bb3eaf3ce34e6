"""The control plane under `/emulator/`: reset, journal, faults, switches and devices."""

from collections.abc import Callable
from typing import get_args

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields, read_number
from msp_server.emulator.devices import DEVICES
from msp_server.emulator.faults import Faults, FaultUnfit, parse_fault
from msp_server.emulator.journal import EXCHANGE_LIMIT, Direction, Exchange, Journal
from msp_server.emulator.msp import Msp
from msp_server.emulator.settings import EmulatorSettings
from msp_server.emulator.switches import Switches, SwitchUnfit

NAME = "emulator of Apple's Messages for Business gateway"
WAIT_LIMIT_S = 30.0
SEQ_LIMIT = 10**15


def blueprint(
    settings: EmulatorSettings,
    msp: Msp,
    journal: Journal,
    faults: Faults,
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

    _add_journal_routes(bp, journal)
    _add_fault_routes(bp, faults)
    _add_switch_routes(bp, switches)
    return bp


def _add_journal_routes(bp: Blueprint, journal: Journal) -> None:
    @bp.get("/journal")
    def read_journal() -> ResponseReturnValue:
        limit = int(read_number("limit", EXCHANGE_LIMIT, EXCHANGE_LIMIT))
        wait_s = read_number("wait_s", 0.0, WAIT_LIMIT_S)
        exchanges = journal.select(_read_filter(), wait_s)
        if "after" in request.args:  # a reader who goes on where it was misses none
            exchanges = exchanges[:limit]
        else:
            exchanges = exchanges[max(0, len(exchanges) - limit) :]
        return {"exchanges": [exchange.to_json() for exchange in exchanges]}

    @bp.delete("/journal")
    def clear_journal() -> ResponseReturnValue:
        journal.clear()
        return {}


def _add_fault_routes(bp: Blueprint, faults: Faults) -> None:
    @bp.get("/faults")
    def list_faults() -> ResponseReturnValue:
        return {"faults": faults.to_json()}

    @bp.post("/faults")
    def add_fault() -> ResponseReturnValue:
        try:
            fault = parse_fault(read_fields())
            faults.add(fault)
        except FaultUnfit as unfit:
            raise ApiMistake(400, str(unfit)) from unfit
        return fault.to_json(), 201

    @bp.delete("/faults")
    def clear_faults() -> ResponseReturnValue:
        faults.clear()
        return {}


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


def _read_filter() -> Callable[[Exchange], bool]:
    after = read_number("after", 0, SEQ_LIMIT)
    customer = request.args.get("customer")
    direction = request.args.get("direction")
    if direction not in {None, *get_args(Direction)}:
        raise ApiMistake(400, f"direction has to be one of {', '.join(get_args(Direction))}")
    return lambda exchange: (
        exchange.seq > after
        and direction in {None, exchange.direction}
        and customer in {None, exchange.customer}
    )
