import base64
import hashlib
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from msp_server.emulator.spoiling import SURPLUS_BYTES

BYTES = bytes(range(256)) * 300
OTHER_BUSINESS_ID = "0f0e0d0c-0b0a-0908-0706-0504030201ff"


@pytest.fixture
def place(mover):
    return mover.store(BYTES)


@pytest.fixture
def upload_url(mover):
    return mover.announce(len(BYTES)).json()["upload-url"]


@pytest.fixture
def download_url(mover, place):
    return mover.look_up(place).json()["download-url"]


def test_announcement_gives_three_addresses(emulator, mover):
    answer = mover.announce(7)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    told = answer.json()
    assert told.keys() == {"upload-url", "mmcs-url", "mmcs-owner"}
    assert told["upload-url"].startswith(f"{emulator.url}/mmcs/upload/")
    assert told["mmcs-url"] == f"https://p54-content.icloud.com/{told['mmcs-owner']}"


def test_upload_url_is_on_the_host_that_was_asked(emulator, mover):
    mover.url = f"http://localhost:{emulator.port}"

    assert mover.announce(7).json()["upload-url"].startswith(f"{mover.url}/mmcs/upload/")


@pytest.mark.parametrize("size", [1, 104_857_600])
def test_size_on_the_edge_is_accepted(mover, size):
    assert mover.announce(size).status_code == 200


@pytest.mark.parametrize("size", ["0", "104857601", "-1", "1.5", "0x10", "7e3", "", "9" * 5000])
def test_size_out_of_bounds_is_refused(mover, refused_by, size):
    rule, reason = refused_by(mover.announce(0, MMCS_Size=size), 400)

    assert rule == "mmcs-size"
    assert "from 1 to 104,857,600" in reason


def test_older_spelling_of_the_size_is_read(mover, upload_url):
    answer = mover.announce(7, MMCS_Size=None, size=str(len(BYTES)))

    assert mover.upload(answer.json()["upload-url"], BYTES).status_code == 200


def test_present_spelling_of_the_size_wins(mover):
    assert mover.announce(7, size="x").status_code == 200


@pytest.mark.parametrize("endpoint", ["announce", "look_up", "decode"])
@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"Authorization": None}, (401, "authorization-missing")),
        ({"Authorization": "Bearer x"}, (403, "token-unreadable")),
        ({"Source_Id": None}, (400, "header-missing")),
        ({"Source_Id": "somebody"}, (403, "business-unknown")),
    ],
)
def test_sender_has_to_be_the_msp_for_one_of_its_businesses(
    mover, place, refused_by, endpoint, changes, refused
):
    subject = {"announce": 7, "look_up": place, "decode": b""}[endpoint]

    answer = getattr(mover, endpoint)(subject, **changes)

    assert refused_by(answer, refused[0])[0] == refused[1]


def test_missing_size_is_refused(mover, refused_by):
    rule, reason = refused_by(mover.announce(7, MMCS_Size=None), 400)

    assert rule == "header-missing"
    assert reason.startswith("The header MMCS-Size is missing: put the length of the encrypted")


def test_upload_tells_the_checksum(mover, upload_url):
    told = mover.upload(upload_url, BYTES).json()["singleFile"]

    signature = b"\x01" + hashlib.sha1(BYTES, usedforsecurity=False).digest()
    assert told["fileChecksum"] == base64.b64encode(signature).decode()
    assert told["size"] == len(BYTES)
    assert told["receipt"].startswith("A0")


def test_upload_stands_in_the_journal_without_its_bytes(mover, upload_url, journal):
    mover.upload(upload_url, BYTES)

    exchange = journal()[-1]
    assert (exchange["method"], exchange["url"], exchange["status"]) == ("POST", upload_url, 200)
    assert exchange["packed_bytes"] == len(BYTES)
    assert exchange["unpacked_bytes"] == 0
    assert exchange["body_sha256"] == hashlib.sha256(BYTES).hexdigest()
    assert exchange["fields"] is None


@pytest.mark.parametrize("length", [len(BYTES) - 1, len(BYTES) + 1, 0])
def test_upload_of_another_length_is_refused(mover, upload_url, refused_by, length):
    rule, reason = refused_by(mover.upload(upload_url, bytes(length)), 400)

    assert rule == "upload-size"
    assert f"MMCS-Size was {len(BYTES)}" in reason


def test_chunked_upload_is_refused(mover, upload_url, refused_by):
    assert refused_by(mover.upload(upload_url, iter([BYTES])), 400)[0] == "upload-size"


@pytest.mark.parametrize("first", [BYTES, b"too short"])
def test_upload_url_holds_once_whatever_came(mover, upload_url, refused_by, first):
    mover.upload(upload_url, first)

    rule, reason = refused_by(mover.upload(upload_url, BYTES), 403)

    assert rule == "upload-url-used"
    assert "start again with GET /v1/preUpload" in reason


