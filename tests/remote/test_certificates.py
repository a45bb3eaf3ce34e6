import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from msp_server.remote.certificates import (
    CERTIFICATE,
    KEY,
    expires_in_days,
    find_certificate_faults,
)
from msp_server.settings import ApplePaySettings

NOW = 1_700_000_000
DAY_S = 86_400
#: How a certificate says that its key is one of a curve.
EC_KEY = bytes.fromhex("06072a8648ce3d0201")


@pytest.fixture(scope="module")
def pair(make_certificate):
    return make_certificate()


@pytest.fixture
def put(tmp_path):
    """Give a function that writes files, and gives the settings that name them."""

    def write(certificate, key=None):
        paths = []
        for name, content in (("certificate.pem", certificate), ("key.pem", key)):
            path = tmp_path / name
            if content is not None:
                path.write_bytes(content)
            paths.append(path if content is not None else None)
        return ApplePaySettings(certificate=paths[0], key=paths[1])

    return write


def names(faults):
    return [fault.name for fault in faults]


def encrypted(key):
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


# What holds


def test_nothing_is_wrong_where_nothing_is_set():
    assert find_certificate_faults(ApplePaySettings(), NOW) == []


def test_certificate_with_its_key_beside_it_holds(put, pair):
    assert find_certificate_faults(put(*pair), NOW) == []


@pytest.mark.parametrize("turned", [False, True])
def test_certificate_with_its_key_in_the_same_file_holds(turned, put, pair):
    both = reversed(pair) if turned else pair

    assert find_certificate_faults(put(b"".join(both)), NOW) == []


def test_certificate_of_an_rsa_key_holds(put, make_certificate):
    key = rsa.generate_private_key(65537, 2048)

    assert find_certificate_faults(put(*make_certificate(key)), NOW) == []


def test_first_certificate_of_a_chain_is_the_one_that_counts(put, pair, make_certificate):
    other, _ = make_certificate(ends=NOW - DAY_S / 2)

    assert find_certificate_faults(put(pair[0] + other, pair[1]), NOW) == []
    assert names(find_certificate_faults(put(other + pair[0], pair[1]), NOW)) == [
        CERTIFICATE,
        KEY,
    ]


def test_text_before_the_certificate_is_no_matter(put, pair):
    assert find_certificate_faults(put(b"Bag Attributes\n  a: b\n" + pair[0], pair[1]), NOW) == []


# Files


def test_key_without_a_certificate_is_a_fault(tmp_path):
    [fault] = find_certificate_faults(ApplePaySettings(key=tmp_path / "key.pem"), NOW)

    assert (fault.name, fault.problem) == (CERTIFICATE, f"not set, though {KEY} is")


def test_missing_file_is_a_fault_once(tmp_path):
    settings = ApplePaySettings(certificate=tmp_path / "none.pem")

    [fault] = find_certificate_faults(settings, NOW)

    assert fault.name == CERTIFICATE
    assert "none.pem' cannot be read (No such file or directory)" in fault.problem


def test_both_missing_files_are_faults(tmp_path):
    settings = ApplePaySettings(certificate=tmp_path / "none.pem", key=tmp_path / "no.key")

    assert names(find_certificate_faults(settings, NOW)) == [CERTIFICATE, KEY]


@pytest.mark.parametrize(
    "path", [Path(), Path("a\0b"), Path("x" * 300)], ids=["dir", "nul", "long"]
)
def test_what_is_no_file_is_a_fault(path, pair, put):
    for settings in (
        ApplePaySettings(certificate=path),
        ApplePaySettings(certificate=put(*pair).certificate, key=path),
    ):
        [fault] = find_certificate_faults(settings, NOW)
        assert "cannot be read" in fault.problem


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", bytes(5000), b"hello"])
def test_file_that_is_not_pem_is_a_fault(content, put, pair):
    assert [fault.problem[-11:] for fault in find_certificate_faults(put(content), NOW)] == [
        " is not PEM"
    ]
    [fault] = find_certificate_faults(put(pair[0], content), NOW)
    assert (fault.name, fault.problem[-11:]) == (KEY, " is not PEM")


