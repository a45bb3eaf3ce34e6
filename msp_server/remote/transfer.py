"""Transfers: files to Apple's store and from it, and answers too large to come by themselves."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeGuard

from msp_server.errors import (
    AddressRefused,
    RemoteBusy,
    RemoteError,
    RemoteRefused,
    RemoteUnreachable,
    SizeMismatch,
    UploadRefused,
)
from msp_server.remote.addresses import find_objection, origin_of, same_loopback_origin
from msp_server.remote.gateway import Gateway
from msp_server.remote.http import HttpAnswer, HttpClient

#: The most that a file may measure. Source: MSP REST API, "Type Text" (100 MB).
SIZE_LIMIT_BYTES: Final = 100 * 1024 * 1024
#: The most of a decoded answer that is read. Assumed.
ANSWER_LIMIT_BYTES: Final = 8 * 1024 * 1024

_HEADER_LIMIT_CHARS: Final = 8192


class SizedBody(Protocol):
    """Encrypted bytes that can be read as often as they are sent."""

    @property
    def size_bytes(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[bytes]:
        """Give them in chunks."""


@dataclass(frozen=True)
class Stored:
    """Where encrypted bytes rest in Apple's store, MMCS."""

    url: str
    owner: str
    #: Apple's checksum, in Base64.
    signature_base64: str


@dataclass(frozen=True)
class _Sized:
    """A body as requests wants it: with a length, so that it does not go out in chunks.

    It has to have that length: for what is missing the store would wait, and we for the store.
    """

    body: SizedBody
    size_bytes: int

    def __len__(self) -> int:
        return self.size_bytes

    def __iter__(self) -> Iterator[bytes]:
        return _measured(iter(self.body), self.size_bytes)


class Transfer:
    """Uploads and downloads; nothing is held in memory but a chunk."""

    def __init__(
        self, gateway: Gateway, client: HttpClient, local: HttpClient, content_hosts: Sequence[str]
    ) -> None:
        """Make a transfer client.

        Args:
            gateway: says where bytes go to, and come from.
            client: goes there; to public addresses alone.
            local: goes there when that is the gateway itself, on this machine.
            content_hosts: hosts, with all below them, that the gateway may name.
        """
        self._gateway = gateway
        self._client = client
        self._local = local
        self._content_hosts = content_hosts

    def upload(self, business_id: str, body: SizedBody, message_id: str) -> Stored:
        """Upload encrypted bytes, once, to a fresh address.

        Raises:
            UploadRefused: the store did not take them; try again from the beginning.
            AddressRefused: the gateway named an address that we do not connect to.
            RemoteError: as `Gateway.send` has them.

        Source: MSP API Tutorial, exercise 04.
        """
        size_bytes = body.size_bytes
        headers = {"Source-Id": business_id, "MMCS-Size": str(size_bytes)}
        told = self._ask("/preUpload", headers, message_id)
        address = _text(told, "upload-url", self._gateway, message_id)
        url, owner = (
            _header_text(told, name, self._gateway, message_id)
            for name in ("mmcs-url", "mmcs-owner")
        )
        answer = self._to(address, "POST", message_id).request(
            "POST", address, {}, _Sized(body, size_bytes), message_id
        )
        return Stored(url, owner, _checksum(answer, address, message_id))

    @contextmanager
    def download(
        self, business_id: str, source: Stored, size_bytes: int | None, message_id: str
    ) -> Iterator[Iterator[bytes]]:
        """Download encrypted bytes; the block reads them.

        Args:
            business_id: whose customer sent them.
            source: where they rest.
            size_bytes: how many there are; None when that was not said.
            message_id: names them in errors.

        Raises:
            SizeMismatch: there are more or fewer.
            AddressRefused: the gateway named an address that we do not connect to.
            RemoteError: as `Gateway.send` has them.

        Source: MSP API Tutorial, exercise 05.
        """
        if size_bytes is not None and size_bytes > SIZE_LIMIT_BYTES:
            raise SizeMismatch(f"{size_bytes} bytes, at most {SIZE_LIMIT_BYTES} are fetched")
        headers = {
            "source-id": business_id,
            "MMCS-Url": source.url,
            "MMCS-Signature": source.signature_base64,
            "MMCS-Owner": source.owner,
        }
        for name, value in headers.items():
            self._require_header(name, value, "GET", "/preDownload", message_id)
        told = self._ask("/preDownload", headers, message_id)
        address = _text(told, "download-url", self._gateway, message_id)
        with self._to(address, "GET", message_id).stream("GET", address, message_id) as stream:
            if stream.status != 200:
                raise _not_given(stream.status, address, message_id)
            _require_length(stream.headers, size_bytes)
            yield _measured(stream.chunks, size_bytes)

    def decode_payload(self, business_id: str, bid: str, body: bytes, message_id: str) -> bytes:
        """Have the gateway decode a large answer, and give its JSON.

        Raises:
            RemoteRefused: it cannot be decoded.
            RemoteError: as `Gateway.send` has them.

        Source: MSP API Tutorial, exercise 12.
        """
        self._require_header("bid", bid, "POST", "/decodePayload", message_id)
        headers = {
            "source-id": business_id,
            "bid": bid,
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
        }
        limit = ANSWER_LIMIT_BYTES + 1
        answer = self._gateway.call("POST", "/decodePayload", headers, body, message_id, limit)
        if not answer.in_time:
            raise RemoteUnreachable(
                "its answer came too slowly",
                method="POST",
                address=f"{self._gateway.base_url}/decodePayload",
                message_id=message_id,
            )
        if len(answer.body) > ANSWER_LIMIT_BYTES:
            raise RemoteRefused(
                f"answered more than {ANSWER_LIMIT_BYTES} bytes",
                method="POST",
                address=f"{self._gateway.base_url}/decodePayload",
                message_id=message_id,
            )
        return answer.body

    def _ask(self, path: str, headers: dict[str, str], message_id: str) -> dict[str, Any]:
        """Ask the gateway where bytes go to, or come from."""
        return _object(self._gateway.call("GET", path, headers, b"", message_id).body)

    def _to(self, address: str, method: str, message_id: str) -> HttpClient:
        """Choose the client for an address that the gateway named, or refuse that."""
        if same_loopback_origin(address, self._gateway.base_url):
            return self._local
        objection = find_objection(address, self._content_hosts)
        if objection is None:
            return self._client
        raise AddressRefused(
            f"the gateway named an address that we do not connect to: {objection}",
            method=method,
            address=origin_of(address),
            message_id=message_id,
        )

    def _require_header(
        self, name: str, value: str, method: str, path: str, message_id: str
    ) -> None:
        if not _is_header(value):
            raise RemoteRefused(
                f"{name} cannot stand in a header",
                method=method,
                address=f"{self._gateway.base_url}{path}",
                message_id=message_id,
            )


