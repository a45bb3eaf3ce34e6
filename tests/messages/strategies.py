"""Random contents that keep every limit, Apple's and the vendors'.

`contents()` gives any of them. An invitation among them goes to a telephone number, all others to
an opaque ID.
"""

import base64
import string
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import get_args

from hypothesis import strategies as st

from msp_server.messages.apple_pay import (
    ApplePay,
    ContactField,
    LineItem,
    MerchantCapability,
    Network,
    PaymentEndpoints,
    ShippingMethod,
)
from msp_server.messages.authenticate import Authenticate, ResponseType
from msp_server.messages.content import OutboundContent
from msp_server.messages.custom_app import CustomApp
from msp_server.messages.form import Form, Splash
from msp_server.messages.form_pages import (
    DatePage,
    InputPage,
    Keyboard,
    Option,
    PickerPage,
    SelectPage,
)
from msp_server.messages.image import Image
from msp_server.messages.interactive import Bubble, Style, identifiers
from msp_server.messages.invitation import Invitation
from msp_server.messages.list_picker import Item, ListPicker, Section
from msp_server.messages.money import COUNTRIES, CURRENCIES
from msp_server.messages.presence import TypingEnd, TypingStart
from msp_server.messages.quick_reply import Choice, QuickReply
from msp_server.messages.raw_interactive import RawInteractive
from msp_server.messages.rich_link import RichLink, Video
from msp_server.messages.text import Text
from msp_server.messages.time_picker import Location, TimePicker, Timeslot

PLUGIN = "com.apple.messages.MSMessageExtensionBalloonPlugin"
ZONES = [UTC, *(timezone(timedelta(minutes=minutes)) for minutes in (-720, -210, 60, 345, 840))]
CONTENT_TYPES = ["name", "emailAddress", "postalCode", "oneTimeCode"]
PATH = string.ascii_letters + string.digits + "-._~/"

letters = st.characters(exclude_categories=["Cs"])
printable = st.characters(exclude_categories=["Cs", "Cc"])
titles = st.text(printable, min_size=1, max_size=12) | st.just("x" * 200)
shown = st.none() | st.text(printable, max_size=12) | st.just("é" * 200)
words = st.text(letters, min_size=1, max_size=30).filter(str.strip)
own_identifiers = st.text(letters, min_size=1, max_size=12) | st.just("i" * 200)
page_identifiers = st.text(letters, min_size=1, max_size=9) | st.just("p" * 19)

descriptions = st.none() | st.text(printable, max_size=12)
images = st.builds(
    lambda rest, description: Image(b"\x89PNG\r\n\x1a\n" + rest, description=description),
    st.binary(max_size=8) | st.just(b"\0" * 15_351),
    descriptions,
)
any_images = st.none() | images
bubbles = st.builds(
    Bubble,
    titles,
    shown,
    style=st.none() | st.sampled_from(Style),
    image=any_images,
    image_title=shown,
    image_subtitle=shown,
    secondary_subtitle=shown,
    tertiary_subtitle=shown,
)

texts = words.map(Text)
addresses = st.text(PATH, max_size=20).map("https://shop.example.com/{}".format)
rich_links = st.builds(
    RichLink,
    addresses | st.just("https://" + "x" * 8184),
    titles,
    images,
    video=st.none() | addresses.map(Video),
)
shared = {
    "name": st.none() | words,
    "fallback": st.none() | texts | rich_links,
    "request_id": st.none() | own_identifiers,
    "session_id": st.none() | own_identifiers,
}
bubbled = {"received": titles | bubbles, "replied": st.none() | titles | bubbles, **shared}


@st.composite
def some_identifiers(draw, count, from_these=own_identifiers):
    """Give an identifier of its own, or none, for each of so many."""
    own = draw(st.lists(from_these, min_size=count, max_size=count, unique=True))
    return [name if draw(st.booleans()) else None for name in own]


@st.composite
def quick_replies(draw):
    names = draw(some_identifiers(draw(st.integers(2, 5))))
    items = [Choice(draw(titles), name) if name else draw(titles) for name in names]
    return QuickReply(draw(titles), items, **draw(st.fixed_dictionaries(shared)))


@st.composite
def list_pickers(draw):
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    names = iter(draw(some_identifiers(sum(counts))))
    sections = []
    for count in counts:
        items = [draw(titles | items_called(next(names))) for _ in range(count)]
        sections.append(Section(draw(titles), items, multiple=draw(st.booleans())))
    return ListPicker(sections=sections, **draw(st.fixed_dictionaries(bubbled)))


def items_called(identifier):
    return st.builds(Item, titles, shown, identifier=st.just(identifier), image=any_images)


starts = st.datetimes(
    datetime(1001, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9998, 12, 30),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from(ZONES),
).map(lambda start: start.replace(second=0, microsecond=0))
locations = st.builds(
    Location,
    titles,
    st.floats(-90, 90),
    st.floats(-180, 180),
    radius_m=st.floats(1, 10**7),
)