def test_certificate_in_der_is_told_how_to_be_converted(put, pair):
    der = serialization.load_pem_private_key(pair[1], None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

    [fault] = find_certificate_faults(put(pair[0], der), NOW)

    assert (fault.name, "openssl" in fault.cure) == (KEY, True)


def test_file_larger_than_any_certificate_is_a_fault(put, pair):
    [fault] = find_certificate_faults(put(pair[0] + b"\n" * 2**20), NOW)

    assert (fault.name, "is not PEM" in fault.problem) == (CERTIFICATE, True)


def test_file_of_a_key_alone_holds_no_certificate(put, pair):
    [fault] = find_certificate_faults(put(pair[1]), NOW)

    assert (fault.name, "no certificate in" in fault.problem) == (CERTIFICATE, True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pem: pem.replace(b"MI", b"NI", 1),
        lambda pem: pem[: len(pem) // 2],
        lambda pem: b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        lambda pem: b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    ],
    ids=["changed", "cut", "no Base64", "empty"],
)
def test_damaged_certificate_is_a_fault(spoil, put, pair):
    [fault] = find_certificate_faults(put(spoil(pair[0]), pair[1]), NOW)

    assert (fault.name, fault.problem[-11:]) == (CERTIFICATE, " is damaged")


# Dates


def test_expired_certificate_is_a_fault_with_its_date(put, make_certificate):
    [fault] = find_certificate_faults(put(*make_certificate(ends=NOW)), NOW + 1)

    assert (fault.name, fault.problem) == (CERTIFICATE, "expired on 2023-11-14")


def test_certificate_that_is_not_valid_yet_is_a_fault_with_its_date(put, make_certificate):
    [fault] = find_certificate_faults(put(*make_certificate(starts=NOW)), NOW - 1)

    assert (fault.name, fault.problem) == (CERTIFICATE, "not valid before 2023-11-14")


def test_certificate_holds_from_its_first_to_its_last_second(put, make_certificate):
    settings = put(*make_certificate(starts=NOW, ends=NOW + DAY_S))

    assert find_certificate_faults(settings, NOW) == []
    assert find_certificate_faults(settings, NOW + DAY_S) == []


@pytest.mark.parametrize(
    ("seconds", "days"),
    [(30 * DAY_S, 30), (30 * DAY_S - 1, 29), (1, 0), (0, 0), (-1, -1), (-DAY_S, -1)],
)
def test_days_until_a_certificate_expires_are_whole(seconds, days, put, make_certificate):
    settings = put(*make_certificate(ends=NOW + 50 * DAY_S))

    assert expires_in_days(settings, NOW + 50 * DAY_S - seconds) == days


def test_no_days_are_counted_without_a_certificate(put, tmp_path):
    assert expires_in_days(ApplePaySettings(), NOW) is None
    assert expires_in_days(ApplePaySettings(certificate=tmp_path / "none.pem"), NOW) is None
    assert expires_in_days(put(b"junk"), NOW) is None


# Keys


def test_certificate_without_any_key_is_a_fault(put, pair):
    [fault] = find_certificate_faults(put(pair[0]), NOW)

    assert (fault.name, fault.problem.startswith("not set, and no private key")) == (KEY, True)


def test_key_file_without_a_key_is_a_fault(put, pair):
    [fault] = find_certificate_faults(put(pair[0], pair[0]), NOW)

    assert (fault.name, fault.problem.startswith("no private key")) == (KEY, True)


def test_key_of_another_certificate_is_a_fault(put, pair, make_certificate):
    [fault] = find_certificate_faults(put(pair[0], make_certificate()[1]), NOW)

    assert (fault.name, fault.problem) == (KEY, f"not the private key of {CERTIFICATE}")


def test_key_of_another_kind_is_a_fault(put, pair, make_certificate):
    other = make_certificate(ec.generate_private_key(ec.SECP384R1()))[1]

    assert names(find_certificate_faults(put(pair[0], other), NOW)) == [KEY]


def test_certificate_of_an_unknown_kind_of_key_fits_none(put, pair):
    der = x509.load_pem_x509_certificate(pair[0]).public_bytes(serialization.Encoding.DER)
    odd = base64.encodebytes(der.replace(EC_KEY, EC_KEY[:-1] + b"\x63"))
    pem = b"-----BEGIN CERTIFICATE-----\n" + odd + b"-----END CERTIFICATE-----\n"

    [fault] = find_certificate_faults(put(pem, pair[1]), NOW)

    assert (fault.name, fault.problem) == (KEY, f"not the private key of {CERTIFICATE}")


def test_encrypted_key_is_a_fault_of_the_file_it_is_in(put, pair):
    key = encrypted(pair[1])

    [beside] = find_certificate_faults(put(pair[0], key), NOW)
    [inside] = find_certificate_faults(put(pair[0] + key), NOW)

    assert (beside.name, inside.name) == (KEY, CERTIFICATE)
    assert beside.problem.endswith("is encrypted")
    assert inside.problem.endswith("is encrypted")


def test_damaged_key_is_a_fault(put, pair):
    [fault] = find_certificate_faults(put(pair[0], pair[1].replace(b"MI", b"NI", 1)), NOW)

    assert (fault.name, fault.problem[-11:]) == (KEY, " is damaged")


def test_faults_of_certificate_and_key_are_told_together(put, make_certificate):
    expired, _ = make_certificate(ends=NOW)
    _, other = make_certificate()

    assert names(find_certificate_faults(put(expired, other), NOW + DAY_S)) == [CERTIFICATE, KEY]


def test_no_fault_tells_the_key(put, pair, make_certificate):
    line = pair[1].splitlines()[1].decode()

    for certificate, key in (
        (pair[0], pair[1][:-40]),
        (make_certificate()[0], pair[1]),
        (b"junk", pair[1]),
    ):
        faults = find_certificate_faults(put(certificate, key), NOW)
        assert faults
        assert line not in str(faults)


def test_dates_are_those_of_the_certificate(put, make_certificate):
    ends = datetime(2031, 5, 6, tzinfo=UTC)
    settings = put(*make_certificate(ends=ends.timestamp()))

    [fault] = find_certificate_faults(settings, (ends + timedelta(days=400)).timestamp())

    assert fault.problem == "expired on 2031-05-06"
