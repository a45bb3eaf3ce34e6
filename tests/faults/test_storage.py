"""The disk is full, cannot be written, or holds a database of another time."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import wait_for
from tests.faults.aftermath import assert_once_and_in_order, wait_until_answered
from tests.faults.load import Attempts, Load
from tests.faults.servers import begun, post, running

pytestmark = pytest.mark.slow

#: The size of a disk that is full soon.
SMALL_DISK = "32m"
#: More than any customer can write in a test.
WITHOUT_END = 1_000_000
CUSTOMERS = ("ava", "ben", "cleo")


@dataclass
class Disk:
    """Where a server writes, and how to keep it from that."""

    #: What comes before the command.
    prefix: tuple[str, ...] = ()

    def fill(self, server, room_bytes=0):
        """Leave no more room than this."""

    def clear(self, server):
        """Let it write again."""


class SmallDisk(Disk):
    """A disk of its own, in memory, which only the server sees; a file fills it up."""

    def __init__(self, directory):
        mount = f'mount -t tmpfs -o size={SMALL_DISK} disk {directory} && exec "$@"'
        super().__init__((*unshared(), "sh", "-c", mount, "sh"))
        self._directory = directory

    def fill(self, server, room_bytes=0):
        with self._file(server).open("wb", buffering=0) as file:
            with suppress(OSError):
                while file.write(bytes(1 << 10)):
                    pass
            file.truncate(max(0, file.tell() - room_bytes))

    def clear(self, server):
        self._file(server).unlink()

    def _file(self, server):
        return Path(f"/proc/{server.process.pid}/root{self._directory}/fill")


class LimitedFiles(Disk):
    """A limit of the system's on how large the server may make any file."""

    def fill(self, server, room_bytes=0):
        self._limit(server, room_bytes)

    def clear(self, server):
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server, size_bytes):
        limits = (size_bytes, resource.RLIM_INFINITY)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)


@dataclass
class ReadOnlyFiles(Disk):
    """Files of the database that nobody may write, whoever has them open.

    Not that which SQLite maps into memory: the system would end the process.
    """

    directory: Path = Path()

    def fill(self, _server, room_bytes=0):
        assert not room_bytes
        for file in self._files():
            change_attributes("+i", file)

    def clear(self, _server):
        for file in self._files():
            change_attributes("-i", file)

    def _files(self):
        return [*self.directory.glob("msp.db"), *self.directory.glob("msp.db-wal")]


def change_attributes(how, file):
    command = shutil.which("chattr") or "chattr"
    subprocess.run([command, how, file], check=True, capture_output=True)


def unshared():
    """Give what starts a program that sees disks of its own."""
    return ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "-r", "--mount")


