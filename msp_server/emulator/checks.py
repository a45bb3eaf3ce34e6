"""How strict Apple's gateway is: pure functions that pass or raise `Refused`.

Where a rule's `Source:` is "assumed", Apple's documentation does not say what the gateway does, and
the emulator takes the stricter reading: what passes here should pass there.
"""

import re
from datetime import date

from werkzeug.datastructures import Headers

from msp_server.emulator.packing import GZIP_MAGIC, JsonObject, Unreadable, unpack
from msp_server.emulator.settings import EmulatorSettings
from msp_server.emulator.tokens import TokenUnfit, verify

#: Assumed: Apple names no limit for the whole; one vendor passes on at most this.
MESSAGE_LIMIT_BYTES = 5 * 1024 * 1024
#: The types a business may send. Source: MSP REST API, "Sending Messages"; typing observed.
SENDABLE = ("text", "richLink", "interactive", "typing_start", "typing_end")
#: Which keys carry the content of a type: exactly one of each pair.
CONTENT_KEYS = {
    "interactive": ("interactiveData", "interactiveDataRef"),
    "richLink": ("richLinkData", "richLinkDataRef"),
}
#: Header and JSON key that have to be equal.
ADDRESSES = (("id", "id"), ("Source-Id", "sourceId"), ("Destination-Id", "destinationId"))
#: Headers that are true or false.
FLAGS = ("auto-reply", "include-data-ref")

#: Titles for `Refused.source`.
AUTHENTICATION = 'MSP REST API, "Authentication"'
STATUS_CODES = 'MSP REST API, "Status Codes"'
SENDING = 'MSP REST API, "Sending Messages"'
ASSUMED = "assumed"

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
#: An `iat` beyond this, in the year 5138, was surely counted in milliseconds.
_SECONDS_END = 10**11


class Refused(Exception):
    """A request the gateway turns down."""

    def __init__(
        self, status: int, rule: str, reason: str, source: str, since: date | None = None
    ) -> None:
        super().__init__(reason)
        #: The HTTP status that answers it.
        self.status = status
        #: Short name of the rule, the same in journal and README.
        self.rule = rule
        #: One sentence: what is wrong and how to cure it.
        self.reason = reason
        #: Title of Apple's page, or "observed", or "assumed".
        self.source = source
        #: From when on the rule holds, where that is known.
        self.since = since

    @property
    def origin(self) -> str:
        """The source, and since when."""
        return self.source if self.since is None else f"{self.source}, since {self.since}"


def check_token(authorization: str | None, settings: EmulatorSettings, now_s: float) -> None:
    """Refuse a request whose sender is not proved to be the MSP.

    Raises:
        Refused: 401 without the header, 403 when it does not hold.

    Source: MSP REST API, "Authentication".
    """
    if authorization is None:
        raise Refused(
            401,
            "authorization-missing",
            "There is no Authorization header: send `Authorization: Bearer <JWT>`",
            STATUS_CODES,
        )
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _forbidden("token-scheme", "The Authorization header is not `Bearer <JWT>`")
    try:
        claims = verify(token.strip(), settings.api_secrets)
    except TokenUnfit as unfit:
        raise _forbidden(unfit.rule, unfit.reason) from unfit
    _check_issuer(claims.get("iss"), settings.msp_id)
    if settings.token_max_age_s:
        _check_issued_at(claims.get("iat"), settings.token_max_age_s, now_s)
    else:
        _whole_seconds(claims.get("iat"))


def check_fields(packed: bytes, encoding: str | None) -> JsonObject:
    """Read a request's body.

    Args:
        packed: as received.
        encoding: the header Content-Encoding.

    Raises:
        Refused: 400, too large or not a JSON object.

    Source: assumed, but for the status.
    """
    if len(packed) > MESSAGE_LIMIT_BYTES:
        raise _malformed("message-too-large", "The body measures more than 5 MiB: send less")
    if packed.startswith(GZIP_MAGIC) or (encoding or "identity").lower() != "identity":
        raise _malformed("body-compressed", "The body is compressed: send plain JSON")
    try:
        return unpack(packed)
    except Unreadable as error:
        raise _malformed(
            "body-unreadable", f"The body is no JSON object in UTF-8: {error}"
        ) from error


def check_envelope(headers: Headers, fields: JsonObject) -> None:
    """Refuse a message whose frame does not hold.

    Raises:
        Refused: 400, with the header or field at fault.

    Source: MSP REST API, "Sending Messages"; the equality of header and JSON observed.
    """
    for header, key in ADDRESSES:
        _check_address(header, headers.get(header), key, fields.get(key))
    if not _UUID.fullmatch(str(fields["id"])):
        raise _malformed(
            "id-not-uuid", f"id {quoted(fields['id'])} is no UUID: make one for every message"
        )
    version = fields.get("v")
    if isinstance(version, bool) or not isinstance(version, int | float) or version != 1:
        raise _malformed("version", f"v is {quoted(version)}: it has to be the number 1")


