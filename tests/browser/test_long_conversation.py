"""A conversation of two thousand messages: drawn whole, and for how long that blocks the page."""

import base64

import pytest
from playwright.sync_api import expect

from msp_server.agents.pictures import CARROT, KETTLE

MESSAGES = 2000
#: Notes every task that blocks the page for more than 50 ms, from the first line of script on.
WATCH_TASKS = """
  window.longTasks = [];
  new PerformanceObserver((list) => {
    window.longTasks.push(...list.getEntries().map((each) => Math.round(each.duration)));
  }).observe({ type: "longtask", buffered: true });
"""
LIST = {
    "listPicker": {
        "sections": [
            {
                "title": "Fruit",
                "order": 0,
                "items": [{"identifier": "1", "title": "Carrot", "imageIdentifier": "0"}],
            }
        ]
    }
}
IMAGE = {"identifier": "0", "data": base64.b64encode(CARROT.data).decode()}
PICTURE = base64.b64encode(KETTLE.data).decode()


def fill(business, count):
    """Send texts, and among them bubbles and links with pictures."""
    for number in range(1, count + 1):
        if number % 50 == 0:
            business.send_interactive(
                LIST, {"title": f"Menu {number}", "imageIdentifier": "0"}, [IMAGE]
            )
        elif number % 50 == 25:
            assets = {"image": {"data": PICTURE, "mimeType": "image/png"}}
            url = f"https://shop.example.com/{number}"
            link = {"url": url, "title": f"Link {number}", "assets": assets}
            business.send(type="richLink", body=url, richLinkData=link)
        else:
            business.send(body=f"Message {number}, which says nothing of importance. " * 2)


@pytest.fixture
def told(capsys):
    """Print a line past pytest's capturing."""

    def tell(line):
        with capsys.disabled():
            print(f"\n  {line}", end="")  # noqa: T201 - figures are there to be read

    return tell


def test_long_conversation_is_drawn_and_goes_on(business, open_page, told):
    fill(business, MESSAGES)

    with open_page(script=WATCH_TASKS) as screen:
        expect(screen.entries("business").last).to_contain_text(f"Menu {MESSAGES}")
        expect(screen.entries("business")).to_have_count(MESSAGES)
        told(f"drawing {MESSAGES} messages: {describe(screen)}")
        first = screen.messages.get_by_text("Message 1,")
        screen.page.locator("#scroll").evaluate("(scroll) => { scroll.scrollTop = 0; }")
        expect(first).to_be_in_viewport()
        told(f"scrolling to the first: {describe(screen)}")

        business.send(body="One more")
        expect(screen.entries("business").last).to_contain_text("One more")
        told(f"one more message: {describe(screen)}")
        screen.page.get_by_label("Message", exact=True).press_sequentially("How are you?")
        told(f"writing twelve letters: {describe(screen)}")


def describe(screen):
    """Wait until the page is at rest, and tell which long tasks there were since the last time."""
    tasks = screen.page.evaluate(
        """() => new Promise((tell) => requestIdleCallback(() => setTimeout(() =>
             tell(window.longTasks.splice(0))), { timeout: 5000 }))"""
    )
    nodes = screen.page.evaluate("document.querySelectorAll('#transcript *').length")
    return f"{nodes} elements, tasks over 50 ms: {', '.join(map(str, tasks)) or 'none'}"
