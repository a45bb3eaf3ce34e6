import pytest

from msp_server.emulator.switches import CHOICES, Positions

DEFAULTS = {
    "list_reply": "sections",
    "duplicate_tap": False,
    "numbers_as_text": False,
    "invitation_request_id": "number",
    "check_capabilities": True,
    "check_vendor_limits": True,
    "check_merchant_session": True,
    "reference_reply": "reference",
    "decode_answer": "data",
    "decode_gzip": False,
    "download_expiry_s": 60,
}


@pytest.fixture
def address(emulator):
    return f"{emulator.url}/emulator/switches"


def test_switches_stand_at_their_defaults(address, web):
    assert web.get(address, timeout=5).json() == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in CHOICES for value in CHOICES[name]]
)
def test_switch_is_set_alone(address, web, name, value):
    told = web.patch(address, json={name: value}, timeout=5)

    assert told.status_code == 200
    assert told.json() == DEFAULTS | {name: value} == web.get(address, timeout=5).json()


def test_reset_sets_every_switch_back(emulator, address, web):
    web.patch(address, json={"list_reply": "you_selected", "duplicate_tap": True}, timeout=5)

    web.post(f"{emulator.url}/emulator/reset", timeout=5)

    assert web.get(address, timeout=5).json() == DEFAULTS


def test_first_choice_is_the_default():
    assert {name: choices[0] for name, choices in CHOICES.items()} == Positions().to_json()


def test_unknown_switch_is_400_with_the_list_and_sets_none(address, web):
    answer = web.patch(address, json={"duplicate_tap": True, "light": True}, timeout=5)

    assert answer.status_code == 400
    assert "'light' is no switch: there are list_reply, duplicate_tap" in answer.json()["error"]
    assert web.get(address, timeout=5).json() == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("list_reply", "You Selected"),
        ("list_reply", True),
        ("duplicate_tap", "true"),
        ("duplicate_tap", 1),
        ("duplicate_tap", 0.0),
        ("numbers_as_text", None),
        ("check_capabilities", []),
        ("invitation_request_id", {}),
        ("reference_reply", True),
        ("download_expiry_s", 61),
        ("download_expiry_s", "60"),
        ("download_expiry_s", 60.0),
        ("download_expiry_s", False),
    ],
)
def test_unfit_position_is_400_with_the_choices(address, web, name, value):
    answer = web.patch(address, json={name: value}, timeout=5)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{name} has to be one of ")


def test_switches_that_are_no_object_are_400(address, web):
    assert web.patch(address, data="[]", timeout=5).status_code == 400
