import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings

from msp_server.errors import (
    AnswerUnreadable,
    ContentInvalid,
    CredentialsRefused,
    RemoteBusy,
    RemoteRefused,
    RemoteUnreachable,
)
from msp_server.messages.authenticate import (
    Authenticate,
    AuthenticateResponse,
    ResponseType,
    SignInFailure,
    failure_after,
    parse_authenticate,
    reported_failure,
    with_client_secret,
)
from msp_server.messages.capability import Capability
from msp_server.messages.content import Unknown, parse_content, parse_outbound
from msp_server.messages.interactive import AUTHENTICATE
from msp_server.messages.raw_interactive import RawInteractive
from tests.messages.samples import answer, interactive, outbound, sample
from tests.messages.strategies import KEY, authenticates

STATE = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ"
CALLBACK = "https://msp.example.com/oauth/callback"
SESSION = "2d1c0b0a-1111-4222-8333-444455556666"


def asked(**changes):
    """Ask to sign in the new way."""
    given = {
        "received": "Sign in to Example",
        "replied": "You are signed in",
        "scope": ["openid", "email"],
        "state": STATE,
        "redirect_uri": CALLBACK,
    }
    return Authenticate(**(given | changes))


def asked_the_old_way(**changes):
    return asked(**({"redirect_uri": None, "response_encryption_key": KEY} | changes))


def oauth_of(content):
    return interactive(content)["data"]["authenticate"]["oauth2"]


def fault(make, *args, **kwargs):
    with pytest.raises(ContentInvalid) as raised:
        make(*args, **kwargs)
    return raised.value


# What is sent


def test_to_wire_gives_what_apple_shows():
    expected = sample("authenticate")["interactiveData"]

    content = asked(
        additional_parameters={"prompt": "login", "ui_locales": "de"},
        request_id=expected["data"]["requestIdentifier"],
    )

    assert content.to_wire() == {"interactiveData": expected}


def test_to_wire_gives_what_apple_shows_of_the_old_flow_but_for_the_client_secret():
    expected = sample("authenticate_old")["interactiveData"]
    del expected["data"]["authenticate"]["oauth2"]["clientSecret"]

    content = asked_the_old_way(
        response_type=ResponseType.TOKEN, request_id=expected["data"]["requestIdentifier"]
    )

    assert content.to_wire() == {"interactiveData": expected}


@pytest.mark.parametrize(
    "content", [asked(response_type="token"), asked(response_encryption_key="")]
)
def test_the_new_flow_knows_the_code_alone(content):
    oauth = oauth_of(content)

    assert oauth == {
        "responseType": "code",
        "scope": ["openid", "email"],
        "state": STATE,
        "redirectURI": CALLBACK,
    }
    assert content.needs is Capability.AUTH2


def test_a_key_makes_it_the_old_flow():
    content = asked(response_encryption_key=KEY)

    assert oauth_of(content) == {
        "responseType": "code",
        "scope": ["openid", "email"],
        "state": STATE,
        "responseEncryptionKey": KEY,
    }
    assert content.needs is Capability.AUTH


def test_it_goes_to_an_endpoint_of_its_own():
    assert asked().endpoint == AUTHENTICATE == asked_the_old_way().endpoint == "authenticate"


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("authenticate", Capability.AUTH2), ("authenticate_old", Capability.AUTH)],
)
def test_what_is_sent_by_hand_goes_the_same_way(kind, needed):
    raw = RawInteractive(sample(kind)["interactiveData"])

    assert (raw.endpoint, raw.needs) == (AUTHENTICATE, needed)


@pytest.mark.parametrize(
    ("given", "encoded"),
    [
        (None, None),
        ({}, None),
        ({"prompt": "login"}, "prompt=login"),
        ({"hint": "a b&c=é"}, "hint=a+b%26c%3D%C3%A9"),
        ("prompt=login", "prompt=login"),
    ],
)
def test_further_parameters_are_sent_as_one_text(given, encoded):
    content = asked(additional_parameters=given)

    assert content.additional_parameters == encoded
    assert oauth_of(content).get("additionalParameters") == encoded


