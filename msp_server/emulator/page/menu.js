// What can be done to a bubble: a tapback or an inline reply. It opens over the bubble, as on an
// iPhone.

import { make, makeButton, makeGlyph } from "./dom.js";
import { openLayer } from "./sheet.js";
import { TAPBACKS } from "./tapbacks.js";

export function openMenu(entry, { row, tapback, phone }) {
  const menu = make("div", "menu");
  const layer = openLayer("over", menu);
  layer.setAttribute("aria-label", "React or reply");
  const leave = (act) => () => {
    layer.close();
    act();
  };
  // Tapping the tapback that is there takes it away.
  const react = (name) => leave(() => phone.react(entry, name, name === tapback?.name));
  const add = (deeds, glyph, words, act) => {
    const button = makeButton("deed", words, act);
    button.append(makeGlyph(glyph));
    deeds.append(button);
  };
  const deeds = make("div", "deeds");
  add(
    deeds,
    "reply",
    "Reply",
    leave(() => phone.startReply(entry)),
  );
  if (tapback) add(deeds, "cross", `Remove ${tapback.sign}`, react(tapback.name));
  else add(deeds, "sticker", "Add a sticker", react("sticker"));
  menu.append(makeTapbacks(tapback, react), makeCopy(row), deeds);
  placeAt(menu, row, layer);
}

function makeTapbacks(tapback, react) {
  const bar = make("form", "tapbacks");
  for (const { name, sign, label } of TAPBACKS) {
    const button = makeButton("tapback", sign, react(name));
    button.setAttribute("aria-pressed", String(name === tapback?.name));
    button.setAttribute("aria-label", label);
    button.title = label;
    bar.append(button);
  }
  const field = make("input", "emoji");
  field.type = "text";
  field.maxLength = 16;
  field.placeholder = "☺︎";
  field.setAttribute("aria-label", "Another emoji");
  field.title = "Another emoji, then Return";
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    const emoji = field.value.trim();
    if (emoji) react(emoji)();
  });
  bar.append(field);
  return bar;
}

// The bubble itself, raised over the dimmed phone.
function makeCopy(row) {
  const copy = row.firstElementChild.cloneNode(true);
  copy.classList.add("raised");
  copy.inert = true;
  return copy;
}

// Puts the raised bubble where the bubble is, as far as the phone has room around it.
function placeAt(menu, row, layer) {
  const frame = layer.getBoundingClientRect();
  const bubble = row.firstElementChild.getBoundingClientRect();
  const wanted = bubble.top - frame.top - menu.querySelector(".tapbacks").offsetHeight - 8;
  const room = frame.height - menu.offsetHeight - 12;
  menu.style.top = `${Math.max(12, Math.min(wanted, room))}px`;
  menu.style.left = `${bubble.left - frame.left}px`;
  menu.querySelector(".raised").style.maxWidth = `${bubble.width + 1}px`;
}
