import json
import logging
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from msp_server import metrics
from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.predicates import says
from msp_server.agents.program import Program
from msp_server.agents.router import Router
from msp_server.delivery.answering import (
    GIVE_UP_S,
    STATE_LIMIT_BYTES,
    STORE_DELAY_S,
    Answering,
)
from msp_server.delivery.asking import Asking
from msp_server.delivery.cut_offs import CUT_OFFS_LIMIT, CutOffs
from msp_server.delivery.equipping import Equipping
from msp_server.delivery.files import Files
from msp_server.delivery.preparing import Preparing
from msp_server.delivery.resolving import Resolving
from msp_server.delivery.sending import FIRST_DELAY_S, LONGEST_DELAY_S
from msp_server.delivery.signing_in import LOOK_AGAIN_S, RETURN_LIMIT_S, SigningIn
from msp_server.errors import (
    AnswerUnreadable,
    CredentialsRefused,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
    StoreError,
    StoreUnavailable,
)
from msp_server.messages.apple_pay import ApplePay, ApplePayResponse, LineItem
from msp_server.messages.attachment import Attachment
from msp_server.messages.authenticate import Authenticate, AuthenticateResponse, SignInFailure
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown
from msp_server.messages.envelope import InboundMessage, OutboundMessage, parse_message
from msp_server.messages.form import Form
from msp_server.messages.form_pages import InputPage
from msp_server.messages.interactive import BID
from msp_server.messages.list_picker import Item, ListPicker, ListPickerResponse, Section
from msp_server.messages.payment import PaymentStatus
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.quick_reply import QuickReply, QuickReplyResponse
from msp_server.messages.text import Text
from msp_server.settings import ApplePaySettings, Settings, SignInSettings
from msp_server.store.opening import open_store
from msp_server.store.outbox import CLOSED
from msp_server.store.sign_ins import Return
from msp_server.wire.file_addresses import FileAddresses

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
LEASE_S = 60
PROGRAM_GIVE_UP_S = 600
SEALING_KEY = bytes(32)
SETTINGS = Settings(
    msp_id="11112222-3333-4444-5555-666677778888",
    business_ids=(BUSINESS,),
    api_secrets=(bytes(32),),
    gateway_url="https://gateway.example.com/v1",
    emulated=False,
    endpoint="https://msp.example.com",
    apple_pay=ApplePaySettings(merchant_id="merchant.com.example.shop"),
    payment_processor="shop.money:processor",
    sign_in=SignInSettings(token_url="https://id.example.com/token"),
)


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at


class Ids:
    def __init__(self):
        self.given = 0

    def __call__(self):
        self.given += 1
        return f"answer {self.given}"


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield store
    store.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def agent():
    return Agent("front desk")


@pytest.fixture
def router(agent):
    return Router(default=agent)


@pytest.fixture
def woken():
    """List a mark for each time that sending was told of answers."""
    return []


def make_answering(store, router, clock, new_id=None, on_answers=lambda: None, programs=None):
    equipping = Equipping(SETTINGS, SEALING_KEY)
    preparing = Preparing(clock, new_id or Ids(), True, Files(Path("outgoing")), equipping)
    resolving = Resolving(Files(Path("attachments")))
    signing_in = SigningIn(store, None, [SEALING_KEY], clock)
    cut_offs = CutOffs(Path("cut_offs"))
    asking = Asking(programs, FileAddresses("", (bytes(32),), clock), clock)
    parts = (resolving, signing_in, asking, preparing, cut_offs)
    return Answering(store, router, *parts, clock, on_answers, PROGRAM_GIVE_UP_S)


@pytest.fixture
def answering(store, router, clock, woken):
    return make_answering(store, router, clock, on_answers=lambda: woken.append("woken"))


@pytest.fixture
def receive(store):
    """Give a function that puts a message in the inbox as the webhook does."""

    def put(message_id="1", kind="text", headers=None, now=NOW, **fields):
        fields = {"id": message_id, "type": kind, "v": 1} | fields
        headers = {"id": message_id, "source-id": CUSTOMER, "destination-id": BUSINESS} | (
            headers or {}
        )
        packed = json.dumps(fields).encode()
        assert store.inbox.put(parse_message(headers, fields), headers, packed, now)

    return put


def say(agent, *contents):
    """Let an agent answer every text with these."""

    @agent.on(Text)
    def answer(_text, _conversation):
        return contents


def outgoing(store):
    """Send what is due, and give the fields of each."""
    sent = []
    while (entry := store.outbox.claim(NOW, LEASE_S)) is not None:
        store.outbox.finish(entry, NOW)
        sent.append(json.loads(entry.packed))
    return sent


def noted(store, message_id="1"):
    return next(one for one in store.history.newest(100) if one.message_id == message_id)


# From the inbox to the outbox


def test_answer_next_finds_nothing_in_an_empty_inbox(answering):
    assert answering.answer_next() is False


def test_answer_next_tells_that_there_was_something(answering, receive):
    receive()

    assert answering.answer_next() is True


def test_an_answer_goes_to_whom_it_answers(answering, agent, store, receive):
    say(agent, Text("Hello"))
    receive(body="Hi")

    answering.answer_next()

    assert outgoing(store) == [
        {
            "v": 1,
            "type": "text",
            "id": "answer 1",
            "sourceId": BUSINESS,
            "destinationId": CUSTOMER,
            "body": "Hello",
        }
    ]


def test_a_handler_reads_what_was_said(answering, agent, store, receive):
    heard = []
    agent.on(Text)(lambda text, _conversation: heard.append(text.body))
    receive(body="Grüße")

    answering.answer_next()

    assert heard == ["Grüße"]


def test_several_answers_go_in_the_order_of_the_handler(answering, agent, store, receive):
    say(agent, TypingStart(), Text("one"), TypingEnd(), Text("two"))
    receive(body="Hi")

    answering.answer_next()

    assert [fields["type"] for fields in outgoing(store)] == [
        "typing_start",
        "text",
        "typing_end",
        "text",
    ]


def test_every_answer_has_an_id_of_its_own(answering, agent, store, receive):
    say(agent, Text("one"), Text("two"))
    receive(body="Hi")

    answering.answer_next()

    assert [fields["id"] for fields in outgoing(store)] == ["answer 1", "answer 2"]


@pytest.mark.parametrize(("automated", "header"), [(True, "true"), (False, None)])
def test_an_answer_tells_whether_a_machine_wrote_it(store, clock, receive, automated, header):
    agent = Agent("front desk", automated=automated)
    say(agent, Text("Hello"))
    receive(body="Hi")

    make_answering(store, Router(default=agent), clock).answer_next()

    assert store.outbox.claim(NOW, LEASE_S).headers.get("auto-reply") == header


