import pytest

from msp_server.emulator.faults import Faults, FaultUnfit, parse_fault


def test_fault_is_used_up_by_the_messages_it_meets():
    faults = Faults()
    faults.add(parse_fault({"do": "drop", "count": 2, "type": "text", "customer": "ava"}))

    assert faults.take("typing_start", "ava").fault is None
    assert faults.take("text", "ben").fault is None
    assert faults.take("text", "ava").fault.do == "drop"
    assert faults.take("text", "ava").fault.do == "drop"
    assert faults.take("text", "ava").fault is None
    assert faults.to_json() == []


def test_delay_goes_together_with_the_next_other_fault():
    faults = Faults()
    faults.add(parse_fault({"do": "status", "status": 500}))
    faults.add(parse_fault({"do": "delay", "delay_s": 2}))

    taken = faults.take("text", "ava")

    assert (taken.delay_s, taken.fault.status) == (2, 500)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "explode"},
        {"do": ["drop"]},
        {"do": "drop", "colour": "blue"},
        {"do": "drop", "count": 0},
        {"do": "drop", "count": True},
        {"do": "drop", "count": 1.5},
        {"do": "status", "status": 200},
        {"do": "status", "status": "503"},
        {"do": "status", "retry_after": "2\r\nx: y"},
        {"do": "status", "retry_after": 2},
        {"do": "delay", "delay_s": -1},
        {"do": "delay", "delay_s": 61},
        {"do": "drop", "type": ""},
        {"do": "drop", "customer": ["ava"]},
    ],
)
def test_unfit_fault_is_refused(fields):
    with pytest.raises(FaultUnfit):
        parse_fault(fields)
