import os
import stat
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msp_server.delivery.files import Files
from msp_server.errors import DiskRefused

CHUNKS = [b"hello, ", b"", b"world"]
AGE_S = 3600


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "var" / "attachments"


@pytest.fixture
def files(directory):
    return Files(directory)


def left(directory):
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def age(path, seconds):
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def breaking(error):
    yield b"half"
    raise error


# Whole or not at all


def test_write_gives_name_and_size(files):
    stored = files.write(CHUNKS)

    assert stored.size_bytes == 12
    assert files.path(stored.name).read_bytes() == b"hello, world"


def test_write_leaves_nothing_beside_the_file(files, directory):
    stored = files.write(CHUNKS)

    assert left(directory) == [stored.name]


def test_a_file_is_named_by_chance_and_lies_in_the_directory(files, directory):
    names = {files.write([]).name for _ in range(10)}

    assert {str(uuid.UUID(name).hex) for name in names} == names
    assert {files.path(name).parent for name in names} == {directory}


def test_a_file_can_be_empty(files):
    assert files.write([]).size_bytes == 0


def test_what_is_written_is_for_our_eyes_alone(files, directory):
    stored = files.write(CHUNKS)

    assert stat.S_IMODE(files.path(stored.name).stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(28, "full")])
def test_nothing_is_left_of_what_broke_off(error, files, directory):
    with pytest.raises((ValueError, KeyboardInterrupt, DiskRefused)):
        files.write(breaking(error))

    assert left(directory) == []


def test_error_of_the_chunks_is_passed_on(files):
    with pytest.raises(ValueError, match="no such luck"):
        files.write(breaking(ValueError("no such luck")))


def test_a_file_is_not_there_under_its_name_before_it_is_whole(files, directory):
    def chunks():
        yield b"half"
        assert [name.endswith(".part") for name in left(directory)] == [True]

    files.write(chunks())


def test_nothing_is_left_when_the_directory_cannot_be_brought_to_disk(
    files, directory, monkeypatch
):
    real = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(DiskRefused, match="Input/output error"):
        files.write(CHUNKS)

    assert left(directory) == []


def test_directory_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way", "utf-8")

    with pytest.raises(DiskRefused, match="cannot be kept: Not a directory"):
        Files(tmp_path / "file" / "attachments").write(CHUNKS)


def test_disk_that_is_full_is_told(files):
    with pytest.raises(DiskRefused, match="cannot be kept: No space left on device"):
        files.write(breaking(OSError(28, "No space left on device")))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=100), max_size=5))
def test_any_chunks_are_kept_as_they_are(files, chunks):
    stored = files.write(chunks)

    assert files.path(stored.name).read_bytes() == b"".join(chunks)


# Removing


def test_a_file_can_be_removed(files, directory):
    files.remove(files.write(CHUNKS).name)

    assert left(directory) == []


def test_removing_what_is_not_there_does_nothing(files, directory):
    files.remove(uuid.uuid4().hex)

    assert left(directory) == []


# Sweeping


def test_sweep_removes_what_nobody_needs(files, directory):
    needed, other = (files.write(CHUNKS).name for _ in range(2))
    for name in (needed, other):
        age(files.path(name), AGE_S)

    assert files.sweep({needed}, AGE_S) == 1
    assert left(directory) == [needed]


def test_sweep_removes_what_is_not_whole(files, directory):
    name = files.write(CHUNKS).name
    draft = files.path(name).rename(files.path(f"{name}.part"))
    age(draft, AGE_S)

    assert files.sweep({name}, AGE_S) == 1
    assert left(directory) == []


def test_sweep_leaves_what_is_young(files, directory):
    name = files.write(CHUNKS).name
    age(files.path(name), AGE_S - 60)

    assert files.sweep(set(), AGE_S) == 0
    assert left(directory) == [name]


@pytest.mark.parametrize(
    "name", ["invoice.pdf", ".keep", "a" * 31, "A" * 32, "a" * 33, f"{'a' * 32}.txt"]
)
def test_sweep_leaves_what_is_not_ours(name, files, directory):
    files.write(CHUNKS)
    (directory / name).write_bytes(b"")
    age(directory / name, AGE_S)

    files.sweep(set(), AGE_S)

    assert name in left(directory)


def test_sweep_goes_on_after_what_it_cannot_remove(files, directory):
    old = files.write(CHUNKS).name
    in_the_way = directory / ("0" * 32)
    in_the_way.mkdir()
    for path in (files.path(old), in_the_way):
        age(path, AGE_S)

    assert files.sweep(set(), AGE_S) == 1
    assert left(directory) == ["0" * 32]


def test_sweep_of_a_directory_that_is_not_there_removes_nothing(files):
    assert files.sweep(set(), 0) == 0