def test_messages_of_a_conversation_are_answered_in_their_order(answering, agent, store, receive):
    agent.on(Text)(lambda text, _conversation: Text(f"heard {text.body}"))
    for number in "123":
        receive(number, body=number)

    while answering.answer_next():
        pass

    assert [fields["body"] for fields in outgoing(store)] == ["heard 1", "heard 2", "heard 3"]


def test_a_message_nobody_answers_is_answered_with_nothing(answering, store, receive):
    receive(body="Hi")

    answering.answer_next()

    assert (noted(store).state, outgoing(store)) == ("ANSWERED", [])


def test_sending_is_told_of_answers(answering, woken, receive):
    receive(body="Hi")

    answering.answer_next()

    assert woken == ["woken"]


def test_sending_is_told_only_once_answers_are_committed(store, router, agent, clock, receive):
    seen = []
    say(agent, Text("Hello"))
    receive(body="Hi")

    answering = make_answering(
        store, router, clock, on_answers=lambda: seen.extend(outgoing(store))
    )
    answering.answer_next()

    assert [fields["body"] for fields in seen] == ["Hello"]


def test_an_answered_message_is_logged_by_its_id(answering, agent, receive, caplog):
    caplog.set_level(logging.DEBUG)
    say(agent, Text("Hello"))
    receive("message 7", body="Hi")

    answering.answer_next()

    assert "answered message_id='message 7' kind=Text" in caplog.text


def test_the_log_does_not_tell_what_was_said_or_by_whom(answering, agent, receive, caplog):
    caplog.set_level(logging.DEBUG)
    customer = "urn:mbid:a-name-that-is-long-enough"
    say(agent, Text("a secret answer"))
    receive(body="a secret question", headers={"source-id": customer})

    answering.answer_next()

    assert [words for words in ("secret", customer) if words in caplog.text] == []


def test_answers_to_one_who_left_meanwhile_are_buried(answering, agent, store, receive):
    def leave(_text, _conversation):
        receive("2", kind="close")
        return Text("too late")

    agent.on(Text)(leave)
    receive(body="Hi")

    answering.answer_next()

    assert store.outbox.state("answer 1") == ("BURIED", CLOSED)


# Who is asked, and what about


def test_the_agent_is_chosen_by_the_intent(answering, agent, router, store, receive):
    billing = Agent("billing")
    say(agent, Text("front desk"))
    say(billing, Text("billing"))
    router.add(billing, intent="billing")
    receive(body="Hi", intent="billing")

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["billing"]


def test_the_intent_of_an_earlier_message_still_chooses(answering, agent, router, store, receive):
    billing = Agent("billing")
    say(billing, Text("billing"))
    router.add(billing, intent="billing")
    receive("1", kind="typing_start", intent="billing")
    receive("2", body="Hi")

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["billing"]


def test_a_handler_is_told_all_that_is_known_of_the_conversation(answering, agent, receive, store):
    told = []
    agent.on(Text)(lambda _text, conversation: told.append(conversation))
    receive(
        body="Hi",
        locale="de_AT",
        intent="billing",
        group="vip",
        headers={"capability-list": "LIST,TIME"},
    )

    answering.answer_next()

    assert told == [
        Conversation(
            business_id=BUSINESS,
            customer_id=CUSTOMER,
            message_id="1",
            capabilities=frozenset({Capability.LIST, Capability.TIME}),
            locale="de_AT",
            intent="billing",
            group="vip",
            id=store.conversations.find(CUSTOMER).id,
        )
    ]


def test_a_handler_is_told_what_earlier_messages_told(answering, agent, receive, store):
    told = []
    agent.on(Text)(lambda _text, conversation: told.append(conversation))
    hints = {"locale": "de_AT", "intent": "billing", "group": "vip"}
    receive("1", kind="typing_start", headers={"capability-list": "LIST"}, **hints)
    receive("2", body="Hi")

    answering.answer_next()

    capabilities = frozenset({Capability.LIST})
    known = (capabilities, "de_AT", "billing", "vip", store.conversations.find(CUSTOMER).id)
    assert told == [Conversation(BUSINESS, CUSTOMER, "2", *known)]


def test_a_handler_is_told_none_where_nothing_is_known(answering, agent, receive, store):
    told = []
    agent.on(Text)(lambda _text, conversation: told.append(conversation))
    receive(body="Hi")

    answering.answer_next()

    assert told == [Conversation(BUSINESS, CUSTOMER, "1", id=store.conversations.find(CUSTOMER).id)]


@pytest.mark.parametrize("kind", ["typing_start", "typing_end"])
def test_no_agent_is_asked_about_typing(answering, receive, kind):
    receive(kind=kind)

    assert answering.answer_next() is False


@pytest.fixture
def claimable_typing(store):
    """Put typing in the inbox that waits for an answer, as one kept by another release may."""
    fields = {"id": "1", "type": "typing_start", "sourceId": CUSTOMER, "destinationId": BUSINESS}
    message = InboundMessage("1", BUSINESS, CUSTOMER, Text("not typing, then"))
    store.inbox.put(message, {}, json.dumps(fields).encode(), NOW)


@pytest.mark.usefixtures("claimable_typing")
def test_typing_that_waits_all_the_same_is_answered_with_nothing(answering, store):
    answering.answer_next()

    assert (noted(store).state, outgoing(store)) == ("ANSWERED", [])


@pytest.mark.usefixtures("claimable_typing")
def test_no_agent_is_asked_about_typing_that_waits_all_the_same(answering, caplog):
    caplog.set_level(logging.DEBUG)

    answering.answer_next()

    assert "asked" not in caplog.messages[0]


def test_a_close_is_heard_by_its_handler(answering, agent, receive):
    heard = []
    agent.on(Close)(lambda content, _conversation: heard.append(content))
    receive(kind="close")

    answering.answer_next()

    assert heard == [Close()]


def test_a_close_nobody_handles_is_answered_without_a_word(answering, store, receive, caplog):
    receive(kind="close")

    answering.answer_next()

    assert (noted(store).state, "no handler" in caplog.text) == ("ANSWERED", False)


def test_a_message_of_unknown_kind_is_answered_by_its_handler(answering, agent, store, receive):
    agent.on(Unknown)(lambda unknown, _conversation: Text(f"what is a {unknown.type}?"))
    receive(kind="hologram")

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["what is a hologram?"]


# What cannot be answered


def raise_words(text, _conversation):
    raise ValueError(text.body)


