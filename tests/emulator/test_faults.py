from itertools import cycle

import pytest

from msp_server.emulator import faults as faults_module
from msp_server.emulator.events import Events
from msp_server.emulator.fault_orders import parse_fault
from msp_server.emulator.faults import Faults, TooManyFaults


def order(faults, do, **fields):
    fault = parse_fault({"do": do} | fields)
    faults.add(fault)
    return fault


def test_fault_is_used_up_by_the_messages_it_meets():
    faults = Faults()
    order(faults, "drop", count=2, type="text", customer="ava")

    assert faults.take("message", kind="typing_start", customer="ava").fault is None
    assert faults.take("message", kind="text", customer="ben").fault is None
    assert faults.take("message", kind="text", customer="ava").fault.do == "drop"
    assert faults.take("message", kind="text", customer="ava").fault.do == "drop"
    assert faults.take("message", kind="text", customer="ava").fault is None
    assert faults.to_json() == []
    (used_up,) = faults.used_up_to_json()
    assert (used_up["happened"], used_up["count"]) == (2, 0)


def test_delay_goes_together_with_the_next_other_fault():
    faults = Faults()
    order(faults, "status", status=500)
    order(faults, "delay", delay_s=2)

    taken = faults.take("message", kind="text", customer="ava")

    assert (taken.delay_s, taken.fault.status) == (2, 500)


def test_fault_meets_its_endpoint_alone():
    faults = Faults()
    order(faults, "status", endpoint="download")

    assert faults.take("message", kind="text", customer="ava").fault is None
    assert faults.take("preDownload").fault is None
    assert faults.take("download").fault.status == 503


def test_what_typing_sends_to_the_msp_is_met_by_a_fault_of_that_type_alone():
    faults = Faults()
    order(faults, "no_token")
    order(faults, "alg_none", type="typing_start")

    assert faults.take("msp", kind="typing_start", customer="ava").fault.do == "alg_none"
    assert faults.take("msp", kind="typing_end", customer="ava").fault is None
    assert faults.take("msp", kind="text", customer="ava").fault.do == "no_token"


def test_fault_meets_what_is_at_two_endpoints_at_once():
    faults = Faults()
    order(faults, "expired", endpoint="dataRef")

    assert faults.take("message").fault is None
    assert faults.take("message", "dataRef").fault.do == "expired"


def test_fault_happens_as_often_as_its_probability_says():
    faults = Faults(chance=cycle([0.0, 0.29, 0.3, 0.9]).__next__)
    order(faults, "drop", probability=0.3)

    struck = [faults.take("message").fault is not None for _ in range(8)]

    assert struck == [True, True, False, False] * 2
    (fault,) = faults.to_json()
    assert (fault["happened"], fault["count"]) == (4, None)


def test_count_of_a_fault_with_a_probability_counts_what_happened():
    faults = Faults(chance=iter([0.9, 0.1, 0.9, 0.1, 0.1]).__next__)
    order(faults, "drop", probability=0.5, count=2)

    struck = [faults.take("message").fault is not None for _ in range(5)]

    assert struck == [False, True, False, True, False]
    assert faults.to_json() == []


def test_fault_whose_chance_did_not_come_leaves_the_request_to_the_next():
    faults = Faults(chance=lambda: 0.9)
    order(faults, "drop", probability=0.5)
    order(faults, "status")

    assert faults.take("message").fault.do == "status"


def test_fault_can_be_taken_back_by_its_number():
    faults = Faults()
    first, second = order(faults, "drop"), order(faults, "status")

    assert faults.remove(first.number)
    assert not faults.remove(first.number)
    assert [fault["number"] for fault in faults.to_json()] == [second.number]


def test_faults_are_bounded(monkeypatch):
    monkeypatch.setattr(faults_module, "FAULT_LIMIT", 2)
    faults = Faults()
    order(faults, "drop")
    order(faults, "drop")

    with pytest.raises(TooManyFaults):
        order(faults, "drop")


def test_every_change_is_told():
    events = Events()
    faults = Faults(events)
    fault = order(faults, "drop", count=2)
    faults.take("message")
    faults.take("download")  # nothing happens
    faults.remove(fault.number)
    faults.clear()

    names = [event.name for event in events.read(0, 0).events]

    assert names == ["faults"] * 4
