"""Interactive data that rests in MMCS while messages carry a reference to it."""

import base64
import hashlib
import hmac
import json
import secrets

from msp_server.emulator.checks import ASSUMED, Refused
from msp_server.emulator.cipher import decrypt
from msp_server.emulator.content_limits import DATA_REF
from msp_server.emulator.descriptors import describe, describe_place
from msp_server.emulator.faults import Fault
from msp_server.emulator.mmcs import FileGone, Mmcs, read_chunks
from msp_server.emulator.packing import JsonObject
from msp_server.emulator.payloads import pack_payload, unpack_payload
from msp_server.emulator.shapes import object_in, picked, text_in


class References:
    """Makes references, and finds again what its own lead to."""

    def __init__(self, mmcs: Mmcs) -> None:
        self._mmcs = mmcs
        self._secret = secrets.token_bytes(32)

    def make_for_msp(
        self, business_id: str, interactive: JsonObject, fault: Fault | None
    ) -> JsonObject:
        """Give what a customer's message carries instead of large interactive data.

        Raises:
            NotKept: there is no room for the payload.

        Source: MSP API Tutorial, exercise 12.
        """
        stored = self._mmcs.put(business_id, [pack_payload(interactive)])
        return picked(interactive, "bid") | describe(stored, fault)

    def make_data_ref(self, business_id: str, interactive: JsonObject) -> JsonObject:
        """Give what a business can send again instead of the interactive data it sent.

        Raises:
            NotKept: there is no room for the payload.

        Source: MSP API Tutorial, exercise 08: no key; that the signature stands for it is assumed.
        """
        stored = self._mmcs.put(business_id, [pack_payload(interactive)])
        place = describe_place(stored) | {"signature": stored.signature.hex().upper()}
        data_ref = picked(interactive, "bid") | place | {"title": _title_of(interactive)}
        return data_ref | {"dataRefSig": self._sign(data_ref)}

    def resolve(self, business_id: str, data_ref: JsonObject) -> JsonObject | None:
        """Give the interactive data that `make_data_ref` made a reference to.

        None where the sender made the reference: nobody but the customer's device, which this is
        not, can read the payload.

        Raises:
            Refused: 400, it was changed, is another business's, or its payload is gone.

        Source: MSP API Tutorial, exercise 09 (sent again unchanged); the statuses assumed.
        """
        signature = data_ref.get("dataRefSig")
        if signature is None:
            return None
        unsigned = {key: value for key, value in data_ref.items() if key != "dataRefSig"}
        if not hmac.compare_digest(
            self._sign(unsigned).encode(), str(signature).encode(errors="replace")
        ):
            raise Refused(
                400,
                "data-ref-changed",
                "interactiveDataRef is not as this gateway gave it: send the dataRef of its "
                "answer, every key as it came; one from before the emulator was started is void",
                DATA_REF,
            )
        packed = self._read(business_id, data_ref.get("url"))
        if packed is None:
            raise Refused(
                400,
                "data-ref-gone",
                "What interactiveDataRef leads to is gone, or was sent by another business: send "
                "the interactiveData again with include-data-ref",
                ASSUMED,
            )
        return unpack_payload(packed)

    def _read(self, business_id: str, url: object) -> bytes | None:
        stored = self._mmcs.find(url)
        if stored is None or stored.business_id != business_id or stored.own_key is None:
            return None
        try:
            with self._mmcs.open(stored) as file:
                return b"".join(decrypt(read_chunks(file, stored.size_bytes), stored.own_key))
        except FileGone:
            return None

    def _sign(self, data_ref: JsonObject) -> str:
        told = json.dumps(data_ref, sort_keys=True).encode()
        return base64.b64encode(hmac.digest(self._secret, told, hashlib.sha256)).decode()


def _title_of(interactive: JsonObject) -> str:
    """Give the title of the bubble. Source: observed; where there is no bubble, assumed."""
    quick_reply = object_in(object_in(interactive, "data"), "quick-reply")
    return (
        text_in(object_in(interactive, "receivedMessage"), "title")
        or text_in(quick_reply, "summaryText")
        or "Business Message"
    )
