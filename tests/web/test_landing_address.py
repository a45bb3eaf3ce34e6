"""The address of the landing page, spoiled one thing at a time."""

import pytest

from msp_server.agents.linker import Landing
from msp_server.errors import RequestUnreadable
from msp_server.web.landing_address import parse_landing

ID = "0f0e0d0c-0b0a-0908-0706-0504030201ff"
LOGO = "https://shop.example.com/logo.png"
FIELDS = {"id": ID, "name": "Example Shop", "logo": LOGO}


def test_landing_is_what_the_address_says():
    assert parse_landing(FIELDS) == Landing(ID, "Example Shop", LOGO)


def test_id_is_kept_in_lower_case():
    assert parse_landing({**FIELDS, "id": ID.upper()}).id == ID


@pytest.mark.parametrize("fields", [{"id": ID, "name": "S"}, {"id": ID, "name": "S", "logo": ""}])
def test_logo_may_be_left_out(fields):
    assert parse_landing(fields).logo is None


@pytest.mark.parametrize("name", ["é", "商店", "☕", "x" * 80, "<b>&'\""])
def test_name_may_be_any_printable_text(name):
    assert parse_landing({**FIELDS, "name": name}).name == name


@pytest.mark.parametrize(
    "logo",
    [
        "https://a",
        "HTTPS://shop.example.com/",
        "https://shop.example.com:8443/a?b=c&d=e#f",
        "https://shop.example.com/@2x.png",
        "https://[2001:db8::1]/a",
        "https://a/" + "b" * 2038,
    ],
)
def test_logo_may_be_any_https_address(logo):
    assert parse_landing({**FIELDS, "logo": logo}).logo == logo


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", ""),
        ("id", "1"),
        ("id", ID[:-1]),
        ("id", f"{{{ID}}}"),
        ("id", f"urn:uuid:{ID}"),
        ("id", ID.replace("-", "")),
        ("id", f" {ID}"),
        ("id", ID.replace("0", "\N{FULLWIDTH DIGIT ZERO}")),
        ("id", "' OR 1=1 --"),
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 81),
        ("name", "Shop\nTwo"),
        ("name", "Shop\0"),
        ("name", "Shop\N{RIGHT-TO-LEFT OVERRIDE}"),
        ("logo", "http://shop.example.com/logo.png"),
        ("logo", "javascript:alert(1)"),
        ("logo", "data:image/png;base64,AAAA"),
        ("logo", "//shop.example.com/logo.png"),
        ("logo", "logo.png"),
        ("logo", "https://"),
        ("logo", "https:///logo.png"),
        ("logo", "https://ava:marzipan@shop.example.com/"),
        ("logo", "https://@shop.example.com/"),
        ("logo", "https://shop.example.com:port/"),
        ("logo", "https://shop.example.com:99999/"),
        ("logo", "https://[shop/"),
        ("logo", "https://shop.example.com/a b"),
        ("logo", "https://shop.example.com/\n"),
        ("logo", "https://shop.example.com\\.evil.example.com/"),
        ("logo", "https://shöp.example.com/"),
        ("logo", "https://a/" + "b" * 2039),
    ],
)
def test_what_does_not_hold_is_refused_by_name_without_its_value(field, value):
    with pytest.raises(RequestUnreadable) as refused:
        parse_landing({**FIELDS, field: value})

    assert str(refused.value).startswith(f"{field} has to be")
    assert not value.strip() or len(value) == 1 or value not in str(refused.value)


@pytest.mark.parametrize("field", ["id", "name"])
def test_address_without_id_or_name_is_refused(field):
    with pytest.raises(RequestUnreadable, match=f"{field} has to be"):
        parse_landing({name: value for name, value in FIELDS.items() if name != field})
