// The sheet that slides over the phone: a modal dialog, so that focus stays inside and Escape
// closes.

import { make, makeButton, makeGlyph, makePicture, newId, part } from "./dom.js";
import { imageOf, interactiveOf, objectOf, textOf } from "./entries.js";

const DONE_MS = 2500;

// Opens a dialog over the phone; what lies beside its `inside` closes it, as on a phone.
export function openLayer(className, inside) {
  const layer = make("dialog", `layer ${className}`);
  layer.append(inside);
  // A press that begins inside and ends beside, as when marking text, does not close.
  let pressed = null;
  layer.addEventListener("pointerdown", (event) => (pressed = event.target));
  layer.addEventListener("click", (event) => {
    if (event.target === layer && pressed === layer) layer.close();
  });
  layer.addEventListener("close", () => {
    layer.remove();
    // The browser gives focus back to what opened the dialog, if that is still there.
    if (document.activeElement === document.body) part("body").focus();
  });
  document.body.append(layer);
  layer.showModal();
  return layer;
}

// A sheet with a title, a way out at the left, a body, a sentence on what is wrong and one large
// button.
export class Sheet {
  constructor(title, confirm, leave = "Cancel") {
    this.form = make("form", "sheet");
    this.form.noValidate = true;
    this.form.autocomplete = "off";
    this.title = make("h2", "sheet-title", title);
    this.title.id = newId();
    this.leave = makeButton("plain", leave, () => this.onLeave());
    this.body = make("div", "sheet-body");
    this.wrong = make("p", "sheet-wrong");
    this.wrong.setAttribute("role", "alert");
    this.confirm = make("button", "confirm", confirm);
    this.confirm.type = "submit";
    const bar = make("div", "sheet-bar");
    bar.append(this.leave, this.title);
    const foot = make("div", "sheet-foot");
    foot.append(this.wrong, this.confirm);
    this.form.append(bar, this.body, foot);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.onConfirm();
    });
    this.sending = false;
    this.onLeave = () => this.close();
    this.onConfirm = () => {};
  }

  show() {
    this.layer = openLayer("below", this.form);
    this.layer.setAttribute("aria-labelledby", this.title.id);
  }

  close() {
    this.layer.close();
  }

  // Says what is wrong, or with "" nothing.
  say(sentence) {
    this.wrong.textContent = sentence;
  }

  // Shows how it ended. Where all went well the sheet closes after a while, as on a phone.
  showResult(good, title, words, wrong) {
    const result = makeResult(good, title, words);
    this.body.replaceChildren(result);
    this.leave.hidden = true;
    this.say(wrong);
    this.confirm.disabled = false;
    this.confirm.textContent = good ? "Done" : "Close";
    this.confirm.setAttribute("aria-describedby", result.id); // so that a screen reader says it
    this.confirm.focus();
    this.onConfirm = () => this.close();
    if (good && !wrong) setTimeout(() => this.close(), DONE_MS);
  }

  // Answers the message, and closes unless the phone's API says what does not fit.
  async send(phone, deed, fields) {
    if (this.sending) return;
    this.sending = true;
    this.say("");
    const sentence = await phone.act(deed, fields);
    this.sending = false;
    if (sentence) this.say(sentence);
    else this.close();
  }
}

// A field with its label above, as sheets have them.
export function makeField(label, control) {
  const row = make("label", "field");
  row.append(make("span", "field-label", label), control);
  return row;
}

// A line that says something of the message, with a drawing before it.
export function makeAside(glyph, words) {
  const line = make("p", "aside");
  line.append(makeGlyph(glyph), make("span", "", words));
  return line;
}

// The heading, subtitle and picture of the message that a sheet answers.
export function makeHead(title, subtitle, picture) {
  const head = make("div", "head");
  if (picture) head.append(picture);
  if (title) head.append(make("p", "head-title", title));
  if (subtitle) head.append(make("p", "head-subtitle", subtitle));
  return head;
}

// The heading of a sheet that shows what its bubble showed.
export function makeReceivedHead(entry, title) {
  const received = objectOf(interactiveOf(entry).receivedMessage);
  const image = imageOf(entry, received.imageIdentifier);
  const picture = makePicture(image.data, textOf(image.description));
  const head = makeHead(title, textOf(received.subtitle), picture);
  head.classList.add("small-head");
  return head;
}

// How it ended: a large sign, with words below it.
function makeResult(good, title, words) {
  const result = make("div", good ? "result good" : "result");
  const sign = make("span", "result-sign");
  sign.append(makeGlyph(good ? "check" : "cross"));
  result.id = newId();
  result.append(sign, make("p", "head-title", title));
  if (words) result.append(make("p", "head-subtitle", words));
  return result;
}
