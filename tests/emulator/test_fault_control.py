import pytest

from msp_server.emulator import faults as faults_module


@pytest.fixture
def ask(emulator, web):
    def ask(method="GET", rest="", **fields):
        address = f"{emulator.url}/emulator/faults{rest}"
        return web.request(method, address, json=fields or None, timeout=5)

    return ask


def test_faults_are_listed_and_cleared(ask):
    added = ask("POST", do="delay", delay_s=1, count=3)

    assert added.status_code == 201
    assert ask().json() == {"faults": [added.json()], "used_up": []}
    ask("DELETE")
    assert ask().json() == {"faults": [], "used_up": []}


def test_list_says_how_often_each_happened(ask, sender):
    ask("POST", do="status", count=1)
    ask("POST", do="status", status=500, count=3)

    assert sender.send().status_code == 503
    assert sender.send().status_code == 500

    told = ask().json()
    assert [(f["status"], f["happened"], f["count"]) for f in told["faults"]] == [(500, 1, 2)]
    assert [(f["status"], f["happened"], f["count"]) for f in told["used_up"]] == [(503, 1, 0)]


def test_one_fault_is_taken_back(ask):
    first = ask("POST", do="drop").json()
    second = ask("POST", do="status").json()

    assert ask("DELETE", f"/{first['number']}").status_code == 200

    assert ask().json()["faults"] == [second]
    assert ask("DELETE", f"/{first['number']}").status_code == 404


def test_kinds_say_what_can_be_ordered(ask):
    kinds = {kind["do"]: kind for kind in ask(rest="/kinds").json()["kinds"]}

    assert kinds["status"]["endpoints"][0] == "message"
    assert kinds["status"]["fields"] == ["status", "retry_after"]
    assert kinds["alg_none"]["says"]


def test_unfit_fault_is_400_with_a_sentence(ask):
    answer = ask("POST", do="explode")

    assert answer.status_code == 400
    assert "do has to be one of status" in answer.json()["error"]


def test_too_many_faults_are_400_with_a_sentence(ask, monkeypatch):
    monkeypatch.setattr(faults_module, "FAULT_LIMIT", 1)
    ask("POST", do="drop")

    answer = ask("POST", do="drop")

    assert answer.status_code == 400
    assert "on order" in answer.json()["error"]
