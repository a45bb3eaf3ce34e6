import pytest

from msp_server.errors import ContentInvalid
from msp_server.messages.by_reference import ByReference
from msp_server.messages.capability import Capability

REFERENCE = {
    "bid": "com.example",
    "url": "https://content.example.com/1",
    "signature-base64": "AQID",
    "size": 20_000,
    "title": "Menu",
}


def test_to_wire_gives_the_reference_unchanged():
    assert ByReference(REFERENCE).identified("message").to_wire() == {
        "interactiveDataRef": REFERENCE
    }


def test_a_reference_has_the_name_by_which_a_handler_calls_it():
    assert ByReference(REFERENCE, name="menu").name == "menu"


def test_every_device_is_sent_a_reference():
    assert ByReference.capability is None


@pytest.mark.parametrize("data_ref", [None, 5, "https://content.example.com/1", [], {}])
def test_a_reference_to_nothing_cannot_be_made(data_ref):
    with pytest.raises(ContentInvalid) as caught:
        ByReference(data_ref)

    assert caught.value.field == "ByReference.data_ref"


def test_vendors_report_nothing_of_references(require_reported):
    require_reported(ByReference(REFERENCE))


def test_what_a_device_must_have_is_what_its_author_says():
    assert ByReference({"url": "x"}).needs is None
    assert ByReference({"url": "x"}, requires=Capability.LIST).needs is Capability.LIST
