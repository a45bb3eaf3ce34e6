"""What holds of sign-ins on SQLite alone; their promises are in the contract suite."""

import base64
import binascii
import sqlite3
from contextlib import closing

import pytest

from msp_server.errors import StoreError
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.envelope import InboundMessage, OutboundMessage
from msp_server.messages.opening import SignInOpening
from msp_server.messages.text import Text
from msp_server.store.conversations import Changes
from msp_server.store.opening import open_store
from msp_server.store.sign_ins import Return
from msp_server.wire.auth_keys import new_key_pair, seal

BUSINESS = "0f0e0d0c-0b0a-0908-0706-050403020100"
CUSTOMER = "urn:mbid:alice"
STATE = "a-state-that-nobody-guesses"
NOW = 1_700_000_000.25
BACK_BY = NOW + 3600
LEASE_S = 60
SEALING_KEY = bytes(range(32))
PAIR = new_key_pair()
SEALED = seal(PAIR.private, SEALING_KEY)
USER = {"sub": "1", "name": "Marzipan"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def store(file):
    """Open a store with one sign-in of the old flow, whose message is on its way."""
    store = open_store(f"sqlite:///{file}")
    ask(store)
    yield store
    store.close()


def ask(store, message_id="who", state=STATE):
    content = Authenticate(
        "Sign in",
        scope=("openid",),
        state=state,
        response_encryption_key=PAIR.public,
        request_id="sign in",
    )
    message = OutboundMessage(
        message_id, BUSINESS, CUSTOMER, content, True, opening=SignInOpening(state, SEALED)
    )
    store.outbox.put([message], NOW)
    store.sign_ins.open(message_id, BACK_BY)


def asked(store):
    return store.sign_ins.of_request(store.conversations.find(CUSTOMER).id, "sign in")


def kept(file, *columns):
    with closing(sqlite3.connect(file)) as other:
        return other.execute(f"SELECT {', '.join(columns)} FROM sign_ins").fetchall()  # noqa: S608 - our own names


def on_disk(file):
    """Give every byte of the store's files."""
    return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))


def test_a_sign_in_is_committed_with_its_message(store, file):
    assert kept(file, "message_id", "state", "stage", "sealed_key", "created_at") == [
        ("who", STATE, "ASKED", SEALED, NOW)
    ]


def test_a_message_that_is_not_committed_asks_for_no_sign_in(store, file):
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "CREATE TRIGGER no BEFORE INSERT ON sign_ins BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(StoreError):
        ask(store, "again", "other state")

    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT message_id FROM outbox").fetchall() == [("who",)]


def test_a_state_that_was_used_stays_so_over_a_restart(store, file):
    store.sign_ins.take_back(STATE, NOW)
    store.close()

    restarted = open_store(f"sqlite:///{file}")

    assert restarted.sign_ins.take_back(STATE, NOW)[1] is Return.USED
    restarted.close()


def test_a_state_is_good_for_one_of_two_processes(store, file):
    other = open_store(f"sqlite:///{file}")

    came = [each.sign_ins.take_back(STATE, NOW)[1] for each in (store, other)]

    assert came == [Return.GOOD, Return.USED]
    other.close()


@pytest.mark.parametrize(
    "spell",
    [bytes, base64.b64encode, binascii.hexlify],
    ids=["bytes", "Base64", "hex"],
)
def test_a_private_key_is_in_the_files_encrypted_alone(store, file, spell):
    there = on_disk(file)

    assert SEALED in there
    assert spell(PAIR.private) not in there


def test_a_key_that_was_used_is_in_the_files_no_more(store, file):
    store.sign_ins.end(asked(store), USER, None)
    store.close()  # until then, the journal of SQLite has what was there before

    assert SEALED not in on_disk(file)


def test_keys_whose_time_is_up_are_in_the_files_no_more(store, file):
    store.sign_ins.forget(BACK_BY)
    store.close()

    assert SEALED not in on_disk(file)


def test_who_signed_in_is_in_the_files_until_the_agent_was_told_and_no_longer(store, file):
    store.sign_ins.end(asked(store), USER, None)
    assert b"Marzipan" in on_disk(file)
    store.inbox.put(InboundMessage("1", BUSINESS, CUSTOMER, Text("Hi")), {}, b"{}", NOW)
    entry = store.inbox.claim(NOW, LEASE_S)
    store.inbox.finish(entry, [], NOW, Changes(told_sign_in=asked(store).seq))
    store.close()

    assert b"Marzipan" not in on_disk(file)


def test_a_finish_that_raised_has_told_nobody(store, file):
    store.sign_ins.end(asked(store), USER, None)
    store.inbox.put(InboundMessage("1", BUSINESS, CUSTOMER, Text("Hi")), {}, b"{}", NOW)
    entry = store.inbox.claim(NOW, LEASE_S)
    with closing(sqlite3.connect(file)) as other, other:
        other.execute(
            "CREATE TRIGGER no BEFORE UPDATE OF state ON conversations"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(StoreError):
        store.inbox.finish(entry, [], NOW, Changes(state="{}", told_sign_in=asked(store).seq))

    assert (asked(store).told_by, asked(store).user) == (None, USER)
