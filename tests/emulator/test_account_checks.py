import pytest

D = "interactiveData.data"
PICKER = f"{D}.listPicker"
SIGN_IN = f"{D}.authenticate"
OAUTH = {
    "responseType": "code",
    "scope": ["openid", "email"],
    "state": "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ",
    "redirectURI": "https://msp.example.com/oauth/callback",
}
OLDER = {
    "responseType": "token",
    "scope": [],
    "state": "q83vASNFZ4mrze8BI0VniavN7wEjRWeJ",
    "clientSecret": "made up",
    "responseEncryptionKey": "BAEC",
}


def sign_in(oauth, **changes):
    kept = {key: value for key, value in (oauth | changes).items() if value is not None}
    return {PICKER: ..., SIGN_IN: {"oauth2": kept}}


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({PICKER: ..., SIGN_IN: {}}, "key-missing", "authenticate.oauth2 is missing"),
        (sign_in(OAUTH, responseType=None), "key-missing", "responseType is missing"),
        (sign_in(OAUTH, responseType="id"), "key-value", "write code or token"),
        (sign_in(OAUTH, scope=None), "sign-in-keys", "scope is missing"),
        (sign_in(OAUTH, scope="openid"), "sign-in-keys", "a list of strings"),
        (sign_in(OAUTH, scope=[7]), "sign-in-keys", "a list of strings"),
        (sign_in(OAUTH, state=None), "key-missing", "state is missing"),
        (sign_in(OAUTH, state="x" * 1_025), "state-length", "measures 1,025"),
        (sign_in(OAUTH, state="é"), "state-printable", "printable ASCII"),
        (sign_in(OAUTH, redirectURI=None), "key-missing", "redirectURI is missing"),
        (sign_in(OAUTH, redirectURI="x"), "address-form", "absolute address"),
        (sign_in(OLDER, clientSecret=None), "key-missing", "clientSecret is missing"),
        (sign_in(OLDER, responseEncryptionKey=None), "key-missing", "responseEncryptionKey"),
        (sign_in(OAUTH, additionalParameters={}), "key-type", "additionalParameters is {}"),
        (sign_in(OLDER, clientSecret=""), "key-empty", "clientSecret is empty"),
        ({**sign_in(OAUTH), "interactiveData.replyMessage": ...}, "reply-bubble", "replyMess"),
    ],
)
def test_request_that_lacks_a_key_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("list_picker", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        sign_in(OAUTH),
        sign_in(OAUTH, state="x" * 1_024),
        sign_in(OAUTH, additionalParameters="prompt=login"),
        sign_in(OLDER),
    ],
)
def test_request_with_its_keys_is_accepted(samples, changes):
    samples.accept("list_picker", changes)


@pytest.mark.parametrize(("oauth", "needed"), [(OAUTH, "AUTH2"), (OLDER, "AUTH")])
def test_older_way_of_signing_in_needs_another_capability(samples, oauth, needed):
    other = {"AUTH": "AUTH2", "AUTH2": "AUTH"}[needed]
    samples.sender.web.patch(
        f"{samples.emulator.url}/customers/ava", json={"capabilities": [other]}, timeout=5
    )

    rule, reason = samples.refuse("list_picker", sign_in(oauth))

    assert rule == "capability-missing"
    assert f"lacks {needed}:" in reason


@pytest.mark.parametrize("key", ["clientSecret", "responseEncryptionKey"])
def test_secret_that_is_no_text_is_refused_without_a_quotation(samples, key):
    rule, reason = samples.refuse("list_picker", sign_in(OLDER, **{key: 123456789}))

    assert rule == "key-type"
    assert f"{key} has to be a string" in reason
    assert "123456789" not in reason
