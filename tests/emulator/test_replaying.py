import json
from contextlib import contextmanager
from threading import Thread

import pytest
import requests
from werkzeug.serving import make_server

from msp_server.emulator.conversation_file import FORMAT, parse_conversation
from msp_server.emulator.replaying import ReplayImpossible, Waiting, replay
from tests.emulator.conftest import QuietHandler, Sender, _fields_of

QUICK = Waiting(answers_s=0.4, more_s=0.05)
ITEMS = [{"identifier": "y", "title": "Yes"}, {"identifier": "n", "title": "No"}]


class TalkingMsp:
    """An MSP that answers each message, by its type, with what it is told."""

    def __init__(self, gateway_url):
        self.gateway_url = gateway_url
        self.status = "200 OK"
        #: Makes the fields of the answers.
        self.answers = lambda fields: [{"body": f"You wrote {fields['body']}"}]
        self.heard = []

    def __call__(self, environ, start_response):
        fields = _fields_of(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        if fields["type"] != "typing_start":
            self.heard.append(fields)
            self.say(fields)
        start_response(self.status, [("Content-Length", "0")])
        return [b""]

    def say(self, fields):
        with requests.Session() as web:
            web.trust_env = False
            sender = Sender(web, self.gateway_url, fields["sourceId"])
            for answer in self.answers(fields):
                sender.send(**answer)


@contextmanager
def serving(msp):
    """Serve an MSP on a free port, and give its address."""
    server = make_server("127.0.0.1", 0, msp, threaded=True, request_handler=QuietHandler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def talking(emulator):
    msp = TalkingMsp(emulator.url)
    with serving(msp) as emulator.msp_url:
        yield msp


@pytest.fixture
def save(ava):
    def save():
        answer = ava.web.get(f"{ava.url}/customers/ava/transcript/file", timeout=5)
        return parse_conversation(answer.content)

    return save


@pytest.fixture
def play(emulator):
    return lambda then, **how: replay(emulator.url, then, QUICK, **how)


def by_hand(*messages, **customer):
    whole = {"format": FORMAT, "version": 1, "customer": customer, "messages": list(messages)}
    return parse_conversation(json.dumps(whole).encode())


def says(body):
    return {"from": "customer", "does": "text", "with": {"body": body}}


def answers(body):
    return {"from": "business", "type": "text", "fields": {"body": body}}


@pytest.fixture
def ask(interactive):
    """Give the fields of a quick reply."""
    feature = {"quick-reply": {"summaryText": "Well?", "items": ITEMS}}
    data = interactive(feature, bubbles=False)
    return lambda: {"type": "interactive", "body": None, "interactiveData": data}


def test_same_answers_differ_in_nothing(talking, ava, save, play):
    for body in ("Hello", "Tea, please"):
        ava.do("text", body=body)

    played = play(save())

    assert (played.same, played.diff, len(played.now.messages)) == (True, "", 4)
    assert [fields["body"] for fields in talking.heard] == ["Hello", "Tea, please"] * 2


def test_customer_of_a_replay_is_a_stranger(talking, ava, save, play):
    ava.do("text", body="Hello")

    play(save())

    first, second = (fields["sourceId"] for fields in talking.heard)
    assert first != second


def test_other_answer_is_in_the_diff(talking, ava, save, play):
    ava.do("text", body="Hello")
    then = save()
    talking.answers = lambda fields: [{"body": "Good evening"}]

    played = play(then, name="hello.json")

    assert played.stopped is None
    assert '-    "body": "You wrote Hello"' in played.diff
    assert '+    "body": "Good evening"' in played.diff
    assert played.diff.startswith("--- hello.json (then)")


def test_one_answer_more_is_in_the_diff(talking, play):
    talking.answers = lambda fields: [{"body": "Hello"}, {"body": "One more"}]

    played = play(by_hand(says("Hi"), answers("Hello"), says("Hi"), answers("Hello")))

    assert played.diff.count('+    "body": "One more"') == 2


def test_missing_answer_ends_the_replay_with_a_sentence(talking, play):
    talking.answers = lambda fields: []

    played = play(by_hand(says("Hi"), answers("Hello"), says("Bye"), answers("Bye")))

    assert "Message 1 (text) was answered by 1 then, and by 0 in 0.4 s now" in played.stopped
    assert "nothing came to the gateway at http://127.0.0.1:" in played.stopped
    assert '-    "body": "Hello"' in played.diff
    assert "Bye" not in played.diff
    assert [fields["body"] for fields in talking.heard] == ["Hi"]


def test_refusal_of_the_gateway_explains_a_missing_answer(talking, play):
    talking.answers = lambda fields: [{"v": 2}]

    played = play(by_hand(says("Hi"), answers("Hello")))

    assert "the gateway refused what the MSP sent" in played.stopped


def test_status_of_the_msp_is_in_the_diff(talking, ava, save, play):
    ava.do("text", body="Hello")
    then = save()
    talking.status = "500 Internal Server Error"

    assert "+  not delivered: The MSP answered 500" in play(then).diff


def test_tap_goes_to_the_message_in_the_same_place(talking, ava, save, play, ask):
    talking.answers = lambda fields: [ask(), ask()] if fields["type"] == "text" else []
    ava.do("text", body="Ask me")
    asked = [entry["id"] for entry in ava.transcript()["entries"] if entry["from"] == "business"]
    ava.do("tap", to=asked[0], title="No")

    played = play(save())

    assert played.same
    tapped = [each for each in played.now.messages if each.deed and each.deed.name == "tap"]
    assert [each.deed.to for each in tapped] == [2]


def test_tap_on_what_did_not_come_ends_the_replay(talking, play, ask):
    asked = {"from": "business", "type": "interactive", "fields": {"interactiveData": {}}}
    tap = {"from": "customer", "does": "tap", "with": {"title": "Maybe"}, "to": 2}
    talking.answers = lambda fields: [ask()]

    played = play(by_hand(says("Ask me"), asked, tap))

    assert "Message 3: the customer cannot tap: There is no quick reply" in played.stopped


def test_what_nobody_knows_the_deed_of_is_sent_as_it_was(talking, play):
    told = {"from": "customer", "type": "text", "fields": {"body": "Raw", "extra": 7}}

    played = play(by_hand(told, answers("You wrote Raw")))

    assert played.stopped is None
    assert talking.heard[0]["extra"] == 7


def test_profile_is_the_one_there_was(talking, play):
    play(by_hand(says("Hi"), name="bea", locale="fr_CA", intent="buy"))

    assert talking.heard[0].items() >= {"locale": "fr_CA", "intent": "buy"}.items()


def test_msp_that_is_not_there_is_told(emulator, play):
    emulator.msp_url = "http://127.0.0.1:1"

    with pytest.raises(ReplayImpossible, match="is it running"):
        play(by_hand(says("Hi")))


def test_conversation_that_the_business_began_is_told(play):
    with pytest.raises(ReplayImpossible, match="begins with 1 of the business"):
        play(by_hand(answers("Hello"), says("Hi")))


def test_conversation_without_the_customer_is_told(play):
    with pytest.raises(ReplayImpossible, match="nothing that the customer did"):
        play(by_hand(answers("Hello")))


def test_customer_that_no_phone_could_have_is_told(play):
    with pytest.raises(ReplayImpossible, match="time_zone"):
        play(by_hand(says("Hi"), name="bea", time_zone="Europe/Nowhere"))
