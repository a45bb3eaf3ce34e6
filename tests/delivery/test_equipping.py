from dataclasses import replace
from decimal import Decimal

import pytest

from msp_server.delivery.equipping import Equipping, goes_the_old_way
from msp_server.messages.apple_pay import ApplePay, LineItem, PaymentEndpoints
from msp_server.messages.authenticate import Authenticate
from msp_server.messages.capability import Capability
from msp_server.messages.opening import PaymentOpening, SignInOpening
from msp_server.messages.quick_reply import QuickReply
from msp_server.messages.text import Text
from msp_server.settings import ApplePaySettings, Settings, SignInSettings
from msp_server.wire.auth_keys import KeyPair, new_key_pair, unseal

SEALING_KEY = bytes(range(32))
OLD = frozenset({Capability.AUTH})
NEW = frozenset({Capability.AUTH2})
BOTH = OLD | NEW
SETTINGS = Settings(
    msp_id="11112222-3333-4444-5555-666677778888",
    business_ids=("0f0e0d0c-0b0a-0908-0706-050403020100",),
    api_secrets=(bytes(32),),
    gateway_url="https://gateway.example.com/v1",
    emulated=False,
    endpoint="https://msp.example.com/base",
    apple_pay=ApplePaySettings(merchant_id="merchant.com.example.shop"),
    payment_processor="shop.money:processor",
    sign_in=SignInSettings(token_url="https://id.example.com/token", scope=("openid", "email")),
)
ORDER = ApplePay(
    "Your order",
    [LineItem("Kettle", Decimal("39.00"))],
    merchant_name="Example Shop",
    country="DE",
    currency="EUR",
)
SIGN_IN = Authenticate("Please sign in")


@pytest.fixture(scope="module")
def pair():
    return new_key_pair()


@pytest.fixture
def equip(pair):
    """Give a function that equips a content for a device, as the settings say."""

    def with_settings(content, capabilities=BOTH, **settings):
        equipping = Equipping(replace(SETTINGS, **settings), SEALING_KEY, lambda: pair)
        return equipping.equip(content, capabilities)

    return with_settings


@pytest.mark.parametrize("content", [Text("Hi"), QuickReply("Quick?", ["Yes", "No"])])
def test_what_opens_nothing_stays_as_it_is(equip, content):
    assert equip(content) == (content, None)


def test_the_repr_tells_no_key():
    assert repr(SEALING_KEY) not in repr(Equipping(SETTINGS, SEALING_KEY))


# Payments


def test_a_payment_gets_the_tutorials_addresses_below_our_own(equip):
    equipped, opening = equip(ORDER)

    assert isinstance(opening, PaymentOpening)
    base_url = "https://msp.example.com/base"
    assert equipped.endpoints.to_wire() == {
        "paymentGatewayUrl": f"{base_url}/paymentGateway/{opening.token}",
        "paymentMethodUpdateUrl": f"{base_url}/paymentMethodUpdate/{opening.token}",
        "shippingContactUpdateUrl": f"{base_url}/shippingContactUpdate/{opening.token}",
        "shippingMethodUpdateUrl": f"{base_url}/shippingMethodUpdate/{opening.token}",
        "orderTrackingUrl": f"{base_url}/orderTracking/{opening.token}",
        "fallbackUrl": f"{base_url}/fallback/{opening.token}",
    }


def test_no_two_payments_have_the_same_addresses(equip):
    tokens = {equip(ORDER)[1].token for _ in range(100)}

    assert len(tokens) == 100


def test_the_token_of_an_address_holds_256_bits_and_stands_in_an_address_as_it_is(equip):
    token = equip(ORDER)[1].token

    assert len(token) == 43
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_an_equipped_payment_can_be_sent(equip):
    equipped, _ = equip(ORDER)

    payment = equipped.identified("1").to_wire()["interactiveData"]["data"]["payment"]

    assert payment["paymentRequest"]["applePay"]["merchantIdentifier"] == (
        "merchant.com.example.shop"
    )


def test_an_author_names_another_merchant(equip):
    equipped, opening = equip(replace(ORDER, merchant_id="merchant.com.example.other"))

    assert equipped.merchant_id == "merchant.com.example.other"
    assert opening is not None


def test_an_author_names_addresses_of_others_which_open_nothing_here(equip):
    elsewhere = PaymentEndpoints("https://pay.example.com/gateway")

    equipped, opening = equip(replace(ORDER, endpoints=elsewhere))

    assert (equipped.endpoints, opening) == (elsewhere, None)


