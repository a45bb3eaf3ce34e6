"""Nothing that a business sends can run script in the page, or make it call anybody."""

import base64
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from msp_server.agents.pictures import KETTLE

MARKUP = (
    "<img src=x onerror=alert(1)><svg/onload=alert(2)><script>alert(3)</script>"
    "<a href=javascript:alert(4)>a</a>\"'><style>*{display:none}</style>&lt;b&gt;"
)
SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script>"
    "<image href='https://elsewhere.example/a.png'/></svg>"
)
ADDRESSES = [
    "javascript:alert(1)",
    " JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    f"data:image/svg+xml,{quote(SVG)}",
    "vbscript:alert(1)",
    "blob:http://127.0.0.1/1",
    "file:///etc/passwd",
    "//elsewhere.example/",
]


def encoded(text):
    return base64.b64encode(text.encode()).decode()


PICTURE = base64.b64encode(KETTLE.data).decode()
#: A picture by its first bytes, and markup behind them.
POLYGLOT = base64.b64encode(KETTLE.data[:64] + SVG.encode()).decode()
#: Markup in an image's data and texts, and what a careless page would take for an address.
IMAGES = [
    {"identifier": "0", "data": PICTURE, "description": MARKUP},
    {"identifier": "1", "data": encoded(SVG), "description": MARKUP},
    {"identifier": "2", "data": POLYGLOT, "description": MARKUP},
    {"identifier": "3", "data": f"data:image/svg+xml;base64,{encoded(SVG)}"},
    {"identifier": "4", "data": "https://elsewhere.example/a.png"},
]
RECEIVED = {
    "title": MARKUP,
    "subtitle": MARKUP,
    "imageIdentifier": "2",
    "imageTitle": MARKUP,
    "imageSubtitle": MARKUP,
    "secondarySubtitle": MARKUP,
    "tertiarySubtitle": MARKUP,
    "style": "large",
}
ITEMS = [
    {
        "identifier": f"{MARKUP} {each}",
        "title": MARKUP,
        "subtitle": MARKUP,
        "order": each,
        "imageIdentifier": str(each),
    }
    for each in range(5)
]
PAGES = [
    {
        "pageIdentifier": "1", "type": "select", "title": MARKUP, "subtitle": MARKUP,
        "hintText": MARKUP, "nextPageIdentifier": "2",
        "items": [{"identifier": MARKUP, "title": MARKUP, "imageIdentifier": "1"}],
    },
    {
        "pageIdentifier": "2", "type": "input", "title": MARKUP, "subtitle": MARKUP,
        "submitForm": True,
        "options": {"labelText": MARKUP, "placeholder": MARKUP, "prefixText": MARKUP,
                    "inputType": "singleline", "regex": "(((", "required": False},
    },
]  # fmt: skip
PAYMENT = {
    "paymentRequest": {
        "lineItems": [{"label": MARKUP, "amount": "1.00", "type": "final"}],
        "total": {"label": MARKUP, "amount": "1.00", "type": "final"},
        "applePay": {
            "merchantIdentifier": "merchant.com.example",
            "supportedNetworks": ["visa", MARKUP],
            "merchantCapabilities": ["supports3DS"],
        },
        "merchantName": MARKUP,
        "countryCode": "US",
        "currencyCode": "USD",
        "shippingMethods": [
            {"identifier": "a", "label": MARKUP, "detail": MARKUP, "amount": "0.00"}
        ],
        "requiredShippingContactFields": ["post", "name"],
    },
    "endpoints": {"paymentGatewayUrl": "http://127.0.0.1:9/pay"},
    "merchantSession": {"epochTimestamp": 1, "expiresAt": 2},
}
SIGN_IN = {
    "oauth2": {
        "responseType": "code", "scope": [MARKUP], "state": "state",
        "redirectURI": "http://127.0.0.1:9/back",
    }
}  # fmt: skip
PICKER = {"sections": [{"title": MARKUP, "order": 0, "items": ITEMS, "multipleSelection": True}]}
EVENT = {
    "title": MARKUP,
    "imageIdentifier": "1",
    "location": {"title": MARKUP, "latitude": 1.0, "longitude": 2.0},
    "timeslots": [
        {"identifier": MARKUP, "startTime": MARKUP, "duration": MARKUP},
        {"identifier": "2", "startTime": "2031-03-22T12:00+0000", "duration": 60},
    ],
}
SPLASH = {
    "header": MARKUP, "splashtext": MARKUP, "buttonTitle": MARKUP, "imageIdentifier": "3",
}  # fmt: skip
FORM = {"startPageIdentifier": "1", "showSummary": True, "pages": PAGES, "splash": SPLASH}
#: What stands in the data of a kind, by what the page calls the kind.
KINDS = {
    "list_picker": {"listPicker": PICKER},
    "time_picker": {"event": EVENT},
    "form": {"dynamic": {"data": FORM}},
    "payment": {"payment": PAYMENT},
    "sign_in": {"authenticate": SIGN_IN},
}
FEATURES = {
    "quick-reply": "quick_reply",
    "listPicker": "list_picker",
    "event": "time_picker",
    "dynamic": "form",
    "payment": "payment",
    "authenticate": "sign_in",
    "notification": "invitation",
}


