"""Bodies of downloads: as they should be, or as a fault makes them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO, Final

from msp_server.emulator.faults import Fault
from msp_server.emulator.mmcs import read_chunks

#: What `long` gives too much.
SURPLUS_BYTES: Final = 1_000
#: What `drip` gives at a time.
DROP_BYTES: Final = 1_000
_OTHER_BYTES: Final = bytes(range(255, -1, -1))


@dataclass(frozen=True)
class Body:
    """What an answer is made of."""

    #: What the header Content-Length says.
    announced_bytes: int
    chunks: Iterator[bytes]


def make_body(
    file: IO[bytes], size_bytes: int, fault: Fault | None, wait: Callable[[float], object]
) -> Body:
    """Give a file's bytes, spoiled if there is a fault.

    Args:
        file: from its beginning on.
        size_bytes: how much it measures.
        fault: what to do wrong with it.
        wait: waits some seconds, or less when the emulator stops.
    """
    whole = read_chunks(file, size_bytes)
    half = size_bytes // 2
    match fault.do if fault else None:
        case "truncate":
            return Body(size_bytes, read_chunks(file, half))
        case "short":
            return Body(half, read_chunks(file, half))
        case "long":
            return Body(size_bytes + SURPLUS_BYTES, chain(whole, [bytes(SURPLUS_BYTES)]))
        case "garble":
            return Body(size_bytes, (chunk.translate(_OTHER_BYTES) for chunk in whole))
        case "drip" if fault:
            return Body(size_bytes, _drip(file, size_bytes, lambda: wait(fault.delay_s)))
        case _:
            return Body(size_bytes, whole)


def _drip(file: IO[bytes], size_bytes: int, pause: Callable[[], object]) -> Iterator[bytes]:
    for chunk in read_chunks(file, size_bytes, DROP_BYTES):
        yield chunk
        pause()
