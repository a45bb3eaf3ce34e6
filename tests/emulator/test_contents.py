import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msp_server.emulator.contents import FEATURES, is_invitation, required_capability

SAMPLES = Path(__file__).parents[1] / "data" / "apple"
KINDS = (
    "rich_link",
    "quick_reply",
    "list_picker",
    "time_picker",
    "form",
    "custom_app",
    "invitation",
)
NEEDS = {"quick_reply": "QUICK", "list_picker": "LIST", "time_picker": "TIME", "form": "FORM"}
APPLES_BID = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension"
)

#: What the gateway looks for, so that a shape is read deeper than its first key.
keys = st.sampled_from([*FEATURES, "bid", "data", "images", "identifier", "sections", "items"])
shapes = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.just(APPLES_BID),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(), inner),
    max_leaves=15,
)


def load(kind):
    return json.loads((SAMPLES / f"{kind}.json").read_text("utf-8"))


def paths_in(value, path=""):
    """Give the dotted path of everything inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in inside:
        yield f"{path}{key}"
        if isinstance(inner, dict | list):
            yield from paths_in(inner, f"{path}{key}.")


@pytest.mark.parametrize("vendor_limits", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_is_accepted(samples, kind, vendor_limits):
    samples.set_switches(check_vendor_limits=vendor_limits)

    samples.accept(kind)

    assert len(samples.ava.transcript()["entries"]) == 1


@pytest.mark.parametrize(("kind", "needed"), NEEDS.items())
def test_what_the_device_lacks_is_refused(samples, kind, needed):
    url = f"{samples.emulator.url}/customers/ava"
    others = [word for word in ("QUICK", "LIST", "TIME", "FORM") if word != needed]
    samples.sender.web.patch(url, json={"capabilities": others}, timeout=5)

    rule, reason = samples.refuse(kind, {})
    samples.sender.web.patch(url, json={"capabilities": [needed.lower()]}, timeout=5)
    samples.accept(kind)

    assert rule == "capability-missing"
    assert f"lacks {needed}: send something else" in reason


@pytest.mark.parametrize("kind", NEEDS)
def test_what_the_device_lacks_is_accepted_without_the_check(samples, kind):
    samples.sender.web.patch(
        f"{samples.emulator.url}/customers/ava", json={"capabilities": []}, timeout=5
    )
    samples.set_switches(check_capabilities=False)

    samples.accept(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_kind_tells_what_it_needs(kind):
    assert required_capability(load(kind)) == NEEDS.get(kind)


def test_what_is_not_apples_needs_nothing():
    assert required_capability({"type": "text", "body": "Hello"}) is None
    assert required_capability({"type": "interactive", "interactiveDataRef": {}}) is None
    assert required_capability(load("form") | {"type": "text"}) is None


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_invitation_is_one(kind):
    assert is_invitation(load(kind)) == (kind == "invitation")


@given(shape=shapes)
def test_any_shape_tells_what_it_needs(shape):
    for interactive in (shape, {"bid": APPLES_BID, "data": shape}):
        fields = {"type": "interactive", "interactiveData": interactive}
        needed = required_capability(fields)
        assert needed is None or needed in {each.capability for each in FEATURES.values()} | {
            "AUTH"
        }


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shape=shapes)
def test_random_shape_is_answered(samples, shape):
    answer = samples.send("list_picker", {"interactiveData": shape})

    assert answer.status_code in {200, 400}


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), kind=st.sampled_from(KINDS), shape=shapes)
def test_random_shape_anywhere_in_a_sample_is_answered(samples, data, kind, shape):
    sample = load(kind)
    key = "richLinkData" if kind == "rich_link" else "interactiveData"
    path = data.draw(st.sampled_from(list(paths_in(sample[key], f"{key}."))))

    answer = samples.send(kind, {path: shape})

    assert answer.status_code in {200, 400}
    assert answer.status_code == 200 or answer.headers["X-Emulator-Reason"]
