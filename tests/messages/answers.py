"""Answers of customers: a true one of each kind, one to whatever was sent, and spoilt ones."""

import copy

from hypothesis import strategies as st

from msp_server.messages.apple_pay import ApplePay, ApplePayResponse
from msp_server.messages.authenticate import Authenticate, AuthenticateResponse
from msp_server.messages.custom_app import CustomApp, CustomAppResponse
from msp_server.messages.form import Form
from msp_server.messages.form_response import FormResponse
from msp_server.messages.invitation import Invitation, InvitationResponse
from msp_server.messages.list_picker import ListPicker, ListPickerResponse
from msp_server.messages.quick_reply import QuickReply, QuickReplyResponse
from msp_server.messages.time_picker import TimePicker, TimePickerResponse
from tests.messages.samples import APP, BID, REQUEST, SESSION, answer, sample

#: One true answer of each kind.
QUICK = answer(
    {
        "quick-reply": {
            "items": [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}],
            "selectedIndex": 1,
            "selectedIdentifier": "n",
        }
    }
)
LIST = answer(
    {
        "listPicker": {
            "sections": [
                {"title": "Not Selected", "items": [{"identifier": "tea", "title": "Tea"}]},
                {"title": "You Selected", "items": [{"identifier": "cake", "title": "Cake"}]},
            ]
        },
        "replyMessage": {"title": "Cake", "alternateTitle": "Cake"},
    }
)
SLOT = {"identifier": "s2", "startTime": "2031-03-22T12:30+0000", "duration": 1800}
TIME = answer({"event": {"identifier": "visit", "title": "Fitting", "timeslots": [SLOT]}})
OLD_TIME = answer({"timePicker": {"event": {"timeslots": [SLOT]}}})
FORM = answer(
    {
        "dynamic": {
            "private": True,
            "selections": [
                {
                    "pageIdentifier": "0",
                    "title": "Product",
                    "items": [{"identifier": "1", "title": "Kettle", "value": "kettle"}],
                }
            ],
            "data": {"private": False, "selections": []},
        }
    }
)
ACCEPTED = answer({"referenceId": "order-10442", "notification": {"id": "yes"}})
APP_ANSWER = {
    "interactiveData": {
        "bid": APP,
        "appName": "Delivery",
        "URL": "?slot=2",
        "sessionIdentifier": SESSION,
        "receivedMessage": {"title": "Parcel 77"},
    }
}
ANSWERS = {
    "quick": (QUICK, QuickReplyResponse),
    "list": (LIST, ListPickerResponse),
    "time": (TIME, TimePickerResponse),
    "old time": (OLD_TIME, TimePickerResponse),
    "form": (FORM, FormResponse),
    "app": (APP_ANSWER, CustomAppResponse),
    "accepted": (ACCEPTED, InvitationResponse),
    "paid": (sample("apple_pay_response"), ApplePayResponse),
    "signed in": (sample("authenticate_response"), AuthenticateResponse),
    "not signed in": (sample("authenticate_response_failure"), AuthenticateResponse),
    "signed in the old way": (sample("authenticate_response_old"), AuthenticateResponse),
    "not signed in the old way": (
        sample("authenticate_response_old_failed"),
        AuthenticateResponse,
    ),
}


@st.composite
def answers_to(draw, content, sent):
    """Give an answer to a content, as the message that brings it, and the choice in it."""
    if isinstance(content, CustomApp):
        return {"interactiveData": {**sent, "URL": "?slot=2"}}, "?slot=2"
    feature, selection = _FEATURES[type(content)](sent["data"], draw)
    inner = {"requestIdentifier": sent["data"]["requestIdentifier"], **feature}
    return {"interactiveData": {**sent, "data": inner}}, selection


def chosen_from(choices, draw):
    """Draw some of the choices, at least one, in their order."""
    places = draw(st.sets(st.integers(0, len(choices) - 1), min_size=1))
    return [choices[place] for place in sorted(places)]


def answer_quick_reply(data, draw):
    reply = data["quick-reply"]
    item = draw(st.sampled_from(reply["items"]))
    feature = {**reply, "selectedIdentifier": item["identifier"]}
    return {"quick-reply": feature}, item["identifier"]