@st.composite
def time_pickers(draw):
    names = draw(some_identifiers(draw(st.integers(1, 4))))
    slots = [Timeslot(draw(starts), draw(st.integers(1, 10**6)), name) for name in names]
    return TimePicker(
        timeslots=slots,
        event=draw(shown) or "",
        timezone_offset_min=draw(st.none() | st.integers(-1080, 1080)),
        location=draw(st.none() | locations),
        image=draw(any_images),
        **draw(st.fixed_dictionaries(bubbled)),
    )


@st.composite
def options(draw, targets):
    """Give the options of a page; the first of them never leads back."""
    names = draw(some_identifiers(draw(st.integers(1, 3))))
    return [
        draw(titles)
        if draw(st.booleans())
        else Option(
            draw(titles),
            value=draw(shown),
            identifier=name,
            image=draw(any_images),
            next=draw(targets) if place else None,
        )
        for place, name in enumerate(names)
    ]


@st.composite
def select_pages(draw, common, names):
    multiple = draw(st.booleans())
    targets = st.none() if multiple else st.none() | st.sampled_from(names)
    return SelectPage(**common, items=draw(options(targets)), multiple=multiple)


@st.composite
def picker_pages(draw, common, _names):
    items = draw(options(st.none()))
    selected = draw(st.integers(0, len(items) - 1))
    return PickerPage(**common, items=items, label=draw(shown) or "", selected=selected)


@st.composite
def date_pages(draw, common, _names):
    earliest, latest = sorted([draw(st.dates()), draw(st.dates())])
    parts = draw(st.permutations(["yyyy", "MM", "dd"]))
    return DatePage(
        **common,
        hint=draw(shown),
        label=draw(shown),
        start=draw(st.none() | st.just(earliest)),
        earliest=draw(st.none() | st.just(earliest)),
        latest=draw(st.none() | st.just(latest)),
        date_format=draw(st.sampled_from("/-. %")).join(parts),
    )


@st.composite
def input_pages(draw, common, _names):
    multiline = draw(st.booleans())
    return InputPage(
        **common,
        hint=draw(shown),
        required=draw(st.booleans()),
        multiline=multiline,
        regex=draw(st.sampled_from([None, r"\d{5}", "[^@]+@[^@]+"])),
        placeholder=draw(shown),
        label=None if multiline else draw(shown),
        prefix=None if multiline else draw(shown),
        highest_chars=draw(st.none() | st.integers(1, 10_000)),
        keyboard=draw(st.none() | st.sampled_from(Keyboard)),
        content_type=draw(st.none() | st.sampled_from(CONTENT_TYPES)),
    )


@st.composite
def forms(draw):
    """Give a form whose pages lead forwards, and by some options back."""
    own = draw(some_identifiers(draw(st.integers(1, 4)), page_identifiers))
    names = identifiers(own, "pages.identifier")
    pages = []
    for place, name in enumerate(own):
        behind = names[place + 1 :]
        common = {
            "title": draw(titles),
            "subtitle": draw(titles),
            "identifier": name,
            "next": draw(st.none() | st.sampled_from(behind)) if behind else None,
            "last": draw(st.booleans()),
        }
        kind = draw(st.sampled_from([select_pages, picker_pages, date_pages, input_pages]))
        pages.append(draw(kind(common, names)))
    splash = st.builds(Splash, titles, titles | st.just(""), button=titles, image=any_images)
    return Form(
        pages=pages,
        splash=draw(st.none() | splash),
        summary=draw(st.booleans()),
        private=draw(st.booleans()),
        **draw(st.fixed_dictionaries(bubbled)),
    )


countries = st.sampled_from(sorted(COUNTRIES))
contact_fields = st.lists(st.sampled_from(ContactField), unique=True)
endpoints = st.builds(
    PaymentEndpoints,
    addresses,
    card_url=st.none() | addresses,
    address_url=st.none() | addresses,
    shipping_url=st.none() | addresses,
    tracking_url=st.none() | addresses,
    fallback_url=st.none() | addresses,
)


