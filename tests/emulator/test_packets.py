from io import BytesIO

import pytest

from msp_server.emulator.api import ApiMistake
from msp_server.emulator.cipher import decrypt
from msp_server.emulator.mmcs import FILE_LIMIT_BYTES, Mmcs
from msp_server.emulator.packets import Packets

BOUNDARY = "xyz"


@pytest.fixture
def mmcs(tmp_path):
    mmcs = Mmcs(tmp_path)
    yield mmcs
    mmcs.close()


@pytest.fixture
def packets(mmcs):
    return Packets(mmcs, "shop")


@pytest.fixture
def read(mmcs):
    """Give the plain bytes of a packet."""

    def decrypted(packet):
        with mmcs.open(packet.stored) as file:
            return b"".join(decrypt([file.read()], packet.stored.own_key))

    return decrypted


def part(disposition, content, mime_type=None):
    head = f"Content-Disposition: form-data; {disposition}\r\n"
    head += f"Content-Type: {mime_type}\r\n" if mime_type else ""
    return f"--{BOUNDARY}\r\n{head}\r\n".encode() + content + b"\r\n"


def form(*parts):
    return BytesIO(b"".join(parts) + f"--{BOUNDARY}--\r\n".encode())


FILE = part('name="file"; filename="a.txt"', b"one\r\n--xy", "text/plain")
WORDS = part('name="body"', "Grüße".encode())


def mistake_of(packets, stream, boundary=BOUNDARY):
    with pytest.raises(ApiMistake) as caught:
        packets.read_form(stream, {"boundary": boundary} if boundary else {})
    return caught.value.status, caught.value.sentence


def test_form_is_read_in_its_order(packets, read):
    other = part('name="file"; filename="b"', b"\x00\xff")

    words, files = packets.read_form(form(FILE, WORDS, other), {"boundary": BOUNDARY})

    assert words == "Grüße"
    assert [(file.name, file.mime_type) for file in files] == [
        ("a.txt", "text/plain"),
        ("b", "application/octet-stream"),
    ]
    assert [read(file) for file in files] == [b"one\r\n--xy", b"\x00\xff"]
    assert {file.stored.business_id for file in files} == {"shop"}


def test_name_is_taken_as_it_is(packets):
    evil = part('name="file"; filename="../../x"', b"x")

    _, (file,) = packets.read_form(form(evil), {"boundary": BOUNDARY})

    assert file.name == "../../x"


@pytest.mark.parametrize(
    ("parts", "status", "words"),
    [
        ([], 400, "There is no file"),
        ([WORDS], 400, "There is no file"),
        ([FILE, part('name="file"; filename="x"', b"")], 400, "'x' is empty"),
        ([part('name="photo"; filename="x"', b"x")], 400, "'photo' is no part"),
        ([FILE, part('name="caption"', b"x")], 400, "'caption' is no part"),
        ([FILE] * 11, 413, "more than 10 files"),
        ([FILE] + [WORDS] * 12, 413, "too many parts"),
        ([FILE, part('name="body"', b"x" * 200_001)], 413, "body is too long"),
        ([part(f'name="file"; filename="{"x" * 1_001}"', b"x")], 400, "1000 characters"),
        ([part('name="file"; filename="x"', b"x", "t" * 256)], 400, "255 characters"),
        ([b"nonsense\r\n\r\n"], 400, "no file"),
        ([FILE[:-20]], 400, "cannot be read"),
    ],
)
def test_unfit_form_is_told_and_leaves_nothing(packets, tmp_path, parts, status, words):
    stream = form(*parts)
    if words == "cannot be read":
        stream = BytesIO(parts[0])

    told, sentence = mistake_of(packets, stream)

    assert told == status
    assert words in sentence
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("boundary", [None, "é"])
def test_form_without_boundary_is_told(packets, boundary):
    status, sentence = mistake_of(packets, form(FILE), boundary)

    assert (status, sentence[:23]) == (400, "The form cannot be read")


def test_file_over_the_limit_is_told_and_leaves_nothing(packets, mmcs, tmp_path, monkeypatch):
    monkeypatch.setattr("msp_server.emulator.mmcs.FILE_LIMIT_BYTES", 5)

    status, sentence = mistake_of(packets, form(FILE))

    assert (status, sentence[:19]) == (413, "A file measures mor")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_made_files_have_the_sizes_that_were_asked_for(packets, read):
    files = packets.make(
        [{"name": "a\n", "type": "image/png", "size": 70_000}, {"size": 1}, {"size": 70_000}]
    )

    assert [(file.name, file.mime_type) for file in files] == [
        ("a\n", "image/png"),
        ("file", "application/octet-stream"),
        ("file", "application/octet-stream"),
    ]
    contents = [read(file) for file in files]
    assert [len(content) for content in contents] == [70_000, 1, 70_000]
    assert len({bytes(content) for content in contents}) == 3
    assert len(set(contents[0])) == 256


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (None, "list of objects"),
        ({}, "list of objects"),
        ([7], "list of objects"),
        ([], "There is no file"),
        ([{}], "size has to be"),
        ([{"size": 0}], "from 1 to 104,857,600"),
        ([{"size": FILE_LIMIT_BYTES + 1}], "size has to be"),
        ([{"size": True}], "size has to be"),
        ([{"size": "7"}], "size has to be"),
        ([{"size": 1, "name": "x" * 1_001}], "1000 characters"),
        ([{"size": 1}] * 11, "more than 10 files"),
    ],
)
def test_unfit_wish_is_told_and_leaves_nothing(packets, tmp_path, wanted, words):
    with pytest.raises(ApiMistake, match=words):
        packets.make(wanted)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
