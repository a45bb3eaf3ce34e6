"""Programs: agents that run elsewhere, in any language, and are asked over HTTP."""

from typing import Final
from urllib.parse import urlsplit

from msp_server.agents.agent import Agent

#: Hosts at which a program may be asked without TLS: they are this machine.
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Program(Agent):
    """An agent elsewhere: each message is posted to its address, and what it answers is said.

    `router.add(Program("https://billing.example.com/messages"), intent="billing")`
    """

    def __init__(
        self, address: str, *, name: str = "", automated: bool = True, typing_s: float = 0
    ) -> None:
        """Name a program.

        Args:
            address: where messages are posted: https, or http on this machine.
            name: what logs call it; its host when left out.
            automated: whether a machine writes the answers; Apple is told with each message.
            typing_s: how long the customer sees typing before an answer, seconds, 60 at most.

        Raises:
            ValueError: the address is none, or its words would go over the network in the clear.
        """
        host = _require_address(address)
        super().__init__(name or host, automated=automated, typing_s=typing_s)
        self.address = address


def _require_address(address: str) -> str:
    """Check where a program is, and give its host.

    Raises:
        ValueError: without what it holds, which may be a password.
    """
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("a program's address cannot be read: give https://host/path") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("a program's address has to be https://host/path")
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        raise ValueError("a program elsewhere is asked by https: customers' words go there")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("a program's address has no user, password or #: requests are signed")
    return host
