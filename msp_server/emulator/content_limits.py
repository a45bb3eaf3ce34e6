"""What the content of a message has to obey, as data: every rule with its limit, source and date.

A rule that only vendors report is checked while the switch `check_vendor_limits` is on. Their
limits may be their own and not Apple's, but what keeps them will pass at Apple.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

#: Titles for `Rule.source`.
INTERACTIVE: Final = 'MSP REST API, "Type Interactive"'
RICH_LINK: Final = 'MSP REST API, "Type Rich Link"'
QUICK_REPLY: Final = "MSP API Tutorial, exercise 23"
LIST_PICKER: Final = "MSP API Tutorial, exercises 06 and 07"
TIME_PICKER: Final = "MSP API Tutorial, exercises 10 and 11"
CUSTOM_APP: Final = "MSP API Tutorial, exercise 22"
AUTHENTICATE: Final = "MSP API Tutorial, exercise 18"
PAYMENT: Final = "MSP API Tutorial, exercise 14"
PAYMENTS: Final = "MSP API Tutorial, exercises 14 and 16"
PAYMENT_REQUEST: Final = 'Business Chat API, "ApplePayPaymentRequest"'
MERCHANT_SESSION: Final = "MSP API Tutorial, exercise 14"
DATA_REF: Final = "MSP API Tutorial, exercise 08"
ATTACHMENT: Final = "MSP API Tutorial, exercise 04"
COMMON: Final = 'MSP REST API, "Common Specifications"'
FORM: Final = "observed: vendors that quote Apple's page on forms"
INVITATION: Final = "observed: what others send as an invitation"
OTHERS: Final = "observed: what others send"
VENDOR: Final = "observed: a vendor's own checks"
VENDORS: Final = "observed: several vendors' documentation"
COMPLIANCE: Final = "observed: a vendor's notes on Apple's compliance updates"
COMPLIANCE_DATE: Final = date(2026, 8, 21)
ASSUMED: Final = "assumed"


@dataclass(frozen=True)
class Rule:
    """Something a content has to obey."""

    #: The same in journal and README.
    name: str
    #: Title of Apple's page, or "observed" and by whom, or "assumed".
    source: str
    #: Whether nobody but vendors reports it.
    vendor: bool = False
    #: From when on it holds, where that is known.
    since: date | None = None


@dataclass(frozen=True)
class Limit(Rule):
    """A rule that is a number: the most that is allowed."""

    value: int = 0
    unit: str = ""

    @property
    def words(self) -> str:
        """The number with its unit, for a sentence."""
        return f"{self.value:,} {self.unit}"


#: Texts that the customer reads in interactive messages.
TEXT = Limit("text-length", COMPLIANCE, True, COMPLIANCE_DATE, 200, "characters")
TEXT_PRINTABLE = Rule("text-printable", COMPLIANCE, True, COMPLIANCE_DATE)
IDENTIFIER = Limit("identifier-length", VENDOR, True, None, 200, "characters")
PAGE_IDENTIFIER = Limit("page-identifier-length", VENDOR, True, None, 19, "UTF-16 units")
REFERENCE_ID = Limit("reference-id-length", INVITATION, True, None, 1_000, "characters")
BRAND_NAME = Limit("brand-name-length", VENDOR, True, None, 255, "characters")
STATE = Limit("state-length", VENDOR, True, None, 1_024, "bytes of printable ASCII")
ADDRESS = Limit("address-length", VENDOR, True, None, 8_192, "bytes")
#: "64 KB": taken as 64 times 1,024.
APP_URL = Limit("app-url-length", INTERACTIVE, False, None, 65_536, "bytes")

#: Every picture in an interactive message or an invitation.
IMAGE = Limit("image-size", COMPLIANCE, True, COMPLIANCE_DATE, 200_000, "bytes")
#: All pictures of `images`, decoded: "below 5 MB".
IMAGES = Limit("images-size", COMPLIANCE, True, COMPLIANCE_DATE, 4_999_999, "bytes")
IMAGE_PNG = Rule("image-png", COMPLIANCE, True, COMPLIANCE_DATE)
#: "200 kB".
LINK_IMAGE = Limit("link-image-size", RICH_LINK, False, None, 200_000, "bytes")
#: "Below 15,360 bytes".
APP_ICON = Limit("app-icon-size", VENDOR, True, None, 15_359, "bytes")
APP_ICON_PNG = Rule("app-icon-png", VENDOR, vendor=True)

QUICK_REPLIES_LEAST = Limit("quick-reply-count", VENDORS, True, None, 2, "items")
QUICK_REPLIES_MOST = Limit("quick-reply-count", VENDORS, True, None, 5, "items")
#: No zone of the world is further from GMT than 14 hours; the number allows for oddities.
ZONE = Limit("timezone-offset", ASSUMED, False, None, 18 * 60, "minutes")

#: For any object of a message; the source is that of the object.
KEY_MISSING: Final = "key-missing"
KEY_TYPE: Final = "key-type"
KEY_EMPTY: Final = "key-empty"
KEY_VALUE: Final = "key-value"
BASE64: Final = "base64"

IMAGE_UNKNOWN = Rule("image-unknown", LIST_PICKER)
IMAGE_REPEATED = Rule("image-repeated", ASSUMED)
NUMBER = Rule("number", ASSUMED)
URL_FORM = Rule("address-form", ASSUMED)

BID = Rule("bid", INTERACTIVE)
VERSION = Rule("data-version", INTERACTIVE)
ONE_FEATURE = Rule("feature", INTERACTIVE)
BUBBLE_PLACE = Rule("bubble-place", INTERACTIVE)
REPLY_BUBBLE = Rule("reply-bubble", VENDOR, vendor=True)
NO_BUBBLES = Rule("no-bubbles", VENDORS, vendor=True)

ITEM_REPEATED = Rule("item-repeated", LIST_PICKER)
REPLY_REPEATED = Rule("quick-reply-repeated", ASSUMED)
SLOT_REPEATED = Rule("timeslot-repeated", VENDOR, vendor=True)
START_TIME = Rule("start-time", TIME_PICKER)
DURATION = Rule("duration", TIME_PICKER)

START_PAGE = Rule("start-page", VENDOR, vendor=True)
PAGE_SUBTITLE = Rule("page-subtitle", VENDOR, vendor=True)
PAGE_REPEATED = Rule("page-repeated", FORM)
PAGE_UNKNOWN = Rule("page-unknown", FORM)
PAGE_ITEM_REPEATED = Rule("page-item-repeated", ASSUMED)
ITEM_BRANCH = Rule("item-branch", FORM)
FORM_END = Rule("form-end", FORM)
SELECTED_INDEX = Rule("selected-index", ASSUMED)
SINGLE_LINE = Rule("single-line-only", FORM, vendor=True)
KEYBOARD = Rule("keyboard-type", COMPLIANCE, True, COMPLIANCE_DATE)
CONTENT_TYPE = Rule("text-content-type", VENDORS, vendor=True)

LINK_ASSETS = Rule("link-assets", ASSUMED)
LINK_IMAGE_NEEDED = Rule("link-image", VENDOR, vendor=True)
LINK_IMAGE_PNG = Rule("link-image-png", COMPLIANCE, True, COMPLIANCE_DATE)
APP_ID = Rule("app-id", CUSTOM_APP)
APP_URL_FORM = Rule("app-url-form", CUSTOM_APP)
DATA_REF_KEY = Rule("data-ref-key", DATA_REF)

ATTACHMENT_KEY = Rule("attachment-key", ATTACHMENT)
ATTACHMENT_SIZE = Rule("attachment-size", ATTACHMENT)
OWNER = Rule("owner-differs", ATTACHMENT)
SIGNATURE = Rule("signature-differs", ATTACHMENT)
FILE_UNKNOWN = Rule("file-unknown", ASSUMED)
FILE_BUSINESS = Rule("file-business", ASSUMED)

SIGN_IN_KEYS = Rule("sign-in-keys", AUTHENTICATE)
STATE_PRINTABLE = Rule("state-printable", VENDOR, vendor=True)
REFERENCE_QUOTES = Rule("reference-id-quotes", INVITATION, vendor=True)
BRAND_LOGO = Rule("brand-logo", INVITATION)
INVITATION_HEADER = Rule("invitation-header", INVITATION)
INVITATION_ADDRESS = Rule("invitation-address", INVITATION)
NUMBER_ADDRESS = Rule("number-address", INVITATION)
CAPABILITY = Rule("capability-missing", COMMON)

PAYMENT_NETWORK = Rule("payment-network", PAYMENT)
MERCHANT_CAPABILITY = Rule("merchant-capability", PAYMENT)
CONTACT_FIELD = Rule("contact-field", PAYMENTS)
COUNTRY = Rule("country-code", PAYMENT_REQUEST)
CURRENCY = Rule("currency-code", PAYMENT_REQUEST)
AMOUNT = Rule("amount-form", PAYMENTS)
LINE_ITEMS = Rule("line-items-empty", PAYMENT_REQUEST)
TOTAL_POSITIVE = Rule("total-positive", PAYMENT_REQUEST)
TOTAL_SUM = Rule("total-sum", ASSUMED)
SHIPPING_REPEATED = Rule("shipping-method-repeated", ASSUMED)
MERCHANT_DOMAIN = Rule("merchant-domain", MERCHANT_SESSION)
SESSION_UNKNOWN = Rule("merchant-session-unknown", MERCHANT_SESSION)
SESSION_EXPIRED = Rule("merchant-session-expired", MERCHANT_SESSION)
SESSION_CONTEXT = Rule("merchant-session-context", MERCHANT_SESSION)
