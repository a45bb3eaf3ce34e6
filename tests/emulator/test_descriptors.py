from pathlib import Path

import pytest

from msp_server.emulator.descriptors import describe, describe_file, describe_place, name_in
from msp_server.emulator.fault_orders import parse_fault
from msp_server.emulator.mmcs import Stored

SIGNATURE = bytes.fromhex("01aabbccddeeff00112233445566778899aabbccdd")
STORED = Stored("shop", "M01.C01USN00", SIGNATURE, 33, Path("x"), bytes.fromhex("ab" * 32))
PLACE = {
    "url": "https://p54-content.icloud.com/M01.C01USN00",
    "owner": "M01.C01USN00",
    "size": 33,
    "signature": "01aabbccddeeff00112233445566778899aabbccdd",
    "signature-base64": "Aaq7zN3u/wARIjNEVWZ3iJmqu8zd",
}


def test_file_is_described_in_upper_case():
    assert describe_file("a.txt", "text/plain", STORED, None) == PLACE | {
        "name": "a.txt",
        "mimeType": "text/plain",
        "signature": PLACE["signature"].upper(),
        "key": "00" + "AB" * 32,
    }


def test_payload_is_described_in_lower_case():
    assert describe(STORED, None) == PLACE | {"key": "00" + "ab" * 32}


def test_place_is_told_without_key():
    assert describe_place(STORED) == PLACE


@pytest.mark.parametrize(("do", "spoiled"), [("wrong_key", "key"), ("wrong_size", "size")])
def test_fault_spoils_one_thing(do, spoiled):
    right, wrong = describe(STORED, None), describe(STORED, parse_fault({"do": do}))

    assert {key for key in right if right[key] != wrong[key]} == {spoiled}
    assert len(wrong["key"]) == 66


def test_older_name_counts_only_where_the_present_one_is_missing():
    assert name_in({"size": "1", "file-size": "2"}, "size") == "size"
    assert name_in({"file-size": "2"}, "size") == "file-size"
    assert name_in({}, "size") == "size"
    assert name_in({"name": "x"}, "name") == "name"
