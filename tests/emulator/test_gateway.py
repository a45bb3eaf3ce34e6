import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests


def check_refused(answer, status, word):
    assert answer.status_code == status
    assert answer.content == b""
    assert answer.headers["content-length"] == "0"
    assert word in answer.headers["X-Emulator-Reason"]


def test_message_is_accepted_with_an_empty_answer(sender):
    answer = sender.send()

    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == "0"
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert "X-Emulator-Reason" not in answer.headers


def test_message_stands_on_the_phone(sender, ava):
    sender.send(headers={"auto-reply": "true"}, body="Hello 👋 <b>")

    (entry,) = ava.transcript()["entries"]

    assert (entry["from"], entry["type"], entry["body"]) == ("business", "text", "Hello 👋 <b>")
    assert (entry["auto_reply"], entry["status"]) == (True, "accepted")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "typing_start", "body": None},
        {"type": "typing_end", "body": None},
        {"body": ""},
        {"v": 1.0},
        {"id": str(uuid4()).upper()},
    ],
)
def test_message_without_interactive_content_is_accepted(sender, changes):
    assert sender.send(**changes).status_code == 200


def test_older_secret_and_other_case_of_the_issuer_are_accepted(sender, make_token, settings):
    older = make_token(secret=settings.api_secrets[1], iss=settings.msp_id.upper())

    assert sender.send(headers={"Authorization": f"bearer {older}"}).status_code == 200


def test_repeated_id_is_accepted_twice_and_shown_once(sender, ava, journal):
    message_id = str(uuid4())

    answers = [sender.send(id=message_id).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert len(ava.transcript()["entries"]) == 1
    assert [exchange["id"] for exchange in journal()] == [message_id] * 2


def test_missing_authorization_is_401(sender, web):
    fields = sender.fields()
    headers = sender.headers(fields)
    del headers["Authorization"]

    answer = web.post(f"{sender.url}/v1/message", json=fields, headers=headers, timeout=5)

    check_refused(answer, 401, "no Authorization")


@pytest.mark.parametrize(
    "authorization",
    ["Basic YTpi", "Bearer", "Bearer ", "Bearer a.b", "Bearer a.b.c", "Bearer \xe9.a.b"],
)
def test_authorization_that_holds_no_jwt_is_403(sender, authorization):
    answer = sender.send(headers={"Authorization": authorization.encode("latin-1")})

    assert answer.status_code == 403
    assert answer.headers["X-Emulator-Reason"]


@pytest.mark.parametrize(
    ("spoiled", "word"),
    [
        ({"secret": b"x" * 32}, "signature"),
        ({"algorithm": "HS384", "secret": b"x" * 64}, "alg"),
        ({"algorithm": "none", "secret": ""}, "alg"),
        ({"iss": "someone else"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iat": None}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": "1700000000"}, "iat"),
        ({"iat": 1.5}, "iat"),
        ({"iat": float("nan")}, "claims"),
        ({"iat": 0}, "s ago"),
        ({"iat": int(time.time()) - 3700}, "s ago"),
        ({"iat": int(time.time()) + 36_000}, "s from now"),
        ({"iat": int(time.time() * 1000)}, "milliseconds?"),
    ],
)
def test_token_with_one_thing_spoiled_is_403(sender, make_token, spoiled, word):
    answer = sender.send(headers={"Authorization": f"Bearer {make_token(**spoiled)}"})

    check_refused(answer, 403, word)


def test_token_comes_before_the_body(sender):
    answer = sender.send(packed=b"{", headers={"Authorization": "Bearer x"})

    check_refused(answer, 403, "JWT")


@pytest.mark.parametrize(
    ("packed", "word"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b'{"v":NaN}', "NaN"),
        (b'{"v":"\xff"}', "UTF-8"),
        (b'{"v":' + b"[" * 100_000, "deep"),
        (b'{"v":' + b"[" * 200 + b"]" * 200 + b"}", "deep"),
        (b'{"v":' + b"1" * 5000 + b"}", "not JSON"),
        (gzip.compress(b"{}"), "compressed"),
        (b" " * (5 * 1024 * 1024 + 1), "5 MiB"),
    ],
)
def test_body_that_is_no_json_object_is_400(sender, packed, word):
    check_refused(sender.send(packed=packed), 400, word)


def test_body_over_the_reading_limit_is_413(sender):
    check_refused(sender.send(packed=b" " * (6 * 1024 * 1024 + 1)), 413, "6 MiB")


def test_chunked_body_is_read(sender, web):
    fields = sender.fields()

    answer = web.post(
        f"{sender.url}/v1/message",
        data=iter([json.dumps(fields).encode()]),
        headers=sender.headers(fields),
        timeout=5,
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["id", "Source-Id", "Destination-Id"])
def test_missing_header_is_400(sender, header, web):
    fields = sender.fields()
    headers = sender.headers(fields)
    del headers[header]

    answer = web.post(f"{sender.url}/v1/message", json=fields, headers=headers, timeout=5)

    check_refused(answer, 400, header)


