import pytest

from msp_server.emulator.faults import DEEDS, Faults, FaultUnfit, parse_fault


def test_fault_is_used_up_by_the_messages_it_meets():
    faults = Faults()
    faults.add(parse_fault({"do": "drop", "count": 2, "type": "text", "customer": "ava"}))

    assert faults.take("message", "typing_start", "ava").fault is None
    assert faults.take("message", "text", "ben").fault is None
    assert faults.take("message", "text", "ava").fault.do == "drop"
    assert faults.take("message", "text", "ava").fault.do == "drop"
    assert faults.take("message", "text", "ava").fault is None
    assert faults.to_json() == []


def test_delay_goes_together_with_the_next_other_fault():
    faults = Faults()
    faults.add(parse_fault({"do": "status", "status": 500}))
    faults.add(parse_fault({"do": "delay", "delay_s": 2}))

    taken = faults.take("message", "text", "ava")

    assert (taken.delay_s, taken.fault.status) == (2, 500)


def test_fault_meets_its_endpoint_alone():
    faults = Faults()
    faults.add(parse_fault({"do": "status", "endpoint": "download"}))

    assert faults.take("message", "text", "ava").fault is None
    assert faults.take("preDownload").fault is None
    assert faults.take("download").fault.status == 503


@pytest.mark.parametrize(
    ("do", "endpoint"),
    [
        ("status", "message"),
        ("drop_after", "message"),
        ("expired", "download"),
        ("drip", "download"),
        ("wrong_key", "descriptor"),
    ],
)
def test_first_endpoint_where_it_can_happen_is_meant(do, endpoint):
    assert parse_fault({"do": do}).endpoint == endpoint


def test_every_deed_can_be_ordered_where_it_can_happen():
    for endpoint, deeds in DEEDS.items():
        for do in deeds:
            fault = parse_fault({"do": do, "endpoint": endpoint})

            assert (fault.do, fault.endpoint) == (do, endpoint)
            assert fault.to_json()["endpoint"] == endpoint


def test_expired_address_is_403_unless_it_is_told_another():
    assert parse_fault({"do": "expired"}).status == 403
    assert parse_fault({"do": "expired", "status": 404}).status == 404


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "drop", "endpoint": "nowhere"},
        {"do": "drop", "endpoint": ["message"]},
        {"do": "truncate", "endpoint": "message"},
        {"do": "wrong_key", "endpoint": "download"},
        {"do": "drop_after", "endpoint": "preUpload"},
        {"do": "drop", "endpoint": "download", "customer": "ava"},
        {"do": "drop", "endpoint": "upload", "type": "text"},
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
