import pytest

from msp_server.emulator import tickets as tickets_module
from msp_server.emulator.checks import Refused
from msp_server.emulator.tickets import Tickets

STORED = object()


@pytest.fixture
def tickets():
    return Tickets()


def refusal_of(act, token):
    with pytest.raises(Refused) as caught:
        act(token)
    return caught.value.status, caught.value.rule


def test_upload_is_used_once(tickets):
    token, upload = tickets.announce("shop", 7)

    assert (upload.business_id, upload.size_bytes) == ("shop", 7)
    assert tickets.use_upload(token) is upload
    assert refusal_of(tickets.use_upload, token) == (403, "upload-url-used")


def test_download_holds_until_it_has_expired(tickets):
    lasting, over = tickets.offer(STORED, 60), tickets.offer(STORED, 0)

    assert [tickets.find_download(lasting) for _ in range(2)] == [STORED, STORED]
    assert refusal_of(tickets.find_download, over) == (403, "download-url-expired")


def test_token_that_nobody_gave_is_unknown(tickets):
    assert refusal_of(tickets.use_upload, "x") == (404, "upload-url-unknown")
    assert refusal_of(tickets.find_download, "x") == (404, "download-url-unknown")


def test_cleared_tokens_are_unknown(tickets):
    token, _ = tickets.announce("shop", 7)
    tickets.clear()

    assert refusal_of(tickets.use_upload, token) == (404, "upload-url-unknown")


def test_oldest_tokens_go_first(tickets, monkeypatch):
    monkeypatch.setattr(tickets_module, "TICKET_LIMIT", 2)

    first, second, third = (tickets.offer(STORED, 60) for _ in range(3))

    assert refusal_of(tickets.find_download, first) == (404, "download-url-unknown")
    assert tickets.find_download(second) is tickets.find_download(third) is STORED