def check_kind(fields: JsonObject) -> None:
    """Refuse a message whose type is not one to send, or lacks what its type needs.

    Raises:
        Refused: 400, with the type or key at fault.

    Source: MSP REST API, "Sending Messages".
    """
    kind = fields.get("type")
    if kind is None:
        raise _malformed("type-missing", f"type is missing: write one of {', '.join(SENDABLE)}")
    if kind == "close":
        raise _malformed("close-sent", "type is close: only the customer closes a conversation")
    if not isinstance(kind, str) or kind not in SENDABLE:
        raise _malformed(
            "type-unknown", f"type is {quoted(kind)}: write one of {', '.join(SENDABLE)}"
        )
    if kind == "text" and not isinstance(fields.get("body"), str):
        raise _malformed("text-body", "The text has no body: put its words into body, a string")
    if kind in CONTENT_KEYS:
        _check_content(kind, CONTENT_KEYS[kind], fields)


def check_flags(headers: Headers) -> None:
    """Refuse a message with a header that says neither yes nor no.

    Raises:
        Refused: 400, with the header at fault.

    Source: MSP REST API, "Sending Messages" (auto-reply); MSP API Tutorial, exercise 08
    (include-data-ref); that other words are refused is assumed.
    """
    for name in FLAGS:
        value = headers.get(name)
        if value not in {None, "true", "false"}:
            raise _malformed(
                name,
                f"The header {name} is {quoted(value)}: write true or false in lower case, "
                "or leave it out",
            )


def check_business(business_id: object, business_ids: tuple[str, ...]) -> None:
    """Refuse a request in the name of a business the MSP does not answer for.

    Raises:
        Refused: 403.

    Source: assumed; with decodePayload observed.
    """
    if business_id not in business_ids:
        raise Refused(
            403,
            "business-unknown",
            f"Source-Id {quoted(business_id)} is no business of this MSP: the emulator's "
            f"--business-id names {', '.join(business_ids)}",
            ASSUMED,
        )


def need_header(headers: Headers, cure: str, *names: str) -> str:
    """Give the header of the first of these names that is there.

    Args:
        headers: those of the request.
        cure: what has to stand in it, to complete a sentence.
        names: the present spelling, and older ones behind it.

    Raises:
        Refused: 400, it is missing.
    """
    value = next((headers[name] for name in names if name in headers), None)
    if value is None:
        raise _malformed("header-missing", f"The header {names[0]} is missing: {cure}")
    return value


def quoted(value: object) -> str:
    """Give a value as it may stand in a reason: not endless."""
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _check_issuer(issuer: object, msp_id: str) -> None:
    if isinstance(issuer, str) and issuer.lower() == msp_id.lower():
        return
    raise _forbidden(
        "token-issuer",
        f"The token's iss is {quoted(issuer)}: it has to be the MSP ID, {msp_id} here",
    )


def _check_issued_at(issued_at: object, max_age_s: float, now_s: float) -> None:
    age_s = int(now_s) - _whole_seconds(issued_at)
    if abs(age_s) <= max_age_s:
        return
    hint = " (milliseconds?)" if abs(int(now_s) - age_s) > _SECONDS_END else ""
    when = f"{age_s} s ago" if age_s > 0 else f"{-age_s} s from now"
    raise _forbidden(
        "token-issued-at",
        f"The token's iat is {when}{hint}, and {max_age_s} s either way are allowed: "
        "put the present time in whole seconds",
    )


def _whole_seconds(issued_at: object) -> int:
    if isinstance(issued_at, int) and not isinstance(issued_at, bool):
        return issued_at
    raise _forbidden(
        "token-issued-at",
        f"The token's iat is {quoted(issued_at)}: put the present time in whole seconds",
    )


def _check_address(header: str, in_header: str | None, key: str, in_json: object) -> None:
    if in_header is None:
        raise _malformed(
            "header-missing", f"The header {header} is missing: repeat JSON {key} in it"
        )
    if not isinstance(in_json, str) or not in_json:
        raise _malformed("field-missing", f"JSON {key} is {quoted(in_json)}: it has to be a string")
    if in_header != in_json:
        raise _malformed(
            "header-differs",
            f"The header {header} is {quoted(in_header)} and JSON {key} is {quoted(in_json)}: "
            "they have to be equal",
        )


def _check_content(kind: str, keys: tuple[str, str], fields: JsonObject) -> None:
    present = [key for key in keys if fields.get(key) is not None]
    if len(present) != 1:
        raise _malformed(
            f"{kind.lower()}-content",
            f"The {kind} message has {' and '.join(present) or 'no content'}: "
            f"send exactly one of {keys[0]} and {keys[1]}",
        )
    if not isinstance(fields[present[0]], dict):
        raise _malformed(f"{kind.lower()}-content", f"{present[0]} is no JSON object: send one")


def _forbidden(rule: str, reason: str) -> Refused:
    return Refused(403, rule, reason, AUTHENTICATION)


def _malformed(rule: str, reason: str) -> Refused:
    return Refused(400, rule, reason, STATUS_CODES)
