"""What the emulator has to know before it starts."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

#: How devices write a business id; the API's headers carry it without.
BUSINESS_PREFIX = "urn:biz:"
#: A name or address as a Host header has it, with a port or without.
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


class SettingsUnfit(ValueError):
    """One or more settings cannot be used; each fault is a sentence that says the cure."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class EmulatorSettings:
    """The emulator's settings, checked when made.

    Raises:
        SettingsUnfit: a value cannot be used; lists every fault at once.
    """

    #: The id under which the MSP under test is registered: `iss` of its tokens, `aud` of ours.
    msp_id: str
    #: Keys of the tokens in both directions, decoded: the first signs, all verify.
    api_secrets: tuple[bytes, ...] = field(repr=False)
    #: The businesses the MSP under test answers for.
    business_ids: tuple[str, ...]
    #: Base address of the MSP under test; `/message` is appended.
    msp_url: str = "http://127.0.0.1:8002"
    #: Where to listen; beyond loopback only with names in `allowed_hosts`.
    host: str = "127.0.0.1"
    #: Names by which others than this machine may reach the emulator, with `:port` or without.
    allowed_hosts: tuple[str, ...] = ()
    #: Port to listen on; 0 takes a free one.
    port: int = 8004
    #: How the business is registered at its OAuth provider.
    oauth_client_id: str = "emulator"
    oauth_client_secret: str = field(default="emulator-client-secret", repr=False)
    #: The provider's addresses as registered with Apple; None for the emulator's own provider.
    oauth_url: str | None = None
    oauth_token_url: str | None = None
    #: How far a token's `iat` may be from now, either way; 0 turns the check off.
    token_max_age_s: float = 3600
    #: Where a directory for files is made; None for the system's place for such.
    data_dir: Path | None = None
    #: Goes into the customers' opaque ids and telephone numbers: with another, they are strangers.
    seed: str = ""

    def __post_init__(self) -> None:
        checks: list[Callable[[], str | None]] = [
            self._check_msp_id,
            self._check_secrets,
            self._check_businesses,
            self._check_msp_url,
            self._check_host,
            self._check_allowed_hosts,
            self._check_numbers,
            self._check_data_dir,
            self._check_oauth_client,
            self._check_oauth_urls,
        ]
        faults = [fault for fault in (check() for check in checks) if fault]
        if faults:
            raise SettingsUnfit(faults)

    def _check_msp_id(self) -> str | None:
        if self.msp_id.strip():
            return None
        return "--msp-id (MSP_ID) is missing: give the id the MSP under test has as its own"

    def _check_secrets(self) -> str | None:
        if self.api_secrets and all(self.api_secrets):
            return None
        return (
            "--secret (MSP_SECRET) is missing: give the same Base64 text the MSP under test has, "
            'for example from `python -c "import base64, os; '
            'print(base64.b64encode(os.urandom(32)).decode())"`'
        )

    def _check_businesses(self) -> str | None:
        if self.business_ids and all(self.business_ids):
            return None
        return (
            "--business-id (MSP_BUSINESS_ID) is missing: give at least one id of a business the "
            "MSP under test answers for"
        )

    def _check_msp_url(self) -> str | None:
        if _is_web_address(self.msp_url):
            return None
        return (
            f"--msp (MSP_EMULATOR_MSP) {self.msp_url!r} is no web address: give one such as "
            "http://127.0.0.1:8002"
        )

    def _check_host(self) -> str | None:
        if is_loopback(self.host) or self.allowed_hosts:
            return None
        return (
            f"--host (MSP_EMULATOR_HOST) {self.host!r} is not on loopback, and the emulator has no "
            "passwords: listen on 127.0.0.1, or name with --allow-host what others write into "
            "their browser to reach it"
        )

    def _check_allowed_hosts(self) -> str | None:
        unfit = next((name for name in self.allowed_hosts if not _HOST.fullmatch(name)), None)
        if unfit is None:
            return None
        return (
            f"--allow-host (MSP_EMULATOR_ALLOW_HOST) {unfit!r} is no host name: give one such as "
            "phone.example.test, 192.0.2.7 or phone.example.test:9000"
        )

    def _check_numbers(self) -> str | None:
        if not 0 <= self.port <= 65535:
            return f"--port (MSP_EMULATOR_PORT) {self.port} is no port: give 0 to 65535"
        if self.token_max_age_s < 0:
            return "--token-max-age-s (MSP_TOKEN_MAX_AGE_S) is below 0: give seconds, or 0 for off"
        return None

    def _check_data_dir(self) -> str | None:
        if self.data_dir is None or self.data_dir.is_dir():
            return None
        return (
            f"--data-dir (MSP_EMULATOR_DATA_DIR) {str(self.data_dir)!r} is no directory: make it, "
            "or name another"
        )

    def _check_oauth_client(self) -> str | None:
        for name, text in (("id", self.oauth_client_id), ("secret", self.oauth_client_secret)):
            if not text.strip() or not text.isprintable():
                return (
                    f"--oauth-client-{name} (MSP_OAUTH_CLIENT_{name.upper()}) is empty or no line "
                    "of text: give what the MSP under test has, or leave it out"
                )
        return None

    def _check_oauth_urls(self) -> str | None:
        urls = {"--oauth-url (MSP_EMULATOR_OAUTH_URL)": self.oauth_url}
        urls["--oauth-token-url (MSP_EMULATOR_OAUTH_TOKEN_URL)"] = self.oauth_token_url
        for name, url in urls.items():
            if url is not None and not _is_web_address(url):
                return (
                    f"{name} is no web address: give one such as https://login.example.com/oauth, "
                    "or leave it out for the emulator's own provider"
                )
        if (self.oauth_url is None) != (self.oauth_token_url is None):
            return f"{' and '.join(urls)} belong to one provider: give both or neither"
        return None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Tell whether only programs on this machine can reach a host name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """Decode comma-separated Base64 secrets.

    Raises:
        SettingsUnfit: one of them is not Base64; says which, never what it is.

    Source: MSP REST API, "Authentication": the key is the decoded secret.
    """
    secrets = []
    for number, part in enumerate(_parts(text), start=1):
        try:
            secrets.append(base64.b64decode(part, validate=True))
        except (binascii.Error, ValueError):
            raise SettingsUnfit(
                [
                    f"--secret (MSP_SECRET): secret {number} is not Base64: paste it whole, with "
                    "its = signs, without quotation marks"
                ]
            ) from None
    return tuple(secrets)


def parse_business_ids(text: str) -> tuple[str, ...]:
    """Split comma-separated business ids, dropping a pasted `urn:biz:` and repetitions."""
    return tuple(dict.fromkeys(part.removeprefix(BUSINESS_PREFIX) for part in _parts(text)))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
