"""Whatever comes, it is taken, or refused in a line of JSON that says why, and nothing breaks."""

import json
import logging
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import count

import pytest
from flask import request
from hypothesis import given
from hypothesis import strategies as st

from msp_server import ApplePay, Authenticate, LineItem, PaymentEndpoints
from msp_server.agents.guide import agent as guide
from msp_server.agents.router import Router
from msp_server.app import create_app, make_asking, make_preparing, open_store_of, sealing_keys
from msp_server.delivery.answering import Answering
from msp_server.delivery.cut_offs import CutOffs
from msp_server.delivery.fetching import Fetching
from msp_server.delivery.files import Files
from msp_server.delivery.resolving import Resolving
from msp_server.delivery.signing_in import SigningIn
from msp_server.errors import TokenMissing, TokenRefused, WebhookError
from msp_server.messages.content import kind_name
from msp_server.messages.envelope import OutboundMessage, parse_message
from msp_server.messages.ids import new_message_id
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.store.opening import _set_up_sqlite
from msp_server.store.schema import InboxState
from msp_server.wire.packing import UNPACKED_LIMIT_BYTES, unpack
from msp_server.wire.tokens import bearer_token, verify
from tests.conftest import MSP_ID, SECRET
from tests.faults.any_request import AGENT_TOKEN, STATE, TOKEN, authorizations, requests_to
from tests.faults.conftest import size
from tests.faults.fuzzing import (
    BODIES,
    EXAMPLES,
    MESSAGES,
    OF_EACH_TYPE,
    OF_PAYMENTS,
    ROUNDS,
    bodies,
    fuzzed,
    good_claims,
    junk,
    places_in,
    spoilt,
    tokens,
    written,
)

#: Routes that people open in a browser, who are refused on a page.
PAGES = ("landing.", "oauth.", "desk.")
LINE_LIMIT_CHARS = 900
#: How lines begin that tell of a customer's mistake to those who run this server.
SAD_ENDS = ("buried ", "not fetched ")

every_round = pytest.mark.parametrize("number", ROUNDS)
for_hours = pytest.mark.timeout(7200)


def test_as_many_inputs_are_tried_as_are_promised():
    assert sum(EXAMPLES.values()) * len(ROUNDS) >= size(50_000, 1_000_000)


def assert_tells(reason):
    """See that a refusal is one line that says something."""
    assert reason
    assert reason.isprintable()
    assert len(reason) < LINE_LIMIT_CHARS


# Token


@for_hours
@every_round
def test_token_is_believed_only_if_our_secret_signed_it_for_us(number):
    @fuzzed("tokens")
    @given(drawn=tokens(SECRET, good_claims(MSP_ID)), max_age_s=st.sampled_from([0, 3600]))
    def check(drawn, max_age_s):
        token, is_signed = drawn
        try:
            taken = bearer_token(f"Bearer {token}")
            claims = verify(taken, [SECRET], MSP_ID, time.time(), max_age_s)
        except (TokenMissing, TokenRefused) as refusal:
            assert_tells(str(refusal))
        else:
            assert is_signed
            assert MSP_ID in claims["aud"]
            assert isinstance(claims["iat"], int | float)

    check()


# Body


@for_hours
@every_round
def test_body_is_unpacked_to_an_object_or_refused(number):
    @fuzzed("bodies")
    @given(packed=bodies(BODIES))
    def check(packed):
        try:
            fields = unpack(packed, UNPACKED_LIMIT_BYTES)
        except WebhookError as refusal:
            assert_tells(str(refusal))
        else:
            assert isinstance(fields, dict)
            json.dumps(fields, ensure_ascii=False, allow_nan=False).encode()

    check()


# Message


def parsed(fields):
    """Parse as the route does; what comes of it can be named, and kept."""
    try:
        message = parse_message({}, unpack(written(fields), UNPACKED_LIMIT_BYTES))
    except WebhookError as refusal:
        assert_tells(str(refusal))
        return
    assert kind_name(message.content)
    assert message.customer_id.isascii()
    for reference in message.references:
        assert type(reference).from_json(reference.to_json()) == reference


@pytest.mark.parametrize("name", MESSAGES)
def test_sample_is_a_message_before_it_is_spoilt(name):
    assert parse_message({}, json.loads(MESSAGES[name])).id


@for_hours
@every_round
def test_message_with_anything_wrong_is_parsed_or_refused(number):
    @fuzzed("messages")
    @given(fields=spoilt(MESSAGES))
    def check(fields):
        parsed(fields)

    check()


@pytest.mark.parametrize("name", MESSAGES)
def test_message_with_a_wrong_type_in_any_one_field_is_parsed_or_refused(name):
    fields = json.loads(MESSAGES[name])

    for holder, key in [*places_in(fields)]:
        true = holder[key]
        for wrong in OF_EACH_TYPE:
            holder[key] = wrong
            parsed(fields)
        holder[key] = true


# Routes


class Witness(logging.Handler):
    """Keeps the lines that no log may have: errors, tracebacks, endless ones."""

    def __init__(self):
        super().__init__()
        self.bad = []

    def emit(self, record):
        line = record.getMessage()
        fine = line.isprintable() and len(line) <= LINE_LIMIT_CHARS and not record.exc_info
        if not fine or (record.levelno >= logging.ERROR and not line.startswith(SAD_ENDS)):
            self.bad.append(line)


@contextmanager
def witnessed():
    """Look at every line that is logged; pytest, which would keep a million of them, sees none."""
    log = logging.getLogger("msp_server")
    witness = Witness()
    log.addHandler(witness)
    log.propagate = False
    try:
        yield witness
    finally:
        log.propagate = True
        log.removeHandler(witness)