@st.composite
def apple_pays(draw):
    """Give a payment that is complete but for its session, and comes to something."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]) | st.sampled_from(sorted(CURRENCIES)))

    def price(lowest, highest=10**10):
        return Decimal(draw(st.integers(lowest, highest))).scaleb(-CURRENCIES[currency])

    items = [LineItem(draw(titles), price(1), pending=draw(st.booleans()))]
    for _ in range(draw(st.integers(0, 2))):
        items.append(LineItem(draw(titles), price(0), pending=draw(st.booleans())))
    left = int(sum(item.amount for item in items).scaleb(CURRENCIES[currency])) - 1
    if left and draw(st.booleans()):
        items.append(LineItem(draw(titles), price(-left, 0)))
    names = draw(some_identifiers(draw(st.integers(0, 3))))
    return ApplePay(
        line_items=draw(st.permutations(items)),
        merchant_name=draw(titles),
        country=draw(countries),
        currency=currency,
        shipping_methods=[
            ShippingMethod(draw(titles), price(0), draw(shown) or "", identifier=name)
            for name in names
        ],
        billing_fields=draw(contact_fields),
        shipping_fields=draw(contact_fields),
        networks=draw(st.lists(st.sampled_from(Network), min_size=1, unique=True)),
        merchant_capabilities=draw(
            st.lists(st.sampled_from(MerchantCapability), min_size=1, unique=True)
        ),
        supported_countries=draw(st.lists(countries, max_size=3)),
        merchant_id="merchant.com.example.shop",
        endpoints=draw(endpoints),
        **draw(st.fixed_dictionaries(bubbled)),
    )


#: A point of the curve, as the old flow wants it.
KEY = (
    "BC9ZZDZD2oIvOIxeuILK21vI+Y+TCdWe70mVTXfbqri0O2q4eFHb6NV6em7lCbCYBEPiPDh7E0oN35XEX5OJcvx3"
    "DeXsytxwStQmJCMd+pk4pZbhPxCoClVETmND4/+NFA=="
)
visible = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\')
scopes = st.lists(st.text(visible, min_size=1, max_size=12) | st.just("s" * 200), min_size=1)
parameters = (
    st.none()
    | st.dictionaries(words, st.text(letters, max_size=9), min_size=1, max_size=3)
    | st.just("prompt=login")
)


def authenticates():
    """Give a request to sign in that is complete but for its client secret, of either flow."""
    flows = st.fixed_dictionaries(
        {"redirect_uri": addresses}, optional={"response_type": st.just(ResponseType.CODE)}
    ) | st.fixed_dictionaries(
        {"response_encryption_key": st.just(KEY), "response_type": st.sampled_from(ResponseType)}
    )
    common = st.fixed_dictionaries(
        {
            "scope": scopes,
            "state": st.text(visible, min_size=1, max_size=44) | st.just("s" * 1024),
            "additional_parameters": parameters,
            **bubbled,
        }
    )
    return st.builds(lambda these, those: Authenticate(**these, **those), common, flows)


app_bubbles = st.builds(
    Bubble, titles, shown, style=st.none() | st.sampled_from(Style), image_title=shown
)
custom_apps = st.builds(
    CustomApp,
    titles | app_bubbles,
    st.from_regex(r"[A-Z0-9]{10}:[a-z]{1,9}\.[A-Za-z.]{1,20}", fullmatch=True)
    .filter(lambda name: not name.startswith("0000000000"))
    .map(f"{PLUGIN}:{{}}".format),
    st.integers(1, 10**10),
    titles,
    st.dictionaries(words, st.text(letters, max_size=20), max_size=4)
    | st.text(PATH + "&=+", max_size=30).map("?{}".format)
    | st.just("?" + "x" * 65_535),
    replied=st.none() | titles | app_bubbles,
    icon=any_images,
    live_layout=st.booleans(),
    **shared,
)
invitations = st.builds(
    Invitation,
    st.text(printable, min_size=1, max_size=20) | st.just("b" * 255),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\"'\u2018\u2019\u201c\u201d"),
        min_size=1,
        max_size=20,
    )
    | st.just("r" * 1000),
    logo=any_images,
    locale=st.sampled_from(["en-us", "de-de"]),
    **shared,
)
presences = st.builds(TypingStart) | st.builds(TypingEnd)


def answerables():
    """Give any interactive content that a customer can answer."""
    ours = quick_replies() | list_pickers() | time_pickers() | forms()
    return ours | apple_pays() | authenticates() | custom_apps | invitations


def raw_interactives():
    """Give the JSON of an interactive content as it would be sent, ids and all."""
    made = quick_replies() | list_pickers() | time_pickers() | forms() | custom_apps
    made |= apple_pays() | authenticates()
    return st.builds(
        lambda content, **fields: RawInteractive(
            content.identified("c0ffee").to_wire()["interactiveData"], **fields
        ),
        made,
        **shared,
    )


def contents():
    """Give any content that can be sent, save files and what stands for something sent before.

    What is filled in while a message is sent, a merchant session and a client secret, is missing.
    """
    return texts | rich_links | presences | answerables() | raw_interactives()


def to_json(value):
    """Write a content as JSON that `parse_outbound` reads: its kind, and its fields by name."""
    if is_dataclass(value):
        named = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
        written = {name: to_json(each) for name, each in named.items() if each not in (None, ())}
        written.pop("raw", None)
        return written | (
            {"kind": type(value).__name__} if isinstance(value, get_args(OutboundContent)) else {}
        )
    if isinstance(value, Mapping):
        return {name: to_json(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(each) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
