// Tabs: a row of names, of which one is chosen, and what belongs to it below.

import { make, newId } from "./dom.js";

// Each of `tabs`: {name, note, tone, make}. What a tab shows is made when it is first chosen.
export function makeTabs(label, tabs, chosen, onChoose) {
  const bar = make("div", "tabs");
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", label);
  const panel = make("div", "tab-panel");
  panel.id = newId();
  panel.setAttribute("role", "tabpanel");
  panel.tabIndex = 0;
  const made = new Map();
  const buttons = tabs.map((tab) => makeTab(tab, panel));
  const choose = (place) => {
    buttons.forEach((button, index) => {
      button.setAttribute("aria-selected", String(index === place));
      button.tabIndex = index === place ? 0 : -1;
    });
    const tab = tabs[place];
    if (!made.has(tab)) made.set(tab, tab.make());
    panel.replaceChildren(made.get(tab));
    panel.setAttribute("aria-labelledby", buttons[place].id);
    panel.scrollTop = 0;
    onChoose(tab.name);
  };
  buttons.forEach((button, place) => button.addEventListener("click", () => choose(place)));
  bar.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const place = (buttons.indexOf(document.activeElement) + by + tabs.length) % tabs.length;
    choose(place);
    buttons[place].focus();
  });
  bar.append(...buttons);
  choose(
    Math.max(
      0,
      tabs.findIndex((tab) => tab.name === chosen),
    ),
  );
  return [bar, panel];
}

function makeTab({ name, note, tone }, panel) {
  const button = make("button", "tab", name);
  button.type = "button";
  button.id = newId();
  button.setAttribute("role", "tab");
  button.setAttribute("aria-controls", panel.id);
  if (note) button.append(" ", make("span", `tab-note ${tone || ""}`, note));
  return button;
}
