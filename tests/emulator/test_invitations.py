import pytest

REFERENCE_ID = "order-10442"
NOTIFICATION = {
    "templateId": "binaryChoice.engage.noImage",
    "referenceId": REFERENCE_ID,
    "locale": "en-us",
    "parameters": {"brandName": "Example Shop"},
}


@pytest.fixture
def invite(ava, sender, interactive):
    def send():
        answer = sender.send(
            headers={"message-type": "notification"},
            type="interactive",
            body=None,
            destinationId=ava.profile()["phone_number"],
            interactiveData=interactive(
                {"notification": NOTIFICATION}, bubbles=False, useLiveLayout=True
            ),
        )
        assert answer.status_code == 200, answer.headers

    return send


def accepted(interactive, request_id):
    response = {"title": "Yes", "subtitle": "You are now connected.", "type": {"yes": {}}}
    sent = interactive({}, bubbles=False)
    sent["data"] = {
        "version": "1",
        "requestIdentifier": request_id,
        "referenceId": REFERENCE_ID,
        "notification": {"id": "yes", "displayContent": {"determinateResponse": response}},
    }
    return sent


def test_accepted_invitation_comes_from_the_opaque_id(ava, answered, invite, interactive):
    invite()

    fields = answered("answer_invitation", accept=True)

    profile = ava.profile()
    assert fields["sourceId"] == profile["id"]
    assert fields["interactiveData"] == accepted(interactive, profile["phone_number"])
    assert ava.transcript()["entries"][0]["replied"] == {
        "title": "Yes",
        "subtitle": "You are now connected.",
    }


def test_request_identifier_is_echoed_where_the_switch_says_so(
    answered, invite, interactive, set_switches
):
    set_switches(invitation_request_id="echo")
    invite()

    reply = answered("answer_invitation", accept=True)["interactiveData"]

    assert reply == accepted(interactive, interactive({})["data"]["requestIdentifier"])


def test_accepted_invitation_opens_a_deleted_conversation(ava, msp, answered, invite):
    ava.do("close")
    msp.next()
    invite()
    assert ava.profile()["open"] is False

    answered("answer_invitation", accept=True)

    assert ava.profile()["open"] is True


def test_refused_invitation_is_a_close_from_the_number_that_deletes_nothing(
    ava, msp, invite, settings, set_switches
):
    set_switches(duplicate_tap=True)
    invite()

    answer = ava.do("answer_invitation", accept=False)

    received = msp.next()
    number = ava.profile()["phone_number"]
    assert received.fields == {
        "id": answer.json()["id"],
        "v": 1,
        "type": "close",
        "sourceId": number,
        "destinationId": settings.business_ids[0],
        "referenceIds": [REFERENCE_ID],
    }
    assert received.headers["source-id"] == number
    assert ava.profile()["open"] is True
    assert ava.transcript()["entries"][0]["replied"] == {"title": "No"}
    ava.do("typing", state="start")
    assert msp.next().fields["type"] == "typing_start"


@pytest.mark.parametrize("first", [True, False])
def test_invitation_is_answered_once(ava, invite, first):
    invite()
    ava.do("answer_invitation", accept=first)

    again = ava.do("answer_invitation", accept=True)

    assert again.status_code == 400
    assert "answered already" in again.json()["error"]
    assert ava.transcript()["entries"][0]["answerable"] is False


@pytest.mark.parametrize("accept", [None, "yes", 1, []])
def test_neither_yes_nor_no_is_400(ava, invite, accept):
    invite()

    answer = ava.do("answer_invitation", accept=accept)

    assert answer.status_code == 400
    assert answer.json()["error"] == "accept has to be true or false"
