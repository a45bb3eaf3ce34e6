"""Signing in: ask the customer to sign in at a provider, and tell who did."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Final, Self
from urllib.parse import urlencode

from msp_server.errors import (
    AnswerUnreadable,
    ContentInvalid,
    CredentialsRefused,
    RemoteError,
    RemoteRefused,
)
from msp_server.messages import limits
from msp_server.messages.capability import Capability
from msp_server.messages.checked import checked, set_field
from msp_server.messages.image import Gallery
from msp_server.messages.interactive import AUTHENTICATE, Bubbled, Response, frame
from msp_server.messages.raw import JsonObject, object_in, objects_in, present, text_in

_GOOD: Final = ("success", "authenticated")
#: The most of a status or an error that is kept, characters.
_SHOWN_CHARS: Final = 200
#: The longest encrypted token that is read, characters. Assumed.
_TOKEN_LIMIT_CHARS: Final = 64 * 1024


class ResponseType(StrEnum):
    """What the provider gives the device; the new flow knows the code alone.

    Source: MSP API Tutorial, exercise 18.
    """

    CODE = "code"
    TOKEN = "token"  # noqa: S105 - the name of a kind of answer


class SignInFailure(StrEnum):
    """Why nobody is signed in."""

    #: The customer closed the sheet.
    CANCELLED = "cancelled"
    #: The customer, or the provider, said no.
    DENIED = "denied"
    #: The device reports a failure, in `detail`.
    REPORTED = "reported"
    #: The provider did not send the customer back to us in time.
    NOT_RETURNED = "not returned"
    #: The customer came back after the request's time was up.
    EXPIRED = "expired"
    #: The request is none of ours, or was sent to another customer.
    NOT_ASKED = "not asked"
    #: No answer of the provider came, or it was too slow.
    PROVIDER_UNREACHABLE = "provider unreachable"
    #: The provider does not accept the code, the token, or us.
    PROVIDER_REFUSED = "provider refused"
    #: What the provider answered is no user record, or no token.
    PROVIDER_UNREADABLE = "provider unreadable"
    #: The token in the answer is not encrypted for this request.
    TOKEN_UNREADABLE = "token unreadable"  # noqa: S105 - the name of a failure


@checked
class Authenticate(Bubbled):
    """A bubble that opens a sheet to sign in.

    Who gives `state`, `redirect_uri` or a key takes care of what comes back: this server, which
    made none of them, then says `SignInFailure.NOT_ASKED` of the answer.

    The customer's device chooses between the new flow (`Capability.AUTH2`) and the old one
    (`Capability.AUTH`); the response is the same.

    Source: MSP REST API, "Type Interactive"; MSP API Tutorial, exercise 18.
    """

    _: KW_ONLY
    #: What is asked for, such as `openid`; `MSP_OAUTH_SCOPE` when left out.
    scope: Sequence[Annotated[str, limits.SCOPE]] = ()
    #: Of the old flow.
    response_type: ResponseType = ResponseType.CODE
    #: Further parameters of the provider's address: names and texts, or a query string.
    #: Source: reported by vendors.
    additional_parameters: Mapping[str, str] | Annotated[str, limits.URL] | None = None
    #: Binds the answer to this request; made when left out.
    state: Annotated[str, limits.STATE] | None = field(default=None, repr=False)
    #: New flow: where the provider sends the customer back; this server's when left out.
    redirect_uri: Annotated[str, limits.URL] | None = field(default=None, repr=False)
    #: Old flow: the public key that the answer is encrypted to, in Base64; made when left out.
    response_encryption_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the title, and encode the parameters, once."""
        super().__post_init__()
        set_field(self, "scope", tuple(self.scope))
        if isinstance(self.additional_parameters, Mapping):
            encoded = urlencode(dict(self.additional_parameters)) or None
            set_field(self, "additional_parameters", encoded)

    @property
    def endpoint(self) -> str:
        """Which of the gateway's endpoints takes it."""
        return AUTHENTICATE

    @property
    def needs(self) -> Capability:
        """What the customer's device must have for the flow that was chosen."""
        return Capability.AUTH if self.response_encryption_key else Capability.AUTH2

    def feature(self, _gallery: Gallery) -> JsonObject:
        """Give what stands in `data` for this kind alone; the client secret is not in it.

        Raises:
            ContentInvalid: nobody says where customers sign in.
        """
        old = bool(self.response_encryption_key)
        needed = {
            "scope": self.scope,
            "state": self.state,
            "redirect_uri": old or self.redirect_uri,
        }
        for name, value in needed.items():
            if not value:
                raise ContentInvalid(
                    "is not known",
                    field=name,
                    limit="set MSP_OAUTH_TOKEN_URL and its neighbours, and MSP_ENDPOINT",
                )
        return {
            "authenticate": {
                "oauth2": {
                    "responseType": str(self.response_type if old else ResponseType.CODE),
                    "scope": list(self.scope),
                    "state": self.state,
                    **present(
                        redirectURI=None if old else self.redirect_uri,
                        responseEncryptionKey=self.response_encryption_key or None,
                        additionalParameters=self.additional_parameters,
                    ),
                }
            }
        }


