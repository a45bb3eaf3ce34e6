"""Every error this package raises on purpose.

::

    ConfigurationError
    MspError
      WebhookError
        TokenMissing
        TokenRefused
        RequestUnreadable
        RequestTooLarge
        MessageUnreadable
        BusinessUnknown
        PaymentUnknown
        PaymentOver
        ProcessorFailed
        ConversationUnknown
        FileAddressUnknown
        FileAddressOver
        FormRefused
        TooManyRequests
        ServerBusy
      ContentError
        ContentInvalid
          ConversationClosed
        CapabilityMissing
      ConversationElsewhere
      PostDiffers
      RemoteError
        RemoteUnreachable
        RemoteBusy
        CredentialsRefused
        RemoteRefused
          AddressRefused
        UploadRefused
        AnswerUnreadable
      SignInTokenUnreadable
      LinkRefused
      AttachmentError
        AttachmentUnusable
        DiskRefused
        KeyUnreadable
        SizeMismatch
      HandlerError
      StoreError
        StoreBusy
        StoreUnavailable

`retryable` alone decides whether a failed entry is released or buried. `ConfigurationError`
stands outside the tree: it ends the program before a port is opened.
"""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

_FRAMES_SHOWN: Final = 8
_VALUE_CHARS_SHOWN: Final = 80


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the settings."""

    #: The variable's name, such as `MSP_SECRET`.
    name: str
    #: What is wrong with it.
    problem: str
    #: What to do.
    cure: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}; {self.cure}"


class ConfigurationError(Exception):
    """Settings are missing or unfit."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class MspError(Exception):
    """Something this server knows how to name went wrong."""

    #: Whether the same attempt may succeed later.
    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class WebhookError(MspError):
    """A request to us is refused."""

    #: What we answer.
    status: ClassVar[int] = 400


class TokenMissing(WebhookError):
    """No bearer token: Apple sends the header 'Authorization: Bearer <JWT>' with every message."""

    status = 401


class TokenRefused(WebhookError):
    """The token was not signed by Apple for this MSP."""

    status = 403


class RequestUnreadable(WebhookError):
    """The body is neither gzip nor a JSON object."""


class RequestTooLarge(WebhookError):
    """The body is larger than any message of Apple's."""

    status = 413


class MessageUnreadable(WebhookError):
    """The JSON object is not a message."""


class BusinessUnknown(WebhookError):
    """The message is for a business that is not ours."""

    status = 404


class PaymentUnknown(WebhookError):
    """No payment has this address."""

    status = 404


class PaymentOver(WebhookError):
    """The payment has ended: it was paid, or its time is up."""

    status = 410


class ProcessorFailed(WebhookError):
    """The payment processor made a mistake: the log says where."""

    status = 502


class ConversationUnknown(WebhookError):
    """No conversation has this id."""

    status = 404


class FileAddressUnknown(WebhookError):
    """No file has this address."""

    status = 404


class FileAddressOver(WebhookError):
    """The address of this file is no longer good: ask for the message again."""

    status = 410


class FormRefused(WebhookError):
    """The form did not come from a page of ours, or that was long ago: open the page again."""

    status = 403


class TooManyRequests(WebhookError):
    """Too many attempts: try again later."""

    status = 429


class ServerBusy(WebhookError):
    """Too many wait for other servers at the moment: try again."""

    status = 503


class ContentError(MspError):
    """A content that was to be sent does not hold."""


class ContentInvalid(ContentError, ValueError):
    """A field of a content is not what Apple accepts."""

    def __init__(
        self,
        problem: str | None = None,
        *,
        field: str = "",
        value: object = None,
        limit: str = "",
        source: str = "",
    ) -> None:
        """Say what does not hold.

        Args:
            problem: what is wrong, without a word of the value, which may quote a customer.
            field: its path, such as `ListPicker.sections[0].title`.
            value: what it holds; the message shows the beginning of it.
            limit: what is allowed, such as `at most 200 characters`.
            source: who says so, and since when.
        """
        self.field = field
        self.problem = problem or type(self).__doc__ or ""
        self.value = value
        self.limit = limit
        self.source = source
        shown = "" if value is None else f": {_cut(repr(value))}"
        super().__init__(f"{self.without_value}{shown}")

    @property
    def without_value(self) -> str:
        """Say the same without the value: fit for a log."""
        where_it_is = f"{self.field} " if self.field else ""
        allowed = f"; {self.limit}" if self.limit else ""
        said = f" (source: {self.source})" if self.source else ""
        return f"{where_it_is}{self.problem}{allowed}{said}"

    def inside(self, path: str) -> "ContentInvalid":
        """Give the same error with the path to where its field stands before it."""
        joined = path if self.field.startswith("[") or not self.field else f"{path}."
        return type(self)(
            self.problem,
            field=f"{joined}{self.field}",
            value=self.value,
            limit=self.limit,
            source=self.source,
        )


