import inspect

import pytest

from msp_server import errors
from msp_server.errors import (
    AddressRefused,
    AttachmentError,
    AttachmentUnusable,
    BusinessUnknown,
    CapabilityMissing,
    ConfigurationError,
    ContentError,
    ContentInvalid,
    CredentialsRefused,
    DiskRefused,
    Fault,
    HandlerError,
    KeyUnreadable,
    MessageUnreadable,
    MspError,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
    RequestTooLarge,
    RequestUnreadable,
    SizeMismatch,
    StoreBusy,
    StoreError,
    StoreUnavailable,
    TokenMissing,
    TokenRefused,
    UploadRefused,
    WebhookError,
    where,
)

FAULTS = (
    Fault("MSP_PORT", "'x' is no port", "enter a number"),
    Fault("MSP_SECRET", "not set", "enter it"),
)


def drawn_tree():
    """Read the tree in the module's docstring: each class and the class above it."""
    tree, above = {}, [(0, "Exception")]
    drawing = inspect.getdoc(errors).split("::\n\n")[1].split("\n\n")[0]
    for line in drawing.splitlines():
        indent, name = len(line) - len(line.lstrip()), line.strip()
        while above[-1][0] >= indent:
            above.pop()
        tree[name] = above[-1][1]
        above.append((indent, name))
    return tree


def real_tree():
    return {
        name: found.__bases__[0].__name__
        for name, found in vars(errors).items()
        if inspect.isclass(found) and issubclass(found, Exception)
    }


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    assert drawn_tree() == real_tree()


@pytest.mark.parametrize(
    "leaf",
    [
        TokenMissing,
        TokenRefused,
        RequestUnreadable,
        RequestTooLarge,
        MessageUnreadable,
        BusinessUnknown,
        ContentInvalid,
        CapabilityMissing,
        AttachmentUnusable,
        DiskRefused,
        KeyUnreadable,
        SizeMismatch,
        StoreBusy,
        StoreUnavailable,
    ],
)
def test_the_default_message_of_a_leaf_is_its_docstring(leaf):
    assert str(leaf()) == leaf.__doc__


def test_an_error_says_what_it_was_told():
    assert str(TokenRefused("another audience")) == "another audience"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (WebhookError, 400),
        (TokenMissing, 401),
        (TokenRefused, 403),
        (RequestUnreadable, 400),
        (RequestTooLarge, 413),
        (MessageUnreadable, 400),
        (BusinessUnknown, 404),
    ],
)
def test_a_refusal_has_the_status_we_answer(kind, status):
    assert kind.status == status


@pytest.mark.parametrize(
    "kind",
    [
        RemoteUnreachable,
        RemoteBusy,
        CredentialsRefused,
        UploadRefused,
        DiskRefused,
        StoreError,
        StoreBusy,
        StoreUnavailable,
    ],
)
def test_what_may_succeed_later_is_retryable(kind):
    assert kind.retryable


@pytest.mark.parametrize(
    "kind",
    [
        MspError,
        WebhookError,
        ContentError,
        ContentInvalid,
        RemoteError,
        RemoteRefused,
        AddressRefused,
        CapabilityMissing,
        AttachmentError,
        AttachmentUnusable,
        KeyUnreadable,
        SizeMismatch,
        HandlerError,
    ],
)
def test_what_will_never_succeed_is_not_retryable(kind):
    assert not kind.retryable


def test_a_fault_is_one_sentence_with_its_cure():
    assert str(FAULTS[0]) == "MSP_PORT: 'x' is no port; enter a number"


def test_a_configuration_error_says_one_fault_in_a_line():
    assert str(ConfigurationError(FAULTS)).splitlines() == [str(fault) for fault in FAULTS]


def test_a_configuration_error_keeps_the_faults_of_an_iterator():
    assert ConfigurationError(iter(FAULTS)).faults == FAULTS


def test_a_remote_error_says_which_request_failed():
    error = RemoteError("answered 400", method="POST", address="https://example.com/v1/message")

    assert str(error) == "POST https://example.com/v1/message: answered 400"