@pytest.mark.parametrize(
    ("header", "key"),
    [("id", "id"), ("Source-Id", "sourceId"), ("Destination-Id", "destinationId")],
)
def test_header_that_differs_from_json_is_400(sender, header, key):
    answer = sender.send(headers={header: str(uuid4())})

    check_refused(answer, 400, key)


@pytest.mark.parametrize("key", ["id", "sourceId", "destinationId"])
@pytest.mark.parametrize("value", [None, 7, "", ["x"]])
def test_address_missing_in_json_is_400(sender, key, value):
    headers = {"id": "x", "Source-Id": "x", "Destination-Id": "x"}

    answer = sender.send(headers=headers, **({"id": "x", "sourceId": "x"} | {key: value}))

    check_refused(answer, 400, "JSON")


@pytest.mark.parametrize(
    ("spoiled", "word"),
    [
        ({"id": "7"}, "UUID"),
        ({"id": "{" + str(uuid4()) + "}"}, "UUID"),
        ({"v": None}, "v is missing"),
        ({"v": 2}, "v is 2"),
        ({"v": "1"}, "v is '1'"),
        ({"v": True}, "v is True"),
        ({"type": None}, "type is missing"),
        ({"type": "poem"}, "type is 'poem'"),
        ({"type": ["text"]}, "type is ['text']"),
        ({"type": "close"}, "only the customer"),
        ({"body": None}, "body"),
        ({"body": 7}, "body"),
        ({"type": "interactive"}, "exactly one"),
        ({"type": "interactive", "interactiveData": {}, "interactiveDataRef": {}}, "exactly one"),
        ({"type": "interactive", "interactiveData": "x"}, "no JSON object"),
        ({"type": "richLink"}, "exactly one"),
        ({"type": "richLink", "richLinkData": {}, "richLinkDataRef": {}}, "exactly one"),
    ],
)
def test_message_with_one_field_spoiled_is_400(sender, ava, spoiled, word):
    check_refused(sender.send(**spoiled), 400, word)
    assert ava.transcript()["entries"] == []


@pytest.mark.parametrize("auto_reply", ["yes", "True", "1", ""])
def test_other_words_for_auto_reply_are_400(sender, auto_reply):
    check_refused(sender.send(headers={"auto-reply": auto_reply}), 400, "auto-reply")


def test_business_that_is_not_ours_is_403(sender):
    check_refused(sender.send(sourceId=str(uuid4())), 403, "no business")


def test_unknown_customer_is_404(sender):
    check_refused(sender.send(destinationId="urn:mbid:AQAA"), 404, "nobody")


def test_customer_of_another_business_is_404(sender, settings):
    answer = sender.send(sourceId=settings.business_ids[1])

    check_refused(answer, 404, "another business")


def test_deleted_conversation_is_404_until_the_customer_writes(sender, ava):
    ava.do("close")

    check_refused(sender.send(), 404, "deleted")

    ava.do("text", body="Here again")
    assert sender.send().status_code == 200


def test_refusal_of_a_content_stands_in_the_journal(samples):
    rule, reason = samples.refuse("list_picker", {"interactiveData.data.images.0.data": "?"})

    assert rule == "base64"
    assert reason.startswith("interactiveData.data.images[0].data is no standard Base64")
    assert reason.endswith('(source: MSP REST API, "Type Interactive")')


def test_invitation_stands_on_the_phone_of_who_has_the_number(samples):
    samples.accept("invitation")

    (entry,) = samples.ava.transcript()["entries"]
    assert entry["fields"]["destinationId"] == samples.ava.profile()["phone_number"]


def test_invitation_to_a_number_that_nobody_has_is_404(samples):
    answer = samples.send("invitation", {"destinationId": "tel:+15550100"})

    check_refused(answer, 404, "whose phone_number may be invited")


def test_invitation_to_a_customer_of_another_business_is_404(sender, samples, web):
    other = web.get(f"{sender.url}/customers", timeout=5).json()["customers"][1]
    fields = samples.fields("invitation", {"destinationId": other["phone_number"]})

    answer = web.post(
        f"{sender.url}/v1/message",
        json=fields,
        headers=sender.headers(fields, message_type="notification"),
        timeout=5,
    )

    check_refused(answer, 404, "another business")


def test_customer_who_deleted_the_conversation_can_be_invited(samples):
    samples.ava.do("close")

    samples.accept("invitation")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/authenticate/", "/v1/message/"])
def test_other_endpoint_is_404_with_a_reason(emulator, path, web):
    answer = web.post(emulator.url + path, timeout=5, allow_redirects=False)

    check_refused(answer, 404, "no endpoint")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_method_is_405_with_a_reason(emulator, method, web):
    answer = web.request(method, f"{emulator.url}/v1/message", timeout=5)

    check_refused(answer, 405, "use POST")


