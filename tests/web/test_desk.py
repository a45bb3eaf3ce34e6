import re

import pytest
from flask import Flask

from msp_server.web import desk
from msp_server.web.desk_session import DeskSessions
from msp_server.web.refusals import answer_errors

TOKEN = "t" * 32


@pytest.fixture
def web():
    app = Flask("desk")
    app.register_blueprint(desk.blueprint(TOKEN, DeskSessions(TOKEN)))
    answer_errors(app)
    return app.test_client()


def begin(web, token=TOKEN, name="Ada", **headers):
    return web.post("/desk/session", data={"token": token, "name": name}, headers=headers)


def test_the_door_is_shown_to_who_has_no_session(web):
    answer = web.get("/desk")

    assert answer.status_code == 200
    assert "MSP_AGENT_TOKEN" in answer.text
    assert "desk-mark" not in answer.text


def test_who_has_the_token_is_let_in(web):
    answer = begin(web)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk")
    assert ">Ada<" in web.get("/desk").text


def test_no_script_of_another_place_runs_on_the_page(web):
    begin(web)

    policy = web.get("/desk").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("token", ["", "x" * 32, TOKEN[:-1], "é"])
def test_who_has_another_token_is_not_let_in(web, token):
    answer = begin(web, token)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "desk-mark" not in web.get("/desk").text


def test_a_name_is_needed_and_is_words(web):
    assert begin(web, name=" ").status_code == 403
    begin(web, name="<b>Ada</b>")

    assert "&lt;b&gt;Ada" in web.get("/desk").text


def test_another_site_lets_nobody_in(web):
    assert begin(web, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_guessing_is_slowed_down(web):
    statuses = {begin(web, "x" * 32).status_code for _ in range(desk.ATTEMPTS[0] + 1)}

    assert statuses == {403, 429}


def test_who_leaves_is_out(web):
    begin(web)
    web.post("/desk/session/end")

    assert "desk-mark" not in web.get("/desk").text


def test_everything_that_the_page_names_is_there(web):
    begin(web)
    names = re.findall(r'"(/desk/page/[a-z.]+)"', web.get("/desk").text)
    with web.get("/desk/page/desk.js") as answer:
        imports = re.findall(r'from "./([a-z.]+)"', answer.text)
    names += [f"/desk/page/{each}" for each in imports]

    assert len(names) == 5
    for name in names:
        with web.get(name) as answer:
            assert answer.status_code == 200


@pytest.mark.parametrize("path", ["../desk.py", "..%2Fdesk.py", "x", ".", "%00"])
def test_nothing_else_is_given(web, path):
    assert web.get(f"/desk/page/{path}").status_code == 404
