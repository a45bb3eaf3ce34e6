import json
from dataclasses import dataclass

import pytest

from msp_server.messages.outgoing_file import (
    OutgoingFile,
    complete,
    files_from_json,
    files_to_json,
)

FILE = OutgoingFile("1.bin", "Grüße.pdf", "application/pdf", 1024, "00" + "ab" * 32)
OTHER = OutgoingFile("2.bin", "tea.png", "image/png", 0, "00" + "cd" * 32)


@dataclass(frozen=True)
class Place:
    url: str
    owner: str = "owner"
    signature_base64: str = "AVBM9eHVXce72u2CXWsUFB4Jl32v"


def test_a_file_is_told_of_in_apples_words():
    assert FILE.to_wire(Place("https://mmcs.example/1")) == {
        "name": "Grüße.pdf",
        "mimeType": "application/pdf",
        "size": "1024",
        "signature-base64": "AVBM9eHVXce72u2CXWsUFB4Jl32v",
        "url": "https://mmcs.example/1",
        "owner": "owner",
        "key": "00" + "ab" * 32,
    }


@pytest.mark.parametrize("files", [[FILE], [FILE, OTHER]])
def test_files_come_back_from_json(files):
    assert files_from_json(files_to_json(files)) == files


def test_no_files_are_no_json():
    assert (files_to_json([]), files_from_json(None), files_from_json("")) == (None, [], [])


def test_complete_puts_the_files_into_the_message_in_their_order():
    packed = complete(
        '{"type":"text","body":"Grüße \ufffc\ufffc"}'.encode(),
        [FILE, OTHER],
        [Place("https://mmcs.example/1"), Place("https://mmcs.example/2")],
    )

    fields = json.loads(packed)
    assert fields["body"] == "Grüße \ufffc\ufffc"
    assert [(each["name"], each["url"]) for each in fields["attachments"]] == [
        ("Grüße.pdf", "https://mmcs.example/1"),
        ("tea.png", "https://mmcs.example/2"),
    ]


def test_complete_writes_compact_json_in_utf_8():
    packed = complete('{"body": "Grüße"}'.encode(), [], [])

    assert packed == '{"body":"Grüße","attachments":[]}'.encode()


@pytest.mark.parametrize(
    ("files", "places"), [([FILE], []), ([], [Place("https://mmcs.example/1")])]
)
def test_complete_wants_a_place_for_every_file(files, places):
    with pytest.raises(ValueError, match="zip"):
        complete(b"{}", files, places)
