import pytest

from msp_server.emulator.bubbles import is_supported, tell_shown
from msp_server.emulator.devices import DEVICES
from msp_server.emulator.profile import Profile

APPLE = "x:0000000000:com.apple.icloud.apps.messages.business.extension"


def message(feature, bid=APPLE):
    return {"type": "interactive", "interactiveData": {"bid": bid, "data": feature}}


@pytest.mark.parametrize(
    ("feature", "shows"),
    [
        ({"quick-reply": {}}, "quick_reply"),
        ({"listPicker": {}}, "list_picker"),
        ({"event": {}}, "time_picker"),
        ({"dynamic": {}}, "form"),
        ({"authenticate": {}}, "sign_in"),
        ({"payment": {}}, "payment"),
        ({"notification": {}}, "invitation"),
        ({"quickReply": {}}, "unknown"),
        ({"listPicker": []}, "unknown"),
        ([], "unknown"),
    ],
)
def test_feature_tells_what_is_shown(feature, shows):
    assert tell_shown(message(feature)) == shows


def test_other_extension_is_a_custom_app_whatever_its_data():
    assert tell_shown(message({"listPicker": {}}, "x:TEAM:com.example.app")) == "custom_app"


def test_message_by_reference_is_unknown():
    assert tell_shown({"type": "interactive", "interactiveDataRef": {}}) == "unknown"


def test_text_shows_nothing_interactive():
    assert tell_shown({"type": "text", "interactiveData": {}}) is None


def profile(device):
    return Profile(device=device, capabilities=DEVICES[device].capabilities)


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        (message({"quick-reply": {}}), ["iphone-2018"]),
        (message({"listPicker": {}}), ["iphone-2018"]),
        (message({"event": {}}), ["iphone-2018"]),
        (message({"dynamic": {}}), ["mac", "iphone-no-form", "iphone-2018"]),
        (message({"authenticate": {"oauth2": {"state": "x"}}}), ["iphone-2018"]),
        (
            message({"authenticate": {"oauth2": {"redirectURI": "x", "clientSecret": "s"}}}),
            ["iphone-2018"],
        ),
        (
            message({"authenticate": {"oauth2": {"redirectURI": "x"}}}),
            ["iphone-no-form", "iphone-2018"],
        ),
        (message({}, "x:TEAM:com.example.app"), ["mac"]),
        (message({"payment": {}}), []),
        (message({"notification": {}}), []),
        ({"type": "text", "body": "Hello"}, []),
    ],
)
def test_devices_that_cannot_show_a_message(fields, missing):
    assert [name for name in DEVICES if not is_supported(fields, profile(name))] == missing


def test_capabilities_by_hand_say_nothing_against_apps():
    given = Profile(device=None, capabilities=())

    assert is_supported(message({}, "x:TEAM:com.example.app"), given)