def test_a_message_whose_handler_raises_is_buried_with_the_reason(answering, agent, store, receive):
    agent.on(Text)(raise_words)
    receive(body="a secret")

    answering.answer_next()

    assert (noted(store).state, noted(store).reason) == (
        "BURIED",
        "agent='front desk' handler=raise_words raised ValueError: a secret",
    )


def test_the_log_shows_where_a_handler_raised(answering, agent, receive, caplog):
    agent.on(Text)(raise_words)
    receive(body="a secret")

    answering.answer_next()

    assert "in raise_words" in caplog.text


def test_the_log_does_not_tell_what_a_handler_raised(answering, agent, receive, caplog):
    caplog.set_level(logging.DEBUG)
    agent.on(Text)(raise_words)
    receive(body="a secret")

    answering.answer_next()

    assert "a secret" not in caplog.text


def test_the_message_after_one_whose_handler_raised_is_answered(answering, agent, store, receive):
    agent.on(Text, where=lambda text, _conversation: text.body == "bad")(raise_words)
    say(agent, Text("Hello"))
    receive("1", body="bad")
    receive("2", body="good")

    while answering.answer_next():
        pass

    assert [fields["body"] for fields in outgoing(store)] == ["Hello"]


def test_nothing_is_sent_of_what_a_handler_said_before_it_raised(answering, agent, store, receive):
    def stumble(text, _conversation):
        yield Text("one")
        raise ValueError(text.body)

    agent.on(Text)(stumble)
    receive(body="Hi")

    answering.answer_next()

    assert (noted(store).state, outgoing(store)) == ("BURIED", [])


def test_a_message_whose_predicate_raises_is_buried(answering, agent, store, receive):
    agent.on(Text, where=raise_words)(lambda _text, _conversation: None)
    receive(body="Hi")

    answering.answer_next()

    assert noted(store).state == "BURIED"


@pytest.mark.parametrize("wrong", ["Hello", 7, [Text("Hello"), "and more"], Close()])
def test_a_message_answered_with_what_is_no_content_is_buried(
    answering, agent, store, receive, wrong
):
    agent.on(Text)(lambda _text, _conversation: wrong)
    receive(body="Hi")

    answering.answer_next()

    assert (noted(store).state, outgoing(store)) == ("BURIED", [])


def test_a_message_answered_with_what_cannot_be_sent_is_buried(answering, agent, store, receive):
    say(agent, Text("Hello"), Text(" "))
    receive(body="Hi")

    answering.answer_next()

    assert noted(store).reason == "ContentInvalid: Text.body is empty; a text needs words"


def test_nothing_is_sent_beside_an_answer_that_cannot_be(answering, agent, store, receive):
    say(agent, Text("Hello"), Text(" "))
    receive(body="Hi")

    answering.answer_next()

    assert outgoing(store) == []


@pytest.mark.parametrize(
    ("packed", "reason"),
    [(b"\xff", "RequestUnreadable"), (b"{}", "MessageUnreadable: body has no type")],
    ids=["no JSON", "no message"],
)
def test_a_message_that_cannot_be_read_any_more_is_buried(answering, store, packed, reason):
    store.inbox.put(InboundMessage("1", BUSINESS, CUSTOMER, Text("Hi")), {}, packed, NOW)

    answering.answer_next()

    assert (noted(store).state, noted(store).reason.startswith(reason)) == ("BURIED", True)


def test_a_buried_message_is_logged_by_its_id(answering, agent, receive, caplog):
    agent.on(Text)(raise_words)
    receive("message 7", body="a secret")

    answering.answer_next()

    assert "buried message_id='message 7' kind=Text" in caplog.text


# Claims


def cut_off(answering, clock, times):
    """Leave so many times what a process leaves that ends while the next entry's handler runs."""
    for _ in range(times):
        answering.cut_offs._begin(answering.claim(LEASE_S))
        clock.at += LEASE_S


def test_a_message_cut_off_too_often_is_buried(answering, store, clock, receive):
    receive(body="Hi")
    cut_off(answering, clock, CUT_OFFS_LIMIT)

    answering.answer_next()

    assert (noted(store).state, noted(store).reason) == (
        "BURIED",
        "cut off 4 times while it was being answered",
    )


def test_no_handler_is_asked_about_a_message_cut_off_too_often(answering, agent, clock, receive):
    asked = []
    agent.on(Text)(lambda text, _conversation: asked.append(text))
    receive(body="Hi")
    cut_off(answering, clock, CUT_OFFS_LIMIT)

    answering.answer_next()

    assert asked == []


def test_a_message_whose_claims_ended_while_no_handler_ran_is_answered(
    answering, store, clock, receive
):
    receive(body="Hi")
    for _ in range(3 * CUT_OFFS_LIMIT):
        assert answering.claim(LEASE_S) is not None
        clock.at += LEASE_S

    answering.answer_next()

    assert noted(store).state == "ANSWERED"


def test_a_message_is_answered_at_the_last_attempt(answering, store, clock, receive):
    receive(body="Hi")
    cut_off(answering, clock, CUT_OFFS_LIMIT - 1)

    answering.answer_next()

    assert noted(store).state == "ANSWERED"


def test_the_message_after_one_cut_off_too_often_is_answered(answering, store, clock, receive):
    receive("1", body="Hi")
    receive("2", body="Hi")
    cut_off(answering, clock, CUT_OFFS_LIMIT)

    while answering.answer_next():
        pass

    assert noted(store, "2").state == "ANSWERED"


def lose_claim(store, clock):
    clock.at += LEASE_S
    assert store.inbox.claim(clock.at, LEASE_S) is not None


def test_answers_of_a_lost_claim_are_not_sent(answering, agent, store, clock, receive):
    def dawdle(_text, _conversation):
        lose_claim(store, clock)
        return Text("Hello")

    agent.on(Text)(dawdle)
    receive(body="Hi")

    answering.answer_next(LEASE_S)

    assert outgoing(store) == []


def test_a_lost_claim_is_logged(answering, agent, store, clock, receive, caplog):
    agent.on(Text)(lambda _text, _conversation: lose_claim(store, clock))
    receive(body="Hi")

    answering.answer_next(LEASE_S)

    assert "claim lost message_id='1'" in caplog.text


def test_sending_is_not_told_of_answers_that_came_too_late(
    answering, agent, store, clock, receive, woken
):
    agent.on(Text)(lambda _text, _conversation: lose_claim(store, clock))
    receive(body="Hi")

    answering.answer_next(LEASE_S)

    assert woken == []


def test_a_message_is_not_buried_by_who_lost_its_claim(answering, agent, store, clock, receive):
    def dawdle_and_raise(_text, _conversation):
        lose_claim(store, clock)
        raise ValueError

    agent.on(Text)(dawdle_and_raise)
    receive(body="Hi")

    answering.answer_next(LEASE_S)

    assert noted(store).state == "CLAIMED"


