import json

import pytest
from flask import Response

from msp_server.emulator.answers import TEXT_LIMIT, note_answer, note_response


def note(said, **headers):
    return note_answer(
        {name.replace("_", "-"): text for name, text in headers.items()}.items(), said
    )


def test_json_object_is_unpacked_without_its_secrets():
    said = json.dumps({"access_token": "s3cret", "in": {"id_token": "s3cret"}, "scope": "a"})

    answer = note(said.encode())

    assert answer.fields == {"access_token": "…", "in": {"id_token": "…"}, "scope": "a"}
    assert (answer.text, answer.cut, answer.size_bytes) == (None, False, len(said))
    assert answer.kept_bytes == len(said)


@pytest.mark.parametrize("said", ["[1, 2]", "not json", "{", "nul is no text"])
def test_other_text_is_kept_as_it_is(said):
    answer = note(said.encode())

    assert (answer.fields, answer.text) == (None, said)
    assert answer.kept_bytes == len(said)


@pytest.mark.parametrize("said", [b"\xff\xfe", b"a\0b", b"\x1f\x8b\x08"])
def test_bytes_that_are_no_text_are_not_kept(said):
    answer = note(said)

    assert (answer.fields, answer.text, answer.size_bytes) == (None, None, len(said))
    assert answer.kept_bytes == 0


def test_long_text_is_cut_at_a_whole_character():
    answer = note(("a" + "é" * TEXT_LIMIT).encode())

    assert answer.cut
    assert answer.text == "a" + "é" * (TEXT_LIMIT // 2 - 1)


def test_packed_body_is_not_taken_for_text():
    assert note(b"plain", Content_Encoding="gzip").text is None


def test_headers_are_shown_without_what_opens_something():
    answer = note(
        b"",
        Set_Cookie="session=s3cret",
        Location="https://shop.example/back?code=s3cret#s3cret",
        X="y",
    )

    assert answer.headers == {
        "set-cookie": "…",
        "location": "https://shop.example/back?…",
        "x": "y",
    }
    assert answer.size_bytes == 0


def test_address_of_a_redirect_without_a_query_is_shown_whole():
    assert note(b"", Location="/elsewhere").headers == {"location": "/elsewhere"}


def test_file_is_neither_read_nor_kept():
    def chunks():
        pytest.fail("it was read")
        yield b""

    response = Response(chunks())
    response.content_length = 9

    answer = note_response(response)

    assert (answer.size_bytes, answer.text) == (9, None)


def test_private_answer_is_noted_without_its_body():
    answer = note_response(Response("<input value=s3cret>"), private=True)

    assert answer.text is None
    assert answer.headers["content-type"].startswith("text/html")
