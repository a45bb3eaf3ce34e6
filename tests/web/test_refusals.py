"""What goes wrong is answered with one line of JSON."""

import json

import pytest
import requests
from flask import Flask, request

from msp_server import metrics
from msp_server.errors import StoreUnavailable
from msp_server.web.refusals import answer_errors


@pytest.fixture
def client():
    app = Flask(__name__)
    answer_errors(app)

    @app.get("/mistake")
    def make_mistake():
        raise ValueError(request.args["words"])

    @app.get("/store")
    def lose_store():
        raise StoreUnavailable("store cannot be used: disk I/O error")

    return app.test_client()


def test_unknown_route_is_404_and_names_the_one_there_is(msp):
    with requests.Session() as web:
        answer = web.get(f"{msp.url}/nope")

    assert answer.status_code == 404
    assert "/message" in answer.json()["error"]
    assert answer.headers["Content-Type"] == "application/json"


def test_wrong_method_is_405_and_names_the_right_ones(msp):
    with requests.Session() as web:
        answer = web.put(f"{msp.url}/message", data=b"x")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_mistake_of_ours_is_told_without_what_it_says(client, caplog):
    answer = client.get("/mistake?words=marzipan")

    assert answer.status_code == 500
    assert "ValueError in" in caplog.text
    assert "make_mistake" in caplog.text
    assert "marzipan" not in caplog.text + answer.text


def test_store_failure_is_503_with_retry_after(client):
    answer = client.get("/store")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk" not in json.loads(answer.text)["error"]


def test_refusals_are_counted_by_the_class_of_their_error(client):
    def counts():
        return [
            metrics.REGISTRY.get_sample_value("msp_refused_total", {"reason": reason}) or 0
            for reason in ("StoreUnavailable", "Unexpected", "NotFound", "MethodNotAllowed")
        ]

    before = counts()

    for path in ("/store", "/mistake?words=x", "/x"):
        client.get(path)
    client.put("/store")

    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1, 1]


def test_id_that_a_stranger_sent_is_logged_in_plain_characters_and_cut(client, caplog):
    client.get("/x", headers={"id": "marz\xedpan" + "n" * 100})

    assert "message_id='marz\\xedpan" in caplog.text
    assert "n" * 100 not in caplog.text
