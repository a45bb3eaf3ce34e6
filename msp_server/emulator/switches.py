"""Switches: where it is not known what Apple does, which reading the emulator takes."""

from dataclasses import dataclass, fields, replace
from threading import Lock
from typing import Any, Final, Literal, TypeAlias, get_args, get_type_hints

from msp_server.emulator.events import Events
from msp_server.emulator.packing import JsonObject

ListReply: TypeAlias = Literal["sections", "you_selected", "with_unselected"]
InvitationRequestId: TypeAlias = Literal["number", "echo"]
ReferenceReply: TypeAlias = Literal["reference", "both", "inline", "always"]
DecodeAnswer: TypeAlias = Literal["data", "interactiveData"]
DownloadExpiry: TypeAlias = Literal[60, 10, 1, 0, 3600]


class SwitchUnfit(Exception):
    """A switch cannot be set so; the text is a sentence that says why."""


@dataclass(frozen=True)
class Positions:
    """How every switch stands."""

    #: Shape of a list picker's reply: the original sections with what was chosen (observed), one
    #: section "You Selected", or a second section with what was not chosen (assumed from how others
    #: read replies).
    list_reply: ListReply = "sections"
    #: Whether each tap arrives twice, under different ids. Observed.
    duplicate_tap: bool = False
    #: Whether numbers in replies are strings. Observed.
    numbers_as_text: bool = False
    #: Whether an accepted invitation names the telephone number as its request, as in the one
    #: reply that is known, or the request identifier that was sent.
    invitation_request_id: InvitationRequestId = "number"
    #: Whether the gateway refuses what the customer's device lacks. Assumed.
    check_capabilities: bool = True
    #: Whether limits that only vendors report are checked too.
    check_vendor_limits: bool = True
    #: Whether the gateway refuses a payment whose merchant session this emulator did not give out.
    check_merchant_session: bool = True
    #: Whether a reply over 10 KB comes by reference, or both by reference and directly; or none
    #: does, or every one.
    reference_reply: ReferenceReply = "reference"
    #: What decodePayload has on top: the keys of the interactive data, `data` among them (an older
    #: page), or `interactiveData` (observed).
    decode_answer: DecodeAnswer = "data"
    #: Whether decodePayload compresses its answer for who accepts that. Assumed to be possible.
    decode_gzip: bool = False
    #: How long a download-url holds; with 0 it has expired before anybody gets it. Assumed.
    download_expiry_s: DownloadExpiry = 60

    def to_json(self) -> JsonObject:
        """Give the positions as the control plane shows them."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


_TYPES = get_type_hints(Positions)
#: What each switch can be set to, the default first.
CHOICES: Final[dict[str, tuple[str | int, ...]]] = {
    each.name: get_args(_TYPES[each.name]) or (each.default, not each.default)
    for each in fields(Positions)
}


class Switches:
    """The switches; safe for many threads."""

    def __init__(self, events: Events | None = None) -> None:
        self._events = events or Events()
        self._lock = Lock()
        self._positions = Positions()

    @property
    def positions(self) -> Positions:
        """How every switch stands now."""
        with self._lock:
            return self._positions

    def set(self, changes: JsonObject) -> Positions:
        """Set some switches, and give how all stand then.

        Raises:
            SwitchUnfit: one is unknown, or has a value it cannot have; then none is set.
        """
        # Any, because each value has its own field's type once it is one of that field's choices.
        checked: dict[str, Any] = {name: _parse(name, value) for name, value in changes.items()}
        with self._lock:
            self._positions = replace(self._positions, **checked)
            self._events.tell("switches", self._positions.to_json())
            return self._positions

    def reset(self) -> None:
        """Set every switch as it was at the start."""
        with self._lock:
            self._positions = Positions()
            self._events.tell("switches", self._positions.to_json())


def _parse(name: str, value: object) -> str | int:
    if name not in CHOICES:
        raise SwitchUnfit(f"{name[:64]!r} is no switch: there are {', '.join(CHOICES)}")
    for choice in CHOICES[name]:
        if type(value) is type(choice) and value == choice:  # so that 1 is not true
            return choice
    raise SwitchUnfit(f"{name} has to be one of {', '.join(map(_shown, CHOICES[name]))}")


def _shown(choice: str | int) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)
