import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as many
from hypothesis import strategies as st

from msp_server.emulator.app import Parts, create_app

YES = {"identifier": "y", "title": "Yes"}
NO = {"identifier": "n", "title": "No"}
ITEM = {"identifier": "tea", "title": "Tea", "order": 0, "style": "default"}
SLOT = {"identifier": "s1", "startTime": "2031-03-22T09:00+0000", "duration": 1800}
PAGE = {
    "pageIdentifier": "0",
    "type": "select",
    "title": "Product",
    "subtitle": "Which one?",
    "items": [{"identifier": "101", "title": "Kettle", "value": "kettle"}],
    "submitForm": True,
}
APP_BID = "com.apple.messages.MSMessageExtensionBalloonPlugin:TEAMID0001:com.example.delivery.App"
FEATURES = {
    "tap": {"quick-reply": {"summaryText": "Was that helpful?", "items": [YES, NO]}},
    "choose": {"listPicker": {"sections": [{"title": "Drinks", "order": 0, "items": [ITEM]}]}},
    "pick_time": {"event": {"identifier": "visit-1", "title": "Fitting", "timeslots": [SLOT]}},
    "answer_form": {
        "dynamic": {
            "version": "1.2",
            "template": "messageForms",
            "data": {"startPageIdentifier": "0", "pages": [PAGE]},
        }
    },
    "open_app": {},
    "answer_invitation": {
        "notification": {
            "templateId": "binaryChoice.engage.noImage",
            "referenceId": "order-10442",
            "locale": "en-us",
            "parameters": {"brandName": "Example Shop"},
        }
    },
}
CHOICES = {
    "tap": {"title": "Yes"},
    "choose": {"titles": ["Tea"]},
    "pick_time": {"index": 0},
    "answer_form": {"answers": {"Product": "Kettle"}},
    "open_app": {"url": "?slot=2"},
    "answer_invitation": {"accept": True},
}
SHOWS = {
    "tap": "quick_reply",
    "choose": "list_picker",
    "pick_time": "time_picker",
    "answer_form": "form",
    "open_app": "custom_app",
    "answer_invitation": "invitation",
}
AGAIN = ["choose", "pick_time", "answer_form", "open_app"]


@pytest.fixture
def bubble(interactive):
    """Give the fields of a bubble that a deed answers."""

    def make(deed):
        sent = interactive(FEATURES[deed])
        if deed == "open_app":
            sent |= {"bid": APP_BID, "URL": "?parcel=77"}
        return {"type": "interactive", "interactiveData": sent}

    return make


@pytest.fixture
def put_bubble(put_on_phone, bubble):
    return lambda deed: put_on_phone(bubble(deed))


def newest(ava):
    """Give the newest entry of the business."""
    entries = ava.transcript()["entries"]
    return [entry for entry in entries if entry["from"] == "business"][-1]


@pytest.mark.parametrize("deed", CHOICES)
def test_bubble_tells_what_it_shows_and_that_it_can_be_answered(ava, put_bubble, deed):
    put_bubble(deed)

    entry = newest(ava)

    assert (entry["shows"], entry["answerable"]) == (SHOWS[deed], True)
    assert not {"replied", "unsupported"} & entry.keys()


@pytest.mark.parametrize("deed", CHOICES)
def test_answer_goes_out_once_and_changes_the_bubble(ava, msp, journal, put_bubble, deed):
    put_bubble(deed)
    before = ava.transcript()

    answer = ava.do(deed, **CHOICES[deed])

    assert answer.json() == {
        "id": msp.next().fields["id"],
        "status": 200,
        "error": None,
        "seconds": answer.json()["seconds"],
    }
    assert len(journal(direction="to_msp")) == 1
    changed = ava.transcript(changes_after=before["changes"], of=before["transcript"])["entries"]
    assert [entry["from"] for entry in changed] == ["business", "customer"]
    assert changed[0]["replied"]["title"]
    assert (changed[1]["shows"], changed[1]["answerable"]) == (SHOWS[deed], False)