def test_further_parameters_come_back_as_they_were_given():
    given = {"claims": '{"id_token": {"sub": null}}', "ui_locales": "de fr"}

    assert dict(parse_qsl(asked(additional_parameters=given).additional_parameters)) == given


@settings(max_examples=100, deadline=None)
@given(authenticates())
def test_any_request_to_sign_in_is_of_one_flow(content):
    oauth = oauth_of(content)

    assert ("redirectURI" in oauth) is (content.needs is Capability.AUTH2)
    assert ("responseEncryptionKey" in oauth) is (content.needs is Capability.AUTH)
    assert "clientSecret" not in oauth


# What cannot be made


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received": ""}, "received"),
        ({"scope": "openid"}, "scope"),
        ({"scope": ["openid email"]}, "scope[0]"),
        ({"scope": ["openid", ""]}, "scope[1]"),
        ({"scope": ["é"]}, "scope[0]"),
        ({"scope": ['a"b']}, "scope[0]"),
        ({"scope": ["a\\b"]}, "scope[0]"),
        ({"scope": ["s" * 201]}, "scope[0]"),
        ({"scope": [5]}, "scope[0]"),
        ({"response_type": "id_token"}, "response_type"),
        ({"additional_parameters": 5}, "additional_parameters"),
        ({"additional_parameters": {"max_age": 5}}, "additional_parameters.max_age"),
        ({"state": 5}, "state"),
        ({"redirect_uri": 5}, "redirect_uri"),
        ({"response_encryption_key": 5}, "response_encryption_key"),
    ],
)
def test_what_does_not_hold_cannot_be_asked_for(changes, field):
    assert fault(asked, **changes).field == f"Authenticate.{field}"


def test_half_a_character_cannot_be_a_parameter():
    fault(asked, additional_parameters={"hint": "\ud800"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"state": "s" * 1025}, "state"),
        ({"state": "é"}, "state"),
        ({"redirect_uri": f"https://a.example/{'x' * 8192}"}, "redirect_uri"),
        ({"additional_parameters": "x" * 8193}, "additional_parameters"),
        ({"additional_parameters": {"a": "x" * 8192}}, "additional_parameters"),
        ({"received": "x" * 201}, "received"),
    ],
)
def test_what_is_beyond_what_vendors_report_is_refused_when_it_is_said(
    changes, field, require_reported
):
    assert fault(require_reported, asked(**changes)).field == f"Authenticate.{field}"


@pytest.mark.parametrize("content", [asked(state="s" * 1024), asked_the_old_way()])
def test_what_vendors_report_holds(content, require_reported):
    require_reported(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (asked(scope=[]), "scope"),
        (asked(state=None), "state"),
        (asked(redirect_uri=None), "redirect_uri"),
        (asked(redirect_uri=None, response_encryption_key=""), "redirect_uri"),
        (asked_the_old_way(scope=()), "scope"),
        (asked_the_old_way(state=None), "state"),
    ],
)
def test_what_nobody_set_is_named_with_its_settings(content, field, require_reported):
    assert fault(outbound(content).to_wire).field == field
    error = fault(require_reported, content)
    assert error.field == f"Authenticate.{field}"
    assert "MSP_OAUTH_TOKEN_URL" in error.limit


@pytest.mark.parametrize("content", [asked(), asked_the_old_way()])
def test_neither_state_nor_key_is_shown(content):
    assert not [secret for secret in (STATE, KEY, CALLBACK) if secret in repr(content)]


# From JSON


