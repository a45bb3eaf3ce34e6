"""Settings: one frozen value, read once from the environment and the `.env` file.

All faults are found before any is reported, each with its cure. This is the only module that
reads the environment.
"""

import base64
import binascii
import contextlib
import json
import math
import os
import re
import secrets
import tempfile
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values

from msp_server.errors import ConfigurationError, Fault

#: Base URLs of Apple's gateway. Source: MSP REST API, "Common Specifications".
GATEWAYS: Final = {
    "staging": "https://mspgw-int.push.apple.com/v1",
    "production": "https://mspgw.push.apple.com/v1",
}

#: How many messages go to the staging gateway a second, unless somebody says.
#: Source: MSP API Tutorial, "Integration" says that it has a load limit; how high is assumed.
STAGING_SENDS_PER_S: Final = 10.0
#: The fewest messages a second that can be set: one each 100 s.
_FEWEST_SENDS_PER_S: Final = 0.01

#: Where Apple Pay opens sessions for merchants. Source: MSP API Tutorial, exercise 14.
SESSION_URL: Final = "https://apple-pay-gateway.apple.com/paymentservices/paymentSession"

#: The longest that a claim can last, seconds.
LEASE_LIMIT_S: Final = 300.0

_CREDENTIALS_FILE: Final = "emulator.json"
#: Who takes the money and links accounts while the gateway is the emulator.
_DEMONSTRATION: Final = {
    "MSP_PAYMENT_PROCESSOR": "msp_server.agents.demonstration:processor",
    "MSP_ACCOUNT_LINKER": "msp_server.agents.demonstration:linker",
}
#: What a merchant and a client of the emulator's provider are called.
_MERCHANT_ID: Final = "merchant.com.example.shop"
_MERCHANT_DOMAIN: Final = "shop.example.com"
_CLIENT_ID: Final = "emulator"
_CLIENT_SECRET: Final = "emulator-client-secret"  # noqa: S105 - opens nothing but the emulator
_CONTENT_LIMITS: Final = ("all", "apple")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,}")
_LOG_FORMATS: Final = ("text", "json")
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_HOST: Final = re.compile(r"([\w-]+(\.[\w-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")
_APPLE_PAY_NEEDS: Final = {
    "MSP_APPLE_PAY_DOMAIN": "enter the domain that is verified for MSP_APPLE_PAY_MERCHANT_ID",
    "MSP_APPLE_PAY_CERTIFICATE": "name the file of the merchant identity certificate, PEM",
    "MSP_ENDPOINT": "enter the public https base URL: customers' devices pay there",
}
_SIGN_IN_NEEDS: Final = {
    "MSP_OAUTH_USER_URL": "enter where the provider tells who signed in",
    "MSP_OAUTH_CLIENT_ID": "enter the client identifier that the provider gave you",
    "MSP_OAUTH_CLIENT_SECRET": "enter the client secret that the provider gave you",
    "MSP_ENDPOINT": "enter the public https base URL: the provider sends customers back there",
}
_OLDER_NAMES: Final = {"MSP_ID": "CSP_ID", "MSP_BUSINESS_ID": "BIZ_ID"}

T = TypeVar("T")