@pytest.mark.parametrize("deed", AGAIN)
def test_these_can_be_answered_again(answered, put_bubble, deed):
    put_bubble(deed)

    first, second = answered(deed, **CHOICES[deed]), answered(deed, **CHOICES[deed])

    assert first["id"] != second["id"]
    assert first["interactiveData"] == second["interactiveData"]


def test_quick_reply_can_be_tapped_once(ava, answered, put_bubble):
    put_bubble("tap")
    answered("tap", title="Yes")

    again = ava.do("tap", title="No")

    assert again.status_code == 400
    assert "it was tapped already" in again.json()["error"]
    entry = newest(ava)
    assert (entry["answerable"], entry["replied"]["title"]) == (False, "Yes")


def test_quick_reply_tapped_by_many_fingers_at_once_goes_out_once(ava, journal, put_bubble):
    put_bubble("tap")

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: ava.do("tap", title="Yes").status_code, range(6)))

    assert sorted(statuses) == [200, 400, 400, 400, 400, 400]
    assert len(journal(direction="to_msp")) == 1


@pytest.mark.parametrize(("deed", "answerable"), [("tap", False), ("choose", True)])
def test_writing_takes_quick_replies_away_alone(ava, put_bubble, deed, answerable):
    put_bubble(deed)
    seen = ava.transcript()

    ava.do("text", body="No, thanks")

    changed = ava.transcript(changes_after=seen["changes"], of=seen["transcript"])["entries"]
    assert newest(ava)["answerable"] is answerable
    assert (changed[0]["from"] == "business") is not answerable
    assert ava.do(deed, **CHOICES[deed]).status_code == (200 if answerable else 400)


def test_typing_leaves_quick_replies(ava, put_bubble):
    put_bubble("tap")

    ava.do("typing", state="start")

    assert newest(ava)["answerable"] is True


@pytest.mark.parametrize("deed", CHOICES)
def test_nothing_is_answered_after_a_close(ava, put_bubble, deed):
    message_id = put_bubble(deed)
    ava.do("close")
    ava.do("text", body="Here again")

    answers = [ava.do(deed, **CHOICES[deed]), ava.do(deed, to=message_id, **CHOICES[deed])]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert all("went with the deleted conversation" in a.json()["error"] for a in answers)
    assert newest(ava)["answerable"] is False


@pytest.mark.parametrize("deed", CHOICES)
def test_without_such_a_bubble_it_is_404(ava, sender, deed):
    sender.send()

    answer = ava.do(deed, **CHOICES[deed])

    assert answer.status_code == 404
    assert answer.json()["error"].startswith(f"There is no {SHOWS[deed]} on the phone")


@pytest.mark.parametrize("deed", CHOICES)
def test_unknown_message_is_404_and_another_kind_is_400(ava, put_bubble, sender, deed):
    put_bubble(deed)
    text_id = str(uuid4())
    sender.send(id=text_id)

    unknown = ava.do(deed, to="nothing", **CHOICES[deed])
    other = ava.do(deed, to=text_id, **CHOICES[deed])
    no_id = ava.do(deed, to=7, **CHOICES[deed])

    assert unknown.status_code == 404
    assert "There is no message 'nothing' on the phone" in unknown.json()["error"]
    assert other.status_code == 400
    assert f"is a text, not a {SHOWS[deed]}" in other.json()["error"]
    assert no_id.status_code == 400
    assert "to has to be the id of a message" in no_id.json()["error"]


def test_bubble_is_the_newest_unless_named(answered, put_on_phone, bubble):
    first = bubble("choose")
    first["interactiveData"]["data"]["requestIdentifier"] = "the first"
    first_id = put_on_phone(first)
    put_on_phone(bubble("choose"))

    newest_reply = answered("choose", titles=["Tea"])
    first_reply = answered("choose", titles=["Tea"], to=first_id)

    assert newest_reply["interactiveData"]["data"]["requestIdentifier"] != "the first"
    assert first_reply["interactiveData"]["data"]["requestIdentifier"] == "the first"