def test_fault_answers_its_status_and_keeps_the_message_off_the_phone(sender, ava, journal, web):
    web.post(f"{sender.url}/emulator/faults", json={"do": "status", "retry_after": "2"}, timeout=5)

    answers = [sender.send() for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert answers[0].headers["Retry-After"] == "2"
    assert len(ava.transcript()["entries"]) == 1
    assert [exchange["rule"] for exchange in journal()] == ["fault", None]


def test_drop_closes_the_connection_before_accepting(sender, ava, journal, web):
    web.post(f"{sender.url}/emulator/faults", json={"do": "drop"}, timeout=5)

    with pytest.raises(requests.ConnectionError):
        sender.send()

    assert ava.transcript()["entries"] == []
    assert journal()[0]["status"] is None


def test_drop_after_accepts_and_closes_the_connection(sender, ava, web):
    web.post(f"{sender.url}/emulator/faults", json={"do": "drop_after"}, timeout=5)

    with pytest.raises(requests.ConnectionError):
        sender.send(body="Made it")

    assert ava.transcript()["entries"][0]["body"] == "Made it"


def test_delay_holds_the_answer_back_and_stands_beside_another_fault(sender, web):
    for fault in ({"do": "delay", "delay_s": 0.05}, {"do": "status", "status": 429}):
        web.post(f"{sender.url}/emulator/faults", json=fault, timeout=5)

    answer = sender.send()

    assert answer.status_code == 429
    assert answer.elapsed.total_seconds() >= 0.05


def test_long_delay_ends_when_the_emulator_stops(emulator, sender, journal, web):
    web.post(f"{sender.url}/emulator/faults", json={"do": "delay", "delay_s": 60}, timeout=5)

    with ThreadPoolExecutor() as pool:
        answer = pool.submit(sender.send)
        while web.get(f"{sender.url}/emulator/faults", timeout=5).json()["faults"]:
            pass
        emulator.stop()

        assert answer.result(timeout=5).status_code == 200


@pytest.fixture
def sign_in_data(interactive):
    oauth = {
        "responseType": "code",
        "scope": ["openid"],
        "state": "abc",
        "clientSecret": "a made up secret",
        "responseEncryptionKey": "BAEC",
    }
    return interactive({"authenticate": {"oauth2": oauth}})


def send_sign_in(sender, data, endpoint):
    return sender.send(endpoint=endpoint, type="interactive", body=None, interactiveData=data)


def test_sign_in_is_taken_at_its_own_endpoint(sender, ava, sign_in_data, journal):
    answer = send_sign_in(sender, sign_in_data, "/v1/authenticate")

    assert (answer.status_code, answer.content) == (200, b"")
    (entry,) = ava.transcript()["entries"]
    assert entry["shows"] == "sign_in"
    assert journal()[-1]["url"].endswith("/v1/authenticate")


def test_sign_in_elsewhere_is_400_with_the_right_endpoint(sender, ava, sign_in_data, refused_by):
    answer = send_sign_in(sender, sign_in_data, "/v1/message")

    rule, reason = refused_by(answer, 400)
    assert rule == "endpoint-other"
    assert "send it to /v1/authenticate" in reason
    assert ava.transcript()["entries"] == []


def test_anything_else_where_one_signs_in_is_400_with_the_right_endpoint(sender, refused_by):
    rule, reason = refused_by(sender.send(endpoint="/v1/authenticate"), 400)

    assert rule == "endpoint-other"
    assert "anything else to /v1/message" in reason


def test_sign_in_by_reference_goes_to_the_same_endpoint(sender, ava, sign_in_data):
    fields = {"type": "interactive", "body": None}
    answer = sender.send(
        {"include-data-ref": "true"},
        endpoint="/v1/authenticate",
        interactiveData=sign_in_data,
        **fields,
    )
    data_ref = answer.json()["dataRef"]

    again = [
        sender.send(endpoint=endpoint, interactiveDataRef=data_ref, **fields).status_code
        for endpoint in ("/v1/message", "/v1/authenticate")
    ]

    assert again == [400, 200]
    assert [entry["shows"] for entry in ava.transcript()["entries"]] == ["sign_in"] * 2
    assert "a made up secret" not in str(ava.transcript())


@pytest.mark.parametrize("endpoint", ["/v1/authenticate", "/v1/message"])
def test_client_secret_is_masked_whether_taken_or_refused(
    sender, ava, sign_in_data, journal, endpoint
):
    send_sign_in(sender, sign_in_data, endpoint)

    (exchange,) = journal()
    oauth = exchange["fields"]["interactiveData"]["data"]["authenticate"]["oauth2"]
    assert (oauth["clientSecret"], oauth["state"]) == ("…", "abc")
    assert "a made up secret" not in str([journal(), ava.transcript()])


def test_sign_in_is_proved_and_journalled_like_a_message(sender, sign_in_data, refused_by):
    answer = sender.send(
        {"Authorization": "Bearer x"},
        endpoint="/v1/authenticate",
        type="interactive",
        body=None,
        interactiveData=sign_in_data,
    )

    assert refused_by(answer, 403)[0] == "token-unreadable"


def test_fault_befalls_the_endpoint_it_is_for(sender, sign_in_data, order_fault):
    order_fault("status", endpoint="authenticate", type="interactive", customer="ava", status=500)

    assert sender.send().status_code == 200
    assert send_sign_in(sender, sign_in_data, "/v1/authenticate").status_code == 500
    assert send_sign_in(sender, sign_in_data, "/v1/authenticate").status_code == 200
