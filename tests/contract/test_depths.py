"""How full inbox and outbox are, on every engine."""

import pytest
from sqlalchemy import create_engine, text

from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.text import Text
from msp_server.store import depths
from msp_server.store.base import FAR_FUTURE_S
from msp_server.store.depths import Depth

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
NOW = 1_700_000_000.0
LEASE_S = 60


def receive(store, message_id, now):
    message = InboundMessage(
        message_id, BUSINESS, CUSTOMER, Text("hello"), locale=None, capabilities=None
    )
    store.inbox.put(message, {}, b"{}", now)


def reply(message_id):
    return OutboundMessage(message_id, BUSINESS, CUSTOMER, Text("hello"), automated=True)


def test_nothing_waits_in_an_empty_store(store):
    assert store.depths.read(NOW) == {"inbox": Depth(0, 0, 0), "outbox": Depth(0, 0, 0)}


def test_what_waits_is_counted_from_the_oldest_on(store):
    for second, message_id in enumerate(["a", "b", "c"]):
        receive(store, message_id, NOW + second)
    store.outbox.put([reply("x"), reply("y")], NOW + 1)

    told = store.depths.read(NOW + 10)

    assert told == {"inbox": Depth(3, 10, 0), "outbox": Depth(2, 9, 0)}


def test_what_is_under_work_waits_still(store):
    receive(store, "a", NOW)
    store.outbox.put([reply("x")], NOW)
    store.inbox.claim(NOW, LEASE_S)
    store.outbox.claim(NOW, LEASE_S)

    told = store.depths.read(NOW + 5)

    assert told == {"inbox": Depth(1, 5, 0), "outbox": Depth(1, 5, 0)}


def test_what_is_done_waits_no_more(store):
    receive(store, "a", NOW)
    store.inbox.finish(store.inbox.claim(NOW, LEASE_S), [reply("x")], NOW)
    store.outbox.finish(store.outbox.claim(NOW, LEASE_S), NOW)

    assert store.depths.read(NOW + 5) == {"inbox": Depth(0, 0, 0), "outbox": Depth(0, 0, 0)}


def test_what_was_given_up_is_counted_apart(store):
    receive(store, "a", NOW)
    store.outbox.put([reply("x")], NOW)
    store.inbox.bury(store.inbox.claim(NOW, LEASE_S), "no good", NOW)
    store.outbox.bury(store.outbox.claim(NOW, LEASE_S), "no good", NOW)

    assert store.depths.read(NOW + 5) == {"inbox": Depth(0, 0, 1), "outbox": Depth(0, 0, 1)}


def test_nothing_is_younger_than_now_when_the_clock_was_set_back(store):
    receive(store, "a", NOW)

    assert store.depths.read(NOW - 3600)["inbox"] == Depth(1, 0, 0)


def test_sending_that_is_not_held_pauses_for_no_time(store):
    assert store.depths.paused_s(NOW) == 0


def test_sending_that_is_held_pauses_until_the_end(store):
    store.pace.hold(NOW, 30, lambda _refusals: 0.0)

    assert store.depths.paused_s(NOW + 10) == pytest.approx(20)
    assert store.depths.paused_s(NOW + 31) == 0


def test_sending_that_was_held_by_another_clock_pauses_for_no_time(store):
    store.pace.hold(NOW, 30, lambda _refusals: 0.0)

    assert store.depths.paused_s(NOW - 2 * FAR_FUTURE_S) == 0


@pytest.mark.parametrize("box", ["inbox", "outbox"])
def test_old_messages_are_not_looked_at_on_postgresql(empty_postgresql_url, box):
    engine = create_engine(empty_postgresql_url)
    asked = depths._STATEMENTS[box].compile(
        engine, compile_kwargs={"render_postcompile": True, "literal_binds": True}
    )

    with engine.begin() as connection:
        # So small a table is read as a whole, were it allowed.
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {asked}")))
    engine.dispose()

    assert f"{box}_waiting" in plan
    assert f"{box}_buried" in plan
