// Phone and wire beside one another; where there is room for one alone, a switch says which.

import { part } from "./dom.js";

const views = { phone: part("show-phone"), wire: part("show-wire") };

export function showView(name) {
  document.body.dataset.view = name;
  for (const [each, button] of Object.entries(views)) {
    button.setAttribute("aria-pressed", String(each === name));
  }
}

for (const [name, button] of Object.entries(views)) {
  button.addEventListener("click", () => showView(name));
}
