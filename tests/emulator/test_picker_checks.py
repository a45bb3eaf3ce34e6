import pytest

QUICK = "interactiveData.data.quick-reply"
LIST = "interactiveData.data.listPicker"
EVENT = "interactiveData.data.event"
SLOT = f"{EVENT}.timeslots.0"
PLACE = f"{EVENT}.location"


def make_replies(count):
    return [{"identifier": f"r{n}", "title": f"Reply {n}"} for n in range(count)]


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{QUICK}.summaryText": ...}, "key-missing", "summaryText is missing"),
        ({f"{QUICK}.summaryText": "x" * 201}, "text-length", "summaryText measures 201"),
        ({f"{QUICK}.items": ...}, "key-missing", "items is missing"),
        ({f"{QUICK}.items": []}, "key-empty", "items is an empty list"),
        ({f"{QUICK}.items": make_replies(1)}, "quick-reply-count", "holds 1: offer 2 to 5"),
        ({f"{QUICK}.items": make_replies(6)}, "quick-reply-count", "holds 6: offer 2 to 5"),
        ({f"{QUICK}.items.0.identifier": ...}, "key-missing", "items[0].identifier"),
        ({f"{QUICK}.items.0.identifier": "x" * 201}, "identifier-length", "measures 201"),
        ({f"{QUICK}.items.0.identifier": "no"}, "quick-reply-repeated", "'no' as in"),
        ({f"{QUICK}.items.1.title": ""}, "key-empty", "items[1].title is empty"),
        ({f"{QUICK}.items.1.title": "x" * 201}, "text-length", "items[1].title measures 201"),
    ],
)
def test_quick_reply_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("quick_reply", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{QUICK}.items": make_replies(2)},
        {f"{QUICK}.items": make_replies(5)},
        {f"{QUICK}.summaryText": "x" * 200},
        {f"{QUICK}.items.0.title": "x" * 200, f"{QUICK}.items.0.identifier": "x" * 200},
    ],
)
def test_quick_reply_on_the_edge_is_accepted(samples, changes):
    samples.accept("quick_reply", changes)


@pytest.mark.parametrize("count", [1, 6])
def test_number_of_quick_replies_is_a_vendors_limit(samples, count):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("quick_reply", {f"{QUICK}.items": make_replies(count)})


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{LIST}.sections": ...}, "key-missing", "sections is missing"),
        ({f"{LIST}.sections": []}, "key-empty", "sections is an empty list"),
        ({f"{LIST}.sections.0.title": ...}, "key-missing", "sections[0].title is missing"),
        ({f"{LIST}.sections.0.title": "x" * 201}, "text-length", "sections[0].title"),
        ({f"{LIST}.sections.0.order": -1}, "number", "order is -1: it has to be at least 0"),
        ({f"{LIST}.sections.0.order": "0"}, "key-type", "order is '0'"),
        ({f"{LIST}.sections.0.order": 0.5}, "number", "order is 0.5"),
        ({f"{LIST}.sections.0.multipleSelection": "true"}, "key-type", "multipleSelection"),
        ({f"{LIST}.sections.1.items": []}, "key-empty", "sections[1].items is an empty list"),
        (
            {f"{LIST}.sections.0.items": ..., f"{LIST}.sections.0.listPickerItem": []},
            "key-missing",
            "items is missing: rename listPickerItem to items",
        ),
        ({f"{LIST}.sections.0.items.0.identifier": ...}, "key-missing", "items[0].identifier"),
        ({f"{LIST}.sections.0.items.0.identifier": "plum"}, "item-repeated", "is 'plum' as in"),
        ({f"{LIST}.sections.0.items.0.identifier": "x" * 201}, "identifier-length", "201"),
        ({f"{LIST}.sections.0.items.0.title": ""}, "key-empty", "items[0].title is empty"),
        ({f"{LIST}.sections.0.items.0.title": "x" * 201}, "text-length", "items[0].title"),
        ({f"{LIST}.sections.0.items.0.subtitle": "x" * 201}, "text-length", "subtitle"),
        ({f"{LIST}.sections.0.items.0.order": True}, "key-type", "order is True"),
        ({f"{LIST}.sections.0.items.0.style": "round"}, "key-value", "style is 'round'"),
    ],
)
def test_list_picker_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("list_picker", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{LIST}.sections.0.order": ..., f"{LIST}.sections.0.multipleSelection": ...},
        {f"{LIST}.sections.0.items.0.order": ..., f"{LIST}.sections.0.items.0.style": ...},
        {f"{LIST}.sections.0.items.0.subtitle": "x" * 200},
        {f"{LIST}.sections.0.items.0.title": "x" * 200},
        {f"{LIST}.sections.0.title": "x" * 200},
        {f"{LIST}.sections.0.items.0.identifier": "x" * 200},
    ],
)
def test_list_picker_on_the_edge_is_accepted(samples, changes):
    samples.accept("list_picker", changes)