def test_who_lost_a_claim_does_not_log_that_its_message_was_given_up(
    answering, agent, store, clock, receive, caplog
):
    def dawdle_and_raise(_text, _conversation):
        lose_claim(store, clock)
        raise ValueError

    agent.on(Text)(dawdle_and_raise)
    receive(body="Hi")

    answering.answer_next(LEASE_S)

    assert "buried message_id" not in caplog.text


def test_extend_keeps_the_claim(answering, clock, receive):
    receive(body="Hi")
    entry = answering.claim(LEASE_S)
    clock.at += LEASE_S - 1

    answering.extend(entry, LEASE_S)

    clock.at += LEASE_S - 1
    assert answering.claim(LEASE_S) is None


def test_answers_the_store_does_not_take_are_decided_again(store, router, agent, clock, receive):
    store.outbox.put([OutboundMessage("taken", BUSINESS, CUSTOMER, Text("Hi"), True)], NOW)
    ids = iter(["taken", "free"])
    answering = make_answering(store, router, clock, new_id=lambda: next(ids))
    say(agent, Text("Hello"))
    receive(body="Hi")
    with pytest.raises(StoreError):
        answering.answer_next(LEASE_S)
    clock.at += STORE_DELAY_S

    answering.answer_next(LEASE_S)

    assert [fields["id"] for fields in outgoing(store)] == ["taken", "free"]


def test_an_answer_the_store_does_not_take_is_counted_as_a_retry(
    store, router, agent, clock, receive
):
    def count():
        return metrics.REGISTRY.get_sample_value("msp_retries_total", {"loop": "answering"})

    store.outbox.put([OutboundMessage("taken", BUSINESS, CUSTOMER, Text("Hi"), True)], NOW)
    answering = make_answering(store, router, clock, new_id=lambda: "taken")
    say(agent, Text("Hello"))
    receive(body="Hi")
    before = count()

    with pytest.raises(StoreError):
        answering.answer_next(LEASE_S)

    assert count() == before + 1


def test_answers_the_store_never_takes_are_given_up_with_what_it_said(
    store, router, agent, clock, receive
):
    store.outbox.put([OutboundMessage("taken", BUSINESS, CUSTOMER, Text("Hi"), True)], NOW)
    answering = make_answering(store, router, clock, new_id=lambda: "taken")
    say(agent, Text("Hello"))
    receive("message 1", body="Hi")

    waited_s = []
    while noted(store, "message 1").state != "BURIED":
        tried_at = clock.at
        with pytest.raises(StoreError):
            answering.answer_next(LEASE_S)
        clock.at += LONGEST_DELAY_S
        waited_s.append(clock.at - tried_at)

    assert GIVE_UP_S <= sum(waited_s) <= 2 * GIVE_UP_S
    assert re.match(r"given up after 3\d{3} s: store refused: ", noted(store, "message 1").reason)
    assert answering.answer_next(LEASE_S) is False


def test_an_answer_whose_file_finds_no_room_is_decided_again(
    store, answering, agent, clock, receive
):
    outgoing = answering.preparing.outgoing
    outgoing.directory.parent.mkdir(exist_ok=True)
    outgoing.directory.write_bytes(b"in the way")
    say(agent, Text("", [Attachment(b"%PDF", "invoice.pdf")]))
    receive("message 1", body="Hi")
    with pytest.raises(StoreUnavailable, match="a file of the answer cannot be kept"):
        answering.answer_next(LEASE_S)
    state_while_full = noted(store, "message 1").state
    outgoing.directory.unlink()
    clock.at += STORE_DELAY_S

    answering.answer_next(LEASE_S)

    assert state_while_full == "RECEIVED"
    assert noted(store, "message 1").state == "ANSWERED"


# What an answer is joined to


MENU = ListPicker("Menu", [Section("Fruit", [Item("Apple"), Item("Lemon")])], name="menu")
QUICK = QuickReply("Was that helpful?", ["Yes", "No"], name="quick")


def picked(request_id, *identifiers):
    """Lay out what a device sends when these were chosen in a list picker, without titles."""
    items = [{"identifier": identifier} for identifier in identifiers]
    data = {"requestIdentifier": request_id, "listPicker": {"sections": [{"items": items}]}}
    return {"interactiveData": {"bid": BID, "data": data}}


def put(store, content, message_id="sent"):
    message = OutboundMessage(message_id, BUSINESS, CUSTOMER, content, automated=True)
    store.outbox.put([message], NOW)


def test_a_response_reaches_the_handler_of_the_message_it_answers(answering, agent, store, receive):
    agent.on(ListPickerResponse, to="other")(lambda _picked, _conversation: Text("not this one"))
    agent.on(ListPickerResponse, to="menu")(
        lambda picked, _conversation: Text(" and ".join(picked.titles))
    )
    put(store, MENU)
    outgoing(store)
    receive(kind="interactive", **picked("sent", "1", "2"))

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["Apple and Lemon"]


def test_a_handler_that_runs_again_is_given_the_same(store, agent, router, clock, receive):
    heard = []
    agent.on(ListPickerResponse)(lambda picked, _conversation: heard.append(picked))
    put(store, MENU)
    receive(kind="interactive", **picked("sent", "1"))
    answering = make_answering(store, router, clock)
    answering.claim(LEASE_S)
    clock.at += LEASE_S

    answering.answer_next()

    assert [(one.to, one.titles) for one in heard] == [("menu", ("Apple",))]


@pytest.mark.parametrize("odd", ["a\0b", "\ud800", "x" * 100_000], ids=["NUL", "half", "long"])
def test_a_response_that_names_what_no_text_can_hold_is_answered(
    answering, agent, store, receive, odd
):
    agent.on(ListPickerResponse)(lambda picked, _conversation: Text(f"to {picked.to}"))
    receive(kind="interactive", **picked(odd, "1"))

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["to None"]


@pytest.mark.parametrize("odd", ["a\0b", "\ud800"], ids=["NUL", "half"])
def test_a_reply_to_what_no_text_can_hold_is_answered(answering, agent, store, receive, odd):
    say(agent, Text("Hello"))
    receive(body="Hi", replyToMessageId=odd)

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["Hello"]


# Choices that were written out


def old_phone(receive, *bodies):
    """Let texts come from a device that can show nothing."""
    for number, body in enumerate(bodies, start=1):
        receive(str(number), body=body, headers={"capability-list": ""})


@pytest.fixture
def offering(agent):
    """An agent that asks with a quick reply, and tells what it is told."""
    agent.on(QuickReplyResponse, to="quick")(lambda tapped, _c: Text(f"tapped {tapped.title}"))
    agent.on(Text, where=says("ask"))(lambda _text, _conversation: QUICK)
    agent.on(Text)(lambda text, _conversation: Text(f"said {text.body}"))
    return agent


