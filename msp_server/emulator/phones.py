"""The customers and their phones; safe for many threads."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition
from typing import TypeVar

from msp_server.emulator.attachments import attachments_to_json
from msp_server.emulator.bubbles import is_supported
from msp_server.emulator.events import Events
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.people import make_person
from msp_server.emulator.profile import FIRST_NAME, Profile, make_customer_id, make_phone_numbers
from msp_server.emulator.transcript import Deed, Entry, Transcript

CUSTOMER_LIMIT = 1_000
#: Customers whose conversation was opened from a file.
READER_LIMIT = 20

T = TypeVar("T")


class NameTaken(Exception):
    """A customer of that name exists already."""


class TooManyCustomers(Exception):
    """No further customer can be made before a reset."""


@dataclass(eq=False)
class Customer:
    """One customer of one business, with the phone that shows the conversation."""

    name: str
    business_id: str
    profile: Profile
    #: The address of invitations, `tel:` and the number.
    phone_number: str
    #: The opaque id, by which the business knows the customer.
    customer_id: str
    transcript: Transcript = field(default_factory=Transcript)
    #: Whether the conversation was opened from a file: nothing comes or goes.
    read_only: bool = False
    #: What is being sent or waits for it, each a list of entries that go out together.
    line: deque[list[Entry]] = field(default_factory=deque)

    def to_json(self) -> JsonObject:
        """Give the customer as the JSON API shows it."""
        return {
            "name": self.name,
            "person": make_person(self.name)["name"],
            "id": self.customer_id,
            "business_id": self.business_id,
            "phone_number": self.phone_number,
            "device": self.profile.device,
            "capabilities": list(self.profile.capabilities),
            "locale": self.profile.locale,
            "time_zone": self.profile.time_zone,
            "intent": self.profile.intent,
            "group": self.profile.group,
            "open": self.transcript.open,
            "read_only": self.read_only,
        }


@dataclass(frozen=True)
class Reading:
    """What a reader of a transcript gets: entries and the state of the conversation."""

    entries: list[JsonObject]
    transcript: str
    changes: int
    typing: bool
    open: bool


@dataclass(frozen=True)
class Answer:
    """What a message answers, and how the answered bubble looks then."""

    bubble: Entry
    replied: JsonObject


class Phones:
    """Every customer, under one lock; any change wakes whoever waits for one."""

    def __init__(
        self, business_ids: tuple[str, ...], seed: str = "", events: Events | None = None
    ) -> None:
        self._business_ids = business_ids
        self._seed = seed
        self._events = events or Events()
        self._changed = Condition()
        self._customers: dict[str, Customer] = {}
        self._stopped = False
        self.reset()

    def reset(self) -> None:
        """Forget everything, then make the first customer of each business anew."""
        with self._changed:
            self._customers.clear()
            for number, business_id in enumerate(self._business_ids, start=1):
                name = FIRST_NAME if number == 1 else f"{FIRST_NAME}-{number}"
                self._make(name, business_id, Profile())
            self._changed.notify_all()

    def stop(self) -> None:
        """Let every waiting reader go."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def customers(self) -> list[Customer]:
        """Give every customer, in the order they were made."""
        with self._changed:
            return list(self._customers.values())

    def find(self, name: str) -> Customer | None:
        """Give the customer of that name."""
        with self._changed:
            return self._customers.get(name)

    def find_by_id(self, customer_id: str) -> Customer | None:
        """Give the customer with that opaque id."""
        return self._find_live(lambda customer: customer.customer_id == customer_id)

    def find_by_number(self, number: str) -> Customer | None:
        """Give the customer with that telephone number, `tel:` before it."""
        return self._find_live(lambda customer: customer.phone_number == number)

    def add(self, name: str | None, business_id: str, profile: Profile) -> Customer:
        """Make a customer, of a name that is free if none is given.

        Raises:
            NameTaken: the name given is not free.
            TooManyCustomers: there are as many as may be.
        """
        with self._changed:
            if len(self._customers) >= CUSTOMER_LIMIT:
                raise TooManyCustomers
            if name in self._customers:
                raise NameTaken
            customer = self._make(name or self._free_name(), business_id, profile)
            self._tell_customer(customer)
            return customer

    def change(self, customer: Customer, profile: Profile) -> None:
        """Give a customer another profile."""
        with self._changed:
            customer.profile = profile
            self._tell_customer(customer)

    def add_reader(
        self, name: str, business_id: str, profile: Profile, transcript: Transcript
    ) -> Customer:
        """Make a customer who shows a conversation that was opened from a file.

        Raises:
            NameTaken: the name is not free.
            TooManyCustomers: there are as many, or as many such, as may be.
        """
        with self._changed:
            if sum(customer.read_only for customer in self._customers.values()) >= READER_LIMIT:
                raise TooManyCustomers
            customer = self.add(name, business_id, profile)
            customer.transcript, customer.read_only = transcript, True
            return customer

    def view(self, customer: Customer, read: Callable[[Customer], T]) -> T:
        """Give what is read from a customer's phone while nothing on it changes."""
        with self._changed:
            return read(customer)

    def receive(
        self, customer: Customer, message_id: str, fields: JsonObject, auto_reply: bool | None
    ) -> None:
        """Put what the business sent on the customer's phone."""
        supported = is_supported(fields, customer.profile)
        with self._changed:
            customer.transcript.add_received(message_id, fields, auto_reply, supported)
            self._tell_transcript(customer)

    def find_received(self, customer: Customer, wanted: Callable[[Entry], bool]) -> Entry | None:
        """Give the newest message on the phone that the business sent and that is wanted."""
        with self._changed:
            return customer.transcript.find_received(wanted)

    def find_entry(self, customer: Customer, wanted: Callable[[Entry], bool]) -> Entry | None:
        """Give the newest message on the phone that is wanted, whoever sent it."""
        with self._changed:
            return next(filter(wanted, reversed(customer.transcript.entries)), None)

    @contextmanager
    def turn(
        self,
        customer: Customer,
        messages: list[tuple[str, JsonObject]],
        answer: Answer | None = None,
        deed: Deed | None = None,
    ) -> Iterator[list[Entry]]:
        """Enter messages on the customer's phone and wait until all entered before are sent.

        Entering and lining up is one step, so the MSP gets the messages in the order the phone
        shows. Inside the `with`, nothing else of this customer is sent. The deed is noted with the
        last of them.

        Raises:
            DeedUnfit: what is to be answered cannot be; nothing is entered.
        """
        with self._changed:
            if answer:
                customer.transcript.answer(answer.bubble, answer.replied)
            entries = [customer.transcript.add_sent(*message) for message in messages]
            if entries:
                entries[-1].deed = deed
            customer.line.append(entries)
            self._tell_transcript(customer)
            self._changed.wait_for(lambda: customer.line[0] is entries)
        try:
            yield entries
        finally:
            with self._changed:
                customer.line.popleft()
                self._changed.notify_all()

    def settle(self, customer: Customer, entry: Entry, error: str | None) -> None:
        """Note on the phone how sending an entry ended."""
        with self._changed:
            customer.transcript.settle(entry, error)
            self._tell_transcript(customer)

    def read(self, customer: Customer, wanted: Callable[[Entry], bool], wait_s: float) -> Reading:
        """Give a transcript's wanted entries, waiting for the first if there is none.

        Waits until `wait_s` have passed, the customer is gone, or the emulator stops.
        """
        transcript = customer.transcript
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._stopped
                    or self._customers.get(customer.name) is not customer
                    or any(map(wanted, reversed(transcript.entries)))
                ),
                timeout=wait_s,
            )
            return Reading(
                entries=[
                    entry.to_json() | attachments_to_json(entry, customer.name)
                    for entry in transcript.entries
                    if wanted(entry)
                ],
                transcript=transcript.key,
                changes=transcript.changes,
                typing=transcript.typing,
                open=transcript.open,
            )

    def _find_live(self, wanted: Callable[[Customer], bool]) -> Customer | None:
        """Give the customer who is wanted and whom messages can reach."""
        live = (customer for customer in self.customers() if not customer.read_only)
        return next(filter(wanted, live), None)

    def _tell_customer(self, customer: Customer) -> None:
        self._events.tell("customers", {"customer": customer.name})
        self._changed.notify_all()

    def _tell_transcript(self, customer: Customer) -> None:
        """Tell how far a transcript has come, as its readers count."""
        transcript = customer.transcript
        self._events.tell(
            "transcript",
            {
                "customer": customer.name,
                "transcript": transcript.key,
                "changes": transcript.changes,
            },
        )
        self._changed.notify_all()

    def _make(self, name: str, business_id: str, profile: Profile) -> Customer:
        taken = {customer.phone_number for customer in self._customers.values()}
        numbers = make_phone_numbers(business_id, name, self._seed)
        number = next(number for number in numbers if number not in taken)
        customer_id = make_customer_id(business_id, name, self._seed)
        self._customers[name] = Customer(name, business_id, profile, number, customer_id)
        return self._customers[name]

    def _free_name(self) -> str:
        number = len(self._customers) + 1
        while f"customer-{number}" in self._customers:
            number += 1
        return f"customer-{number}"
