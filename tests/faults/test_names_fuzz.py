"""Whatever a customer calls a file, and says of its size, it is kept under a name of ours."""

import base64
import json
import os
import random
import time
from contextlib import contextmanager

import pytest

from msp_server.delivery.fetching import Fetching
from msp_server.delivery.files import Files
from msp_server.messages.attachment import Attachment
from msp_server.messages.envelope import parse_message
from msp_server.store.opening import open_store

FILES = 10_000
FILES_OF_A_MESSAGE = 50
PARTS = [
    "..", ".", "/", "\\", "~", "C:", "CON", "nul", "\0", "\n", "\u202e", "etc", "passwd", "a" * 300,
    "%2e%2e%2f", "file://", " ", "", "😀", "\ud800", ".png", "../../../../tmp/x", "-rf", "$(id)",
]  # fmt: skip
SIZES = [0, 1, 3, -1, 2**31, 2**63, 10**30, 1e300, "3", "-3", "x", "", None, True, [3], {"a": 3}]


class AnyBytes:
    """Apple's store, which gives three bytes for whatever it is asked."""

    @contextmanager
    def download(self, _business_id, _source, _size_bytes, _message_id):
        yield iter([b"abc"])


def make_descriptor(source):
    return {
        "name": "".join(source.choices(PARTS, k=source.randrange(5))),
        "mimeType": source.choice(["image/png", "../x", "a/b\r\nc: d", 7]),
        "size": source.choice(SIZES),
        "key": "00" + "ab" * 32,
        "url": "https://p54-content.icloud.com/M1.C01USN00",
        "owner": "M1.C01USN00",
        "signature": base64.b16encode(bytes(21)).decode(),
    }


def every_file(directory):
    return {path for path in directory.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_name_and_no_size_makes_a_file_outside_the_data_directory(
    settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # the names are looked at alone
    source = random.Random(4)  # noqa: S311 - the same names every time
    settings.make_data_dir()
    store = open_store(settings.database_url)
    files = Files(settings.attachments_dir)
    fetching = Fetching(store, AnyBytes(), files, time.time, lambda: None)
    before = every_file(tmp_path)

    for number in range(FILES // FILES_OF_A_MESSAGE):
        described = [make_descriptor(source) for _ in range(FILES_OF_A_MESSAGE)]
        fields = {"type": "text", "id": f"message {number}", "attachments": described}
        addresses = {"sourceId": "urn:mbid:a", "destinationId": settings.business_ids[0]}
        message = parse_message({}, fields | addresses)
        store.inbox.put(message, {}, json.dumps(fields).encode(), time.time())
        while fetching.fetch_next():
            pass

    new = every_file(tmp_path) - before
    store.close()
    side_files = {path for path in new if path.name.startswith("msp.db")}
    assert {path.parent for path in new - side_files} == {settings.attachments_dir}
    assert len(new - side_files) == FILES
    assert all(path.name.isalnum() and path.name.isascii() for path in new - side_files)


def test_whatever_a_file_is_called_it_is_saved_where_the_agent_says(tmp_path):
    source = random.Random(6)  # noqa: S311 - the same names every time
    inbox = tmp_path / "a" / "inbox"
    inbox.mkdir(parents=True)

    for _ in range(300):
        name = "".join(source.choices(PARTS, k=source.randrange(5)))
        Attachment(b"abc", name).save(inbox)

    assert every_file(tmp_path) == set(inbox.iterdir())
    assert len(every_file(tmp_path)) == 300