def answer_all(answering):
    while answering.answer_next():
        pass


@pytest.mark.usefixtures("offering")
def test_choices_are_written_out_for_a_device_that_cannot_show_them(answering, store, receive):
    old_phone(receive, "ask")

    answering.answer_next()

    assert [fields["body"] for fields in outgoing(store)] == ["Was that helpful?\n1. Yes\n2. No"]


@pytest.mark.usefixtures("offering")
@pytest.mark.parametrize("body", ["2", " 2\n", "no", "NO"])
def test_the_next_text_is_the_tap(answering, store, receive, body):
    old_phone(receive, "ask")
    answer_all(answering)
    receive("2", body=body)

    answer_all(answering)

    assert outgoing(store)[-1]["body"] == "tapped No"


@pytest.mark.usefixtures("offering")
def test_the_text_after_the_tap_is_a_text(answering, store, receive):
    old_phone(receive, "ask")
    answer_all(answering)
    receive("2", body="2")
    receive("3", body="2")

    answer_all(answering)

    assert [fields["body"] for fields in outgoing(store)[1:]] == ["tapped No", "said 2"]


@pytest.mark.usefixtures("offering")
def test_the_text_after_another_text_is_no_tap(answering, store, receive):
    old_phone(receive, "ask")
    answer_all(answering)
    receive("2", body="maybe")
    receive("3", body="2")

    answer_all(answering)

    assert [fields["body"] for fields in outgoing(store)[1:]] == ["said maybe", "said 2"]


@pytest.mark.usefixtures("offering")
def test_a_tapback_does_not_end_the_offer(answering, agent, store, receive):
    old_phone(receive, "ask")
    answer_all(answering)
    receive("2", body="Liked “Was that helpful?”")
    receive("3", body="2")

    answer_all(answering)

    assert outgoing(store)[-1]["body"] == "tapped No"


@pytest.mark.usefixtures("offering")
def test_a_text_that_came_before_the_choices_were_written_out_is_no_tap(answering, store, receive):
    old_phone(receive, "ask")
    receive("2", body="2", now=NOW - 1)
    answer_all(answering)
    receive("3", body="2")
    answer_all(answering)

    assert [fields["body"] for fields in outgoing(store)[1:]] == ["said 2", "tapped No"]


@pytest.mark.usefixtures("offering")
def test_an_offer_is_open_again_for_a_message_whose_answer_was_lost(
    answering, clock, store, receive
):
    old_phone(receive, "ask")
    answer_all(answering)
    receive("2", body="2")
    answering.claim(LEASE_S)
    clock.at += LEASE_S

    answer_all(answering)

    assert outgoing(store)[-1]["body"] == "tapped No"


def test_what_the_device_lacks_is_buried_with_the_reason(answering, agent, store, receive):
    say(agent, Text("one"), Form("A form", [InputPage("E-mail", "Where to?")]))
    old_phone(receive, "Hi")

    answering.answer_next()

    assert noted(store).state == "BURIED"
    assert noted(store).reason.startswith("CapabilityMissing: ")
    assert "lacks FORM and cannot show Form" in noted(store).reason
    assert outgoing(store) == []


# Typing before an answer


def test_an_agent_that_types_is_seen_typing_first(store, clock, receive):
    agent = Agent("front desk", typing_s=1.5)
    say(agent, Text("Hello"))
    receive(body="Hi")

    make_answering(store, Router(default=agent), clock).answer_next()

    typing = store.outbox.claim(NOW, LEASE_S)
    store.outbox.finish(typing, NOW)
    waits = store.outbox.claim(NOW + 1.25, LEASE_S)
    text = store.outbox.claim(NOW + 1.5, LEASE_S)
    assert (typing.kind, waits, text.kind) == ("TypingStart", None, "Text")


def test_an_agent_that_types_is_not_seen_typing_where_it_says_nothing(store, clock, receive):
    receive(body="Hi")

    make_answering(store, Router(default=Agent("mute", typing_s=1)), clock).answer_next()

    assert (noted(store).state, outgoing(store)) == ("ANSWERED", [])


# What an agent remembers


def test_what_a_handler_remembers_is_there_at_the_next_message(answering, agent, store, receive):
    def count(_text, conversation):
        conversation.state["count"] = conversation.state.get("count", 0) + 1
        return Text(f"{conversation.state['count']}")

    agent.on(Text)(count)
    receive("1", body="Hi")
    receive("2", body="Hi")

    answer_all(answering)

    assert [fields["body"] for fields in outgoing(store)] == ["1", "2"]


def test_what_a_handler_remembers_is_of_one_customer(answering, agent, store, receive):
    told = []

    def remember(_text, conversation):
        told.append(dict(conversation.state))
        conversation.state["seen"] = True

    agent.on(Text)(remember)
    receive("1", body="Hi")
    receive("2", body="Hi", headers={"source-id": "urn:mbid:bob"})

    answer_all(answering)

    assert told == [{}, {}]


def test_what_is_remembered_by_a_handler_that_raises_is_forgotten(answering, agent, store, receive):
    def remember_and_raise(_text, conversation):
        conversation.state["seen"] = True
        raise ValueError

    agent.on(Text)(remember_and_raise)
    receive(body="Hi")

    answering.answer_next()

    assert store.conversations.find(CUSTOMER).state == "{}"


def test_what_is_remembered_beside_a_lost_claim_is_forgotten(
    answering, agent, store, clock, receive
):
    def dawdle(_text, conversation):
        conversation.state["seen"] = True
        lose_claim(store, clock)

    agent.on(Text)(dawdle)
    receive(body="Hi")

    answering.answer_next(LEASE_S)

    assert store.conversations.find(CUSTOMER).state == "{}"


def remember(agent, state):
    """Let an agent remember this, and greet."""

    @agent.on(Text)
    def answer(_text, conversation):
        conversation.state["it"] = state
        return Text("Hello")


#: As JSON, `{"it":"xx…x"}` measures eight bytes more than the word.
LONGEST = "x" * (STATE_LIMIT_BYTES - len('{"it":""}'))


def nested(depth):
    inner: list = []
    for _ in range(depth):
        inner = [inner]
    return inner


