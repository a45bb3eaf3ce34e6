"""The routes by which faults are ordered and taken back."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from msp_server.emulator.api import ApiMistake, read_fields
from msp_server.emulator.fault_kinds import KINDS
from msp_server.emulator.fault_orders import FaultUnfit, parse_fault
from msp_server.emulator.faults import FAULT_LIMIT, Fault, Faults, TooManyFaults
from msp_server.emulator.packing import JsonObject


def blueprint(faults: Faults) -> Blueprint:
    """Make the routes under `/emulator/faults`."""
    bp = Blueprint("fault_control", __name__, url_prefix="/emulator/faults")

    @bp.get("")
    def list_faults() -> ResponseReturnValue:
        return {"faults": faults.to_json(), "used_up": faults.used_up_to_json()}

    @bp.get("/kinds")
    def list_kinds() -> ResponseReturnValue:
        return {"kinds": [kind.to_json(do) for do, kind in KINDS.items()]}

    @bp.post("")
    def add_fault() -> ResponseReturnValue:
        return _order(faults, read_fields()).to_json(), 201

    @bp.delete("")
    def clear_faults() -> ResponseReturnValue:
        faults.clear()
        return {}

    @bp.delete("/<int:number>")
    def remove_fault(number: int) -> ResponseReturnValue:
        if not faults.remove(number):
            raise ApiMistake(404, "There is no such fault on order: it may be used up")
        return {}

    return bp


def _order(faults: Faults, fields: JsonObject) -> Fault:
    try:
        fault = parse_fault(fields)
        faults.add(fault)
    except FaultUnfit as unfit:
        raise ApiMistake(400, str(unfit)) from unfit
    except TooManyFaults as many:
        raise ApiMistake(400, f"{FAULT_LIMIT} faults are on order: take some back first") from many
    return fault