def can_mount():
    """Tell whether this system lets us make a disk."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = [*unshared(), "mount", "-t", "tmpfs", "disk", "/mnt"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def can_forbid_writing(directory):
    """Tell whether a file can be made read-only for all, even for who has it open."""
    file = directory / "file"
    with file.open("wb", buffering=0) as opened:
        try:
            change_attributes("+i", file)
        except (OSError, subprocess.CalledProcessError):
            return False
        try:
            return opened.write(b"x") != 1
        except PermissionError:
            return True
        finally:
            change_attributes("-i", file)
            file.unlink()


def small_disk(directory):
    if not can_mount():
        pytest.skip("this system lets us mount nothing")
    (directory / "var").mkdir()
    return SmallDisk(directory / "var")


def limited_files(_directory):
    if not hasattr(resource, "prlimit"):
        pytest.skip("this system limits no files of another process")
    return LimitedFiles()


def read_only_files(directory):
    if not can_forbid_writing(directory):
        pytest.skip("this system lets us make no open file read-only")
    return ReadOnlyFiles(directory=directory / "var")


@pytest.fixture
def disk(request, tmp_path):
    disk = request.param(tmp_path)
    yield disk
    if isinstance(disk, ReadOnlyFiles):
        disk.clear(None)


FULL = [
    pytest.param(small_disk, id="small disk"),
    pytest.param(limited_files, id="limited files"),
]
READ_ONLY = pytest.param(read_only_files, id="read-only files")


# A disk that cannot be written


@pytest.fixture
def server(apple, tmp_path, disk):
    # What was sent and could not be noted is sent again once its lease has run out.
    with running(tmp_path, f"{apple.url}/v1", prefix=disk.prefix, lease_s=1) as server:
        apple.emulator.msp_url = server.url
        yield server


def is_refused(server):
    """Tell whether a message is refused: SQLite writes over what it needs no more for a while."""
    return post(server.url, "kept 1").status_code == 503


@pytest.mark.parametrize("disk", [*FULL, READ_ONLY], indirect=True)
def test_server_that_cannot_write_acknowledges_nothing_and_goes_on_once_it_can(apple, server, disk):
    with Attempts(apple) as attempts:
        with Load(apple, CUSTOMERS) as load:
            load.go_on(WITHOUT_END, 30)
            disk.fill(server)
            wait_for(lambda: is_refused(server), "the room that SQLite had left", 60)
            answers = [post(server.url, f"lost {number}") for number in range(20)]
            # What it commits to see whether it can is small, and may find a corner yet.
            wait_for(lambda: not server.is_ready(), "the server to say so", 60)
            disk.clear(server)
            wait_for(server.is_ready, "room", 60)
            load.go_on(WITHOUT_END, 30)
        wait_until_answered(attempts, load.written)

    assert [answer.status_code for answer in answers] == [503] * 20
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert_once_and_in_order(attempts)


@pytest.fixture
def selling(apple, tmp_path, disk):
    """A server whose agent takes files and sends some."""
    agent = "msp_server.agents.guide:agent"
    with running(tmp_path, f"{apple.url}/v1", prefix=disk.prefix, agent=agent) as server:
        apple.emulator.msp_url = server.url
        yield server


@pytest.mark.parametrize("disk", FULL, indirect=True)
def test_file_that_finds_no_room_loses_no_message_and_is_kept_once_there_is_room(
    apple, selling, disk
):
    disk.fill(selling, room_bytes=8_000_000)
    apple.phone().make_files(("big.bin", "application/octet-stream", 10_000_000))
    wait_for(lambda: "cannot be kept" in selling.said(), "no room")
    apple.phone("ben").text("hello")
    apple.phone("ben").wait_for_entries(1)
    answers_without_room = apple.phone().bodies()
    disk.clear(selling)

    answers = wait_for(apple.phone().bodies, "the answer", 60)

    assert answers_without_room == []
    assert answers == ["You sent:\nbig.bin, application/octet-stream, 10000000 bytes"]


# A database that cannot be written from the start


@pytest.fixture
def start(apple, tmp_path):
    """Give a function that starts a server, which ends by itself, and gives code and words."""

    def start(**settings):
        with begun(tmp_path, f"{apple.url}/v1", **settings) as server:
            return server.ends(60), server.said()

    return start


def run_once(apple, directory):
    """Let a server make its database."""
    with running(directory, f"{apple.url}/v1") as server:
        assert post(server.url, "kept 1").status_code == 200
        server.process.terminate()
        assert server.ends(60) == 0


def test_database_that_cannot_be_written_is_named_at_the_start(apple, tmp_path, start):
    run_once(apple, tmp_path)
    disk = read_only_files(tmp_path)
    disk.fill(None)

    try:
        code, said = start()
    finally:
        disk.clear(None)

    assert code == 1
    assert "msp.db cannot be written: Operation not permitted; check MSP_DATA_DIR" in said
    assert "Traceback" not in said


def test_disk_that_is_full_from_the_start_is_named(apple, tmp_path):
    disk = small_disk(tmp_path)
    fill = f'cat /dev/zero > {tmp_path / "var" / "fill"}; exec "$@"'
    prefix = (*disk.prefix, "sh", "-c", fill, "sh")

    with begun(tmp_path, f"{apple.url}/v1", prefix=prefix) as server:
        code = server.ends(60)

    assert code == 1
    assert "No space left" in server.said() or "disk is full" in server.said()
    assert "Traceback" not in server.said()


# A database of another version


def change(directory, *statements):
    """Change a database as another version of this server would have left it."""
    with closing(sqlite3.connect(directory / "var" / "msp.db")) as database, database:
        for statement in statements:
            database.execute(statement)


UNNUMBERED = ("ALTER TABLE outbox DROP COLUMN pause_s", "DROP TABLE alembic_version")
NEWER = ("UPDATE alembic_version SET version_num = '9999'",)


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        pytest.param(UNNUMBERED, "earlier version of this server (its table outbox", id="earlier"),
        pytest.param(NEWER, "newer version of this server (its schema is 9999", id="newer"),
    ],
)
def test_database_of_another_version_is_refused_with_what_to_do(
    apple, tmp_path, start, statements, words
):
    run_once(apple, tmp_path)
    change(tmp_path, *statements)

    code, said = start()

    assert code == 1
    assert words in said
    assert "MSP_DATABASE_URL" in said
    assert "Traceback" not in said