def test_a_remote_error_knows_what_was_answered():
    error = RemoteError(
        "answered 400",
        method="POST",
        address="https://example.com/v1/message",
        status=400,
        message_id="3c1e6b0a",
        answer="ids differ",
    )

    assert vars(error) == {
        "method": "POST",
        "address": "https://example.com/v1/message",
        "status": 400,
        "message_id": "3c1e6b0a",
        "answer": "ids differ",
    }


def test_a_remote_error_does_not_repeat_the_answer():
    error = RemoteError("answered 400", method="POST", address="https://x/v1", answer="private")

    assert "private" not in str(error)


def test_a_busy_server_asks_for_no_delay_unless_it_says_so():
    assert RemoteBusy("answered 503", method="POST", address="https://x/v1").delay_s is None


def test_a_handler_error_names_agent_and_handler():
    error = HandlerError("front desk", "tell_hours", "raised KeyError: 'x'")

    assert str(error) == "agent='front desk' handler=tell_hours raised KeyError: 'x'"


def test_a_handler_error_keeps_the_names_of_agent_and_handler():
    error = HandlerError("front desk", "tell_hours", "raised KeyError: 'x'")

    assert (error.agent, error.handler) == ("front desk", "tell_hours")


def fail():
    raise ValueError("what the customer said")


def test_where_names_the_error_and_the_function():
    with pytest.raises(ValueError, match="said") as failed:
        fail()

    assert where(failed.value).startswith("ValueError in fail (test_errors.py:")
    assert "in fail" in where(failed.value)


def test_where_leaves_out_what_the_error_says():
    with pytest.raises(ValueError, match="said") as failed:
        raise ValueError(" ".join(["said", "by", "the", "customer"]))

    assert "said by the customer" not in where(failed.value)


def test_where_speaks_of_no_error_too():
    assert where(None) == "no error"


WHOLE = ContentInvalid(
    "has 201 characters",
    field="title",
    value="private",
    limit="at most 200 are allowed",
    source="a vendor, since 2026-08-21",
)


def test_an_invalid_content_says_all_of_it():
    assert str(WHOLE) == (
        "title has 201 characters; at most 200 are allowed (source: a vendor, since 2026-08-21)"
        ": 'private'"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ContentInvalid("is empty"), "is empty"),
        (ContentInvalid("is empty", field="Text.body"), "Text.body is empty"),
        (ContentInvalid("is empty", limit="a text needs words"), "is empty; a text needs words"),
        (ContentInvalid("is empty", source="Apple"), "is empty (source: Apple)"),
        (ContentInvalid("is empty", value=""), "is empty: ''"),
        (ContentInvalid("is empty", value=0), "is empty: 0"),
        (ContentInvalid(field="body"), f"body {ContentInvalid.__doc__}"),
    ],
)
def test_an_invalid_content_says_what_it_was_told(error, said):
    assert str(error) == said


def test_an_invalid_content_says_the_same_without_the_value():
    assert str(WHOLE) == f"{WHOLE.without_value}: 'private'"
    assert "private" not in WHOLE.without_value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 78, f"'{'x' * 78}'"),
        ("x" * 79, f"'{'x' * 79}…"),
        ("x" * 10_000, f"'{'x' * 79}…"),
        ("a\nb", r"'a\nb'"),
    ],
)
def test_an_invalid_content_shows_the_beginning_of_the_value_in_one_line(value, shown):
    assert str(ContentInvalid("is long", value=value)) == f"is long: {shown}"


@pytest.mark.parametrize(
    ("field", "path"),
    [("title", "Item.title"), ("[0].title", "Item[0].title"), ("", "Item")],
)
def test_inside_puts_the_path_before_the_field(field, path):
    error = ContentInvalid("is empty", field=field)

    assert error.inside("Item").field == path


def test_inside_keeps_all_else():
    inner = WHOLE.inside("sections[0]").inside("ListPicker")

    assert inner.field == "ListPicker.sections[0].title"
    assert vars(inner) == {**vars(WHOLE), "field": inner.field}


def test_inside_leaves_the_error_as_it_is():
    WHOLE.inside("Item")

    assert WHOLE.field == "title"


def test_an_invalid_content_is_a_value_error_too():
    assert isinstance(WHOLE, ValueError)
