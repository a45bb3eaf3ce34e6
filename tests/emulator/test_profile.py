import base64

import pytest

from msp_server.emulator.profile import make_customer_id


@pytest.mark.parametrize("name", ["ava", "ben", *map(str, range(20))])
def test_opaque_id_looks_like_apples(name):
    customer_id = make_customer_id("shop", name)

    assert customer_id.startswith("urn:mbid:AQAA")
    assert 160 <= len(customer_id) <= 200
    assert all(sign in customer_id for sign in "/+=")
    assert base64.b64decode(customer_id.removeprefix("urn:mbid:"), validate=True)


def test_opaque_id_is_the_same_again_and_different_for_another_business():
    assert make_customer_id("shop", "ava") == make_customer_id("shop", "ava")
    assert make_customer_id("shop", "ava") != make_customer_id("bank", "ava")