def test_parse_outbound_reads_a_request_to_sign_in():
    fields = {
        "kind": "Authenticate",
        "received": "Sign in to Example",
        "replied": {"title": "You are signed in"},
        "scope": ["openid"],
        "additional_parameters": {"prompt": "login"},
        "fallback": {"kind": "Text", "body": "Please call us."},
    }

    content = parse_outbound(json.loads(json.dumps(fields)))

    assert (content.scope, content.additional_parameters) == (("openid",), "prompt=login")
    assert (content.state, content.redirect_uri) == (None, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scope": "openid"}, "scope"),
        ({"scope": [None]}, "scope[0]"),
        ({"response_type": "both"}, "response_type"),
        ({"client_secret": "planted"}, "client_secret"),
    ],
)
def test_parse_outbound_names_what_is_wrong_with_a_request_to_sign_in(changes, field):
    fields = {"kind": "Authenticate", "received": "Sign in"} | changes

    assert fault(parse_outbound, fields).field == f"Authenticate.{field}"


# Filled in when it is sent


def test_with_client_secret_puts_it_into_the_old_flow_and_changes_nothing_else():
    _, packed = outbound(asked_the_old_way(received="Größe")).to_wire()

    completed = json.loads(with_client_secret(packed, "example-of-a-provider"))

    oauth = completed["interactiveData"]["data"]["authenticate"]["oauth2"]
    assert oauth.pop("clientSecret") == "example-of-a-provider"
    assert completed == json.loads(packed)


@pytest.mark.parametrize(
    "packed", [outbound(asked()).to_wire()[1], b"{}", b'{"interactiveData": 5}']
)
def test_with_client_secret_leaves_all_else_as_it_is(packed):
    assert with_client_secret(packed, "example-of-a-provider") is packed


# How it ended


@pytest.mark.parametrize(
    ("kind", "expected", "claims"),
    [
        (
            "authenticate_response",
            AuthenticateResponse(
                status="success",
                request_id="c0ffee00-0000-4000-8000-000000000018",
                session_id=SESSION,
                title="You are signed in",
            ),
            True,
        ),
        (
            "authenticate_response_failure",
            AuthenticateResponse(
                status="failure",
                detail="access_denied",
                request_id="c0ffee00-0000-4000-8000-000000000018",
                session_id=SESSION,
                title="Not signed in",
            ),
            False,
        ),
        (
            "authenticate_response_old_failed",
            AuthenticateResponse(
                status="failed",
                detail="Failed creating key",
                request_id="c0ffee00-0000-4000-8000-000000000019",
                session_id=SESSION,
                title="Authentication Failed",
            ),
            False,
        ),
    ],
)
def test_a_response_is_read(kind, expected, claims):
    raw = sample(kind)

    content = parse_content("interactive", raw)

    assert content == expected
    assert content.raw is raw
    assert content.claims_success is claims
    assert content.selection == expected.status


def test_a_response_of_the_old_flow_brings_a_token_and_does_not_show_it():
    raw = sample("authenticate_response_old")
    token = raw["interactiveData"]["data"]["authenticate"]["token"]

    content = parse_content("interactive", raw)

    assert content.token == token
    assert content.claims_success
    assert token not in repr(content)


def test_a_response_alone_tells_nobody_who_signed_in():
    content = parse_content("interactive", sample("authenticate_response"))

    assert (content.user, content.failure) == (None, None)


def test_a_response_is_given_what_became_of_the_sign_in():
    content = parse_content("interactive", sample("authenticate_response"))

    somebody = content.ended({"sub": "planted"}, None)
    nobody = content.ended(None, SignInFailure.EXPIRED)

    assert (somebody.user, somebody.failure) == ({"sub": "planted"}, None)
    assert (nobody.user, nobody.failure) == (None, SignInFailure.EXPIRED)
    assert somebody.request_id == content.request_id
    assert "planted" not in repr(somebody)


@pytest.mark.parametrize("status", ["Success", "ok", "failure", "cancel", "unknown", "x" * 200])
def test_whatever_is_not_plainly_good_is_no_success(status):
    content = parse_authenticate(answer({"authenticate": {"status": status, "token": "t"}}))

    assert content.status == status
    assert not content.claims_success