@pytest.fixture
def draw(screen):
    """Give a function that has the page show what no gateway would let pass."""

    def show(shows, *messages, **fields):
        entries = [
            {
                "id": str(number), "seq": number, "at": "2031-03-22T12:00:00Z", "from": "business",
                "type": each.get("type", "interactive"), "shows": shows, "answerable": True,
                "status": "accepted", "fields": each,
            }
            for number, each in enumerate(messages or [fields], start=1)
        ]  # fmt: skip
        reading = {
            "entries": entries, "typing": False, "open": True, "changes": 1, "transcript": "1",
        }  # fmt: skip
        screen.page.route(
            "**/customers/ava/transcript?*", lambda route: route.fulfill(json=reading)
        )
        screen.open()
        expect(screen.entries("business")).to_have_count(len(entries))
        return screen

    return show


def assert_nothing_but_words_and_pictures(page):
    """What was sent has made no element but pictures that are ones by their bytes."""
    assert page.locator("script:not([src^='/']), body style, iframe, object, embed").count() == 0
    shown = page.locator("#transcript, dialog")
    assert shown.locator("[onerror], [onload], svg:not(.glyph), script").count() == 0
    for address in page.locator("img").evaluate_all("(all) => all.map((each) => each.src)"):
        assert address.startswith("data:image/png;base64,iVBORw0KGgo"), address[:80]


def test_text_is_shown_as_it_was_written(screen, business):
    business.send(body=MARKUP)

    expect(screen.entries("business").get_by_text(MARKUP)).to_be_visible()
    assert_nothing_but_words_and_pictures(screen.page)


def test_quick_reply_is_shown_as_it_was_written(screen, apple, business):
    apple.switch(check_vendor_limits=False)
    items = [{"identifier": each, "title": MARKUP} for each in ("1", "2")]

    business.send_interactive({"quick-reply": {"summaryText": MARKUP, "items": items}})

    chips = screen.page.get_by_role("group", name="Quick replies").get_by_role("button")
    expect(chips).to_have_text([MARKUP, MARKUP])
    assert_nothing_but_words_and_pictures(screen.page)


@pytest.mark.parametrize("kind", KINDS)
def test_sheet_shows_what_was_written(draw, kind):
    data = {"images": IMAGES, **KINDS[kind]}
    screen = draw(kind, interactiveData={"data": data, "receivedMessage": RECEIVED})
    card = screen.messages.locator("button.card")
    expect(card.get_by_text(MARKUP, exact=True).first).to_be_visible()

    card.click()

    expect(screen.sheet.get_by_text(MARKUP).first).to_be_visible()
    screen.page.wait_for_function("() => [...document.images].every((each) => each.complete)")
    assert_nothing_but_words_and_pictures(screen.page)


