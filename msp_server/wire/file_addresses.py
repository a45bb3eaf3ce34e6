"""Addresses of files for programs elsewhere: signed by us, and soon over."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from msp_server.errors import FileAddressOver, FileAddressUnknown
from msp_server.wire.keys import derive_key

#: How long a file can be had at its address, seconds.
FILE_AGE_LIMIT_S: Final = 3600
#: Where the addresses begin.
FILES_PATH: Final = "/files"

_PURPOSE: Final = "addresses of files"
_TOKEN_LIMIT_CHARS: Final = 500


@dataclass(frozen=True)
class FileAddress:
    """One file for who knows its address."""

    url: str
    #: Seconds since 1970.
    expires_at: int


class FileAddresses:
    """Makes addresses, and reads them; nothing is kept for it."""

    def __init__(
        self, base_url: str, api_secrets: Sequence[bytes], now: Callable[[], float]
    ) -> None:
        """Make what signs with the first secret and accepts any.

        Args:
            base_url: where programs find this server.
            api_secrets: those shared with Apple.
            now: gives seconds since 1970.
        """
        self._base_url = base_url
        self._now = now
        self._serializer = URLSafeSerializer(
            [derive_key(api_secret, _PURPOSE) for api_secret in reversed(api_secrets)],
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def make(self, file: str, mime_type: str) -> FileAddress:
        """Make the address of a file.

        Args:
            file: our own name of it.
            mime_type: as it is to be answered.
        """
        expires_at = int(self._now()) + FILE_AGE_LIMIT_S
        token = self._serializer.dumps([file, mime_type, expires_at])
        return FileAddress(f"{self._base_url}{FILES_PATH}/{token}", expires_at)

    def read(self, token: str) -> tuple[str, str]:
        """Give our own name of a file, and its type.

        Raises:
            FileAddressUnknown: the token is none of ours.
            FileAddressOver: its time is up.
        """
        try:
            file, mime_type, expires_at = self._serializer.loads(token[:_TOKEN_LIMIT_CHARS])
        except BadData as error:
            raise FileAddressUnknown from error
        if self._now() > expires_at:
            raise FileAddressOver
        return file, mime_type