class _Unfit(ValueError):
    """One value does not hold: what is wrong, and the cure."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


@dataclass(frozen=True)
class ApplePaySettings:
    """Who asks Apple Pay for money, and how that is proved."""

    #: As in Apple's developer account, `merchant.…`; None: no payments. `MSP_APPLE_PAY_MERCHANT_ID`
    merchant_id: str | None = None
    #: Domain that is verified for it. `MSP_APPLE_PAY_DOMAIN`
    domain: str | None = None
    #: Merchant identity certificate, PEM; None: none is shown. `MSP_APPLE_PAY_CERTIFICATE`
    certificate: Path | None = None
    #: Its private key, PEM; None: it stands in the certificate's file. `MSP_APPLE_PAY_KEY`
    key: Path | None = None
    #: Where sessions are opened. `MSP_APPLE_PAY_SESSION_URL`
    session_url: str = SESSION_URL


@dataclass(frozen=True)
class SignInSettings:
    """The provider that customers sign in at, as it is registered with Apple."""

    #: Where a code is exchanged; None: nobody signs in. `MSP_OAUTH_TOKEN_URL`
    token_url: str | None = None
    #: Where the user record is. `MSP_OAUTH_USER_URL`
    user_url: str | None = None
    #: `MSP_OAUTH_CLIENT_ID`
    client_id: str = ""
    #: `MSP_OAUTH_CLIENT_SECRET`
    client_secret: str = field(default="", repr=False)
    #: What is asked for when a message does not say. `MSP_OAUTH_SCOPE`
    scope: tuple[str, ...] = ("openid", "profile", "email")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set from outside."""

    #: UUID that Apple Business Register gave the platform. `MSP_ID`
    msp_id: str
    #: Businesses whose customers may write to us; UUIDs in lower case. `MSP_BUSINESS_ID`
    business_ids: tuple[str, ...]
    #: Decoded keys; the first signs, all verify. `MSP_SECRET`
    api_secrets: tuple[bytes, ...] = field(repr=False)
    #: Base URL messages are sent to, ending in `/v1`. `MSP_GATEWAY`
    gateway_url: str
    #: Whether that gateway is the emulator on this machine.
    emulated: bool
    #: Public base URL registered with Apple, without a slash at its end. `MSP_ENDPOINT`
    endpoint: str | None = None
    #: Address the server listens on. `MSP_HOST`
    host: str = "127.0.0.1"
    #: Port the server listens on. `MSP_PORT`
    port: int = 8002
    #: Port of the metrics, on loopback; None: there are none. `MSP_ADMIN_PORT`
    admin_port: int | None = None
    #: Port of the emulator. `MSP_EMULATOR_PORT`
    emulator_port: int = 8004
    #: `module:attribute` of an `Agent` or a `Router`, or a program's address. `MSP_AGENT`
    agent: str = "msp_server.agents.guide:agent"
    #: What programs verify our requests with: `whsec_` and Base64. `MSP_AGENT_SECRET`
    agent_secret: str = field(default="", repr=False)
    #: Opens the routes for programs and desks; at least 32 characters. `MSP_AGENT_TOKEN`
    agent_token: str = field(default="", repr=False)
    #: How long a program may take to answer, seconds. `MSP_AGENT_TIMEOUT_S`
    agent_timeout_s: float = 30
    #: Directory of everything we write. `MSP_DATA_DIR`
    data_dir: Path = Path("var")
    #: SQLAlchemy URL of the store. `MSP_DATABASE_URL`
    database_url: str = field(default="", repr=False)
    #: How far a token's `iat` may lie from now, seconds; 0 accepts any age. `MSP_TOKEN_MAX_AGE_S`
    token_max_age_s: float = 3600
    #: How long a failing send is tried again, seconds. `MSP_SEND_GIVE_UP_S`
    send_give_up_s: float = 3600
    #: How many messages all workers together send a second; 0: no limit. `MSP_SENDS_PER_S`
    sends_per_s: float = 0
    #: How many days messages are kept that have ended; None: for good. `MSP_RETENTION_DAYS`
    retention_days: float | None = None
    #: How long a worker that died keeps its conversations, seconds: 1 to 300. `MSP_LEASE_S`
    lease_s: float = 60
    #: Whose limits on contents are kept: Apple's alone, or vendors' too. `MSP_CONTENT_LIMITS`
    content_limits: str = "all"
    #: Hosts, with all below them, that attachments go to and come from. `MSP_CONTENT_HOSTS`
    content_hosts: tuple[str, ...] = ("icloud.com", "icloud-content.com", "apple.com")
    #: Apple Pay. `MSP_APPLE_PAY_…`
    apple_pay: ApplePaySettings = ApplePaySettings()
    #: `module:attribute` of a `PaymentProcessor`; None: no payments. `MSP_PAYMENT_PROCESSOR`
    payment_processor: str | None = None
    #: Where customers sign in. `MSP_OAUTH_…`
    sign_in: SignInSettings = SignInSettings()
    #: `module:attribute` of an `AccountLinker`; None: no landing page. `MSP_ACCOUNT_LINKER`
    account_linker: str | None = None
    #: Least severe level that is logged. `MSP_LOG_LEVEL`
    log_level: str = "INFO"
    #: How a line of the log is written: as text, or as JSON. `MSP_LOG_FORMAT`
    log_format: str = "text"
    #: Proxy for https requests, as the environment names it. `HTTPS_PROXY`
    https_proxy: str | None = field(default=None, repr=False)

    @property
    def emulator_url(self) -> str:
        """Where the customer's phone is, when the gateway is the emulator."""
        return f"http://localhost:{self.emulator_port}"

    @property
    def server_url(self) -> str:
        """Where this server answers on this machine."""
        host = _reachable(self.host)
        return f"http://{'localhost' if host == '127.0.0.1' else host}:{self.port}"

    @property
    def local_url(self) -> str:
        """Where the emulator finds this server: its address as a number."""
        return f"http://{_reachable(self.host)}:{self.port}"

    @property
    def public_url(self) -> str | None:
        """Where customers' devices find this server; None while nobody said."""
        return self.local_url if self.emulated else self.endpoint

    @property
    def outgoing_dir(self) -> Path:
        """Where files wait for being sent."""
        return self.data_dir / "outgoing"

    @property
    def attachments_dir(self) -> Path:
        """Where what customers sent is kept."""
        return self.data_dir / "attachments"

    @property
    def workers_dir(self) -> Path:
        """Where each worker has a file, to show that all have the same directory."""
        return self.data_dir / "workers"

    def environment(self) -> dict[str, str]:
        """Give the environment of a process of ours that is to have the same settings."""
        return {
            **os.environ,
            "MSP_GATEWAY": "emulator" if self.emulated else self.gateway_url,
            "MSP_ID": self.msp_id,
            "MSP_BUSINESS_ID": ",".join(self.business_ids),
            "MSP_SECRET": ",".join(base64.b64encode(key).decode() for key in self.api_secrets),
            "MSP_EMULATOR_PORT": str(self.emulator_port),
            "MSP_EMULATOR_MSP": self.local_url,
            "MSP_TOKEN_MAX_AGE_S": repr(self.token_max_age_s),
            "MSP_OAUTH_CLIENT_ID": self.sign_in.client_id,
            "MSP_OAUTH_CLIENT_SECRET": self.sign_in.client_secret,
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read and check every setting.

        Args:
            environment: variables by name; those of the process over those of `.env` if None.

        Raises:
            ConfigurationError: with every fault found.
        """
        reader = _Reader(read_environment() if environment is None else environment)
        settings = _read(reader)
        _require_own_admin_port(reader, settings)
        if not settings.emulated:
            _require_credentials(reader)
        if reader.faults:
            raise ConfigurationError(reader.faults)
        return _with_kept_credentials(settings) if settings.emulated else settings

    def make_data_dir(self) -> None:
        """Make the directory of everything we write, for its owner alone, unless it is there.

        Raises:
            ConfigurationError: it cannot be made or written.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(error) from error
        if not os.access(self.data_dir, os.W_OK | os.X_OK):
            raise _unwritable(PermissionError("not writable by this user"))


def _reachable(host: str) -> str:
    """Name an address to listen on as one reaches it from this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{name}]" if ":" in name else name


def read_environment() -> dict[str, str]:
    """Give the variables of the process, and beneath them those of `.env` in this directory.

    Raises:
        ConfigurationError: `.env` is there and cannot be read.
    """
    try:
        values = dotenv_values(".env")
    except (OSError, UnicodeDecodeError) as error:
        fault = Fault(".env", f"cannot be read ({error})", "save it as text in UTF-8")
        raise ConfigurationError([fault]) from error
    return {**{name: value for name, value in values.items() if value is not None}, **os.environ}


def agent_reference(environment: Mapping[str, str]) -> str:
    """Name the agent that `MSP_AGENT` asks for, however unfit the other settings are."""
    return environment.get("MSP_AGENT", "").strip() or Settings.agent


class _Reader:
    """Takes one value after the other and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[Fault] = []

    def text(self, name: str) -> str:
        """Give a variable's text, or that under its older name; empty if there is none."""
        value = self._environment.get(name, "").strip()
        if not value and name in _OLDER_NAMES:
            value = self._environment.get(_OLDER_NAMES[name], "").strip()
        return value

    def value(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Parse a variable, or note its fault and give the default."""
        text = self.text(name)
        if not text:
            return default
        try:
            return parse(text)
        except _Unfit as unfit:
            self.fault(name, unfit.problem, unfit.cure)
            return default

    def fault(self, name: str, problem: str, cure: str) -> None:
        """Note one fault."""
        self.faults.append(Fault(name, problem, cure))


def _read(reader: _Reader) -> Settings:
    """Read every variable; what is unfit is noted and stands at its default."""
    gateway = _read_gateway(reader)
    data_dir = reader.value("MSP_DATA_DIR", _directory, Settings.data_dir)
    emulator_port = reader.value("MSP_EMULATOR_PORT", _port, Settings.emulator_port)
    emulator_url = None if gateway else f"http://127.0.0.1:{emulator_port}"
    return Settings(
        msp_id=reader.value("MSP_ID", _uuid, ""),
        business_ids=reader.value("MSP_BUSINESS_ID", _business_ids, ()),
        api_secrets=reader.value("MSP_SECRET", _api_secrets, ()),
        gateway_url=gateway or f"{emulator_url}/v1",
        emulated=gateway is None,
        endpoint=reader.value("MSP_ENDPOINT", _endpoint, None),
        host=reader.value("MSP_HOST", str, Settings.host),
        port=reader.value("MSP_PORT", _port, Settings.port),
        admin_port=reader.value("MSP_ADMIN_PORT", _port, None),
        emulator_port=emulator_port,
        agent=reader.value("MSP_AGENT", _agent, Settings.agent),
        agent_secret=reader.value("MSP_AGENT_SECRET", _agent_secret, ""),
        agent_token=reader.value("MSP_AGENT_TOKEN", _agent_token, ""),
        agent_timeout_s=reader.value("MSP_AGENT_TIMEOUT_S", _timeout, Settings.agent_timeout_s),
        data_dir=data_dir,
        database_url=reader.value(
            "MSP_DATABASE_URL", _database_url, f"sqlite:///{data_dir / 'msp.db'}"
        ),
        token_max_age_s=reader.value("MSP_TOKEN_MAX_AGE_S", _seconds, Settings.token_max_age_s),
        send_give_up_s=reader.value("MSP_SEND_GIVE_UP_S", _seconds, Settings.send_give_up_s),
        sends_per_s=reader.value(
            "MSP_SENDS_PER_S",
            _sends_per_s,
            STAGING_SENDS_PER_S if gateway == GATEWAYS["staging"] else Settings.sends_per_s,
        ),
        retention_days=reader.value("MSP_RETENTION_DAYS", _days, Settings.retention_days),
        lease_s=reader.value("MSP_LEASE_S", _lease, Settings.lease_s),
        content_limits=reader.value("MSP_CONTENT_LIMITS", _content_limits, Settings.content_limits),
        content_hosts=reader.value("MSP_CONTENT_HOSTS", _content_hosts, Settings.content_hosts),
        apple_pay=_read_apple_pay(reader, emulator_url),
        payment_processor=_read_extension(reader, "MSP_PAYMENT_PROCESSOR", emulator_url),
        sign_in=_read_sign_in(reader, emulator_url),
        account_linker=_read_extension(reader, "MSP_ACCOUNT_LINKER", emulator_url),
        log_level=reader.value("MSP_LOG_LEVEL", _log_level, Settings.log_level),
        log_format=reader.value("MSP_LOG_FORMAT", _log_format, Settings.log_format),
        https_proxy=reader.text("HTTPS_PROXY") or reader.text("https_proxy") or None,
    )


def _require_own_admin_port(reader: _Reader, settings: Settings) -> None:
    """Note that the metrics would stand on a port that is another's, as some systems allow."""
    others = {settings.port: "MSP_PORT"}
    if settings.emulated:
        others[settings.emulator_port] = "MSP_EMULATOR_PORT"
    if settings.admin_port in others:
        problem = f"{settings.admin_port} is {others[settings.admin_port]}"
        reader.fault("MSP_ADMIN_PORT", problem, "choose a port of its own, such as 8003")


def _read_gateway(reader: _Reader) -> str | None:
    """Give the gateway's base URL, or None for the emulator."""
    text = reader.text("MSP_GATEWAY")
    if not text and (reader.text("MSP_ID") or reader.text("MSP_SECRET")):
        reader.fault(
            "MSP_GATEWAY",
            "not set, though an MSP ID or a secret is",
            "choose emulator, staging or production",
        )
    if text in ("", "emulator"):
        return None
    return GATEWAYS.get(text) or reader.value("MSP_GATEWAY", _gateway_url, "")


def _read_apple_pay(reader: _Reader, emulator_url: str | None) -> ApplePaySettings:
    """Read who asks for money; at the emulator, somebody made up."""
    emulated = emulator_url is not None
    session_url = f"{emulator_url}/paymentservices/paymentSession" if emulated else SESSION_URL
    given = ApplePaySettings(
        merchant_id=reader.text("MSP_APPLE_PAY_MERCHANT_ID")
        or (_MERCHANT_ID if emulated else None),
        domain=reader.value("MSP_APPLE_PAY_DOMAIN", _host, _MERCHANT_DOMAIN if emulated else None),
        certificate=reader.value("MSP_APPLE_PAY_CERTIFICATE", Path, None),
        key=reader.value("MSP_APPLE_PAY_KEY", Path, None),
        session_url=reader.value("MSP_APPLE_PAY_SESSION_URL", _remote_url, session_url),
    )
    if given.merchant_id and not emulated:
        _require(reader, _APPLE_PAY_NEEDS)
    return given


def _read_sign_in(reader: _Reader, emulator_url: str | None) -> SignInSettings:
    """Read where customers sign in; at the emulator, at its own provider."""
    emulated = emulator_url is not None
    given = SignInSettings(
        token_url=reader.value(
            "MSP_OAUTH_TOKEN_URL", _remote_url, f"{emulator_url}/oauth/token" if emulated else None
        ),
        user_url=reader.value(
            "MSP_OAUTH_USER_URL",
            _remote_url,
            f"{emulator_url}/oauth/userinfo" if emulated else None,
        ),
        client_id=reader.text("MSP_OAUTH_CLIENT_ID") or (_CLIENT_ID if emulated else ""),
        client_secret=reader.text("MSP_OAUTH_CLIENT_SECRET")
        or (_CLIENT_SECRET if emulated else ""),
        scope=reader.value("MSP_OAUTH_SCOPE", _scope, SignInSettings.scope),
    )
    if given.token_url and not emulated:
        _require(reader, _SIGN_IN_NEEDS)
    return given


def _read_extension(reader: _Reader, name: str, emulator_url: str | None) -> str | None:
    """Read who does what no server can know; at the emulator, somebody for show."""
    return reader.value(name, _reference, _DEMONSTRATION[name] if emulator_url else None)


def _require(reader: _Reader, needs: Mapping[str, str]) -> None:
    """Note what is not set though something else is that needs it, once."""
    noted = {fault.name for fault in reader.faults}
    for name, cure in needs.items():
        if not reader.text(name) and name not in noted:
            reader.fault(name, "not set", cure)


def _require_credentials(reader: _Reader) -> None:
    """Note what Apple's gateways need and nobody can make up."""
    for name, what in (
        ("MSP_ID", "the MSP ID"),
        ("MSP_BUSINESS_ID", "the business ID"),
        ("MSP_SECRET", "the secret passphrase for API"),
    ):
        if not reader.text(name):
            reader.fault(name, "not set", f"enter {what} from Apple Business Register")


def _uuid(text: str) -> str:
    if not _UUID.fullmatch(text):
        raise _Unfit("not a UUID", "enter it as Apple Business Register shows it, 8-4-4-4-12")
    return text.lower()


def _business_ids(text: str) -> tuple[str, ...]:
    return tuple(_uuid(part.lower().removeprefix("urn:biz:")) for part in _split(text))


def _api_secrets(text: str) -> tuple[bytes, ...]:
    return tuple(_api_secret(part) for part in _split(text))


def _api_secret(text: str) -> bytes:
    if _HEX.fullmatch(text):
        raise _Unfit("looks like hex", "enter the Base64 text that Apple Business Register shows")
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if secret.startswith((b"-----BEGIN", b"ssh-")):
        raise _Unfit("is a key file", "enter the secret passphrase for API, it is no key file")
    if not secret:
        raise _Unfit(
            "does not decode as Base64",
            "enter the secret passphrase for API as Apple Business Register shows it, whole",
        )
    return secret


def _agent(text: str) -> str:
    return _remote_url(text) if text.startswith(("http://", "https://")) else _reference(text)


def _agent_secret(text: str) -> str:
    cure = "enter whsec_ and the Base64 of 24 to 64 random bytes"
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise _Unfit("cannot be decoded", cure) from None  # the error quotes it
    if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise _Unfit("is no secret of Standard Webhooks", cure)
    return text


def _agent_token(text: str) -> str:
    if len(text) < 32 or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", text):
        cure = "enter at least 32 letters and digits, such as `openssl rand -hex 32` gives"
        raise _Unfit("is too short, or no token", cure)
    return text


def _timeout(text: str) -> float:
    seconds = _seconds(text)
    if not 0 < seconds <= 300:
        raise _Unfit(f"{text!r} is too short or too long", "enter at most 300 seconds")
    return seconds


def _split(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise _Unfit("has an empty part", "separate several by one comma each")
    return parts


def _gateway_url(text: str) -> str:
    url = text.rstrip("/")
    parts = _url_parts(url)
    if not parts.path.endswith("/v1"):
        raise _Unfit(
            f"{text!r} is no gateway",
            "choose emulator, staging or production, or a base URL that ends in /v1",
        )
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise _Unfit(f"{text!r} is not https", "use https, or a loopback address")
    return url


def _remote_url(text: str) -> str:
    parts = _url_parts(text)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise _Unfit(f"{text!r} is not https", "use https, or a loopback address")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text):
        raise _Unfit(f"{text!r} is no host", "enter a name such as shop.example.com")
    return text.lower()


def _scope(text: str) -> tuple[str, ...]:
    words = tuple(text.replace(",", " ").split())
    if not words or not text.isascii() or not text.isprintable() or set(text) & set('"\\'):
        raise _Unfit(f"{text!r} is no scope", "enter words such as openid, with blanks")
    return words


def _endpoint(text: str) -> str:
    url = text.rstrip("/")
    if _url_parts(url).scheme != "https":
        raise _Unfit(f"{text!r} is not https", "enter the public https base URL")
    if url.endswith("/message"):
        raise _Unfit(f"{text!r} ends in /message", "leave that out: Apple appends it")
    return url


def _url_parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not _HOST.fullmatch(parts.netloc) or parts.query or parts.fragment:
        # Not quoted: it may have a password in it.
        raise _Unfit("is no address", "enter an address such as https://example.com/v1")
    return parts


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise _Unfit(f"{text!r} is no port", "enter a number from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise _Unfit(f"{text!r} is no number of seconds", "enter 0 or more")
    return seconds


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 2 <= days < math.inf:
        raise _Unfit(
            f"{text!r} is no number of days for us",
            "enter 2 or more: the ids of two days are needed to know what Apple repeats",
        )
    return days


def _lease(text: str) -> float:
    seconds = _seconds(text)
    if seconds < 1:
        raise _Unfit(f"{text!r} is too short to work in", "enter 1 or more")
    if seconds > LEASE_LIMIT_S:
        raise _Unfit(f"{text!r} keeps conversations for too long", "enter 300 or less")
    return seconds


def _sends_per_s(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if rate != 0 and not _FEWEST_SENDS_PER_S <= rate < math.inf:
        cure = f"enter 0 for no limit, or {_FEWEST_SENDS_PER_S} or more"
        raise _Unfit(f"{text!r} is no number of messages a second", cure)
    return rate


def _directory(text: str) -> Path:
    if not text.isprintable() or "?" in text:
        raise _Unfit(f"{text!r} is no directory for us", "choose a name of plain characters")
    return Path(text)


def _reference(text: str) -> str:
    module, _, attribute = text.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), attribute]):
        raise _Unfit(f"{text!r} names nothing", "enter module:attribute, such as shop.desk:agent")
    return text


def _database_url(text: str) -> str:
    if not re.match(r"sqlite:///.|postgresql\+psycopg://.", text) or ":memory:" in text:
        raise _Unfit(
            "names no database that keeps messages",
            "enter sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
        )
    return text


def _content_limits(text: str) -> str:
    if text.lower() not in _CONTENT_LIMITS:
        raise _Unfit(f"{text!r} is no choice", f"choose one of {', '.join(_CONTENT_LIMITS)}")
    return text.lower()


def _content_hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(part.lower().strip(".") for part in _split(text))
    for host in hosts:
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
            raise _Unfit(f"{host!r} is no host", "enter names such as icloud.com, with commas")
    return hosts


def _log_level(text: str) -> str:
    if text.upper() not in _LOG_LEVELS:
        raise _Unfit(f"{text!r} is no level", f"choose one of {', '.join(_LOG_LEVELS)}")
    return text.upper()


def _log_format(text: str) -> str:
    if text.lower() not in _LOG_FORMATS:
        raise _Unfit(f"{text!r} is no format", f"choose one of {', '.join(_LOG_FORMATS)}")
    return text.lower()


def _with_kept_credentials(settings: Settings) -> Settings:
    """Fill in the ids and the secret that were not given, made up once for this directory."""
    if settings.msp_id and settings.business_ids and settings.api_secrets:
        return settings
    settings.make_data_dir()
    msp_id, business_ids, api_secrets = _kept_credentials(settings.data_dir / _CREDENTIALS_FILE)
    return replace(
        settings,
        msp_id=settings.msp_id or msp_id,
        business_ids=settings.business_ids or business_ids,
        api_secrets=settings.api_secrets or api_secrets,
    )


def _kept_credentials(path: Path) -> tuple[str, tuple[str, ...], tuple[bytes, ...]]:
    """Read the made-up ids and secret, or make them up; two processes at once get the same."""
    try:
        if not path.exists():
            _make_up_credentials(path)
        kept = json.loads(path.read_bytes())
        return (
            _uuid(kept["MSP_ID"]),
            _business_ids(kept["MSP_BUSINESS_ID"]),
            _api_secrets(kept["MSP_SECRET"]),
        )
    except OSError as error:
        raise _unwritable(error) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            [Fault("MSP_DATA_DIR", f"{path} is damaged", "remove that file: it is made anew")]
        ) from error


def _make_up_credentials(path: Path) -> None:
    credentials = {
        "MSP_ID": str(uuid.uuid4()),
        "MSP_BUSINESS_ID": str(uuid.uuid4()),
        "MSP_SECRET": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(credentials, indent=2) + "\n")
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)  # another process may have been first: then its file counts
    Path(draft).unlink()


def _unwritable(error: OSError) -> ConfigurationError:
    return ConfigurationError(
        [Fault("MSP_DATA_DIR", f"cannot be written ({error})", "name a directory of your own")]
    )