@pytest.mark.parametrize(
    "lacking", [{"payment_processor": None}, {"endpoint": None}], ids=["processor", "endpoint"]
)
def test_a_payment_without_what_it_needs_gets_no_addresses(equip, lacking):
    equipped, opening = equip(ORDER, **lacking)

    assert (equipped.endpoints, opening) == (None, None)


def test_a_payment_without_a_merchant_has_none(equip):
    equipped, _ = equip(ORDER, apple_pay=ApplePaySettings())

    assert equipped.merchant_id is None


def test_a_payment_at_the_emulator_is_paid_on_this_machine(equip):
    equipped, opening = equip(ORDER, emulated=True, port=8765)

    assert equipped.endpoints.gateway_url == (
        f"http://127.0.0.1:8765/paymentGateway/{opening.token}"
    )


# Sign-ins


@pytest.mark.parametrize(
    ("capabilities", "old"),
    [(OLD, True), (NEW, False), (BOTH, False), (None, False), (frozenset(), False)],
    ids=["old", "new", "both", "never said", "neither"],
)
def test_the_device_chooses_the_flow(equip, capabilities, old):
    assert goes_the_old_way(capabilities) is old

    equipped, opening = equip(SIGN_IN, capabilities)

    assert equipped.needs is (Capability.AUTH if old else Capability.AUTH2)
    assert (equipped.response_encryption_key is not None) is old
    assert (equipped.redirect_uri is None) is old
    assert (opening.sealed_key is not None) is old


def test_a_sign_in_of_the_new_flow_comes_back_to_us(equip):
    equipped, opening = equip(SIGN_IN, NEW)

    assert equipped.redirect_uri == "https://msp.example.com/base/oauth/callback"
    assert (equipped.state, opening) == (opening.state, SignInOpening(equipped.state))


def test_a_sign_in_of_the_old_flow_tells_the_public_key_and_keeps_the_private_one(equip, pair):
    equipped, opening = equip(SIGN_IN, OLD)

    assert equipped.response_encryption_key == pair.public
    assert opening.state == equipped.state
    assert pair.private not in opening.sealed_key
    assert unseal(opening.sealed_key, SEALING_KEY) == pair.private


def test_no_two_sign_ins_have_the_same_state(equip):
    assert len({equip(SIGN_IN)[0].state for _ in range(100)}) == 100


def test_no_two_sign_ins_have_the_same_keys():
    equipping = Equipping(SETTINGS, SEALING_KEY)

    keys = {equipping.equip(SIGN_IN, OLD)[0].response_encryption_key for _ in range(3)}

    assert len(keys) == 3


def test_no_keys_are_made_for_the_new_flow():
    def refuse() -> KeyPair:
        raise AssertionError("nobody needs keys")

    equipped, _ = Equipping(SETTINGS, SEALING_KEY, refuse).equip(SIGN_IN, NEW)

    assert equipped.response_encryption_key is None


@pytest.mark.parametrize("capabilities", [OLD, NEW], ids=["old", "new"])
def test_an_equipped_sign_in_can_be_sent(equip, capabilities):
    equipped, _ = equip(SIGN_IN, capabilities)

    data = equipped.identified("1").to_wire()["interactiveData"]["data"]

    assert data["authenticate"]["oauth2"]["scope"] == ["openid", "email"]


def test_an_author_asks_for_another_scope(equip):
    equipped, _ = equip(replace(SIGN_IN, scope=("profile",)))

    assert equipped.scope == ("profile",)


@pytest.mark.parametrize(
    "given",
    [
        {"state": "mine"},
        {"redirect_uri": "https://id.example.com/back"},
        {"response_encryption_key": "BAAA"},
    ],
    ids=["state", "address", "key"],
)
def test_what_an_author_binds_opens_nothing_here(equip, given):
    asked = replace(SIGN_IN, scope=("openid",), **given)

    assert equip(asked) == (asked, None)


@pytest.mark.parametrize(
    "lacking", [{"sign_in": SignInSettings()}, {"endpoint": None}], ids=["provider", "endpoint"]
)
def test_a_sign_in_without_what_it_needs_gets_no_state(equip, lacking):
    equipped, opening = equip(SIGN_IN, **lacking)

    assert (equipped.state, opening) == (None, None)
