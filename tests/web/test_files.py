import pytest
from flask import Flask

from msp_server.web import files
from msp_server.web.refusals import answer_errors
from msp_server.wire.file_addresses import FILE_AGE_LIMIT_S, FileAddresses

NAME = "0a" * 16
NOW = 1_700_000_000.0


class Clock:
    at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def addresses(clock):
    return FileAddresses("", (bytes(32),), clock)


@pytest.fixture
def web(tmp_path, addresses):
    app = Flask("files")
    app.register_blueprint(files.blueprint(addresses, tmp_path))
    answer_errors(app)
    return app.test_client()


@pytest.fixture
def address(tmp_path, addresses):
    (tmp_path / NAME).write_bytes(b"<script>alert(1)</script>")
    return addresses.make(NAME, "text/html").url


def test_a_file_is_given_so_that_no_browser_runs_it(web, address):
    with web.get(address) as answer:
        assert (answer.status_code, answer.data) == (200, b"<script>alert(1)</script>")

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Length"] == "25"


def test_head_tells_the_length_alone(web, address):
    with web.head(address) as answer:
        assert (answer.status_code, answer.data) == (200, b"")

    assert answer.headers["Content-Length"] == "25"


def test_a_file_that_was_removed_is_404(web, address, tmp_path):
    (tmp_path / NAME).unlink()

    assert web.get(address).status_code == 404


def test_an_address_that_is_over_is_410(web, address, clock):
    clock.at += FILE_AGE_LIMIT_S + 1

    assert web.get(address).status_code == 410


@pytest.mark.parametrize("path", ["/files/x", "/files/..%2F..%2Fetc%2Fpasswd", "/files/%00"])
def test_what_we_did_not_sign_is_404(web, path):
    assert web.get(path).status_code == 404
