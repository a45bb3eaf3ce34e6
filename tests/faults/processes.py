"""Server and workers as processes that are started, killed and started again, a thousand times.

They are forked from a process that has imported everything, and run there what
`python -m msp_server` runs: so a start costs a tenth of a second, and not a whole one.
"""

import base64
import multiprocessing
import os
import re
import signal
import socket
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from msp_server.__main__ import main
from tests.conftest import BUSINESS_ID, MSP_ID, SECRET, wait_for

READY_LIMIT_S = 60
READY = re.compile("^(Server on|Worker for) ", re.MULTILINE)
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["msp_server.__main__"])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def run(arguments, environment, log_file):
    """Be `python -m msp_server`, and write what it says to a file."""
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(environment)
    main(arguments)


@dataclass
class Member:
    """One process of a fleet."""

    name: str
    arguments: list[str]
    log_file: Path
    process: ForkServerProcess | None = None

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


@dataclass
class Fleet:
    """Processes on one store and one gateway."""

    directory: Path
    gateway_url: str
    database_url: str
    port: int
    settings: dict[str, str] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for member in self.members.values():
            member.process.kill()
            member.process.join()

    def start(self, name, *arguments, **settings):
        """Start a process; one that was there before under this name is over."""
        member = Member(name, list(arguments), self.directory / f"{name}.log")
        member.log_file.unlink(missing_ok=True)
        environment = self._environment() | settings
        member.process = FORKING.Process(
            target=run, args=(member.arguments, environment, member.log_file), daemon=True
        )
        member.process.start()
        self.members[name] = member

    def kill(self, name):
        """Kill a process with `kill -9`, and wait until it is no more."""
        process = self.members[name].process
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL, self.members[name].log()

    def signal(self, name, number):
        os.kill(self.members[name].process.pid, number)

    def wait_until_ready(self, name):
        member = self.members[name]

        def is_ready():
            assert member.process.is_alive(), member.log()
            return READY.search(member.log())

        wait_for(is_ready, name, READY_LIMIT_S)

    def _environment(self):
        return {
            "MSP_ID": MSP_ID,
            "MSP_BUSINESS_ID": BUSINESS_ID,
            "MSP_SECRET": base64.b64encode(SECRET).decode(),
            "MSP_GATEWAY": self.gateway_url,
            "MSP_PORT": str(self.port),
            "MSP_DATA_DIR": str(self.directory / "var"),
            "MSP_DATABASE_URL": self.database_url,
            "MSP_AGENT": "msp_server.agents.echo:agent",
            **self.settings,
        }
