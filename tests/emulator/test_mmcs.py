import base64
import re
from itertools import repeat
from pathlib import Path

import pytest

from msp_server.emulator import mmcs as mmcs_module
from msp_server.emulator.mmcs import (
    FILE_LIMIT_BYTES,
    FileGone,
    FileTooLarge,
    Mmcs,
    NotKept,
    read_chunks,
)


@pytest.fixture
def make_mmcs(tmp_path):
    made = []

    def make(limit_bytes=1_000):
        made.append(Mmcs(tmp_path, limit_bytes))
        return made[-1]

    yield make
    for mmcs in made:
        mmcs.close()


@pytest.fixture
def mmcs(make_mmcs):
    return make_mmcs()


def read(mmcs, stored):
    with mmcs.open(stored) as file:
        return file.read()


def on_disk(directory):
    return [path for path in directory.rglob("*") if path.is_file()]


def test_what_comes_in_rests_as_it_came(mmcs):
    with mmcs.receive() as incoming:
        incoming.write(b"one, ")
        incoming.write(b"two")
        stored = incoming.keep("shop", "M01.C01USN00")

    assert (stored.size_bytes, stored.business_id, stored.own_key) == (8, "shop", None)
    assert stored.url == "https://p54-content.icloud.com/M01.C01USN00"
    assert mmcs.find(stored.url) is stored
    assert read(mmcs, stored) == b"one, two"


def test_put_encrypts_under_a_key_of_its_own(mmcs):
    one, other = (mmcs.put("shop", [b"the same"]) for _ in range(2))

    assert one.own_key != other.own_key
    assert read(mmcs, one) != read(mmcs, other)
    assert re.fullmatch(r"M[0-9A-F]{16}\.C01USN00", one.owner)


def test_signature_is_that_of_the_vectors(make_mmcs, vectors):
    mmcs = make_mmcs(10_000)
    for vector in vectors("aes-256-ctr")["vectors"]:
        with mmcs.receive() as incoming:
            incoming.write(base64.b64decode(vector["ciphertext_base64"]))
            stored = incoming.keep("shop")

        assert stored.signature.hex() == vector["emulator_signature"]["hex_lower"]


def test_url_that_is_none_finds_nothing(mmcs):
    assert mmcs.find("https://p54-content.icloud.com/M01.C01USN00") is None
    assert mmcs.find(None) is None
    assert mmcs.find(["x"]) is None


def test_oldest_file_makes_room(mmcs):
    first, second = (mmcs.put("shop", [bytes(400)]) for _ in range(2))
    with mmcs.open(first) as file:
        third = mmcs.put("shop", [bytes(400)])

        assert len(file.read()) == 400
    assert [mmcs.find(each.url) for each in (first, second, third)] == [None, second, third]
    with pytest.raises(FileGone):
        mmcs.open(first)


def test_number_of_files_is_bounded_too(mmcs, monkeypatch):
    monkeypatch.setattr(mmcs_module, "STORE_LIMIT_FILES", 2)

    stored = [mmcs.put("shop", [b"x"]) for _ in range(3)]

    assert [mmcs.find(each.url) is each for each in stored] == [False, True, True]


def test_what_is_coming_in_takes_room_too(mmcs, tmp_path):
    with mmcs.receive() as incoming:
        incoming.write(bytes(900))
        with pytest.raises(NotKept, match="still coming in"):
            mmcs.put("shop", [bytes(101)])
    mmcs.put("shop", [bytes(1_000)])

    assert len(on_disk(tmp_path)) == 1


def test_file_over_the_limit_is_not_kept(make_mmcs, tmp_path):
    mmcs = make_mmcs(2 * FILE_LIMIT_BYTES)

    with pytest.raises(FileTooLarge):
        mmcs.put("shop", repeat(bytes(8 * 1024 * 1024)))

    assert on_disk(tmp_path) == []


def test_place_that_is_not_there_is_told(tmp_path):
    mmcs = Mmcs(tmp_path / "nowhere")

    with pytest.raises(NotKept, match=r"No such file or directory\): .* with --data-dir"):
        mmcs.put("shop", [b"x"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is full")
@pytest.mark.parametrize("size", [1, 100_000])
def test_full_disk_is_told_and_leaves_nothing(make_mmcs, tmp_path, monkeypatch, size):
    mmcs = make_mmcs(100_000)
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(mmcs, "_new_path", lambda: full)

    with pytest.raises(NotKept, match="No space left"):
        mmcs.put("shop", [bytes(size)])

    assert not full.is_symlink()
    monkeypatch.undo()
    mmcs.put("shop", [bytes(100_000)])


def test_clear_forgets_and_removes_every_file(mmcs, tmp_path):
    stored = mmcs.put("shop", [b"x"])

    mmcs.clear()

    assert mmcs.find(stored.url) is None
    assert on_disk(tmp_path) == []
    mmcs.put("shop", [bytes(1_000)])


def test_close_removes_the_directory_and_takes_no_more(mmcs, tmp_path):
    mmcs.put("shop", [b"x"])

    mmcs.close()

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotKept, match="stopping"):
        mmcs.put("shop", [b"x"])


def test_no_directory_is_made_before_the_first_file(mmcs, tmp_path):
    assert list(tmp_path.iterdir()) == []


def test_chunks_end_where_they_are_told_to(mmcs):
    stored = mmcs.put("shop", [b"0123456789"])

    with mmcs.open(stored) as file:
        assert [len(chunk) for chunk in read_chunks(file, 7, 3)] == [3, 3, 1]


def test_emulator_removes_its_files_when_it_stops(emulator, ava, tmp_path):
    ava.do("files", make=[{"name": "x", "size": 10}])
    directory = emulator._parts.mmcs._directory
    assert on_disk(directory)

    emulator.stop()

    assert not directory.exists()
