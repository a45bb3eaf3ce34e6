"""An account is linked on the landing page of a real server, and the password is kept nowhere."""

import re
import sys
import uuid
from types import SimpleNamespace

import pytest
import requests

from msp_server import AccountLinker, LinkRefused

PASSWORD = "correct horse battery staple"


class Linker(AccountLinker):
    """Remembers who was linked, and knows one password."""

    def __init__(self):
        self.linked = []

    def link(self, landing, user_name, password):
        if password != PASSWORD:
            raise LinkRefused("This user name or password is not known.")
        self.linked.append((landing, user_name))


@pytest.fixture
def linker(monkeypatch):
    made = Linker()
    monkeypatch.setitem(sys.modules, "linker_of_test", SimpleNamespace(linker=made))
    return made


def fill_in(browser, msp, password, **changes):
    query = {"id": str(uuid.uuid4()), "name": "Example <b>Shop</b>"}
    page = browser.get(f"{msp.url}/landingPage", params=query)
    assert "Example &lt;b&gt;Shop&lt;/b&gt;" in page.text
    token = re.search('name="token" value="(.+)"', page.text)[1]
    form = {**query, "logo": "", "token": token, "userName": "kim", "userPassword": password}
    return browser.post(f"{msp.url}/landingPage_handle", data=form | changes)


def test_account_is_linked(start_msp, linker, planted):
    planted.append(PASSWORD)
    with start_msp(account_linker="linker_of_test:linker") as msp, requests.Session() as browser:
        done = fill_in(browser, msp, PASSWORD)

    assert done.url == f"{msp.url}/landingPage_done"
    assert done.headers["X-Frame-Options"] == "DENY"
    [(landing, user_name)] = linker.linked
    assert (landing.name, landing.logo, user_name) == ("Example <b>Shop</b>", None, "kim")


def test_wrong_password_is_told_and_not_shown_again(start_msp, linker, planted):
    planted.append("not the password")
    with start_msp(account_linker="linker_of_test:linker") as msp, requests.Session() as browser:
        refused = fill_in(browser, msp, "not the password")

    assert refused.status_code == 422
    assert "is not known" in refused.text
    assert "not the password" not in refused.text
    assert linker.linked == []


def test_form_of_another_site_is_refused(start_msp, linker):
    with start_msp(account_linker="linker_of_test:linker") as msp, requests.Session() as browser:
        refused = fill_in(browser, msp, PASSWORD, token="forged")

    assert refused.status_code == 403
    assert linker.linked == []


def test_passwords_cannot_be_tried_one_after_the_other(start_msp, linker):
    business = {"id": str(uuid.uuid4())}
    with start_msp(account_linker="linker_of_test:linker") as msp, requests.Session() as browser:
        statuses = [
            fill_in(browser, msp, f"guess {number}", **business).status_code for number in range(8)
        ]

    assert statuses[:5] == [422] * 5
    assert statuses[-1] == 429


def test_there_is_no_page_without_a_linker(msp):
    answer = requests.Session().get(f"{msp.url}/landingPage", params={"id": str(uuid.uuid4())})

    assert answer.status_code == 404
    assert "MSP_ACCOUNT_LINKER" in answer.text
