import pytest

D = "interactiveData.data"
APPLES_BID = (
    "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"
    "com.apple.icloud.apps.messages.business.extension"
)


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({"interactiveData.bid": ...}, "key-missing", "bid is missing"),
        ({"interactiveData.bid": 7}, "key-type", "bid is 7"),
        ({"interactiveData.bid": APPLES_BID + "s"}, "bid", "write com.apple.messages"),
        ({"interactiveData.bid": "com.example"}, "bid", "bid is 'com.example'"),
        ({"interactiveData.sessionIdentifier": ""}, "key-empty", "sessionIdentifier is empty"),
        ({"interactiveData.sessionIdentifier": 7}, "key-type", "sessionIdentifier is 7"),
        ({"interactiveData.sessionIdentifier": "x" * 201}, "identifier-length", "201"),
        ({"interactiveData.useLiveLayout": "yes"}, "key-type", "useLiveLayout is 'yes'"),
        ({D: ...}, "key-missing", "data is missing"),
        ({D: []}, "key-type", "data is []"),
        ({f"{D}.version": ...}, "key-missing", "data.version is missing"),
        ({f"{D}.version": "1"}, "data-version", "version is '1': write \"1.0\""),
        ({f"{D}.version": 1.0}, "key-type", "version is 1.0"),
        ({f"{D}.mspVersion": "2.0"}, "data-version", "mspVersion is '2.0'"),
        ({f"{D}.requestIdentifier": ...}, "key-missing", "requestIdentifier is missing"),
        ({f"{D}.requestIdentifier": 7}, "key-type", "requestIdentifier is 7"),
        ({f"{D}.requestIdentifier": "x" * 201}, "identifier-length", "measures 201"),
        ({f"{D}.listPicker": ...}, "feature", "holds nothing to show: send exactly one of"),
        ({f"{D}.event": {}}, "feature", "holds listPicker and event"),
        ({f"{D}.listPicker": []}, "key-type", "listPicker is []"),
        (
            {f"{D}.listPicker": ..., f"{D}.quickReply": {}},
            "feature",
            "rename quickReply to quick-reply",
        ),
    ],
)
def test_frame_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("list_picker", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize("bubble", ["receivedMessage", "replyMessage"])
@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({"title": ...}, "key-missing", "title is missing"),
        ({"title": ""}, "key-empty", "title is empty"),
        ({"title": "x" * 201}, "text-length", "title measures 201"),
        ({"title": "two\nlines"}, "text-printable", "title holds '\\n'"),
        ({"subtitle": "x" * 201}, "text-length", "subtitle measures 201"),
        ({"imageTitle": 7}, "key-type", "imageTitle is 7"),
        ({"imageSubtitle": "x" * 201}, "text-length", "imageSubtitle"),
        ({"secondarySubtitle": "\x7f"}, "text-printable", "secondarySubtitle"),
        ({"tertiarySubtitle": "x" * 201}, "text-length", "tertiarySubtitle"),
        ({"alternateTitle": "x" * 201}, "text-length", "alternateTitle"),
        ({"imageDescription": "x" * 201}, "text-length", "imageDescription"),
        ({"style": "huge"}, "key-value", "style is 'huge': write icon or small or large"),
        ({"imageIdentifier": 7}, "key-type", "imageIdentifier is 7"),
    ],
)
def test_bubble_with_one_thing_spoiled_is_refused(samples, bubble, changes, rule, words):
    changes = {f"interactiveData.{bubble}.{key}": value for key, value in changes.items()}

    refused, reason = samples.refuse("time_picker", changes)

    assert refused == rule
    assert f"{bubble}.{words}" in reason


@pytest.mark.parametrize("bubble", ["receivedMessage", "replyMessage"])
@pytest.mark.parametrize("kind", ["list_picker", "time_picker", "form"])
def test_kind_that_changes_needs_both_bubbles(samples, kind, bubble):
    rule, reason = samples.refuse(kind, {f"interactiveData.{bubble}": ...})

    assert rule == ("key-missing" if bubble == "receivedMessage" else "reply-bubble")
    assert f"{bubble} is missing" in reason


@pytest.mark.parametrize("bubble", ["receivedMessage", "replyMessage"])
@pytest.mark.parametrize("kind", ["quick_reply", "invitation"])
def test_kind_without_bubbles_is_refused_with_one(samples, kind, bubble):
    rule, reason = samples.refuse(kind, {f"interactiveData.{bubble}": {"title": "x"}})

    assert rule == "no-bubbles"
    assert f"{bubble} does not belong" in reason


def test_bubble_inside_data_is_refused_with_the_cure(samples):
    rule, reason = samples.refuse(
        "list_picker",
        {"interactiveData.receivedMessage": ..., f"{D}.receivedMessage": {"title": "Menu"}},
    )

    assert rule == "bubble-place"
    assert "put the bubbles beside data" in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"interactiveData.sessionIdentifier": "x" * 200},
        {"interactiveData.useLiveLayout": False},
        {f"{D}.requestIdentifier": "x" * 200},
        {f"{D}.version": ..., f"{D}.mspVersion": "1.0"},
        {f"{D}.mspVersion": "1.0"},
        {f"{D}.unheardOf": {"of": [1, None]}, "interactiveData.neither": True},
        {f"{D}.event": None},
        {"interactiveData.receivedMessage.title": "x" * 200},
        {"interactiveData.receivedMessage.subtitle": "👋" * 200},
        {"interactiveData.receivedMessage.subtitle": ""},
        {"interactiveData.receivedMessage.style": ...},
        {"interactiveData.receivedMessage.style": "large"},
    ],
)
def test_frame_on_the_edge_is_accepted(samples, changes):
    samples.accept("list_picker", changes)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("list_picker", {"interactiveData.replyMessage": ...}),
        ("list_picker", {"interactiveData.receivedMessage.title": "x\n" * 500}),
        ("list_picker", {"interactiveData.sessionIdentifier": "x" * 500}),
        ("quick_reply", {"interactiveData.receivedMessage": {"title": "x"}}),
    ],
)
def test_without_vendor_limits_more_is_accepted(samples, kind, changes):
    samples.set_switches(check_vendor_limits=False)

    samples.accept(kind, changes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"interactiveData.receivedMessage": ...}, "key-missing"),
        ({"interactiveData.receivedMessage.title": ""}, "key-empty"),
        ({f"{D}.version": ...}, "key-missing"),
    ],
)
def test_without_vendor_limits_what_apple_says_holds(samples, changes, rule):
    samples.set_switches(check_vendor_limits=False)

    assert samples.refuse("list_picker", changes)[0] == rule


def test_refusal_names_source_and_date(samples):
    _, reason = samples.refuse("list_picker", {"interactiveData.receivedMessage.title": "x" * 201})

    assert reason.endswith(
        "(source: observed: a vendor's notes on Apple's compliance updates, since 2026-08-21)"
    )
