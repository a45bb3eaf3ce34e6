// Bubbles with a picture, a title and a subtitle: those of interactive messages, and rich links.

import { make, makeGlyph, makePicture } from "./dom.js";
import { bubbleOf, imageOf, interactiveOf, nameOf, objectOf, textOf } from "./entries.js";

const STYLES = new Set(["icon", "small", "large"]);
const GLYPHS = {
  list_picker: "list",
  time_picker: "clock",
  form: "form",
  custom_app: "app",
  sign_in: "key",
  payment: "wallet",
  unknown: "question",
};

// The bubble of an interactive message. With `open` it is a button that opens a sheet.
export function makeCard(entry, { open = null, note = "" } = {}) {
  const bubble = bubbleOf(entry);
  const style = STYLES.has(bubble.style) ? bubble.style : "icon";
  const card = make(open ? "button" : "div", `card ${style}`);
  if (open) {
    card.type = "button";
    card.setAttribute("aria-haspopup", "dialog");
    card.addEventListener("click", open);
  }
  card.classList.toggle("replied", Boolean(entry.replied));
  card.append(...makeTop(entry, bubble, style), makeCaption(entry, bubble, note));
  if (entry.replied) card.append(makeMark("check"));
  else if (open) card.append(makeMark("chevron"));
  return card;
}

// The picture; over a large one stand its own title and subtitle.
function makeTop(entry, bubble, style) {
  const top = make("span", "card-picture");
  const picture = makeCardPicture(entry, bubble, top);
  if (style === "large" && !picture) return [];
  top.append(picture || makeGlyph(GLYPHS[entry.shows] || "question"));
  top.classList.toggle("drawn", !picture);
  if (style === "large") {
    for (const name of ["imageTitle", "imageSubtitle"]) {
      if (textOf(bubble[name])) top.append(make("span", name, textOf(bubble[name])));
    }
  }
  return [top];
}

function makeCardPicture(entry, bubble, top) {
  const image = imageOf(entry, bubble.imageIdentifier);
  const data = image.data || interactiveOf(entry).appIcon;
  const instead = makeGlyph(GLYPHS[entry.shows] || "question");
  const picture = makePicture(
    data,
    textOf(bubble.imageDescription) || textOf(image.description),
    instead,
  );
  picture?.addEventListener("error", () => top.classList.add("drawn"));
  return picture;
}

function makeCaption(entry, bubble, note) {
  const caption = make("span", "caption");
  const above = entry.shows === "custom_app" ? textOf(interactiveOf(entry).appName) : "";
  const left = [
    ["card-above", above],
    ["card-title", textOf(bubble.title) || nameOf(entry)],
    ["card-subtitle", textOf(bubble.subtitle)],
    ["card-note", note],
  ];
  const right = [
    ["card-subtitle", textOf(bubble.secondarySubtitle)],
    ["card-subtitle", textOf(bubble.tertiarySubtitle)],
  ];
  caption.append(makeLines(left), makeLines(right));
  return caption;
}

function makeLines(lines) {
  const box = make("span", "card-lines");
  for (const [name, words] of lines) {
    if (words) box.append(make("span", name, words));
  }
  return box;
}

function makeMark(glyph) {
  const mark = make("span", "card-mark");
  mark.append(makeGlyph(glyph));
  return mark;
}

// A rich link: it opens when tapped, and only where a link may lead.
export function makeLink(entry) {
  const link = objectOf(objectOf(entry.fields).richLinkData);
  const reference = objectOf(objectOf(entry.fields).richLinkDataRef);
  const address = addressOf(textOf(link.url));
  const card = make(address ? "a" : "div", "card large link");
  if (address) {
    card.href = address.href;
    card.target = "_blank";
    card.rel = "noopener noreferrer";
  }
  const { image, video } = objectOf(link.assets);
  const picture = makePicture(objectOf(image).data, "");
  if (picture || video) card.append(makeStage(picture, Boolean(video)));
  const caption = make("span", "caption");
  caption.append(
    makeLines([
      ["card-title", textOf(link.title) || textOf(reference.title) || "Link"],
      ["card-subtitle", address ? address.host.replace(/^www\./, "") : textOf(link.url)],
    ]),
  );
  card.append(caption);
  return card;
}

function makeStage(picture, playable) {
  const stage = make("span", "card-picture");
  if (picture) stage.append(picture);
  if (playable) {
    const badge = make("span", "play");
    badge.append(makeGlyph("play"), make("span", "unseen", "Video"));
    stage.append(badge);
  }
  return stage;
}

function addressOf(url) {
  try {
    const address = new URL(url);
    return ["http:", "https:"].includes(address.protocol) ? address : null;
  } catch {
    return null;
  }
}
