"""What a page owes to those who use it by keyboard, by a screen reader, or on a narrow screen."""

from axe_playwright_python.sync_playwright import Axe

#: Finds what a finger could push sideways.
FIND_SIDEWAYS = """() => [...document.querySelectorAll("body *")]
  .filter((each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX))
  .filter((each) => each.clientWidth && each.scrollWidth > each.clientWidth + 1)
  .map((each) => `<${each.tagName} ${each.id} ${each.className}>`)"""
#: Finds words that stand outside the window, or that a box hides which does not say so with an
#: ellipsis.
FIND_CUT_OFF = r"""() => {
  const hidden = (style) => style.overflowX !== "visible";
  const isCut = (box, found) => {
    for (let each = box; each && each !== document.body; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.clipPath !== "none") return false; // for screen readers alone
      if (style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none") return false;
      const frame = each.getBoundingClientRect();
      const outside = found.left < frame.left - 1 || found.right > frame.right + 1;
      if (hidden(style) && outside) return true;
      if (style.position === "fixed") break;
    }
    return found.left < -1 || found.right > innerWidth + 1;
  };
  const cut = [];
  const top = [...document.querySelectorAll("dialog[open]")].at(-1) || document.body;
  const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || !node.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const found of range.getClientRects()) {
      if (found.width && isCut(node.parentElement, found)) cut.push(node.data.slice(0, 40));
    }
  }
  for (const control of top.querySelectorAll("button, select, input, textarea, a, img, summary")) {
    const found = control.getBoundingClientRect();
    if (found.width && control.checkVisibility() && isCut(control, found)) {
      cut.push(`<${control.tagName} ${control.className}>`);
    }
  }
  return [...new Set(cut)];
}"""


def findings(page):
    """Give what axe calls serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['impact']} {each['id']}: {node['target']} {node['html'][:120]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


def assert_nobody_kept_out(page, width):
    """By axe's judgement, in light and dark, nobody is; and nothing is cut off sideways."""
    shown = page.evaluate("document.documentElement.scrollWidth")
    sideways = page.evaluate(FIND_SIDEWAYS)
    cut_off = page.evaluate(FIND_CUT_OFF)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found[scheme] = findings(page)
    assert found == {"light": [], "dark": []}, found
    assert (shown, sideways, cut_off) == (width, [], []), (shown, sideways, cut_off)


def press_until_focused(page, key, control):
    """Go through the page by one key until a control has the focus, as one without a mouse does."""
    for _ in range(40):
        if control.evaluate("(control) => control === document.activeElement"):
            assert_seen(page)
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never leads to {control}")


def assert_seen(page):
    """What has the focus is marked, itself or the row around it."""
    marked = page.evaluate(
        """() => {
          const outlined = (each) => getComputedStyle(each).outlineStyle !== "none";
          const focused = document.activeElement;
          return outlined(focused) || outlined(focused.closest("label") || focused);
        }"""
    )
    assert marked, "nothing shows where the focus is"
