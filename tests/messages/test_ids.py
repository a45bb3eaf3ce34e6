import uuid

import pytest

from msp_server.messages.ids import OpaqueId, new_message_id, parse_business_id, short

BUSINESS_ID = "a1b2c3d4-e5f6-4789-8abc-def012345678"
CUSTOMER_ID = OpaqueId("urn:mbid:AQAAY7madeUpOpaqueUserIdQrS/tUv+WxY=")


def test_new_message_id_is_a_random_uuid_in_its_usual_form():
    message_id = new_message_id()

    assert (str(uuid.UUID(message_id)), uuid.UUID(message_id).version) == (message_id, 4)


def test_new_message_id_is_never_given_twice():
    assert len({new_message_id() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text",
    [
        BUSINESS_ID,
        BUSINESS_ID.upper(),
        f"urn:biz:{BUSINESS_ID}",
        f"urn:biz:{BUSINESS_ID.upper()}",
        f"  urn:biz:{BUSINESS_ID}\n",
    ],
)
def test_parse_business_id_gives_one_form_for_all_spellings(text):
    assert parse_business_id(text) == BUSINESS_ID


def test_short_shows_the_last_six_characters():
    assert short(CUSTOMER_ID) == "…v+WxY="


def test_short_shows_nothing_of_a_telephone_number():
    assert short("tel:+4915551234567") == "…"


def test_short_does_not_give_a_whole_opaque_id_away():
    assert CUSTOMER_ID[:-6] not in short(CUSTOMER_ID)