@pytest.mark.parametrize(
    ("changes", "rule", "words"),
    [
        ({f"{EVENT}.identifier": ...}, "key-missing", "event.identifier is missing"),
        ({f"{EVENT}.title": "x" * 201}, "text-length", "event.title measures 201"),
        ({f"{EVENT}.timezoneOffset": 1_081}, "timezone-offset", "is 1081"),
        ({f"{EVENT}.timezoneOffset": -1_081}, "timezone-offset", "-1,080 to 1,080"),
        ({f"{EVENT}.timezoneOffset": 0.5}, "timezone-offset", "whole minutes"),
        ({f"{EVENT}.timezoneOffset": "60"}, "key-type", "timezoneOffset is '60'"),
        ({f"{EVENT}.timeslots": ...}, "key-missing", "timeslots is missing"),
        ({f"{EVENT}.timeslots": []}, "key-empty", "timeslots is an empty list"),
        ({f"{SLOT}.identifier": ...}, "key-missing", "timeslots[0].identifier"),
        ({f"{SLOT}.identifier": "evening"}, "timeslot-repeated", "'evening' as in"),
        ({f"{SLOT}.duration": ...}, "key-missing", "duration is missing"),
        ({f"{SLOT}.duration": 0}, "duration", "is 0: write how many seconds"),
        ({f"{SLOT}.duration": -1}, "duration", "is -1"),
        ({f"{SLOT}.duration": "3600"}, "key-type", "duration is '3600'"),
        ({f"{SLOT}.duration": True}, "key-type", "duration is True"),
        ({PLACE: []}, "key-type", "location is []"),
        ({f"{PLACE}.latitude": ...}, "key-missing", "latitude is missing"),
        ({f"{PLACE}.latitude": 90.1}, "number", "at least -90 and at most 90"),
        ({f"{PLACE}.longitude": -180.1}, "number", "at least -180 and at most 180"),
        ({f"{PLACE}.radius": -1}, "number", "radius is -1"),
        ({f"{PLACE}.radius": "100"}, "key-type", "radius is '100'"),
        ({f"{PLACE}.title": "x" * 201}, "text-length", "location.title"),
    ],
)
def test_time_picker_with_one_thing_spoiled_is_refused(samples, changes, rule, words):
    refused, reason = samples.refuse("time_picker", changes)

    assert refused == rule
    assert words in reason


@pytest.mark.parametrize(
    "start_time",
    [
        "2031-03-22T17:00:00+0000",
        "2031-03-22T17:00Z",
        "2031-03-22T17:00+00:00",
        "2031-03-22T17:00+0200",
        "2031-03-22T17:00",
        "2031-03-22 17:00+0000",
        "2031-3-22T17:00+0000",
        "2031-02-29T17:00+0000",
        "2031-13-01T17:00+0000",
        "2031-03-22T24:00+0000",
        "0000-01-01T17:00+0000",
        "٢٠٣١-03-22T17:00+0000",
        "2031-03-22T17:00+0000\n",
    ],
)
def test_start_time_of_another_form_is_refused(samples, start_time):
    rule, reason = samples.refuse("time_picker", {f"{SLOT}.startTime": start_time})

    assert rule == "start-time"
    assert "2031-03-22T17:00+0000" in reason


@pytest.mark.parametrize(
    "changes",
    [
        {f"{SLOT}.startTime": "2032-02-29T00:00+0000"},
        {f"{SLOT}.duration": 0.5},
        {f"{EVENT}.title": ""},
        {f"{EVENT}.title": ..., f"{EVENT}.timezoneOffset": ..., PLACE: ...},
        {f"{EVENT}.timezoneOffset": 1_080},
        {f"{EVENT}.timezoneOffset": -1_080},
        {f"{PLACE}.latitude": 90, f"{PLACE}.longitude": -180, f"{PLACE}.radius": 0},
        {f"{PLACE}.radius": ..., f"{PLACE}.title": ...},
    ],
)
def test_time_picker_on_the_edge_is_accepted(samples, changes):
    samples.accept("time_picker", changes)


def test_repeated_timeslot_is_a_vendors_rule(samples):
    samples.set_switches(check_vendor_limits=False)

    samples.accept("time_picker", {f"{SLOT}.identifier": "evening"})