@pytest.mark.parametrize("deed", CHOICES)
def test_tap_arrives_twice_where_the_switch_says_so(ava, msp, put_bubble, set_switches, deed):
    set_switches(duplicate_tap=True)
    put_bubble(deed)

    answer = ava.do(deed, **CHOICES[deed])

    first, second = msp.next(), msp.next()
    assert answer.json()["id"] == first.fields["id"] == first.headers["id"]
    assert second.fields["id"] == second.headers["id"] != first.fields["id"]
    assert first.fields | {"id": ""} == second.fields | {"id": ""}
    entries = ava.transcript()["entries"]
    assert [e["id"] for e in entries if e["from"] == "customer"] == [answer.json()["id"]]


def test_only_taps_arrive_twice(ava, msp, journal, sender, set_switches):
    set_switches(duplicate_tap=True)
    sender.send()

    ava.do("text", body="Hello")
    ava.do("react", **{"with": "loved"})

    kinds = [exchange["fields"]["type"] for exchange in journal(direction="to_msp")]
    assert kinds == ["typing_start", "text", "text"]


@pytest.mark.parametrize(
    ("device", "deed"), [("iphone-2018", "tap"), ("mac", "answer_form"), ("mac", "open_app")]
)
def test_what_the_device_cannot_show_cannot_be_answered(ava, put_bubble, device, deed):
    ava.change(device=device)
    put_bubble(deed)

    answer = ava.do(deed, **CHOICES[deed])

    assert answer.status_code == 400
    assert f"device cannot show this {SHOWS[deed]}" in answer.json()["error"]
    entry = newest(ava)
    assert (entry["unsupported"], entry["answerable"]) == (True, False)


def test_answer_the_msp_does_not_take_is_not_delivered(ava, msp, put_bubble):
    msp.status = "503 Service Unavailable"
    put_bubble("choose")

    answer = ava.do("choose", titles=["Tea"])

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["error"]) == (503, "The MSP answered 503: ok")
    assert ava.transcript()["entries"][-1]["status"] == "not delivered"


def test_inline_reply_is_typed_and_names_the_message(ava, msp, sender):
    message_id = str(uuid4())
    sender.send(id=message_id)
    sender.send(body="Another")

    answer = ava.do("reply", body="This one", to=message_id)

    assert msp.next().fields["type"] == "typing_start"
    fields = msp.next().fields
    assert fields["id"] == answer.json()["id"]
    assert fields["type"] == "text"
    assert (fields["body"], fields["replyToMessageId"]) == ("This one", message_id)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"body": "x"}, 400),
        ({"to": None, "body": "x"}, 400),
        ({"to": 7, "body": "x"}, 400),
        ({"to": "nothing", "body": "x"}, 404),
        ({"to": "nothing"}, 400),
        ({"to": "nothing", "body": ""}, 400),
        ({"to": "nothing", "body": "x", "colour": "blue"}, 400),
    ],
)
def test_unfit_inline_reply_is_refused_with_a_sentence(ava, sender, fields, status):
    sender.send()

    answer = ava.do("reply", **fields)

    assert answer.status_code == status
    assert len(answer.json()["error"]) > 20


def test_typing_of_the_business_is_nothing_to_react_to(ava, sender):
    message_id = str(uuid4())
    sender.send(id=message_id, type="typing_start", body=None)

    assert ava.do("react", **{"with": "loved"}).status_code == 404
    assert ava.do("react", **{"with": "loved", "to": message_id}).status_code == 404


@pytest.mark.parametrize("deed", [*CHOICES, "react", "reply"])
def test_unknown_customer_is_404_and_unknown_field_400(emulator, ava, web, deed):
    nobody = web.post(f"{emulator.url}/customers/eve/{deed}", json={}, timeout=5)
    field = ava.do(deed, colour="blue")

    assert nobody.status_code == 404
    assert "no customer" in nobody.json()["error"]
    assert field.status_code == 400
    assert "'colour' is not known here" in field.json()["error"]


