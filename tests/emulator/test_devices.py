import pytest

CAPABILITIES = {
    "iphone": ["LIST", "TIME", "QUICK", "FORM", "AUTH", "AUTH2"],
    "ipad": ["LIST", "TIME", "QUICK", "FORM", "AUTH", "AUTH2"],
    "mac": ["LIST", "TIME", "QUICK", "AUTH", "AUTH2"],
    "iphone-no-form": ["LIST", "TIME", "QUICK", "AUTH"],
    "iphone-2018": [],
}


def test_devices_are_listed_with_what_they_can_show(emulator, web):
    devices = web.get(f"{emulator.url}/emulator/devices", timeout=5).json()["devices"]

    assert {device["name"]: device["capabilities"] for device in devices} == CAPABILITIES
    assert [device["name"] for device in devices if not device["opens_apps"]] == ["mac"]


@pytest.mark.parametrize("device", CAPABILITIES)
def test_device_tells_what_it_can_show_with_every_message(emulator, ava, msp, web, device):
    changed = web.patch(f"{emulator.url}/customers/ava", json={"device": device}, timeout=5)

    ava.do("typing", state="start")

    assert changed.json()["device"] == device
    assert msp.next().headers["capability-list"] == ",".join(CAPABILITIES[device])


def test_capabilities_given_by_hand_win_over_the_device(emulator, web):
    profile = {"name": "ben", "device": "mac", "capabilities": ["FORM"]}

    ben = web.post(f"{emulator.url}/customers", json=profile, timeout=5).json()

    assert ben["capabilities"] == ["FORM"]
    assert ben["device"] is None


def test_capabilities_by_hand_stay_until_a_device_is_chosen(emulator, web):
    address = f"{emulator.url}/customers/ava"
    web.patch(address, json={"capabilities": ["FORM"]}, timeout=5)

    kept = web.patch(address, json={"locale": "de_DE"}, timeout=5).json()
    chosen = web.patch(address, json={"device": "mac"}, timeout=5).json()

    assert (kept["device"], kept["capabilities"]) == (None, ["FORM"])
    assert (chosen["device"], chosen["capabilities"]) == ("mac", CAPABILITIES["mac"])


@pytest.mark.parametrize("device", ["nokia", "", None, 7, ["mac"], {}])
def test_unknown_device_is_400_with_the_list(emulator, web, device):
    answer = web.patch(f"{emulator.url}/customers/ava", json={"device": device}, timeout=5)

    assert answer.status_code == 400
    assert "iphone, ipad, mac, iphone-no-form, iphone-2018" in answer.json()["error"]
