"""The admin port: metrics, for this machine alone."""

import socket
from contextlib import closing

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from msp_server import metrics
from msp_server.errors import StoreUnavailable
from msp_server.store.depths import Depth, Depths
from msp_server.web import admin
from msp_server.web.admin import bind_admin, serving_admin


@pytest.fixture
def admin_port(msp):
    server = bind_admin(msp.store, 0)
    with serving_admin(server):
        yield server.server_port


@pytest.fixture
def get(admin_port):
    with requests.Session() as web:
        yield lambda path, **headers: web.get(
            f"http://127.0.0.1:{admin_port}{path}", headers=headers, timeout=20
        )


def samples(answer):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_are_told_as_prometheus_reads_them(get):
    answer = get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert samples(answer)["msp_waiting", "inbox"] == 0


def test_metrics_are_told_as_openmetrics_to_who_wants_that(get):
    answer = get("/metrics", Accept="application/openmetrics-text; version=1.0.0")

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


def test_metrics_say_nothing_of_when_a_counter_began(get):
    assert "_created" not in get("/metrics").text


def test_metrics_show_what_waits_and_for_how_long(get, monkeypatch):
    told = {"inbox": Depth(7, 1.5, 1), "outbox": Depth(8, 2.5, 2)}
    monkeypatch.setattr(Depths, "read", lambda _depths, _now: told)
    monkeypatch.setattr(Depths, "paused_s", lambda _depths, _now: 3.5)

    found = samples(get("/metrics"))

    assert [found["msp_waiting", box] for box in told] == [7, 8]
    assert [found["msp_oldest_seconds", box] for box in told] == [1.5, 2.5]
    assert [found["msp_buried", box] for box in told] == [1, 2]
    assert found["msp_paused_seconds",] == 3.5


def test_metrics_that_need_the_store_are_left_out_while_it_cannot_be_read(get, monkeypatch):
    get("/metrics")

    def fail(_depths, _now):
        raise StoreUnavailable

    monkeypatch.setattr(Depths, "read", fail)

    found = samples(get("/metrics"))

    assert ("msp_waiting", "inbox") not in found
    assert ("msp_retries_total", "sending") in found


def test_metrics_show_every_loop_alive(get):
    found = samples(get("/metrics"))

    for loop in ("answering", "fetching", "sending"):
        assert found["msp_loop_threads", loop] >= 1
        assert found["msp_loop_looked_seconds", loop] < 10


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_too(get, path):
    assert get(path).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "LOCALHOST:80", "[::1]:9"])
def test_host_on_loopback_is_answered(get, host):
    assert get("/metrics", Host=host).status_code == 200


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "10.0.0.1", "", "[::"])
def test_other_host_is_refused(get, host):
    answer = get("/metrics", Host=host)

    assert answer.status_code == 403
    assert "error" in answer.json()
    assert "msp_" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/message", 404), ("POST", "/metrics", 405)],
)
def test_nothing_else_is_answered(admin_port, method, path, status):
    with requests.Session() as web:
        answer = web.request(method, f"http://127.0.0.1:{admin_port}{path}")

    assert answer.status_code == status
    assert "GET /metrics" in answer.json()["error"]


def test_port_is_on_loopback_alone(msp):
    with closing(bind_admin(msp.store, 0).socket) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


def test_port_of_the_proxy_has_no_metrics(msp):
    with requests.Session() as web:
        assert web.get(f"{msp.url}/metrics").status_code == 404


def test_port_is_free_again_afterwards(msp):
    server = bind_admin(msp.store, 0)
    with serving_admin(server):
        pass

    bind_admin(msp.store, server.server_port).server_close()


def test_client_that_says_nothing_keeps_nobody_waiting(get, admin_port, monkeypatch):
    monkeypatch.setattr(admin, "READ_LIMIT_S", 3600)

    with socket.create_connection(("127.0.0.1", admin_port)):
        assert get("/metrics").status_code == 200


def test_client_that_says_nothing_is_cut_off_with_a_line_in_the_log(
    admin_port, monkeypatch, caplog, wait_for
):
    monkeypatch.setattr(admin, "READ_LIMIT_S", 0.05)

    with socket.create_connection(("127.0.0.1", admin_port), timeout=10) as connection:
        assert connection.recv(1) == b""

    wait_for(lambda: "admin request failed error=TimeoutError" in caplog.text, "the line")


def test_no_label_has_what_a_customer_or_a_stranger_chose(apple, msp, get):
    phone = apple.phone()
    with requests.Session() as web:
        web.get(f"{msp.url}/marzipan")
        web.request("MARZIPAN", f"{msp.url}/message")
        web.post(f"{msp.url}/message", headers={"Authorization": "Bearer marzipan"})
    phone.raw({"type": "marzipan", "intent": "marzipan", "group": "marzipan"})
    phone.text("marzipan")
    phone.wait_for_bodies(1)

    answer = get("/metrics")

    assert "marzipan" not in answer.text.casefold()
    assert phone.id not in answer.text
    assert samples(answer)["msp_received_total", "Unknown"] >= 1


def test_metrics_are_those_that_are_declared(get):
    names = {family.name for family in text_string_to_metric_families(get("/metrics").text)}

    assert names <= {family.name for family in metrics.REGISTRY.collect()}