DEEDS = [*CHOICES, "react", "reply"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        *("to", "title", "identifier", "titles", "identifiers", "index", "start", "answers"),
        *("url", "subtitle", "accept", "with", "remove", "body"),
    ]
)
BODIES = st.dictionaries(KEYS, ANYTHING, max_size=4)
#: Words of Apple's, so that odd messages get as far into the reading as may be.
WORDS = st.sampled_from(
    [
        *("bid", "data", "sessionIdentifier", "receivedMessage", "replyMessage", "URL", "images"),
        *("version", "requestIdentifier", "items", "sections", "timeslots", "pages", "options"),
        *("identifier", "title", "startTime", "timezoneOffset", "pageIdentifier", "type", "order"),
        *("nextPageIdentifier", "startPageIdentifier", "multipleSelection", "submitForm", "data"),
        *("referenceId", "dateFormat", "minimumDate", "required", "maximumCharacterCount"),
    ]
)
ODD_VALUES = st.sampled_from(
    ["0", "Yes", "select", "picker", "input", "datePicker", "2031-03-22T09:00+0000", 10**400, "x:y"]
)
ODD = st.recursive(
    ODD_VALUES | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=30,
)
FEATURE_KEYS = st.sampled_from(
    [
        "quick-reply",
        "listPicker",
        "event",
        "dynamic",
        "notification",
        "authenticate",
        "payment",
        "x",
    ]
)


@pytest.fixture
def parts(settings, msp):
    parts = Parts.from_settings(settings)
    parts.msp.url = msp.url
    return parts


@pytest.fixture
def client(parts):
    """Give a client without a port: quick enough for hundreds of requests."""
    client = create_app(parts, frozenset({"localhost"})).test_client()
    client.environ_base["HTTP_HOST"] = "localhost"
    return client


def put_alone(parts, fields):
    """Put a message past the gateway on a phone that has nothing else."""
    parts.phones.reset()
    parts.phones.receive(parts.phones.find("ava"), str(uuid4()), fields, None)


def try_every_choice(client):
    answers = [client.post(f"/customers/ava/{deed}", json=CHOICES[deed]) for deed in CHOICES]
    answers.append(client.post("/customers/ava/react", json={"with": "loved"}))

    assert {answer.status_code for answer in answers} <= {200, 400, 404}
    assert client.get("/customers/ava/transcript").status_code == 200


FEW = many(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW
@given(deed=st.sampled_from(DEEDS), fields=BODIES)
def test_no_body_of_a_deed_gives_a_500(parts, client, bubble, deed, fields):
    put_alone(parts, bubble(deed if deed in CHOICES else "tap"))

    answer = client.post(f"/customers/ava/{deed}", data=json.dumps(fields))

    assert answer.status_code in {200, 400, 404}
    assert answer.status_code == 200 or len(answer.json["error"]) > 20


@FEW
@given(interactive=ODD, key=FEATURE_KEYS, feature=ODD)
def test_no_odd_message_on_the_phone_gives_a_500(parts, client, interactive, key, feature):
    if isinstance(interactive, dict):
        interactive["data"] = {key: feature}
    put_alone(parts, {"type": "interactive", "interactiveData": interactive})

    try_every_choice(client)


@FEW
@given(deed=st.sampled_from(sorted(CHOICES)), key=WORDS, odd=ODD)
def test_no_spoiled_message_on_the_phone_gives_a_500(parts, client, bubble, deed, key, odd):
    put_alone(parts, _spoil(bubble(deed), key, odd))

    try_every_choice(client)


def _spoil(value, key, odd):
    """Put something odd under a key wherever it stands."""
    if isinstance(value, dict):
        return {k: odd if k == key else _spoil(v, key, odd) for k, v in value.items()}
    return [_spoil(inner, key, odd) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("deed", FEATURES)
def test_file_tells_what_was_done_to_which_message(ava, put_bubble, deed):
    put_bubble(deed)
    ava.do(deed, **CHOICES[deed])

    _, done = ava.saved()

    assert (done["does"], done["to"], done["with"]) == (deed, 1, CHOICES[deed])


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        ("react", {"with": "loved"}),
        ("react", {"with": "loved", "remove": True}),
        ("reply", {"body": "Yes"}),
        ("answer_invitation", {"accept": False}),
    ],
)
def test_file_tells_what_was_said_to_which_message(ava, put_bubble, deed, fields):
    to = put_bubble("answer_invitation" if deed == "answer_invitation" else "tap")
    assert ava.do(deed, to=to, **fields).status_code == 200

    _, done = ava.saved()

    assert (done["does"], done["to"], done["with"]) == (deed, 1, fields)
