import pytest

from msp_server.emulator.fault_kinds import KINDS
from msp_server.emulator.fault_orders import FaultUnfit, parse_fault


@pytest.mark.parametrize(
    ("do", "endpoint"),
    [
        ("status", "message"),
        ("drop_after", "message"),
        ("expired", "download"),
        ("drip", "download"),
        ("truncate", "download"),
        ("wrong_key", "descriptor"),
        ("alg_none", "msp"),
    ],
)
def test_first_endpoint_where_it_can_happen_is_meant(do, endpoint):
    assert parse_fault({"do": do}).endpoint == endpoint


def test_every_deed_can_be_ordered_where_it_can_happen():
    for do, kind in KINDS.items():
        for endpoint in kind.endpoints:
            fault = parse_fault({"do": do, "endpoint": endpoint})

            assert (fault.do, fault.endpoint) == (do, endpoint)
            assert fault.to_json()["endpoint"] == endpoint


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 403),
        ({"endpoint": "dataRef"}, 400),
        ({"status": 404}, 404),
    ],
)
def test_what_expired_has_its_own_status_unless_it_is_told_another(fields, status):
    assert parse_fault({"do": "expired"} | fields).status == status


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 1),
        ({"count": 3}, 3),
        ({"count": None}, None),
        ({"probability": 0.5}, None),
        ({"probability": 0.5, "count": 4}, 4),
    ],
)
def test_fault_happens_once_or_by_chance_for_ever(fields, count):
    assert parse_fault({"do": "drop"} | fields).count == count


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "drop", "endpoint": "nowhere"},
        {"do": "drop", "endpoint": ["message"]},
        {"do": "drop", "endpoint": "msp"},
        {"do": "truncate", "endpoint": "message"},
        {"do": "wrong_key", "endpoint": "download"},
        {"do": "drop_after", "endpoint": "preUpload"},
        {"do": "drop", "endpoint": "download", "customer": "ava"},
        {"do": "drop", "endpoint": "upload", "type": "text"},
        {"do": "explode"},
        {"do": ["drop"]},
        {"do": "drop", "colour": "blue"},
        {"do": "drop", "happened": 3},
        {"do": "drop", "number": 3},
        {"do": "drop", "count": 0},
        {"do": "drop", "count": True},
        {"do": "drop", "count": 1.5},
        {"do": "drop", "probability": 1.1},
        {"do": "drop", "probability": -0.1},
        {"do": "drop", "probability": "0.5"},
        {"do": "status", "status": 200},
        {"do": "status", "status": "503"},
        {"do": "status", "retry_after": "2\r\nx: y"},
        {"do": "status", "retry_after": 2},
        {"do": "delay", "delay_s": -1},
        {"do": "delay", "delay_s": 61},
        {"do": "no_header", "header": "authorization"},
        {"do": "no_header", "header": ["id"]},
        {"do": "drop", "type": ""},
        {"do": "drop", "customer": ["ava"]},
    ],
)
def test_unfit_fault_is_refused(fields):
    with pytest.raises(FaultUnfit):
        parse_fault(fields)
