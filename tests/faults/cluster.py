"""A PostgreSQL of a test's own, which can be stopped, and a line to it, which can be held up."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

#: Where Debian has the programs of PostgreSQL's server, by version.
PROGRAMS = Path("/usr/lib/postgresql")
START_LIMIT_S = 60


def find_programs():
    """Give the directory of the newest version's programs; None for none."""
    found = sorted(PROGRAMS.glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Cluster:
    """A server that keeps everything in one directory."""

    def __init__(self, programs, directory):
        self._programs = programs
        self._directory = directory
        self.port = free_port()
        # PostgreSQL refuses to run as root.
        self._user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        self._call(
            "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"
        )

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = str(self._directory / "log")
        self._call("pg_ctl", "start", "-w", f"-t{START_LIMIT_S}", "-l", log, "-o", options)

    def stop(self, mode):
        """Stop as `pg_ctl` does: `fast` ends what runs, `immediate` is a crash."""
        self._call("pg_ctl", "stop", "-w", "-m", mode)

    def _call(self, program, *arguments):
        subprocess.run(
            [self._programs / program, "-D", self._directory / "data", *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._directory,
            **self._user,
        )


@contextmanager
def running_cluster():
    """Run a PostgreSQL while the block lasts."""
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL to start here (apt-get install postgresql)")
    directory = Path(tempfile.mkdtemp(prefix="cluster-"))  # the user postgres has to come in
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(directory, account.pw_uid, account.pw_gid)
    try:
        cluster = Cluster(programs, directory)
        cluster.start()
        try:
            yield cluster
        finally:
            with suppress(subprocess.CalledProcessError):  # a test may have stopped it
                cluster.stop("immediate")
    finally:
        shutil.rmtree(directory)


class Line:
    """Passes bytes on to a port, until it is held: then nothing goes either way, nor ends."""

    def __init__(self, port):
        self._port = port
        self._flows = threading.Event()
        self._flows.set()
        self._ended = False
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self):
        self._flows.clear()

    def release(self):
        self._flows.set()

    def close(self):
        self._ended = True
        self._flows.set()
        self._listener.close()
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self):
        with suppress(OSError):
            while not self._ended:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        with suppress(OSError):
            self._flows.wait()
            far = socket.create_connection(("127.0.0.1", self._port))
            self._sockets.append(far)
            threading.Thread(target=self._pass_on, args=(far, near), daemon=True).start()
            self._pass_on(near, far)

    def _pass_on(self, source, target):
        with suppress(OSError):
            while (data := source.recv(65536)) and not self._ended:
                self._flows.wait()
                target.sendall(data)
        self._flows.wait()
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(port):
    with closing(Line(port)) as line:
        yield line
