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
    assert web.get(f"{emulator.url}/emulator/faults", timeout=5).json() == {"faults": []}


def test_journal_is_chosen_by_direction_customer_and_place(ava, sender, journal):
    ava.do("text", body="Hello")
    sender.send()

    assert len(journal()) == 3
    assert [e["direction"] for e in journal(direction="to_gateway")] == ["to_gateway"]
    assert journal(customer="ben") == []
    assert [e["seq"] for e in journal(limit=1)] == [3]
    assert [e["seq"] for e in journal(after=1, limit=1)] == [2]


def test_journal_can_be_cleared(emulator, ava, journal, web):
    ava.do("close")

    web.delete(f"{emulator.url}/emulator/journal", timeout=5)

    assert journal() == []


def test_faults_are_listed_and_cleared(emulator, web):
    address = f"{emulator.url}/emulator/faults"
    added = web.post(address, json={"do": "delay", "delay_s": 1, "count": 3}, timeout=5)

    assert added.status_code == 201
    assert web.get(address, timeout=5).json() == {"faults": [added.json()]}
    web.delete(address, timeout=5)
    assert web.get(address, timeout=5).json() == {"faults": []}


@pytest.mark.parametrize(
    ("method", "path", "packed"),
    [
        ("POST", "faults", '{"do": "explode"}'),
        ("POST", "faults", "[]"),
        ("GET", "journal?direction=up", ""),
        ("GET", "journal?limit=x", ""),
        ("PATCH", "switches", '{"light": true}'),
        ("PATCH", "switches", '{"list_reply": "all"}'),
        ("GET", "journal?wait_s=99", ""),
    ],
)
def test_unfit_request_is_400_with_a_sentence(emulator, method, path, packed, web):
    answer = web.request(method, f"{emulator.url}/emulator/{path}", data=packed, timeout=5)

    assert answer.status_code == 400
    assert answer.json()["error"]
