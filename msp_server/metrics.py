"""What is counted and measured: every metric, declared once, as `/metrics` shows it.

A label's values are names of ours: nothing that a customer or a stranger chose stands in one, so
there are never more of them than the code has.
"""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()

#: Where a WSGI server of ours notes when the last byte of a request came, by `time.perf_counter`.
READ_AT: Final = "msp_server.read_at"

#: Bounds of the times to acknowledge a message, seconds.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# Messages in.
RECEIVED: Final = Counter(
    "msp_received", "Messages that were committed, by kind", ["kind"], registry=REGISTRY
)
REPEATED: Final = Counter(
    "msp_repeated", "Messages that came again and changed nothing", registry=REGISTRY
)
REFUSED: Final = Counter(
    "msp_refused", "Requests that were refused, by the error's class", ["reason"], registry=REGISTRY
)
ACKNOWLEDGED: Final = Histogram(
    "msp_acknowledged_seconds",
    "Time from a message's last byte to the answer that it is committed",
    buckets=_SECONDS,
    registry=REGISTRY,
)

# Messages out.
SENDS: Final = Counter(
    "msp_sends",
    "Attempts to send, by what was answered: accepted, 4xx, 5xx, …, or none",
    ["status"],
    registry=REGISTRY,
)
PAUSES: Final = Counter(
    "msp_pauses",
    "Answers of the gateway that made all sending pause: the token refused, or too many messages",
    registry=REGISTRY,
)
PAUSED: Final = Gauge(
    "msp_paused_seconds",
    "How much longer all sending pauses; 0 while it does not",
    registry=REGISTRY,
)
RETRIES: Final = Counter(
    "msp_retries", "Attempts that failed and are made again, by loop", ["loop"], registry=REGISTRY
)
ATTACHMENT_BYTES: Final = Counter(
    "msp_attachment_bytes", "Bytes of files that went up and came down", ["way"], registry=REGISTRY
)

# The store.
STORE_ERRORS: Final = Counter(
    "msp_store_errors",
    "Transactions that the database did not take, by the error's class",
    ["error"],
    registry=REGISTRY,
)
WAITING: Final = Gauge(
    "msp_waiting",
    "Messages that are not answered or sent yet, those under work included",
    ["box"],
    registry=REGISTRY,
)
OLDEST: Final = Gauge(
    "msp_oldest_seconds",
    "Age of the oldest message that is not answered or sent yet",
    ["box"],
    registry=REGISTRY,
)
BURIED: Final = Gauge(
    "msp_buried", "Messages that were given up, and are kept", ["box"], registry=REGISTRY
)

# The loops.
LOOP_THREADS: Final = Gauge(
    "msp_loop_threads", "Threads of a loop that live", ["loop"], registry=REGISTRY
)
LOOP_WORKING: Final = Gauge(
    "msp_loop_working", "Entries that a loop works on", ["loop"], registry=REGISTRY
)
LOOP_LOOKED: Final = Gauge(
    "msp_loop_looked_seconds",
    "Time since a loop last looked by itself whether something is due",
    ["loop"],
    registry=REGISTRY,
)

_LOOPS: Final = (LOOP_THREADS, LOOP_WORKING, LOOP_LOOKED)


def watch_loop(
    name: str,
    threads: Callable[[], float],
    working: Callable[[], float],
    looked_s: Callable[[], float],
) -> None:
    """Show a loop; each function is asked when somebody looks."""
    for gauge, ask in zip(_LOOPS, (threads, working, looked_s), strict=True):
        gauge.labels(name).set_function(ask)


def forget_loop(name: str) -> None:
    """Show a loop no longer."""
    for gauge in _LOOPS:
        gauge.remove(name)


def count_acknowledged(kind: str, took_s: float, *, new: bool) -> None:
    """Count a message that is committed, and how long it took to say so."""
    if new:
        RECEIVED.labels(kind).inc()
    else:
        REPEATED.inc()
    ACKNOWLEDGED.observe(took_s)


def count_send(status: int | None) -> None:
    """Count an attempt to send that was not accepted, by the class of what was answered."""
    SENDS.labels("none" if status is None else f"{status // 100}xx").inc()


# What every process can count begins at 0: who watches sees the first one come.
SENDS.labels("accepted")
for _loop in ("answering", "fetching", "sending"):
    RETRIES.labels(_loop)
for _way in ("down", "up"):
    ATTACHMENT_BYTES.labels(_way)
for _error in ("StoreBusy", "StoreUnavailable"):
    STORE_ERRORS.labels(_error)