@dataclass(frozen=True, kw_only=True)
class AuthenticateResponse(Response):
    """The customer has signed in, or has not."""

    #: What the device says, such as `success`.
    status: str = ""
    #: What the device says of a failure.
    detail: str = ""
    #: Who signed in, as the provider tells it; None when nobody did.
    user: JsonObject | None = field(default=None, repr=False)
    #: Why nobody did; None when somebody did.
    failure: SignInFailure | None = None
    #: Old flow: what the provider gave the device, encrypted for us.
    token: str | None = field(default=None, repr=False)

    @property
    def claims_success(self) -> bool:
        """Whether the device says that somebody signed in."""
        return self.status in _GOOD

    @property
    def selection(self) -> object:
        """What was chosen, as a value that JSON can hold."""
        return self.status

    def ended(self, user: JsonObject | None, failure: SignInFailure | None) -> Self:
        """Give the same with what became of the sign-in."""
        return replace(self, user=user, failure=failure)


def parse_authenticate(raw: JsonObject) -> AuthenticateResponse | None:
    """Read how a sign-in ended on the device; None without a status.

    Source: MSP API Tutorial, exercise 19 (`authenticated`, `token`); all else: observed.
    """
    data = object_in(object_in(raw, "interactiveData"), "data")
    authenticate = object_in(data, "authenticate")
    status = text_in(authenticate, "status")
    if status is None:
        return None
    errors = [text_in(error, "message") for error in objects_in(authenticate, "errors")]
    detail = next(filter(None, [text_in(authenticate, "error_code"), *errors]), "")
    token = text_in(authenticate, "token")
    return AuthenticateResponse(
        status=status[:_SHOWN_CHARS],
        detail=detail[:_SHOWN_CHARS],
        token=token if token is not None and len(token) <= _TOKEN_LIMIT_CHARS else None,
        **frame(raw),
    )


def reported_failure(response: AuthenticateResponse) -> SignInFailure:
    """Name the failure that a device reports.

    Source: observed; what `cancel` means is assumed.
    """
    if response.status == "cancel":
        return SignInFailure.CANCELLED
    if response.detail == "access_denied":
        return SignInFailure.DENIED
    return SignInFailure.REPORTED


def failure_after(error: RemoteError) -> SignInFailure:
    """Name the failure of a request to the provider."""
    match error:
        case AnswerUnreadable():
            return SignInFailure.PROVIDER_UNREADABLE
        case RemoteRefused() | CredentialsRefused():
            return SignInFailure.PROVIDER_REFUSED
        case _:
            return SignInFailure.PROVIDER_UNREACHABLE


def with_client_secret(packed: bytes, client_secret: str) -> bytes:
    """Put the client secret into a sign-in message of the old flow; others stay as they are.

    Source: MSP API Tutorial, exercise 18, as it was in 2021.
    """
    fields = json.loads(packed)
    data = object_in(object_in(fields, "interactiveData"), "data")
    oauth2 = object_in(object_in(data, "authenticate"), "oauth2")
    if "responseEncryptionKey" not in oauth2:
        return packed
    oauth2["clientSecret"] = client_secret
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