def _checksum(answer: HttpAnswer, address: str, message_id: str) -> str:
    """Take the checksum out of what the store answers to an upload."""
    file = _object(answer.body).get("singleFile")
    checksum = file.get("fileChecksum") if isinstance(file, dict) else None
    if answer.status == 200 and _is_header(checksum):
        return checksum
    missing = " without singleFile.fileChecksum" if answer.status == 200 else ""
    raise UploadRefused(
        f"answered {answer.status}{missing}",
        method="POST",
        address=origin_of(address),
        status=answer.status,
        message_id=message_id,
    )


def _not_given(status: int, address: str, message_id: str) -> RemoteError:
    """Make an error of a download that is not given: no credentials of ours are to blame."""
    kind = RemoteBusy if status in (408, 429) or status >= 500 else RemoteRefused
    return kind(
        f"answered {status}",
        method="GET",
        address=origin_of(address),
        status=status,
        message_id=message_id,
    )


def _measured(chunks: Iterator[bytes], size_bytes: int | None) -> Iterator[bytes]:
    """Give chunks on, and count them."""
    limit = SIZE_LIMIT_BYTES if size_bytes is None else size_bytes
    count = 0
    for chunk in chunks:
        count += len(chunk)
        if count > limit:
            raise SizeMismatch(f"more than {limit} bytes came")
        yield chunk
    if size_bytes is not None and count < size_bytes:
        raise SizeMismatch(f"{count} bytes came, {size_bytes} were said")


def _require_length(headers: Mapping[str, str], size_bytes: int | None) -> None:
    """Compare what a download says of its length, before a byte of it is read."""
    said = headers.get("Content-Length", "")
    if not said.isdecimal() or "Transfer-Encoding" in headers:
        return
    if size_bytes is None and int(said[:20]) > SIZE_LIMIT_BYTES:
        raise SizeMismatch(f"more than {SIZE_LIMIT_BYTES} bytes are offered")
    if size_bytes is not None and int(said[:20]) != size_bytes:
        raise SizeMismatch(f"{said[:20]} bytes are offered, {size_bytes} were said")


def _is_header(value: object) -> TypeGuard[str]:
    """Tell whether a value can stand in a header, both in ours and in a message of ours."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _HEADER_LIMIT_CHARS
        and value.isascii()
        and value.isprintable()
    )


def _object(answer: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _text(fields: dict[str, Any], name: str, gateway: Gateway, message_id: str) -> str:
    """Take a text out of the gateway's answer, which must have it."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _without(name, gateway, message_id)
    return value


def _header_text(fields: dict[str, Any], name: str, gateway: Gateway, message_id: str) -> str:
    """Take out a text that has to stand in a header some day: the customer's device sends it."""
    value = fields.get(name)
    if not _is_header(value):
        raise _without(name, gateway, message_id)
    return value


def _without(name: str, gateway: Gateway, message_id: str) -> RemoteBusy:
    return RemoteBusy(
        f"answered without {name}, or with one of no use",
        method="GET",
        address=gateway.base_url,
        message_id=message_id,
    )