def test_upload_that_breaks_off_is_noted_and_leaves_nothing(emulator, mover, upload_url, journal):
    address = urlsplit(upload_url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Content-Length: {len(BYTES)}\r\n\r\n".encode()
        )
        connection.sendall(BYTES[:100])
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    exchange = journal(wait_s=5, after=1)[-1]
    assert (exchange["rule"], exchange["status"]) == ("upload-broken-off", 400)
    assert f"after 100 of {len(BYTES)} bytes" in exchange["reason"]
    assert list(emulator._parts.mmcs._directory.iterdir()) == []


@pytest.mark.parametrize("way", ["upload", "download"])
def test_token_is_wanted_neither_for_upload_nor_download(mover, place, upload_url, refused_by, way):
    headers = {"Authorization": "Bearer x"}
    if way == "upload":
        answer = mover.upload(upload_url, BYTES, **headers)
    else:
        answer = mover.download(place, **headers)

    rule, reason = refused_by(answer, 400)

    assert rule == "authorization-sent"
    assert f"the {way}-url says it all" in reason


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/mmcs/upload/x", 404),
        ("GET", "/mmcs/download/x", 404),
        ("PUT", "/mmcs/upload/x", 405),
        ("POST", "/mmcs/download/x", 405),
        ("GET", "/mmcs/x", 404),
        ("GET", "/mmcs", 404),
        ("POST", "/v1/preDownload", 405),
        ("GET", "/v1/decodePayload", 405),
    ],
)
def test_address_that_nobody_gave_is_refused(emulator, web, refused_by, method, path, status):
    refused_by(web.request(method, emulator.url + path, timeout=5), status)


def test_download_gives_what_was_uploaded(mover, place):
    answer = mover.download(place)

    assert answer.status_code == 200
    assert answer.content == BYTES
    assert answer.headers["content-length"] == str(len(BYTES))
    assert answer.headers["content-type"] == "application/octet-stream"


def test_download_stands_in_the_journal(mover, place, journal):
    mover.download(place)

    look_up, download = journal()[-2:]
    assert look_up["url"].endswith("/v1/preDownload")
    assert look_up["headers"]["mmcs-owner"] == place["owner"]
    assert (download["method"], download["status"]) == ("GET", 200)


def test_download_url_holds_for_more_than_one_request(download_url, web):
    assert [web.get(download_url, timeout=5).content for _ in range(2)] == [BYTES, BYTES]


def test_older_spellings_are_read_and_the_present_ones_win(mover, place):
    older = {"url": place["url"], "signature": place["signature-base64"], "owner": place["owner"]}
    present = {"MMCS_Url": None, "MMCS_Signature": None, "MMCS_Owner": None}

    assert mover.look_up(place, **present, **older).status_code == 200
    assert mover.look_up(place, url="x", signature="x", owner="x").status_code == 200


@pytest.mark.parametrize("header", ["MMCS_Url", "MMCS_Signature", "MMCS_Owner"])
def test_missing_header_is_refused(mover, place, refused_by, header):
    rule, reason = refused_by(mover.look_up(place, **{header: None}), 400)

    assert rule == "header-missing"
    assert header.replace("_", "-") in reason


@pytest.mark.parametrize(
    ("changes", "status", "rule"),
    [
        ({"MMCS_Url": "https://p54-content.icloud.com/M01.C01USN00"}, 404, "file-unknown"),
        ({"MMCS_Owner": "M01.C01USN00"}, 400, "owner-differs"),
        ({"MMCS_Signature": "AbQOCfSbuu+6pDuhcaZ7UP/42e1P"}, 400, "signature-differs"),
        ({"MMCS_Signature": "not Base64"}, 400, "signature-unreadable"),
        ({"Source_Id": OTHER_BUSINESS_ID}, 403, "file-business"),
    ],
)
def test_header_that_is_not_that_of_the_file_is_refused(
    mover, place, refused_by, changes, status, rule
):
    assert refused_by(mover.look_up(place, **changes), status)[0] == rule


@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_hex_signature_is_refused_with_the_cure(mover, place, refused_by, write):
    signature = write(base64.b64decode(place["signature-base64"]).hex())

    rule, reason = refused_by(mover.look_up(place, MMCS_Signature=signature), 400)

    assert rule == "signature-hex"
    assert reason.startswith("MMCS-Signature is hex: send the same bytes in Base64")


def test_signature_of_the_same_bytes_in_another_file_does_not_matter(mover, place):
    other = mover.store(BYTES)

    assert other["url"] != place["url"]
    assert other["signature-base64"] == place["signature-base64"]


def test_download_url_expires(mover, place, web, refused_by, set_switches):
    set_switches(download_expiry_s=0)

    rule, reason = refused_by(mover.download(place), 403)

    assert rule == "download-url-expired"
    assert "start again with GET /v1/preDownload" in reason


def test_file_that_made_room_is_gone(emulator, download_url, web, mover, place, refused_by):
    emulator._parts.mmcs.clear()

    assert refused_by(web.get(download_url, timeout=5), 404)[0] == "file-gone"
    assert refused_by(mover.look_up(place), 404)[0] == "file-unknown"


