"""Certificates: whether the one that Apple Pay asks for can be shown."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from msp_server.errors import Fault
from msp_server.settings import ApplePaySettings

CERTIFICATE: Final = "MSP_APPLE_PAY_CERTIFICATE"
KEY: Final = "MSP_APPLE_PAY_KEY"

#: The most of a file that is read. Assumed: certificates measure a few kilobytes.
_LIMIT_BYTES: Final = 1024 * 1024
_PEM: Final = b"-----BEGIN "
_DAY_S: Final = 86_400


def find_certificate_faults(settings: ApplePaySettings, now: float) -> list[Fault]:
    """Find what is wrong with the merchant identity certificate and its private key.

    Args:
        settings: name the files.
        now: seconds since 1970.
    """
    if settings.certificate is None:
        cure = "name the file of the merchant identity certificate, PEM"
        return [Fault(CERTIFICATE, f"not set, though {KEY} is", cure)] if settings.key else []
    certificate = _load_certificate(settings.certificate)
    if isinstance(certificate, Fault) and settings.key is None:
        return [certificate]
    key = _load_key(settings.certificate, settings.key)
    found = [
        certificate if isinstance(certificate, Fault) else _find_date_fault(certificate, now),
        key if isinstance(key, Fault) else None,
    ]
    if not isinstance(certificate, Fault) and not isinstance(key, Fault):
        found.append(_find_misfit(certificate, key))
    return [fault for fault in found if fault is not None]


def expires_in_days(settings: ApplePaySettings, now: float) -> int | None:
    """Count the whole days until the certificate expires; None when none can be read."""
    certificate = settings.certificate and _load_certificate(settings.certificate)
    if not isinstance(certificate, x509.Certificate):
        return None
    return math.floor((certificate.not_valid_after_utc.timestamp() - now) / _DAY_S)


def _load_certificate(path: Path) -> x509.Certificate | Fault:
    """Read the first certificate of a file, which is the one that is shown."""
    text = _read(CERTIFICATE, path)
    if isinstance(text, Fault):
        return text
    if _PEM + b"CERTIFICATE-----" not in text:
        return Fault(CERTIFICATE, f"no certificate in {str(path)!r}", "name the file that holds it")
    try:
        return x509.load_pem_x509_certificates(text)[0]
    except ValueError:
        return Fault(
            CERTIFICATE, f"the certificate in {str(path)!r} is damaged", "export it once more"
        )


def _load_key(certificate: Path, separate: Path | None) -> PrivateKeyTypes | Fault:
    """Read the private key, from a file of its own or from the certificate's."""
    name, path = (CERTIFICATE, certificate) if separate is None else (KEY, separate)
    text = _read(name, path)
    if isinstance(text, Fault):
        return text
    if b"PRIVATE KEY-----" not in text:
        also = "not set, and " if separate is None else ""
        return Fault(
            KEY, f"{also}no private key in {str(path)!r}", "name the file of the private key, PEM"
        )
    try:
        return load_pem_private_key(text, None)
    except TypeError:
        cure = "decrypt it: openssl pkey -in FILE -out NEW_FILE; and let nobody else read that"
        return Fault(name, f"the private key in {str(path)!r} is encrypted", cure)
    except (ValueError, UnsupportedAlgorithm):
        return Fault(
            name, f"the private key in {str(path)!r} is damaged", "export it once more, PEM"
        )


def _read(name: str, path: Path) -> bytes | Fault:
    """Read a file of PEM."""
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return Fault(name, f"{str(path)!r} cannot be read ({reason})", "name a file that can")
    if _PEM not in text or len(text) > _LIMIT_BYTES:
        cure = "convert it: openssl pkcs12 -in FILE -nodes -out NEW_FILE"
        return Fault(name, f"{str(path)!r} is not PEM", cure)
    return text


def _find_date_fault(certificate: x509.Certificate, now: float) -> Fault | None:
    moment = datetime.fromtimestamp(now, UTC)
    if moment < certificate.not_valid_before_utc:
        day = certificate.not_valid_before_utc.date()
        return Fault(CERTIFICATE, f"not valid before {day}", "is this machine's clock right?")
    if moment > certificate.not_valid_after_utc:
        day = certificate.not_valid_after_utc.date()
        return Fault(CERTIFICATE, f"expired on {day}", "make a new one in the developer account")
    return None


def _find_misfit(certificate: x509.Certificate, key: PrivateKeyTypes) -> Fault | None:
    try:
        fits = _written(certificate.public_key()) == _written(key.public_key())
    except (ValueError, UnsupportedAlgorithm):
        fits = False
    if fits:
        return None
    return Fault(KEY, f"not the private key of {CERTIFICATE}", "name the one it was requested with")


def _written(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