@pytest.mark.parametrize(
    ("authenticate", "detail"),
    [
        ({}, ""),
        ({"error_code": 5}, ""),
        ({"error_code": "access_denied", "errors": [{"message": "No"}]}, "access_denied"),
        ({"errors": [{"code": 2}, 5, {"message": ""}, {"message": "No"}]}, "No"),
        ({"errors": {"message": "No"}}, ""),
        ({"errors": [{"message": ["No"]}]}, ""),
        ({"error_code": "x" * 1000}, "x" * 200),
        ({"errors": [{"message": "x" * 1000}]}, "x" * 200),
    ],
)
def test_what_the_device_says_of_a_failure_is_read(authenticate, detail):
    raw = answer({"authenticate": {"status": "failure", **authenticate}})

    assert parse_authenticate(raw).detail == detail


@pytest.mark.parametrize(
    ("token", "read"),
    [
        ("t", "t"),
        ("t" * 65_536, "t" * 65_536),
        ("t" * 65_537, None),
        ("", None),
        (None, None),
        (5, None),
        (["t"], None),
    ],
    ids=repr,
)
def test_a_token_is_read_if_it_is_no_larger_than_a_token_can_be(token, read):
    raw = answer({"authenticate": {"status": "authenticated", "token": token}})

    assert parse_authenticate(raw).token == read


def test_a_long_status_is_cut():
    assert parse_authenticate(answer({"authenticate": {"status": "x" * 999}})).status == "x" * 200


@pytest.mark.parametrize("authenticate", [None, 5, [], "success", {}, {"status": 5}])
def test_a_response_without_a_status_is_unknown(authenticate):
    raw = answer({"authenticate": authenticate})

    assert parse_content("interactive", raw) == Unknown("interactive")


@pytest.mark.parametrize(
    "kind",
    [
        "authenticate_response",
        "authenticate_response_failure",
        "authenticate_response_old",
        "authenticate_response_old_failed",
    ],
)
def test_junk_in_any_field_harms_nothing(kind, spoil_each):
    for raw in spoil_each(sample(kind)):
        assert isinstance(parse_content("interactive", raw), AuthenticateResponse | Unknown)


# Why nobody signed in


@pytest.mark.parametrize(
    ("status", "detail", "failure"),
    [
        ("cancel", "", SignInFailure.CANCELLED),
        ("cancel", "access_denied", SignInFailure.CANCELLED),
        ("failure", "access_denied", SignInFailure.DENIED),
        ("failure", "server_error", SignInFailure.REPORTED),
        ("failed", "Key is not UTF8", SignInFailure.REPORTED),
        ("unknown", "", SignInFailure.REPORTED),
    ],
)
def test_a_failure_that_the_device_reports_has_a_name(status, detail, failure):
    assert reported_failure(AuthenticateResponse(status=status, detail=detail)) is failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (AnswerUnreadable, SignInFailure.PROVIDER_UNREADABLE),
        (RemoteRefused, SignInFailure.PROVIDER_REFUSED),
        (CredentialsRefused, SignInFailure.PROVIDER_REFUSED),
        (RemoteBusy, SignInFailure.PROVIDER_UNREACHABLE),
        (RemoteUnreachable, SignInFailure.PROVIDER_UNREACHABLE),
    ],
)
def test_a_failure_at_the_provider_has_a_name(error, failure):
    raised = error("said no", method="POST", address="https://id.example.com/token")

    assert failure_after(raised) is failure


def test_failures_have_names_that_are_stored():
    assert [*SignInFailure] == [
        "cancelled",
        "denied",
        "reported",
        "not returned",
        "expired",
        "not asked",
        "provider unreachable",
        "provider refused",
        "provider unreadable",
        "token unreadable",
    ]