def round_and_round():
    loop: list = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (f"{LONGEST}x", f"measures {STATE_LIMIT_BYTES + 1} bytes"),
        ("é" * (STATE_LIMIT_BYTES // 6), "measures 16389 bytes"),
        (object(), "cannot be written as JSON (TypeError)"),
        (b"bytes", "cannot be written as JSON (TypeError)"),
        ({(1, 2): 3}, "cannot be written as JSON (TypeError)"),
        (float("nan"), "cannot be written as JSON (ValueError)"),
        (round_and_round(), "cannot be written as JSON (ValueError)"),
        (nested(100_000), "cannot be written as JSON (RecursionError)"),
    ],
    ids=["long", "wide", "object", "bytes", "key", "NaN", "circle", "deep"],
)
def test_what_cannot_be_remembered_buries_the_message_with_the_reason(
    answering, agent, store, receive, state, problem
):
    remember(agent, state)
    receive(body="Hi")

    answering.answer_next()

    assert noted(store).state == "BURIED"
    assert noted(store).reason == (
        f"ContentInvalid: conversation.state {problem}; a dictionary that JSON can hold, "
        f"of at most {STATE_LIMIT_BYTES} bytes"
    )
    assert outgoing(store) == []


def test_as_much_as_is_allowed_is_remembered(answering, agent, store, receive):
    remember(agent, LONGEST)
    receive(body="Hi")

    answering.answer_next()

    assert len(store.conversations.find(CUSTOMER).state) == STATE_LIMIT_BYTES


def test_what_is_no_dictionary_is_not_remembered(answering, agent, store, receive):
    agent.on(Text)(lambda _text, conversation: object.__setattr__(conversation, "state", [1]))
    receive(body="Hi")

    answering.answer_next()

    assert "conversation.state is no dictionary" in noted(store).reason


def test_the_message_after_what_cannot_be_remembered_is_answered(answering, agent, store, receive):
    remember(agent, object())
    receive("1", body="Hi")
    receive("2", kind="hologram")

    answer_all(answering)

    assert noted(store, "2").state == "ANSWERED"


@pytest.mark.parametrize("odd", ["a\0b", "é"])
def test_whatever_a_customer_wrote_can_be_remembered(answering, agent, store, receive, odd):
    told = []

    def keep(text, conversation):
        told.append(conversation.state.get("last"))
        conversation.state["last"] = text.body

    agent.on(Text)(keep)
    receive("1", body=odd)
    receive("2", body="Hi")

    answer_all(answering)

    assert told == [None, odd]


# What was said before


def test_a_handler_reads_what_was_said_before(answering, agent, store, receive, clock):
    told = []
    agent.on(Text, where=says("history"))(
        lambda _text, conversation: told.extend(conversation.history(10))
    )
    agent.on(Text)(lambda text, _conversation: Text(f"heard {text.body}"))
    receive("1", body="Hi")
    answer_all(answering)
    receive("2", body="history")
    receive("3", body="later")
    receive("4", body="another's", headers={"source-id": "urn:mbid:bob"})

    answer_all(answering)

    assert [(said.by, said.kind, said.body) for said in told] == [
        ("customer", "Text", "Hi"),
        ("business", "Text", "heard Hi"),
    ]
    assert told[0].at == datetime.fromtimestamp(NOW, UTC)
    assert told[0].fields == {"id": "1", "type": "text", "v": 1, "body": "Hi"}


@pytest.mark.parametrize(("count", "bodies"), [(2, ["2", "3"]), (1, ["3"]), (0, []), (-1, [])])
def test_a_handler_reads_as_much_of_it_as_it_asks_for(answering, agent, receive, count, bodies):
    told = []
    agent.on(Text, where=says("history"))(
        lambda _text, conversation: told.extend(conversation.history(count))
    )
    for number in "123":
        receive(number, body=number)
    receive("4", body="history")

    answer_all(answering)

    assert [said.body for said in told] == bodies


def test_what_cannot_be_read_any_more_is_in_the_history_without_words(
    answering, agent, store, receive
):
    told = []
    agent.on(Text)(lambda _text, conversation: told.extend(conversation.history(10)))
    store.inbox.put(InboundMessage("0", BUSINESS, CUSTOMER, TypingStart()), {}, b"\xff", NOW)
    receive(body="Hi")

    answer_all(answering)

    assert [(said.kind, said.body, said.fields) for said in told] == [("TypingStart", "", {})]


# Handing over


def hand_over(agent, desk="desk", note="wants a person"):
    """Let an agent hand every text over."""

    @agent.on(Text)
    def answer(_text, conversation):
        conversation.hand_over(desk, note)
        return Text("A person takes over.")


def test_a_handler_hands_over_with_a_last_word(answering, agent, store, receive):
    hand_over(agent)
    receive(body="Hi")

    answering.answer_next()

    record = store.conversations.find(CUSTOMER)
    assert (record.desk, record.note) == ("desk", "wants a person")
    assert [fields["body"] for fields in outgoing(store)] == ["A person takes over."]


def test_after_a_hand_over_no_handler_is_asked(answering, agent, store, receive):
    hand_over(agent)
    receive("1", body="Hi")
    receive("2", body="Hello?")

    answer_all(answering)
    receive("3", body="Hello?")

    assert answering.answer_next() is False
    assert [noted(store, message_id).state for message_id in "23"] == ["HELD", "HELD"]


def test_what_is_given_back_is_answered_by_the_agent(answering, agent, store, receive):
    agent.on(Text, where=says("back"))(lambda text, _conversation: Text(f"heard {text.body}"))
    hand_over(agent)
    receive("1", body="Hi")
    answer_all(answering)
    receive("2", body="back 2")
    receive("3", body="back 3")

    store.inbox.give_back(store.conversations.find(CUSTOMER).id, NOW)
    answer_all(answering)

    assert [fields["body"] for fields in outgoing(store)[1:]] == ["heard back 2", "heard back 3"]


def test_a_handler_that_raises_hands_nothing_over(answering, agent, store, receive):
    @agent.on(Text)
    def stumble(_text, conversation):
        conversation.hand_over("desk")
        raise ValueError

    receive(body="Hi")

    answering.answer_next()

    assert store.conversations.find(CUSTOMER).desk is None


def test_a_note_may_quote_whatever_the_customer_wrote(answering, agent, store, receive):
    agent.on(Text)(lambda text, conversation: conversation.hand_over("desk", text.body))
    receive(body="half \ud83d of \0 it")

    answering.answer_next()

    assert store.conversations.find(CUSTOMER).note == "half ? of ? it"


def test_the_log_tells_of_a_hand_over_but_not_its_note(answering, agent, receive, caplog):
    caplog.set_level(logging.DEBUG)
    hand_over(agent, note="a secret note")
    receive(body="Hi")

    answering.answer_next()

    assert "handed_over=True" in caplog.text
    assert "a secret note" not in caplog.text


# What does not hold


