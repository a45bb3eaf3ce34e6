"""Which faults there are, where each can happen, and what it does in plain words."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from msp_server.emulator.packing import JsonObject

Deed: TypeAlias = Literal[
    "status",
    "delay",
    "time_out",
    "drop",
    "drop_after",
    "expired",
    "truncate",
    "short",
    "long",
    "garble",
    "drip",
    "wrong_key",
    "wrong_size",
    "repeat",
    "no_token",
    "alg_none",
    "wrong_secret",
    "wrong_audience",
    "stale_token",
    "no_header",
    "bad_gzip",
    "cut_gzip",
    "gzip_bomb",
]
#: Where it happens. dataRef: a message to the gateway that carries a reference. descriptor: what a
#: customer's message says of a file or payload. msp: a customer's message on its way to the MSP.
Endpoint: TypeAlias = Literal[
    "message",
    "authenticate",
    "dataRef",
    "preUpload",
    "upload",
    "preDownload",
    "download",
    "decodePayload",
    "session",
    "descriptor",
    "token",
    "userinfo",
    "msp",
]
#: Headers of a request to the MSP that may be missing.
Header: TypeAlias = Literal[
    "id", "source-id", "destination-id", "capability-list", "content-encoding", "content-type"
]

_ANYWHERE: Final[tuple[Endpoint, ...]] = (
    "message",
    "authenticate",
    "preUpload",
    "upload",
    "preDownload",
    "download",
    "decodePayload",
    "session",
    "token",
    "userinfo",
)


@dataclass(frozen=True)
class Kind:
    """One thing that can go wrong."""

    #: Where it can happen; the first is meant where none is named.
    endpoints: tuple[Endpoint, ...]
    #: In plain words, for who chooses among them.
    says: str
    #: Fields that say more, besides those every fault has.
    fields: tuple[str, ...] = ()

    def to_json(self, do: Deed) -> JsonObject:
        """Give the kind as the control plane shows it."""
        return {
            "do": do,
            "endpoints": list(self.endpoints),
            "fields": list(self.fields),
            "says": self.says,
        }


KINDS: Final[dict[Deed, Kind]] = {
    "status": Kind(_ANYWHERE, "Answer with a status, accept nothing", ("status", "retry_after")),
    "delay": Kind((*_ANYWHERE, "msp"), "Be late", ("delay_s",)),
    "time_out": Kind(_ANYWHERE, "Give no answer until the caller gives up, accept nothing"),
    "drop": Kind(_ANYWHERE, "Close the connection before anything is accepted"),
    "drop_after": Kind(
        ("message", "authenticate", "upload"), "Accept it, then close the connection"
    ),
    "expired": Kind(
        ("download", "preDownload", "upload", "dataRef"),
        "The address or reference holds no more",
        ("status",),
    ),
    "truncate": Kind(
        ("download", "msp"), "Announce the whole, send half of it, close the connection"
    ),
    "short": Kind(("download",), "Give half of the bytes, announced so"),
    "long": Kind(("download",), "Give 1,000 bytes too many, announced so"),
    "garble": Kind(("download", "token", "userinfo"), "Give other bytes than there are"),
    "drip": Kind(("download",), "Give 1,000 bytes at a time", ("delay_s",)),
    "wrong_key": Kind(("descriptor",), "Name another key for the customer's file"),
    "wrong_size": Kind(("descriptor",), "Name a size of one byte more"),
    "repeat": Kind(("msp",), "Send it twice under the same id"),
    "no_token": Kind(("msp",), "Send no token"),
    "alg_none": Kind(("msp",), "Send a token that says alg none and has no signature"),
    "wrong_secret": Kind(("msp",), "Sign the token with another secret"),
    "wrong_audience": Kind(("msp",), "Make the token for another MSP"),
    "stale_token": Kind(("msp",), "Send a token of yesterday"),
    "no_header": Kind(("msp",), "Leave out a header", ("header",)),
    "bad_gzip": Kind(("msp",), "Send what says it is gzip and is not"),
    "cut_gzip": Kind(("msp",), "Send the first half of the gzip as if it were all"),
    "gzip_bomb": Kind(("msp",), "Send a small body that unpacks to 1 GiB and the message"),
}