def answer_list_picker(data, draw):
    sections = data["listPicker"]["sections"]
    picked = [{**each, "items": chosen_from(each["items"], draw)} for each in sections]
    names = sorted(item["identifier"] for section in picked for item in section["items"])
    if draw(st.booleans()):
        items = [item for section in picked for item in section["items"]]
        picked = [{"title": "You Selected", "items": items}]
    return {"listPicker": {"sections": picked}}, names


def answer_time_picker(data, draw):
    event = data["event"]
    slot = draw(st.sampled_from(event["timeslots"]))
    start = slot["startTime"].removesuffix("+0000") + ":00+00:00"
    return {"event": {**event, "timeslots": [slot]}}, [slot["identifier"], start]


def answer_form(data, draw):
    pages = chosen_from(data["dynamic"]["data"]["pages"], draw)
    selections = [
        {
            "pageIdentifier": page["pageIdentifier"],
            "items": chosen_from(page["items"], draw) if "items" in page else [{"value": "words"}],
        }
        for page in pages
    ]
    given_values = [
        [each["pageIdentifier"], [item["value"] for item in each["items"]]] for each in selections
    ]
    return {"dynamic": {"selections": selections}}, given_values


def answer_apple_pay(_data, draw):
    status = draw(st.sampled_from(["STATUS_SUCCESS", "STATUS_FAILURE", ""]))
    return {"payment": {"status": status}}, status


def answer_authenticate(data, draw):
    old = "responseEncryptionKey" in data["authenticate"]["oauth2"]
    good = {"status": "authenticated", "token": "t"} if old else {"status": "success"}
    said = draw(st.sampled_from([good, {"status": "cancel"}, {"status": "failure"}]))
    return {"authenticate": said}, said["status"]


def answer_invitation(data, _draw):
    reference = data["notification"]["referenceId"]
    return {"notification": {"id": "yes"}, "referenceId": reference}, [True, reference]


_FEATURES = {
    QuickReply: answer_quick_reply,
    ListPicker: answer_list_picker,
    TimePicker: answer_time_picker,
    Form: answer_form,
    ApplePay: answer_apple_pay,
    Authenticate: answer_authenticate,
    Invitation: answer_invitation,
}


NUMBERS = [0, 1, -1, 1.5, float("inf"), float("nan"), 2**63, 10**400]
TIMES = ["2031-03-22T12:30Z", "9999-12-31T23:59-2359", "0001-01-01T00:00:00+23:59"]
TEXTS = ["", " ", "1", "-0", "1e999", "nan", "9" * 5000, "n", "yes", "tea", "s2", "\ud800", "\0"]
QUERIES = ["?a=%zz&b", "?" + "&a" * 2000]
NAMES = [BID, APP, REQUEST, SESSION, "You Selected"]
LEAVES = [None, True, False, *NUMBERS, *TIMES, *TEXTS, *QUERIES, *NAMES]


def places_in(value):
    """Give every place in a JSON value, however deep: what holds it, and its key there."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places_in(value[key])


SEEN = {key for fields, _ in ANSWERS.values() for _, key in places_in(fields)}
KEYS = sorted(key for key in SEEN if isinstance(key, str))


def make_shape(source, depth=0):
    """Make some JSON of the keys that are looked for."""
    kind = source.random()
    if kind < 0.5 or depth > 4:
        return source.choice(LEAVES)
    if kind < 0.6:
        return [make_shape(source, depth + 1) for _ in range(source.randrange(4))]
    return {source.choice(KEYS): make_shape(source, depth + 1) for _ in range(source.randrange(5))}


def make_answer(source):
    """Make what an interactive message may hold: random, or a true answer that is spoilt."""
    if source.random() < 0.2:
        return {"interactiveData": make_shape(source)}
    fields = copy.deepcopy(source.choice([*ANSWERS.values()])[0])
    for _ in range(source.randrange(1, 4)):
        holder, key = source.choice([*places_in(fields)])
        holder[key] = make_shape(source)
    return fields
