"""What two conversations differ in: ids, times, tokens, sessions and pictures' bytes aside."""

import difflib
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from msp_server.emulator.conversation_file import SavedConversation, SavedMessage
from msp_server.emulator.masking import MASK
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.withholding import SECRET_KEYS, hide_tokens

#: What stands under these keys is another every time: made by the MSP, the gateway or the phone.
ASIDE_KEYS: Final = SECRET_KEYS | {
    *("id", "requestIdentifier", "sessionIdentifier", "replyToMessageId", "messageId"),
    *("state", "clientSecret", "responseEncryptionKey", "token"),
    *("owner", "key", "signature", "signature-base64", "startTime"),
}
#: Inside these, `url` is where the gateway keeps a file.
_FILE_KEYS: Final = frozenset({"attachments", "interactiveDataRef", "richLinkDataRef"})
#: What the MSP alone has a say in though the customer sends it.
_OUTCOMES: Final = frozenset({"pay", "sign_in"})

_ID: Final = re.compile(r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_TIME: Final = re.compile(
    r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9:]{4,5})?"
)
_JWT: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
_OPAQUE_ID: Final = re.compile(r"urn:mbid:[A-Za-z0-9+/=]+")
_THIS_MACHINE: Final = re.compile(r"(https?)://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?")
#: Longer Base64 than this is told by its fingerprint.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\r\n]{400,}={0,2}\s*")


def compare(
    then: SavedConversation,
    now: SavedConversation,
    name: str = "conversation",
    ignored: Collection[str] = (),
) -> str:
    """Give a unified diff of what differs; empty where nothing does.

    Args:
        then: what was said.
        now: what is said now.
        name: what to call the conversation.
        ignored: keys that do not count.
    """
    telling = _Telling(frozenset(ignored))
    before, after = (list(telling.tell_all(each.messages)) for each in (then, now))
    names = f"{name} (then)", f"{name} (now)"
    return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


@dataclass(frozen=True)
class _Telling:
    """Tells messages in lines, so that lines differ where messages do."""

    ignored: frozenset[str]

    def tell_all(self, messages: Iterable[SavedMessage]) -> Iterator[str]:
        for message in messages:
            yield self._tell_heading(message)
            if message.error is not None:
                yield f"  not delivered: {_tell_text(message.error)}"
            deed = message.deed
            if message.sender == "business" or deed is None or deed.name in _OUTCOMES:
                told = self._without_others(message.fields)
                shown = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True)
                yield from (f"  {line}" for line in shown.splitlines()[1:-1])

    def _tell_heading(self, message: SavedMessage) -> str:
        """Tell who said what kind of thing; no number, which others before it would change."""
        if message.deed is None:
            return f"{message.sender}: {message.kind}"
        told = self._without_others(message.deed.fields)
        shown = json.dumps(told, ensure_ascii=False, sort_keys=True)
        return f"{message.sender}: {message.deed.name} {shown}"

    def _without_others(self, fields: JsonObject, *, is_file: bool = False) -> JsonObject:
        """Give fields without what is another every time."""
        told: JsonObject = {}
        for key, value in fields.items():
            if key in self.ignored:
                continue
            if value is not None and (key in ASIDE_KEYS or (is_file and key == "url")):
                told[key] = f"<{key}>"
            else:
                told[key] = self._inside(value, is_file=key in _FILE_KEYS)
        return told

    def _inside(self, value: object, *, is_file: bool) -> object:
        match value:
            case dict():
                return self._without_others(value, is_file=is_file)
            case list():
                return [self._inside(inner, is_file=is_file) for inner in value]
            case str():
                lines = _tell_text(value).splitlines()
                return lines if len(lines) > 1 else "".join(lines)
            case _:
                return value


def _tell_text(text: str) -> str:
    if _BASE64.fullmatch(text):
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
        return f"<{len(text):,} characters of Base64, SHA-256 {fingerprint}…>"
    text = hide_tokens(text, MASK)
    text = _THIS_MACHINE.sub(r"\1://<this machine>", text)
    text = _JWT.sub("<token>", text)
    text = _OPAQUE_ID.sub("<opaque id>", text)
    return _TIME.sub("<time>", _ID.sub("<id>", text))