def test_form_shows_what_was_written(draw):
    screen = draw("form", interactiveData={"data": {"images": IMAGES, **KINDS["form"]}})
    screen.messages.locator("button.card").click()
    confirm = screen.sheet.locator(".confirm")
    for words in ("Next", "Next", "Submit"):
        confirm.click()
        expect(confirm).to_have_text(words)
        assert_nothing_but_words_and_pictures(screen.page)
        for box in screen.sheet.get_by_role("checkbox").all():
            box.check(force=True)

    expect(screen.sheet.get_by_text("Check your answers")).to_be_visible()
    expect(screen.sheet.get_by_role("definition").first).to_have_text(MARKUP)


def test_custom_app_is_shown_as_it_was_written(draw):
    words = {"title": MARKUP, "subtitle": MARKUP}
    screen = draw(
        "custom_app",
        interactiveData={
            "appName": MARKUP,
            "URL": "javascript:alert(1)",
            "appIcon": encoded(SVG),
            "receivedMessage": words,
        },
    )

    screen.messages.locator("button.card").click()

    expect(screen.sheet.get_by_role("heading")).to_have_text(MARKUP)
    assert_nothing_but_words_and_pictures(screen.page)


@pytest.mark.parametrize("address", ADDRESSES)
def test_link_leads_nowhere_but_to_the_web(draw, address):
    assets = {
        "image": {"data": encoded(SVG), "mimeType": "image/svg+xml"},
        "video": {"url": address, "mimeType": "video/mp4"},
    }

    screen = draw(
        "link", type="richLink", richLinkData={"url": address, "title": MARKUP, "assets": assets}
    )

    expect(screen.messages.get_by_text(MARKUP, exact=True)).to_be_visible()
    expect(screen.messages.locator("a, video, [src]")).to_have_count(0)
    assert_nothing_but_words_and_pictures(screen.page)


def test_invitation_is_shown_as_it_was_written(draw):
    invitation = {
        "referenceId": MARKUP,
        "parameters": {"brandName": MARKUP, "brandLogo": encoded(SVG)},
    }

    screen = draw("invitation", interactiveData={"data": {"notification": invitation}})

    expect(screen.messages.get_by_text(MARKUP, exact=True)).to_be_visible()
    assert_nothing_but_words_and_pictures(screen.page)


@pytest.mark.parametrize("feature", FEATURES)
def test_shapes_that_nobody_foresaw_do_not_break_the_page(draw, feature):
    values = ({"title": {"a": None}}, [], "text", 5, None)

    screen = draw(
        FEATURES[feature], *({"interactiveData": {"data": {feature: each}}} for each in values)
    )

    expect(screen.entries("business").locator(".bubble, .card")).to_have_count(len(values))


def test_file_that_says_it_is_markup_is_not_rendered(guided, apple):
    apple.phone().files(("page.svg", "image/svg+xml", SVG.encode()), (MARKUP, "text/html", b"<b>"))
    links = guided.entries("customer").get_by_role("link")
    expect(links).to_have_count(2)
    assert guided.messages.locator("img").count() == 0

    for link in links.all():
        answer = apple.web.get(f"{apple.url}{link.get_attribute('href')}")
        opened = answer.headers["content-disposition"].partition(";")[0]
        assert (answer.status_code, opened) == (200, "attachment")


def test_file_that_is_opened_in_a_tab_is_saved(guided, apple):
    apple.phone().files(("page.svg", "image/svg+xml", SVG.encode()))
    expect(guided.entries("customer").get_by_role("link")).to_have_count(1)

    with guided.page.expect_download() as saved:
        guided.entries("customer").get_by_role("link").click()

    assert saved.value.suggested_filename == "page.svg"


def test_policy_blocks_a_script_that_got_in(screen):
    """The watch over all these tests sees what it is to see."""
    ran = screen.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          return window.ran === true;
        }"""
    )
    screen.page.wait_for_function("window.reported")

    assert not ran
    assert [fault.partition(":")[0] for fault in screen.faults] == ["blocked script-src-elem"]
    screen.faults.clear()
