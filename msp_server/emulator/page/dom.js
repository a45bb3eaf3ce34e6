// Makes elements. Words from messages go through textContent, pictures through a check of what they
// are.

const SVG = "http://www.w3.org/2000/svg";

// How the Base64 of a PNG, a JPEG and a GIF begins: nothing else is shown as a picture.
const PICTURES = [
  ["iVBORw0KGgo", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
];

// Lines of 24 by 24, drawn with the ink of the text around them.
const GLYPHS = {
  list: "M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5h.01M4.5 12h.01M4.5 17.5h.01",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
  form:
    "M7 3.5h10a2 2 0 0 1 2 2v13a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2v-13a2 2 0 0 1" +
    " 2-2zM8.5 8.5h7M8.5 12h7M8.5 15.5h4",
  app: "M5 5h5.5v5.5H5zM13.5 5H19v5.5h-5.5zM5 13.5h5.5V19H5zM16.25 13.5v5.5" + "M13.5 16.25H19",
  key: "M15 4a5 5 0 1 1-3.6 8.5L5 19v1.5H3.5V18l6.8-6.8A5 5 0 0 1 15 4zM16.2 7.8h.01",
  wallet:
    "M4 7.5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zm0 0v-1a2 2 0 0 1" +
    " 2-2h10M16 13.5h.01",
  question: "M8.8 9a3.2 3.2 0 1 1 4.6 2.9c-.9.5-1.4 1-1.4 2.1M12 17.5h.01",
  shop:
    "M4 9.5 5.5 4.5h13L20 9.5M4 9.5a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0 2.7" +
    " 2.7 0 0 0 5.3 0M5.5 12.5v7h13v-7",
  pin:
    "M12 21s6.5-6.2 6.5-11a6.5 6.5 0 1 0-13 0c0 4.8 6.5 11 6.5 11z" +
    "M12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  lock: "M6.5 10.5h11v9h-11zM8.5 10.5v-3a3.5 3.5 0 0 1 7 0v3",
  check: "M5 12.5l4.5 4.5L19 7.5",
  chevron: "M9.5 5.5 16 12l-6.5 6.5",
  reply: "M10 6 4.5 11.5 10 17M5 11.5h8.5a6 6 0 0 1 6 6v.5",
  sticker: "M5 4h14v9.5L13.5 19H5zM19 13.5h-5.5V19",
  smile:
    "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.5 14.2a4.3 4.3 0 0 0 7 0" +
    "M9.2 9.5v.5M14.8 9.5v.5",
  file: "M7 3.5h7l4.5 4.5v12.5H7a1.5 1.5 0 0 1-1.5-1.5V5A1.5 1.5 0 0 1 7 3.5zM14 3.5V8h4.5",
  play: "M9 6.5v11l8.5-5.5z",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  right: "M4 12h15.5M13.5 6l6 6-6 6",
  left: "M20 12H4.5M10.5 6l-6 6 6 6",
  up: "M12 20V4.5M6 10.5l6-6 6 6",
  down: "M12 4v15.5M6 13.5l6 6 6-6",
  back: "M14.5 5.5 8 12l6.5 6.5",
  bin: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10 10.5v5.5M14 10.5v5.5",
  again: "M19.5 12a7.5 7.5 0 1 1-2.4-5.5M19.5 3.5v4.2h-4.2",
  pen: "M4.5 19.5l.9-3.9L16 5a1.6 1.6 0 0 1 2.3 0l.7.7a1.6 1.6 0 0 1 0 2.3L8.4 18.6z",
  swap: "M7.5 4.5v14M4 15l3.5 3.5L11 15M16.5 19.5v-14M13 9l3.5-3.5L20 9",
  copy: "M9 8.5h10.5V20H9zM15 8.5V4H4.5v11.5H9",
  plus: "M12 5v14M5 12h14",
};

export const part = (id) => document.getElementById(id);

export function make(tag, className = "", text = undefined) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function makeButton(className, text, act) {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

// A button that shows a drawing and says a word.
export function makeIconButton(className, glyph, label, act) {
  const button = makeButton(className, undefined, act);
  button.setAttribute("aria-label", label);
  button.title = label;
  button.append(makeGlyph(glyph));
  return button;
}

export function makeGlyph(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", `glyph glyph-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", GLYPHS[name]);
  drawing.append(line);
  return drawing;
}

// The picture that Base64 text holds, or null when it is none that a phone would show. One that
// turns out to be broken takes itself away, and leaves `instead` in its place.
export function makePicture(base64, description, instead = null) {
  if (typeof base64 !== "string") return null;
  const packed = base64.replace(/\s/g, "");
  const known = PICTURES.find(([beginning]) => packed.startsWith(beginning));
  if (!known || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return null;
  const picture = make("img", "picture");
  picture.alt = description || "";
  picture.addEventListener("error", () => {
    if (instead) picture.replaceWith(instead);
    else picture.remove();
  });
  picture.src = `data:${known[1]};base64,${packed}`;
  return picture;
}

let made = 0;

// A name for an element that another one refers to.
export function newId() {
  made += 1;
  return `e${made}`;
}
