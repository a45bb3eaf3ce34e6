import json
import logging
from pathlib import Path

import pytest

from msp_server.agents.agent import Agent
from msp_server.agents.conversation import Conversation
from msp_server.agents.router import Router
from msp_server.delivery.answering import ATTEMPTS_LIMIT, STORE_DELAY_S, Answering
from msp_server.delivery.files import Files
from msp_server.delivery.preparing import Preparing
from msp_server.delivery.resolving import Resolving
from msp_server.errors import StoreError
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown
from msp_server.messages.envelope import InboundMessage, OutboundMessage, parse_message
from msp_server.messages.presence import Close, TypingEnd, TypingStart
from msp_server.messages.text import Text
from msp_server.store.opening import open_store
from msp_server.store.outbox import CLOSED

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.25
LEASE_S = 60


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


def make_answering(store, router, clock, new_id=None, on_answers=lambda: None):
    outgoing = Files(Path("outgoing"))
    preparing = Preparing(clock, new_id or Ids(), vendor_limits=True, outgoing=outgoing)
    resolving = Resolving(Files(Path("attachments")))
    return Answering(store, router, resolving, preparing, clock, on_answers)


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
    """Claim the next entry so many times without finishing it, as a process that dies does."""
    for _ in range(times):
        assert answering.claim(LEASE_S) is not None
        clock.at += LEASE_S


def test_a_message_cut_off_too_often_is_buried(answering, store, clock, receive):
    receive(body="Hi")
    cut_off(answering, clock, ATTEMPTS_LIMIT)

    answering.answer_next()

    assert (noted(store).state, noted(store).reason) == (
        "BURIED",
        "cut off 5 times while it was being answered",
    )


def test_no_handler_is_asked_about_a_message_cut_off_too_often(answering, agent, clock, receive):
    asked = []
    agent.on(Text)(lambda text, _conversation: asked.append(text))
    receive(body="Hi")
    cut_off(answering, clock, ATTEMPTS_LIMIT)

    answering.answer_next()

    assert asked == []


def test_a_message_is_answered_at_the_last_attempt(answering, store, clock, receive):
    receive(body="Hi")
    cut_off(answering, clock, ATTEMPTS_LIMIT - 1)

    answering.answer_next()

    assert noted(store).state == "ANSWERED"


def test_the_message_after_one_cut_off_too_often_is_answered(answering, store, clock, receive):
    receive("1", body="Hi")
    receive("2", body="Hi")
    cut_off(answering, clock, ATTEMPTS_LIMIT)

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