def test_the_log_of_an_unfit_answer_names_the_field_and_the_limit(
    answering, agent, store, receive, caplog
):
    say(agent, QuickReply("Which?", ["Yes", f"secret {'x' * 200}"]))
    receive(body="Hi")

    answering.answer_next()

    assert "QuickReply.items[1].title has 207 characters" in caplog.text
    assert "at most 200 are allowed" in caplog.text


def test_the_log_of_an_unfit_answer_does_not_tell_the_value(
    answering, agent, store, receive, caplog
):
    caplog.set_level(logging.DEBUG)
    say(agent, QuickReply("Which?", ["Yes", f"secret {'x' * 200}"]))
    receive(body="Hi")

    answering.answer_next()

    assert "secret" not in caplog.text
    assert "secret" in noted(store).reason


def test_an_unfit_content_made_in_a_handler_is_not_told_by_the_log(
    answering, agent, store, receive, caplog
):
    caplog.set_level(logging.DEBUG)
    agent.on(Text)(lambda text, _conversation: QuickReply("", [text.body]))
    receive(body="a secret")

    answering.answer_next()

    assert noted(store).state == "BURIED"
    assert "a secret" not in caplog.text


# What was sent before


def test_a_handler_is_given_what_was_sent_before_under_a_name(answering, agent, store, receive):
    told = []
    agent.on(Text)(lambda _text, conversation: told.append(conversation.sent_before("menu")))
    put(store, MENU)
    store.outbox.finish(store.outbox.claim(NOW, LEASE_S), NOW, data_ref='{"url":"a"}')
    receive(body="Hi")

    answering.answer_next()

    needed = MENU.capability
    assert told == [ByReference({"url": "a"}, name="menu", request_id="sent", requires=needed)]


def test_a_handler_is_given_nothing_of_what_the_device_cannot_show(
    answering, agent, store, receive
):
    told = []
    agent.on(Text)(lambda _text, conversation: told.append(conversation.sent_before("menu")))
    put(store, MENU)
    store.outbox.finish(store.outbox.claim(NOW, LEASE_S), NOW, data_ref='{"url":"a"}')
    receive(body="Hi", headers={"capability-list": ""})

    answering.answer_next()

    assert told == [None]


def test_a_handler_is_given_nothing_where_the_gateway_gave_no_reference(
    answering, agent, store, receive
):
    told = []
    agent.on(Text)(lambda _text, conversation: told.append(conversation.sent_before("menu")))
    put(store, MENU)
    outgoing(store)
    receive(body="Hi")

    answering.answer_next()

    assert told == [None]


# Payments


ORDER = ApplePay(
    "Your order",
    [LineItem("Kettle", Decimal("39.00"))],
    merchant_name="Example Shop",
    country="DE",
    currency="EUR",
    name="kettle",
)


def closing(request_id, feature, fields):
    """Lay out what a device sends when the sheet of a message is closed."""
    data = {"requestIdentifier": request_id, feature: fields}
    return {"interactiveData": {"bid": BID, "data": data}}


def asking(answering, agent, receive, content, headers=None):
    """Let the agent ask for a payment or a sign-in; give the id of its message."""
    say(agent, content)
    receive("asks", body="Hi", headers=headers)
    answering.answer_next()
    entry = answering.store.outbox.claim(NOW, LEASE_S)
    answering.store.outbox.finish(entry, NOW)
    return entry.message_id


def test_a_payment_that_an_agent_asks_for_is_there_with_its_message(
    answering, agent, store, receive
):
    message_id = asking(answering, agent, receive, ORDER)

    [record] = store.payments.newest(10)
    assert (record.message_id, record.name, record.total) == (message_id, "kettle", 39)


@pytest.mark.parametrize("paid", [True, False])
def test_the_closing_message_of_a_payment_tells_what_became_of_it(
    answering, agent, store, receive, paid
):
    heard = []
    agent.on(ApplePayResponse, to="kettle")(lambda closed, _conversation: heard.append(closed))
    message_id = asking(answering, agent, receive, ORDER)
    store.payments.open(message_id, NOW + 60)
    if paid:
        token = store.payments.newest(1)[0].token
        store.payments.begin(token, "f", NOW)
        store.payments.settle(token, "f", PaymentStatus.SUCCESS, NOW)
    says = {"status": "STATUS_SUCCESS"}  # which nobody has to believe
    receive("closed", "interactive", **closing(message_id, "payment", says))

    answering.answer_next()

    assert [(one.paid, one.total) for one in heard] == [(paid, 39 if paid else None)]


# Sign-ins


SIGN_IN = Authenticate("Please sign in", name="who")
USER = {"sub": "42", "name": "Marzipan"}


@pytest.fixture
def heard(agent):
    """List what the agent is told of sign-ins."""
    told = []
    agent.on(AuthenticateResponse, to="who")(lambda answer, _conversation: told.append(answer))
    return told


@pytest.fixture
def asked(answering, agent, store, receive, heard):
    """Let the customer have been asked to sign in; give the message's id and the state."""
    say(agent, SIGN_IN)
    receive("asks", body="Hi")
    answering.answer_next()
    entry = store.outbox.claim(NOW, LEASE_S)
    store.outbox.finish(entry, NOW)
    store.sign_ins.open(entry.message_id, NOW + 3600)
    fields = json.loads(entry.packed)
    return entry.message_id, fields["interactiveData"]["data"]["authenticate"]["oauth2"]["state"]


def come_back(store, state, user=USER, failure=None):
    record, came = store.sign_ins.take_back(state, NOW)
    assert came is Return.GOOD
    store.sign_ins.end(record, user, failure)


def success(message_id):
    return closing(message_id, "authenticate", {"status": "success"})


def told(heard):
    return [(one.user, one.failure) for one in heard]


def test_the_agent_is_told_who_signed_in(answering, store, receive, heard, asked):
    message_id, state = asked
    come_back(store, state)
    receive("yes", "interactive", **success(message_id))

    answering.answer_next()

    assert told(heard) == [(USER, None)]


def test_the_agent_is_told_when_the_customer_comes_back_after_the_answer(
    answering, clock, receive, heard, asked
):
    message_id, state = asked
    receive("yes", "interactive", **success(message_id))
    answering.answer_next()
    assert heard == []

    come_back(answering.store, state)
    clock.at += LOOK_AGAIN_S
    answering.answer_next()

    assert told(heard) == [(USER, None)]


def test_an_answer_that_waits_is_looked_at_again_soon_and_not_at_once(
    answering, clock, receive, asked
):
    receive("yes", "interactive", **success(asked[0]))
    answering.answer_next()

    assert answering.answer_next() is False
    clock.at += LOOK_AGAIN_S
    assert answering.answer_next() is True


