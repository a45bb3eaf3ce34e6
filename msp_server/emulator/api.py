"""What the emulator's own JSON routes share: reading requests, and saying no."""

from flask import request

from msp_server.emulator.packing import JsonObject, Unreadable, unpack

#: The most any request may carry.
REQUEST_LIMIT_BYTES = 6 * 1024 * 1024


class ApiMistake(Exception):
    """A request that cannot be done; becomes a status and `{"error": sentence}`."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class RequestTooLarge(Exception):
    """A request carries more than `REQUEST_LIMIT_BYTES`; nothing beyond that was read."""


def read_request() -> bytes:
    """Read the request's body, whichever way it is framed.

    Raises:
        RequestTooLarge: it measures more than the limit.
    """
    packed: bytes = request.stream.read(REQUEST_LIMIT_BYTES + 1)
    if len(packed) > REQUEST_LIMIT_BYTES:
        raise RequestTooLarge
    return packed


def read_fields(*known: str) -> JsonObject:
    """Read the request's JSON object; no body counts as an empty one.

    Raises:
        ApiMistake: 400, no JSON object or a key that is not known here.
        RequestTooLarge: it measures more than the limit.
    """
    packed = read_request()
    try:
        fields = unpack(packed) if packed else {}
    except Unreadable as error:
        raise ApiMistake(400, f"The body has to be a JSON object: {error}") from error
    unknown = sorted(set(fields) - set(known))
    if known and unknown:
        raise ApiMistake(400, f"{unknown[0]!r} is not known here: there are {', '.join(known)}")
    return fields


def read_number(name: str, default: float, highest: float) -> float:
    """Read a number from the query, from 0 to `highest`.

    Raises:
        ApiMistake: 400, it is something else.
    """
    text = request.args.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 <= number <= highest:  # false for NaN
        return number
    raise ApiMistake(400, f"{name} has to be a number from 0 to {highest:g}")
