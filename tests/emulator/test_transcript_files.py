import json
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as many
from hypothesis import strategies as st

from msp_server.emulator import transcript_files
from msp_server.emulator.app import Parts, create_app
from msp_server.emulator.conversation_file import FILE_LIMIT_BYTES, FORMAT


@pytest.fixture
def saved(ava, sender):
    ava.do("text", body="Hello")
    sender.send(body="Good morning")
    return ava.web.get(f"{ava.url}/customers/ava/transcript/file", timeout=5)


@pytest.fixture
def open_file(emulator, web):
    def open_file(packed, name="kept"):
        return web.post(f"{emulator.url}/customers/{name}/transcript/file", data=packed, timeout=5)

    return open_file


def test_conversation_is_downloaded_as_a_file(saved):
    told = saved.json()

    assert saved.headers["Content-Disposition"] == "attachment; filename=ava.json"
    assert (told["format"], told["version"], told["customer"]["name"]) == (FORMAT, 1, "ava")
    assert [(each["from"], each["fields"]) for each in told["messages"]] == [
        ("customer", {"body": "Hello"}),
        ("business", {"body": "Good morning"}),
    ]


def test_file_is_shown_on_a_phone_of_its_own(saved, open_file, emulator, web):
    answer = open_file(saved.content)

    assert (answer.status_code, answer.json()["read_only"]) == (201, True)
    shown = web.get(f"{emulator.url}/customers/kept/transcript", timeout=5).json()
    assert [entry["body"] for entry in shown["entries"]] == ["Hello", "Good morning"]
    again = web.get(f"{emulator.url}/customers/kept/transcript/file", timeout=5).json()
    assert again["messages"] == saved.json()["messages"]


@pytest.mark.parametrize("deed", ["text", "close", "tap", "files", "pay", "sign_in", "raw"])
def test_nothing_can_be_done_on_it(saved, open_file, emulator, web, deed):
    open_file(saved.content)

    answer = web.post(f"{emulator.url}/customers/kept/{deed}", json={}, timeout=5)

    assert answer.status_code == 409
    assert "only be read" in answer.json()["error"]


def test_no_message_of_the_msp_reaches_it(saved, open_file, sender):
    sender.customer_id = open_file(saved.content).json()["id"]

    assert sender.send().status_code == 404


@pytest.mark.parametrize(
    ("packed", "name", "status"),
    [
        (b"", "kept", 400),
        (b'{"format": 7}', "kept", 400),
        ("as it is", "Kept Here", 400),
        ("as it is", "ava", 409),
        (b" " * (FILE_LIMIT_BYTES + 1), "kept", 413),
    ],
)
def test_unfit_file_is_refused_with_a_sentence(saved, open_file, packed, name, status):
    answer = open_file(saved.content if packed == "as it is" else packed, name)

    assert answer.status_code == status
    assert len(answer.json()["error"]) > 20


def test_customer_no_phone_could_have_is_refused(saved, open_file):
    told = saved.json()
    told["customer"]["time_zone"] = "Europe/Nowhere"

    answer = open_file(json.dumps(told))

    assert answer.status_code == 400
    assert "time_zone" in answer.json()["error"]


def test_only_so_many_are_open_until_a_reset(saved, open_file, emulator, web):
    opened = [open_file(saved.content, f"kept-{number}").status_code for number in range(21)]
    assert opened == [201] * 20 + [409]

    web.post(f"{emulator.url}/emulator/reset", timeout=5)

    assert open_file(saved.content).status_code == 201


def test_conversation_too_long_for_a_file_is_told(ava, sender, monkeypatch):
    monkeypatch.setattr(transcript_files, "FILE_LIMIT_BYTES", 600)
    sender.send(body="x" * 600)

    answer = ava.web.get(f"{ava.url}/customers/ava/transcript/file", timeout=5)

    assert answer.status_code == 413


WHOLE = {
    "format": FORMAT,
    "version": 1,
    "customer": {"name": "ava", "business_id": "b", "device": "mac", "intent": "buy"},
    "messages": [
        {"from": "customer", "does": "files", "with": {"make": []}, "type": "text", "fields": {}},
        {
            "from": "business",
            "seconds": 1.5,
            "type": "interactive",
            "fields": {"interactiveData": {"data": {"listPicker": {}}}, "attachments": [{}]},
            "replied": {"title": "Tea"},
        },
        {"from": "customer", "does": "reply", "to": 2, "with": {"body": "x"}, "error": "gone"},
    ],
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.text(max_size=3) | st.just({}), max_size=2),
    st.dictionaries(st.sampled_from(["type", "id", "body", "data", "key"]), st.just(7)),
)


def places_in(value, path=()):
    """Give the path to each place of a file."""
    yield path
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, each in inner:
        yield from places_in(each, (*path, key))


@pytest.fixture
def parts(settings):
    return Parts.from_settings(settings)


@pytest.fixture
def client(parts):
    """Give a client without a port: quick enough for hundreds of requests."""
    return create_app(parts, frozenset({"localhost"})).test_client()


@many(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from([path for path in places_in(WHOLE) if path]), odd=ODD)
def test_no_spoiled_file_gives_a_500(parts, client, place, odd):
    parts.phones.reset()
    spoiled = deepcopy(WHOLE)
    within = spoiled
    for key in place[:-1]:
        within = within[key]
    within[place[-1]] = odd

    answer = client.post("/customers/kept/transcript/file", data=json.dumps(spoiled))

    assert answer.status_code in {201, 400}
    if answer.status_code == 201:
        assert client.get("/customers/kept/transcript").status_code == 200
        assert client.get("/customers/kept/transcript/file").status_code == 200
    else:
        assert len(answer.json["error"]) > 20