def test_reset_forgets_files_and_addresses(emulator, mover, place, upload_url, web, refused_by):
    url = mover.look_up(place).json()["download-url"]
    web.post(f"{emulator.url}/emulator/reset", timeout=5)

    assert refused_by(mover.upload(upload_url, BYTES), 404)[0] == "upload-url-unknown"
    assert refused_by(web.get(url, timeout=5), 404)[0] == "download-url-unknown"


def test_full_store_is_told(emulator, mover, upload_url, refused_by, monkeypatch):
    monkeypatch.setattr(emulator._parts.mmcs, "_limit_bytes", 1_000)

    rule, reason = refused_by(mover.upload(upload_url, BYTES), 503)

    assert rule == "store-full"
    assert "wait for them" in reason


def test_stopping_emulator_takes_no_upload(emulator, mover, upload_url):
    emulator._parts.mmcs.close()

    answer = mover.upload(upload_url, BYTES)

    assert answer.status_code == 507
    assert "stopping" in answer.json()["error"]
    assert "stopping" in answer.headers["X-Emulator-Reason"]


@pytest.fixture
def ask(mover, place, upload_url, download_url, web):
    """Give a valid request to each endpoint."""
    return {
        "preUpload": lambda: mover.announce(7),
        "upload": lambda: mover.upload(upload_url, BYTES),
        "preDownload": lambda: mover.look_up(place),
        "download": lambda: web.get(download_url, timeout=5),
    }


ENDPOINTS = ["preUpload", "upload", "preDownload", "download"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_fault_answers_its_status_once(ask, order_fault, journal, endpoint):
    order_fault("status", endpoint=endpoint, status=500, retry_after="2")

    answer = ask[endpoint]()

    assert (answer.status_code, answer.content) == (500, b"")
    assert answer.headers["Retry-After"] == "2"
    assert (journal()[-1]["rule"], journal()[-1]["status"]) == ("fault", 500)
    assert ask["preUpload"]().status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_fault_drops_the_connection(ask, order_fault, journal, endpoint):
    order_fault("drop", endpoint=endpoint)

    with pytest.raises(requests.ConnectionError):
        ask[endpoint]()

    assert (journal()[-1]["rule"], journal()[-1]["status"]) == ("fault", None)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_fault_delays_the_answer(ask, order_fault, endpoint):
    order_fault("delay", endpoint=endpoint, delay_s=0.05)

    answer = ask[endpoint]()

    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.05


def test_failed_upload_stores_nothing(emulator, ask, order_fault, place):
    order_fault("status", endpoint="upload")

    ask["upload"]()

    assert len(list(emulator._parts.mmcs._directory.iterdir())) == 1


def test_upload_may_be_stored_and_the_answer_lost(mover, order_fault):
    announced = mover.announce(len(BYTES)).json()
    order_fault("drop_after", endpoint="upload")

    with pytest.raises(requests.ConnectionError):
        mover.upload(announced["upload-url"], BYTES)

    signature = b"\x01" + hashlib.sha1(BYTES, usedforsecurity=False).digest()
    place = {
        "url": announced["mmcs-url"],
        "owner": announced["mmcs-owner"],
        "signature-base64": base64.b64encode(signature).decode(),
    }
    assert mover.download(place).content == BYTES


@pytest.mark.parametrize(("fields", "status"), [({}, 403), ({"status": 404}, 404)])
def test_download_url_may_be_expired_by_order(ask, order_fault, fields, status):
    order_fault("expired", **fields)

    assert ask["download"]().status_code == status
    assert ask["download"]().status_code == 200


def test_download_may_end_early(ask, order_fault, journal):
    order_fault("truncate")

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        ask["download"]()

    exchange = journal()[-1]
    assert (exchange["status"], exchange["rule"]) == (200, "fault")
    assert exchange["reason"] == "A fault ended the body in the middle"


@pytest.mark.parametrize(
    ("do", "given"),
    [
        ("short", BYTES[: len(BYTES) // 2]),
        ("long", BYTES + bytes(SURPLUS_BYTES)),
        ("garble", bytes(255 - byte for byte in BYTES)),
    ],
)
def test_download_may_be_of_other_bytes(ask, order_fault, do, given):
    order_fault(do)

    answer = ask["download"]()

    assert answer.content == given
    assert answer.headers["content-length"] == str(len(given))


def test_download_may_drip(mover, web, order_fault):
    place = mover.store(BYTES[:2_500])
    order_fault("drip", delay_s=0.02)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(mover.download, place).result(timeout=5)

    assert answer.content == BYTES[:2_500]


def test_drip_ends_when_the_emulator_stops(emulator, ask, order_fault):
    order_fault("drip", delay_s=60)

    with ThreadPoolExecutor() as pool:
        answer = pool.submit(ask["download"])
        while emulator._parts.faults.to_json():
            pass
        emulator.stop()

        assert answer.result(timeout=5).content == BYTES


def test_fault_of_one_endpoint_meets_no_other(ask, order_fault):
    order_fault("status", endpoint="download", count=5)

    assert ask["preDownload"]().status_code == ask["upload"]().status_code == 200