def test_an_answer_waits_as_often_as_it_takes_and_is_then_a_failure(
    answering, clock, receive, heard, asked
):
    receive("yes", "interactive", **success(asked[0]))
    looks = 0
    while not heard:
        assert answering.answer_next()
        looks += 1
        clock.at += LOOK_AGAIN_S

    assert told(heard) == [(None, SignInFailure.NOT_RETURNED)]
    assert looks == RETURN_LIMIT_S / LOOK_AGAIN_S + 1 > CUT_OFFS_LIMIT


def test_an_answer_that_waits_holds_no_other_customer_up(answering, store, agent, receive, asked):
    receive("yes", "interactive", **success(asked[0]))
    answering.answer_next()
    receive("other", body="Hi", headers={"source-id": "urn:mbid:bob"})

    answering.answer_next()

    assert noted(store, "other").state == "ANSWERED"


def test_the_agent_is_told_once(answering, store, receive, heard, asked):
    message_id, state = asked
    come_back(store, state)
    receive("yes", "interactive", **success(message_id))
    cancel = closing(message_id, "authenticate", {"status": "cancel"})
    receive("later", "interactive", **cancel)

    answering.answer_next()
    answering.answer_next()

    assert told(heard) == [(USER, None)]
    assert noted(store, "later").state == "ANSWERED"


def test_an_agent_that_was_cut_off_is_told_again(answering, store, clock, receive, heard, asked):
    message_id, state = asked
    come_back(store, state)
    receive("yes", "interactive", **success(message_id))
    answering.claim(LEASE_S)
    clock.at += LEASE_S

    answering.answer_next()

    assert told(heard) == [(USER, None)]


def test_who_signed_in_is_kept_no_longer_than_until_the_agent_is_told(
    answering, store, receive, asked, tmp_path
):
    message_id, state = asked
    come_back(store, state)
    receive("yes", "interactive", **success(message_id))
    answering.answer_next()
    store.close()

    there = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    assert message_id.encode() in there
    assert b"Marzipan" not in there


def test_who_signed_in_is_not_logged(answering, store, receive, asked, caplog):
    caplog.set_level(logging.DEBUG)
    message_id, state = asked
    come_back(store, state)
    receive("yes", "interactive", **success(message_id))
    answering.answer_next()

    assert "answered message_id='yes' kind=AuthenticateResponse" in caplog.text
    assert "Marzipan" not in caplog.text
    assert state not in caplog.text


def test_an_answer_of_a_customer_who_was_not_asked_is_a_failure(
    answering, agent, store, receive, asked
):
    message_id, state = asked
    come_back(store, state)
    heard = []
    agent.on(AuthenticateResponse)(lambda answer, _conversation: heard.append(answer))
    other = {"source-id": "urn:mbid:bob"}
    receive("forged", "interactive", headers=other, **success(message_id))

    answering.answer_next()

    assert told(heard) == [(None, SignInFailure.NOT_ASKED)]


def test_the_device_chooses_the_flow_of_a_sign_in(answering, agent, store, receive):
    message_id = asking(answering, agent, receive, SIGN_IN, {"capability-list": "AUTH"})

    here = store.conversations.find(CUSTOMER).id
    assert store.sign_ins.of_request(here, message_id).sealed_key is not None


# Programs elsewhere


class FakePrograms:
    """What programs answer, in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def ask(self, _address, _body, _message_id, _now):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def failed(kind, status=None, **more):
    return kind(
        "failed", method="POST", address="https://agent.example.com/", status=status, **more
    )


HELLO = {"messages": [{"kind": "Text", "body": "hello"}]}


@pytest.fixture
def ask_program(store, clock):
    """Give a function that makes what asks a program which answers this, in turn."""

    def ask(*answers):
        router = Router(default=Program("https://agent.example.com/"))
        return make_answering(store, router, clock, programs=FakePrograms(*answers))

    return ask


@pytest.mark.parametrize(
    "error",
    [failed(RemoteUnreachable), failed(RemoteBusy, 503), failed(AnswerUnreadable, 200)],
    ids=["silent", "busy", "junk"],
)
def test_a_program_that_fails_is_asked_again_later(ask_program, store, receive, clock, error):
    receive()
    answering = ask_program(error, HELLO)

    answering.answer_next()
    assert noted(store).state == "RECEIVED"
    assert answering.answer_next() is False
    clock.at += FIRST_DELAY_S
    answering.answer_next()

    assert [fields["body"] for fields in outgoing_at(store, clock)] == ["hello"]


def outgoing_at(store, clock):
    entry = store.outbox.claim(clock(), LEASE_S)
    return [] if entry is None else [json.loads(entry.packed)]


def test_a_program_that_says_when_to_come_back_is_asked_then(ask_program, store, receive, clock):
    busy = failed(RemoteBusy, 429)
    busy.delay_s = 20.0
    receive()
    answering = ask_program(busy, HELLO)
    answering.answer_next()

    clock.at += 19.5
    assert answering.answer_next() is False
    clock.at += 0.5
    assert answering.answer_next() is True


def test_a_program_that_never_answers_is_given_up(ask_program, store, receive, clock):
    receive()
    answering = ask_program(*[failed(RemoteUnreachable)] * 100)

    while noted(store).state != "BURIED":
        answering.answer_next()
        clock.at += 30

    assert PROGRAM_GIVE_UP_S <= clock.at - NOW <= PROGRAM_GIVE_UP_S + 60
    assert "the agent did not answer" in noted(store).reason


def test_what_a_program_refuses_is_buried_with_what_it_said(ask_program, store, receive):
    receive()
    ask_program(failed(RemoteRefused, 422, answer="no such shop")).answer_next()

    assert "which said: no such shop" in noted(store).reason


def test_a_program_that_does_not_accept_us_costs_no_message(ask_program, store, receive, clock):
    receive()
    answering = ask_program(*[failed(CredentialsRefused, 401)] * 5, HELLO)

    for _ in range(100):
        answering.answer_next()
        clock.at += PROGRAM_GIVE_UP_S

    assert noted(store).state == "ANSWERED"


def test_while_a_program_is_left_alone_it_is_not_asked(ask_program, store, receive, clock):
    receive()
    receive("2", headers={"source-id": "urn:mbid:bob"})
    answering = ask_program(failed(CredentialsRefused, 401))  # a second answer is not there

    assert [answering.answer_next() for _ in range(3)] == [True, True, False]
    assert noted(store, "2").attempts == 0


def test_an_answer_of_a_program_that_does_not_hold_is_buried(ask_program, store, receive):
    receive()
    ask_program({"messages": [{"kind": "Text"}]}).answer_next()

    assert "messages[0].Text.body" in noted(store).reason
