import pytest

from msp_server.emulator import grants as grants_module
from msp_server.emulator.grants import Grant, Grants

GRANT = Grant("ava", "http://127.0.0.1/callback", "openid")


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def grants(clock):
    return Grants(lambda: clock[0])


def test_code_holds_once(grants):
    code = grants.add_code(GRANT)

    assert grants.use_code(code) == GRANT
    assert grants.use_code(code) is None


def test_code_holds_for_a_minute(grants, clock):
    first, second = grants.add_code(GRANT), grants.add_code(GRANT)

    clock[0] += 59.9
    assert grants.use_code(first) == GRANT
    clock[0] += 0.1
    assert grants.use_code(second) is None


def test_token_holds_again_and_again_for_an_hour(grants, clock):
    token = grants.add_token(GRANT)

    assert grants.find_token(token) == grants.find_token(token) == GRANT
    clock[0] += 3_600
    assert grants.find_token(token) is None


def test_codes_are_no_tokens(grants):
    assert grants.find_token(grants.add_code(GRANT)) is None
    assert grants.use_code(grants.add_token(GRANT)) is None


def test_oldest_go_first(grants, monkeypatch):
    monkeypatch.setattr(grants_module, "GRANT_LIMIT", 2)

    codes = [grants.add_code(GRANT) for _ in range(3)]

    assert [grants.use_code(code) for code in codes] == [None, GRANT, GRANT]


def test_nothing_holds_once_cleared(grants):
    code, token = grants.add_code(GRANT), grants.add_token(GRANT)

    grants.clear()

    assert grants.use_code(code) is None
    assert grants.find_token(token) is None
