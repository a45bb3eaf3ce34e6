"""What a customer does with a message that asks to sign in, and what the device makes of it."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from msp_server.emulator.account_checks import is_older
from msp_server.emulator.api import ApiMistake, read_fields
from msp_server.emulator.browser import Browser, Page
from msp_server.emulator.consent import ALLOW, DENY
from msp_server.emulator.customer import find_customer
from msp_server.emulator.deeds import find_bubble
from msp_server.emulator.journal import Exchange, Journal, fingerprint
from msp_server.emulator.masking import MASK, masked
from msp_server.emulator.msp import Msp
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.phones import Customer, Phones
from msp_server.emulator.reachable import find_objection, without_query
from msp_server.emulator.replies import Reply, frame, tell_choice
from msp_server.emulator.sending import Receipt, Sending
from msp_server.emulator.settings import EmulatorSettings
from msp_server.emulator.shapes import object_in, text_in
from msp_server.emulator.sign_in_sheet import (
    Closing,
    Sheet,
    make_address,
    read_query,
    with_state,
)
from msp_server.emulator.token_exchange import exchange_code, read_token, tell_failure, tell_token
from msp_server.emulator.transcript import Deed, DeedUnfit, Entry

Do: TypeAlias = Literal["allow", "deny", "close", "give_up"]
Order: TypeAlias = Literal["callback_first", "message_first", "callback_only", "message_only"]

#: Which button a customer presses who presses one.
_BUTTONS: Final[dict[Do, str]] = {"allow": ALLOW, "deny": DENY}
#: Where a provider sends a customer back to Apple, in the older flow. Source: assumed.
_APPLES_ADDRESS: Final = "/oauth/signed_in"
#: Statuses with which a customer is signed in.
_GOOD: Final = frozenset({"success", "authenticated"})
#: What the bubble says when the customer is not. Source: observed.
_FAILED_TITLE: Final = "Authentication Failed"
STATE_LIMIT: Final = 4_096

T = TypeVar("T", bound=str)


@dataclass(frozen=True)
class Wish:
    """What the customer does, and in which order things then happen."""

    do: Do
    order: Order
    #: Handed to the callback instead of the right one.
    state: str | None
    #: Whether the callback is called twice.
    repeat: bool

    def to_json(self) -> JsonObject:
        """Give the wish as the JSON API takes it, without what goes without saying."""
        wish: JsonObject = {"do": self.do}
        if self.order != "callback_first":
            wish["order"] = self.order
        if self.state is not None:
            wish["state"] = self.state
        return wish | ({"repeat": True} if self.repeat else {})


@dataclass(frozen=True)
class SignIns:
    """Signs customers in."""

    settings: EmulatorSettings
    phones: Phones
    sending: Sending
    msp: Msp
    journal: Journal

    def answer(self, customer: Customer, bubble: Entry, wish: Wish) -> ResponseReturnValue:
        """Answer a message that asks to sign in, by the flow that the message is made for."""
        authenticate = object_in(object_in(bubble.interactive, "data"), "authenticate")
        oauth = object_in(authenticate, "oauth2")
        own = request.host_url.rstrip("/")
        with Browser(self._allowed_origins) as browser:
            sheet = Sheet(browser, customer.name, lambda page: self._note(customer, page))
            if not is_older(authenticate):
                return _Newer(self, customer, bubble, wish, sheet).run(own, oauth)
            if (wish.order, wish.state, wish.repeat) != ("callback_first", None, False):
                raise ApiMistake(
                    400, "order, state and repeat are not for the older flow: it has no callback"
                )
            told = self._sign_in_older(sheet, browser, own, oauth, wish)
            receipt = self.send(customer, bubble, told, wish)
            return _show("AUTH", sheet, None, told, receipt)

    def send(self, customer: Customer, bubble: Entry, told: JsonObject, wish: Wish) -> Receipt:
        """Send the message that tells the business how signing in ended."""
        deed = Deed("sign_in", wish.to_json(), bubble.message_id)
        return self.sending.answer(customer, bubble, build_reply(bubble, told), deed)

    def address(self, own: str, oauth: JsonObject, back: str) -> str:
        """Make the address at which a customer signs in.

        Raises:
            ApiMistake: 400, the redirect URI or the provider may not be called.
        """
        oauth_url = self.settings.oauth_url or f"{own}/oauth/authorize"
        address = make_address(oauth_url, oauth, self.settings.oauth_client_id, back)
        for name, called in (("The redirectURI", back), ("The address of the provider", address)):
            objection = find_objection(called, self._allowed_origins())
            if objection:
                raise ApiMistake(400, f"{name} is not called: {objection}")
        return address

    def _sign_in_older(
        self, sheet: Sheet, browser: Browser, own: str, oauth: JsonObject, wish: Wish
    ) -> JsonObject:
        """Sign in, and give what the device tells then.

        With responseType `token` a provider would give the token itself; it is exchanged here all
        the same.

        Source: Business Chat API, "Authenticating a User"; the way back assumed.
        """
        back = f"{own}{_APPLES_ADDRESS}"
        page = sheet.open(self.address(own, oauth, back))
        button = _BUTTONS.get(wish.do)
        returned = sheet.decide(page, button, back) if button else None
        answer = read_query(returned or "")
        if "code" not in answer or answer.get("state") != text_in(oauth, "state"):
            return tell_failure(answer.get("error", "The customer did not sign in"))
        page = exchange_code(
            browser,
            self.settings.oauth_token_url or f"{own}/oauth/token",
            {
                "code": answer["code"],
                "redirect_uri": back,
                "client_id": self.settings.oauth_client_id,
                "client_secret": text_in(oauth, "clientSecret") or "",
            },
        )
        sheet.pages.append(page)
        token = read_token(page)
        if token is None:
            return tell_failure("Failed getting token")
        return tell_token(token, text_in(oauth, "responseEncryptionKey") or "")

    def _allowed_origins(self) -> tuple[str, ...]:
        named = (
            self.msp.url,
            self.settings.oauth_url,
            self.settings.oauth_token_url,
            request.host_url,  # one of the emulator's own names, or the guard had refused it
        )
        return tuple(url for url in named if url is not None)

    def _note(self, customer: Customer, page: Page) -> None:
        """Note a call to the business in the journal, without what its query says."""
        query = f"?{MASK}" if "?" in page.address else ""
        self.journal.add(
            Exchange(
                direction="to_msp",
                method=page.method,
                url=without_query(page.address) + query,
                headers={},
                jwt=None,
                body_sha256=fingerprint(b""),
                packed_bytes=0,
                unpacked_bytes=0,
                fields=None,
                kind="sign_in",
                status=page.status,
                reason=page.error,
                customer=customer.name,
            )
        )


@dataclass(frozen=True)
class _Newer:
    """One sign-in of the newer flow."""

    sign_ins: SignIns
    customer: Customer
    bubble: Entry
    wish: Wish
    sheet: Sheet

    def run(self, own: str, oauth: JsonObject) -> ResponseReturnValue:
        """Sign in: callback and message, in the order that is wished for."""
        back = text_in(oauth, "redirectURI") or ""
        page = self.sheet.open(self.sign_ins.address(own, oauth, back))
        button = _BUTTONS.get(self.wish.do)
        returned = self.sheet.decide(page, button, back) if button else None
        closing, receipt = None, None
        told: JsonObject = {"status": "cancel" if self.wish.do == "close" else "unknown"}
        if self.wish.order in ("message_first", "message_only"):
            told = _foretell(returned) or told
            receipt = self._send(told)
        if returned is not None and self.wish.order != "message_only":
            closing = self._call_back(returned)
            if self.wish.order != "message_first" and closing is not None:
                told = closing.to_answer()
        if self.wish.order == "callback_first":
            receipt = self._send(told)
        return _show("AUTH2", self.sheet, closing, told, receipt)

    def _send(self, told: JsonObject) -> Receipt:
        return self.sign_ins.send(self.customer, self.bubble, told, self.wish)

    def _call_back(self, address: str) -> Closing | None:
        """Call the callback once or twice; the first answer closes the sheet."""
        if self.wish.state is not None:
            address = with_state(address, self.wish.state)
        closing = self.sheet.call_back(address)
        if self.wish.repeat:
            self.sheet.call_back(address)
        return closing


def blueprint(sign_ins: SignIns) -> Blueprint:
    """Make the route of signing in."""
    bp = Blueprint("sign_in_deeds", __name__, url_prefix="/customers")

    @bp.post("/<name>/sign_in")
    def sign_in(name: str) -> ResponseReturnValue:
        customer = find_customer(sign_ins.phones, name)
        fields = read_fields("to", "do", "order", "state", "repeat")
        wish = _read_wish(fields)
        bubble = find_bubble(sign_ins.phones, customer, "sign_in", fields)
        if not bubble.answerable:
            raise DeedUnfit("The customer's device cannot show this sign_in: choose another device")
        return sign_ins.answer(customer, bubble, wish)

    return bp


def build_reply(bubble: Entry, told: JsonObject) -> Reply:
    """Build the reply to a message that asks to sign in.

    Source: MSP REST API, "Interactive Data", sample "receiving an authentication response"; the
    title of a failure observed, that of a success without one of its own assumed.
    """
    replied = object_in(bubble.interactive, "replyMessage")
    if told["status"] not in _GOOD:
        replied = tell_choice(bubble, _FAILED_TITLE)
    elif not replied:
        replied = tell_choice(bubble, "Signed In")
    return frame(bubble, {"authenticate": told}, replied)


def _foretell(returned: str | None) -> JsonObject | None:
    """Tell from the provider's answer alone how signing in will end.

    Source: assumed.
    """
    if returned is None:
        return None
    answer = read_query(returned)
    if "code" in answer:
        return {"status": "success"}
    return Closing("error", answer.get("error")).to_answer()


def _read_wish(fields: JsonObject) -> Wish:
    state, repeat = fields.get("state"), fields.get("repeat", False)
    if state is not None and not (isinstance(state, str) and len(state) <= STATE_LIMIT):
        raise ApiMistake(400, f"state has to be a text of at most {STATE_LIMIT} characters")
    if not isinstance(repeat, bool):
        raise ApiMistake(400, "repeat has to be true or false")
    return Wish(
        do=_read_word(fields, "do", get_args(Do)),
        order=_read_word(fields, "order", get_args(Order)),
        state=state,
        repeat=repeat,
    )


def _read_word(fields: JsonObject, name: str, words: tuple[T, ...]) -> T:
    """Read a word out of some, the first by default."""
    given = fields.get(name)
    for word in words:
        if given is None or given == word:
            return word
    raise ApiMistake(400, f"{name} has to be one of {', '.join(words)}")


def _show(
    flow: str,
    sheet: Sheet,
    closing: Closing | None,
    told: JsonObject,
    receipt: Receipt | None,
) -> ResponseReturnValue:
    """Give what happened; 502 says that the MSP did not answer the message at all."""
    lost = receipt is not None and receipt.outcome.status is None
    return {
        "flow": flow,
        "steps": [page.to_json() for page in sheet.pages],
        "result": closing.to_json() if closing else None,
        "message": receipt.to_json() if receipt else None,
    } | masked({"authenticate": told}), 502 if lost else 200
