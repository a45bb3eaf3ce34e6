import pytest
from flask import Flask, Response, request

from msp_server.errors import FormRefused
from msp_server.web.desk_session import MARK, SESSION_LIMIT_S, DeskSession, DeskSessions

NOW = 1_700_000_000.0
TOKEN = "t" * 32


class Clock:
    at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return DeskSessions(TOKEN, clock)


def cookie_of(sessions, name="Ada", *, secure=True):
    response = Response()
    sessions.begin(response, name, secure=secure)
    return response.headers["Set-Cookie"]


def find(sessions, cookie, **headers):
    with Flask("x").test_request_context(headers={"Cookie": cookie.partition(";")[0], **headers}):
        session = sessions.find(request)
        if session is not None and headers:
            sessions.require_mark(session, request)
        return session


def test_a_session_is_found_by_its_cookie(sessions):
    assert find(sessions, cookie_of(sessions)).name == "Ada"


def test_no_script_and_no_other_site_has_the_cookie(sessions):
    words = {each.strip() for each in cookie_of(sessions).split(";")[1:]}

    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= words
    assert "Secure" not in cookie_of(sessions, secure=False)


def test_a_session_is_over_after_a_working_day(sessions, clock):
    cookie = cookie_of(sessions)

    clock.at += SESSION_LIMIT_S

    assert find(sessions, cookie) is None


@pytest.mark.parametrize("cookie", ["", "msp_desk=", "msp_desk=x.y", f"msp_desk={'x' * 5000}"])
def test_what_we_did_not_sign_is_no_session(sessions, cookie):
    assert find(sessions, cookie) is None


def test_another_token_ends_every_session(sessions, clock):
    assert find(DeskSessions("u" * 32, clock), cookie_of(sessions)) is None


def test_a_browser_loses_its_session_when_it_leaves(sessions):
    response = Response()
    sessions.end(response)

    assert "msp_desk=;" in response.headers["Set-Cookie"]


def test_a_page_of_ours_has_the_mark(sessions):
    cookie = cookie_of(sessions)
    session = find(sessions, cookie)

    assert find(sessions, cookie, **{MARK: session.mark}) == session


@pytest.mark.parametrize("mark", ["x", "é"])
def test_who_has_another_mark_is_refused(sessions, mark):
    with pytest.raises(FormRefused):
        find(sessions, cookie_of(sessions), **{MARK: mark})


def test_a_session_does_not_show_its_mark():
    assert "hidden" not in repr(DeskSession("Ada", "hidden"))
