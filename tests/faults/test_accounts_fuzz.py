"""Whatever is asked at the addresses of payments, sign-ins and the landing page, nothing breaks."""

import json
import time
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from msp_server import ApplePay, Authenticate, LineItem, PaymentEndpoints
from msp_server.app import create_app, open_store_of
from msp_server.messages.envelope import OutboundMessage
from msp_server.messages.ids import new_message_id
from msp_server.messages.opening import PaymentOpening, SignInOpening
from tests.faults.test_webhook_fuzz import json_values

TOKEN = "t" * 43
STATE = "s" * 32
PATHS = [
    "paymentGateway",
    "paymentMethodUpdate",
    "shippingContactUpdate",
    "shippingMethodUpdate",
    "orderTracking",
    "fallback",
]
EXPECTED = {200, 302, 400, 403, 404, 405, 410, 413, 422, 429, 502}

keys = st.sampled_from(
    [
        "payment",
        "paymentToken",
        "paymentMethod",
        "shippingContact",
        "shippingMethod",
        "identifier",
        "type",
    ]
)
bodies = st.recursive(
    json_values, lambda inner: st.dictionaries(keys, inner, max_size=4), max_leaves=8
)
fuzzed = profile(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def asked(settings):
    """A server that has asked for a payment and for a sign-in."""
    ask = ApplePay(
        "Order",
        [LineItem("Kettle", "10.00")],
        merchant_name="Shop",
        country="US",
        currency="USD",
        merchant_id="m",
        endpoints=PaymentEndpoints.below("https://shop.example.com", TOKEN),
    )
    sign_in = Authenticate("Sign in", scope=["a"], state=STATE, redirect_uri="https://x.example")
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
            store.payments.open(message.id, time.time() + 600)
            store.sign_ins.open(message.id, time.time() + 600)
        yield store


@pytest.fixture
def web(settings, asked):
    extended = replace(
        settings,
        payment_processor="msp_server.agents.demonstration:processor",
        account_linker="msp_server.agents.demonstration:linker",
    )
    return create_app(extended, asked).test_client()


def rows(store):
    return store.payments.find(TOKEN)


@fuzzed
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=3000))
def test_any_bytes_at_a_payment_are_answered_and_change_nothing(web, asked, path, body):
    before = rows(asked)

    assert web.post(f"/{path}/{TOKEN}", data=body).status_code in EXPECTED

    assert rows(asked) == before


@fuzzed
@given(path=st.sampled_from(PATHS), fields=bodies)
def test_any_json_at_a_payment_is_answered_and_changes_nothing(web, asked, path, fields):
    before = rows(asked)

    answer = web.post(f"/{path}/{TOKEN}", data=json.dumps(fields))

    assert answer.status_code in EXPECTED
    assert rows(asked) == before


@fuzzed
@given(path=st.sampled_from(PATHS[1:4]), fields=bodies)
def test_any_json_that_names_the_payment_is_answered(web, asked, path, fields):
    named = {"requestIdentifier": rows(asked).request_id, "payment": fields}

    assert web.post(f"/{path}/{TOKEN}", data=json.dumps(named)).status_code in EXPECTED


@fuzzed
@given(path=st.sampled_from(PATHS), token=st.text(min_size=1, max_size=60))
def test_any_token_is_answered(web, path, token):
    assert web.post(f"/{path}/{token}", data=b"{}").status_code in {404, 405, 308}


@fuzzed
@given(query=st.dictionaries(st.sampled_from(["state", "code", "error", "x"]), st.text()))
def test_any_return_is_answered(web, query):
    answer = web.get("/oauth/callback", query_string=query)

    assert answer.status_code == 400 or query.get("state") == STATE


@fuzzed
@given(
    query=st.dictionaries(
        st.sampled_from(["id", "name", "logo", "x"]), st.text() | st.uuids().map(str)
    )
)
def test_any_landing_is_answered(web, query):
    assert web.get("/landingPage", query_string=query).status_code in {200, 400}


@fuzzed
@given(body=st.binary(max_size=3000) | st.dictionaries(st.text(), st.text()))
def test_any_form_is_answered(web, body):
    kind = "application/x-www-form-urlencoded"

    assert web.post("/landingPage_handle", data=body, content_type=kind).status_code in EXPECTED