class ConversationClosed(ContentInvalid):
    """The customer closed the conversation: nothing can be sent until the customer writes."""


class ConversationElsewhere(MspError):
    """A desk has the conversation: an agent speaks again once it gives it back."""


class PostDiffers(MspError):
    """Something else was posted under this id before: give each post an id of its own."""


class CapabilityMissing(ContentError):
    """The customer's device cannot show this kind of message."""


class RemoteError(MspError):
    """A request of ours to another server failed."""

    def __init__(
        self,
        problem: str,
        *,
        method: str,
        address: str,
        status: int | None = None,
        message_id: str | None = None,
        answer: str = "",
    ) -> None:
        """Say what failed.

        Args:
            problem: what went wrong, in words.
            method: HTTP method of our request.
            address: where it went, without query string.
            status: what the server answered, if it did.
            message_id: the message it was about.
            answer: the beginning of the answer's text; for the store, not for logs.
        """
        super().__init__(f"{method} {address}: {problem}")
        self.method = method
        self.address = address
        self.status = status
        self.message_id = message_id
        self.answer = answer


class RemoteUnreachable(RemoteError):
    """No answer came: not connected, cut off, or timed out."""

    retryable = True
    #: Whether the whole request had gone: then it may have been accepted.
    unsure: bool = False


class RemoteBusy(RemoteError):
    """The server asks us to come back later (408, 429, 5xx)."""

    retryable = True
    #: How long the server asks us to wait, if it said so.
    delay_s: float | None = None


class CredentialsRefused(RemoteError):
    """The gateway does not accept our token (401, 403): our fault, not the message's."""

    retryable = True


class RemoteRefused(RemoteError):
    """The server will never accept this request (any other 4xx, or a redirect)."""


class AddressRefused(RemoteRefused):
    """The gateway named an address that we do not connect to."""


class UploadRefused(RemoteError):
    """Apple's store did not take a file: its upload starts again, at a new address."""

    retryable = True


class AnswerUnreadable(RemoteError):
    """What the server answered is not what it should be."""

    retryable = True


class SignInTokenUnreadable(MspError):
    """The token of a sign-in cannot be decrypted with our key."""


class LinkRefused(MspError):
    """The account cannot be linked with what was entered."""


class AttachmentError(MspError):
    """The bytes of a file do not fit what was said of them, or cannot be had."""


class AttachmentUnusable(AttachmentError):
    """A file cannot be had."""


class DiskRefused(AttachmentError):
    """This machine could not write a file."""

    retryable = True


class KeyUnreadable(AttachmentError):
    """The key is not 00 and 64 hex digits."""


class SizeMismatch(AttachmentError):
    """The bytes are more or fewer than was said."""


class HandlerError(MspError):
    """A handler of an agent raised, or gave back what cannot be sent."""

    def __init__(self, agent: str, handler: str, problem: str) -> None:
        super().__init__(f"agent={agent!r} handler={handler} {problem}")
        self.agent = agent
        self.handler = handler


class StoreError(MspError):
    """The store could not do what was asked."""

    retryable = True


class StoreBusy(StoreError):
    """The store is busy with other writers."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or written."""


def where(error: BaseException | None) -> str:
    """Say for a log where an error happened, without what it says, which may quote a customer.

    One line: the error's type, then the functions it came through, innermost first.
    """
    if error is None:
        return "no error"
    frames = reversed(traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:])
    places = [f"{frame.name} ({Path(frame.filename).name}:{frame.lineno})" for frame in frames]
    return f"{type(error).__name__} in {' < '.join(places)}"


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE_CHARS_SHOWN else f"{text[:_VALUE_CHARS_SHOWN]}…"