def wait_for_no_disk(connection, record):
    _set_up_sqlite(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def store(settings, monkeypatch):
    """A store that has asked for a payment and for a sign-in."""
    ask = ApplePay(
        "Order",
        [LineItem("Kettle", "10.00")],
        merchant_name="Shop",
        country="US",
        currency="USD",
        merchant_id="m",
        endpoints=PaymentEndpoints.below("https://shop.example.com", TOKEN),
        request_id=json.loads(BODIES["bare payment_gateway"])["requestIdentifier"],
    )
    sign_in = Authenticate("Sign in", scope=["a"], state=STATE, redirect_uri="https://x.example")
    monkeypatch.setattr("msp_server.store.opening._set_up_sqlite", wait_for_no_disk)
    with closing(open_store_of(settings)) as store:
        for content, opening in ((ask, PaymentOpening(TOKEN)), (sign_in, SignInOpening(STATE))):
            message = OutboundMessage(
                new_message_id(),
                settings.business_ids[0],
                "urn:mbid:kim",
                content,
                automated=True,
                opening=opening,
            )
            store.outbox.put([message], time.time())
            store.payments.open(message.id, time.time() + 36_000)
            store.sign_ins.open(message.id, time.time() + 36_000)
        yield store


@pytest.fixture
def app(settings, store):
    """The app with everything in it; each answer says which route gave it."""
    extended = replace(
        settings,
        token_max_age_s=0,
        payment_processor="msp_server.agents.demonstration:processor",
        account_linker="msp_server.agents.demonstration:linker",
        agent_secret=f"whsec_{'A' * 32}",
        agent_token=AGENT_TOKEN,
    )
    app = create_app(extended, store)

    @app.after_request
    def say_who_answers(response):
        response.headers["x-endpoint"] = request.endpoint or ""
        return response

    return app


def assert_answered(answer, method):
    """See that a request was taken, or refused in a way that its sender can read."""
    assert answer.status_code < 500
    if answer.status_code < 400 or method == "HEAD":
        return
    if answer.headers["x-endpoint"].startswith(PAGES) and answer.mimetype == "text/html":
        assert b"<p" in answer.data
        return
    assert answer.mimetype == "application/json"
    assert answer.data.count(b"\n") <= 1
    assert_tells(answer.json["error"])


@for_hours
@every_round
def test_request_to_any_route_is_taken_or_refused(app, settings, store, number):
    conversation_id = store.conversations.find("urn:mbid:kim").id
    rules = sorted(app.url_map.iter_rules(), key=str)
    messages = [rule for rule in rules if rule.endpoint == "messages.receive_message"]
    client = app.test_client()
    numbers = count()
    reached = set()

    @fuzzed("requests")
    @given(drawn=requests_to(rules + messages * 12, authorizations(settings), conversation_id))
    def check(drawn):
        method, path, headers, body = drawn
        place = next(numbers)
        answer = client.open(
            path,
            method=method,
            headers=headers,
            data=body,
            environ_overrides={"REMOTE_ADDR": f"10.0.{place >> 8 & 255}.{place & 255}"},
        )
        reached.add((answer.headers["x-endpoint"], answer.status_code < 400))
        assert_answered(answer, method)
        assert witness.bad == []

    with witnessed() as witness:
        check()
    assert {rule.endpoint for rule in rules} <= {endpoint for endpoint, _ in reached}
    taken = {"messages.receive_message", "payments.authorise", "conversations.say"}
    assert {(endpoint, True) for endpoint in taken} <= reached


@fuzzed("payments")
@given(fields=spoilt(OF_PAYMENTS), other=junk)
def test_what_does_not_name_the_payment_changes_nothing_of_it(app, store, fields, other):
    before = store.payments.find(TOKEN)

    for route in ("paymentGateway", "paymentMethodUpdate", "shippingMethodUpdate"):
        body = written({**fields, "requestIdentifier": other})
        assert app.test_client().post(f"/{route}/{TOKEN}", data=body).status_code == 400

    assert store.payments.find(TOKEN) == before


# What was taken


class AnyTransfer:
    """Apple's store, which gives three bytes for whatever it is asked, and decodes it to junk."""

    answer = b"{}"

    @contextmanager
    def download(self, _business_id, _source, _size_bytes, _message_id):
        yield iter([b"abc"])

    def decode_payload(self, _business_id, _bid, _body, _message_id):
        return self.answer


@for_hours
@every_round
def test_what_was_taken_is_answered_or_buried_with_a_reason(settings, store, number):
    files, transfer = Files(settings.attachments_dir), AnyTransfer()
    fetching = Fetching(store, transfer, files, time.time, lambda: None)
    answering = Answering(
        store=store,
        router=Router(default=guide),
        resolving=Resolving(files),
        signing_in=SigningIn(store, None, sealing_keys(settings), time.time),
        asking=make_asking(settings),
        preparing=make_preparing(settings),
        cut_offs=CutOffs(settings.data_dir / "cut_offs"),
        now=time.time,
        on_answers=lambda: None,
        give_up_s=settings.send_give_up_s,
    )

    @fuzzed("answers")
    @given(fields=spoilt(MESSAGES), decoded=spoilt(BODIES))
    def check(fields, decoded):
        packed = written({**fields, "id": new_message_id()})
        transfer.answer = written(decoded.get("interactiveData", decoded))
        try:
            message = parse_message({}, unpack(packed, UNPACKED_LIMIT_BYTES))
        except WebhookError:
            return
        store.inbox.put(message, {}, packed, time.time())
        while fetching.fetch_next():
            pass
        while answering.answer_next():
            pass
        entry = next(each for each in store.history.newest(20) if each.message_id == message.id)
        assert entry.state == InboxState.ANSWERED or entry.reason
        assert witness.bad == []

    with witnessed() as witness:
        check()
