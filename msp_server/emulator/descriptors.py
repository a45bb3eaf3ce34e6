"""What messages say of a file or payload that rests in MMCS."""

from typing import Final

from msp_server.emulator.cipher import key_to_wire, new_key
from msp_server.emulator.faults import Fault
from msp_server.emulator.mmcs import Stored
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.signatures import signature_to_wire

#: The present name of each key, and the one it had. Source: Business Chat API, "Adding Attachment
#: Metadata to a Message".
OLDER_NAMES: Final = {
    "mimeType": "mime-type",
    "size": "file-size",
    "key": "decryption-key",
    "url": "mmcs-url",
    "owner": "mmcs-owner",
}


def name_in(descriptor: JsonObject, key: str) -> str:
    """Give the name under which a key stands: the present one unless only the older is there."""
    older = OLDER_NAMES.get(key, key)
    return older if descriptor.get(key) is None and descriptor.get(older) is not None else key


def describe_file(name: str, mime_type: str, stored: Stored, fault: Fault | None) -> JsonObject:
    """Describe a customer's file.

    Source: MSP API Tutorial, exercise 05: upper case, for its sample reads no other, and `size` a
    number; `signature-base64` observed.
    """
    place = describe(stored, fault)
    upper = {key: str(place[key]).upper() for key in ("key", "signature")}
    return {"name": name, "mimeType": mime_type} | place | upper


def describe(stored: Stored, fault: Fault | None) -> JsonObject:
    """Describe what the emulator encrypted itself: where it rests, and how to read it.

    Source: MSP API Tutorial, exercise 12: lower case.
    """
    key, size_bytes = stored.own_key or new_key(), stored.size_bytes
    if fault and fault.do == "wrong_key":
        key = new_key()
    if fault and fault.do == "wrong_size":
        size_bytes += 1
    return describe_place(stored) | {"size": size_bytes, "key": key_to_wire(key)}


def describe_place(stored: Stored) -> JsonObject:
    """Describe where bytes rest, without the key to them."""
    return {
        "url": stored.url,
        "owner": stored.owner,
        "size": stored.size_bytes,
        "signature": stored.signature.hex(),
        "signature-base64": signature_to_wire(stored.signature),
    }
