import pytest


def test_emulator_tells_what_it_is_without_the_secret(emulator, settings, msp, web):
    said = web.get(f"{emulator.url}/emulator/", timeout=5).json()

    assert said == {
        "name": "emulator of Apple's Messages for Business gateway",
        "msp": msp.url,
        "msp_id": settings.msp_id,
        "business_ids": list(settings.business_ids),
        "oauth_client_id": "emulator",
    }


def test_reset_leaves_only_the_first_customers(emulator, ava, journal, web):
    web.post(f"{emulator.url}/customers", json={"name": "ben"}, timeout=5)
    web.post(f"{emulator.url}/emulator/faults", json={"do": "drop"}, timeout=5)
    before = ava.profile()
    ava.do("text", body="Hello")
    ava.do("close")

    assert web.post(f"{emulator.url}/emulator/reset", timeout=5).status_code == 200

    customers = web.get(f"{emulator.url}/customers", timeout=5).json()["customers"]
    assert [customer["name"] for customer in customers] == ["ava", "ava-2"]
    assert customers[0] == before
    assert ava.transcript()["entries"] == []
    assert journal() == []
    faults = web.get(f"{emulator.url}/emulator/faults", timeout=5).json()
    assert faults == {"faults": [], "used_up": []}


@pytest.mark.parametrize(
    ("method", "path", "packed"),
    [
        ("POST", "faults", "[]"),
        ("PATCH", "switches", '{"light": true}'),
        ("PATCH", "switches", '{"list_reply": "all"}'),
    ],
)
def test_unfit_request_is_400_with_a_sentence(emulator, method, path, packed, web):
    answer = web.request(method, f"{emulator.url}/emulator/{path}", data=packed, timeout=5)

    assert answer.status_code == 400
    assert answer.json()["error"]
