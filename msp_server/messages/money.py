"""Money: amounts as they are written on the wire, and the codes of currencies and countries."""

from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator

from msp_server.errors import ContentInvalid

#: The largest amount, either way. Assumed: nobody names one.
AMOUNT_LIMIT: Final = Decimal(10) ** 12

#: Currencies by how many decimals they have. Source: ISO 4217.
_BY_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN "
        "BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
        "GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
        "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD "
        "PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN "
        "SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR "
        "ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
}
CURRENCIES: Final = {
    code: decimals for decimals, codes in _BY_DECIMALS.items() for code in codes.split()
}
_COUNTRIES: Final = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
    "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
    "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
    "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
    "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
    "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
    "VN VU WF WS YE YT ZA ZM ZW"
)
#: Source: ISO 3166-1.
COUNTRIES: Final = frozenset(_COUNTRIES.split())


def _refuse_floats(value: Any) -> Any:  # noqa: ANN401 - whatever was given
    if isinstance(value, float | bool):
        raise ContentInvalid(
            "is no exact amount", value=value, limit='write Decimal("10.00"), or "10.00" in JSON'
        )
    return value


def _require_sensible(amount: Decimal) -> Decimal:
    if abs(amount) > AMOUNT_LIMIT:
        raise ContentInvalid("is too large", limit=f"at most {AMOUNT_LIMIT}")
    return amount


#: An amount of money: a `Decimal`, or a text that reads as one.
Amount = Annotated[Decimal, BeforeValidator(_refuse_floats), AfterValidator(_require_sensible)]


def amount_to_wire(amount: Decimal, currency: str) -> str:
    """Write an amount with as many decimals as its currency has.

    Raises:
        ContentInvalid: it has more.

    Source: MSP API Tutorial, exercise 16 (a text with a dot); how many decimals: ISO 4217.
    """
    decimals = CURRENCIES[currency]
    written = f"{amount:z.{decimals}f}"  # z: there is no zero below zero
    if Decimal(written) != amount:
        raise ContentInvalid(
            "has too many decimals", value=str(amount), limit=f"{currency} has {decimals}"
        )
    return written


def amount_from_wire(text: str) -> Decimal:
    """Read an amount that `amount_to_wire` wrote."""
    return Decimal(text)
