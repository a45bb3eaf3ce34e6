// What can be done with an exchange once more: send it as it was, under a new id, edited, or in the
// other order with another one; or take it away as a command for a shell.

import { call } from "./api.js";
import { copy } from "./clipboard.js";
import { make, makeButton, makeGlyph } from "./dom.js";
import { clockOf, grouped } from "./measures.js";
import { makeLabelled, makeSelect, openTool } from "./tool_dialog.js";
import { kindOf } from "./verdicts.js";

const LONG_TEXT = 2000; // longer texts, which are pictures, are not put into the editor
const CHOICES = 100; // messages to swap with
const TYPED = new Set(["text", "typing_start", "typing_end", "close", "unknown", null]);

export function makeDeeds(exchange, wire) {
  const bar = make("div", "deeds-bar");
  const add = (glyph, words, hint, act) => {
    const button = makeButton("button", undefined, act);
    button.title = hint;
    button.append(makeGlyph(glyph), words);
    bar.append(button);
  };
  if (exchange.resendable) {
    const fresh = TYPED.has(exchange.kind) ? "Under a new id" : "Same tap, new id";
    add("again", "Send again", "The same bytes, the same id", () => sendAgain(exchange, {}, wire));
    add("plus", fresh, "The same message under an id of its own", () =>
      sendAgain(exchange, { new_id: true }, wire),
    );
    add("pen", "Edit and send", "Change the JSON first", () => openEditor(exchange, wire));
    add("swap", "Out of order", "This and another message, the newer one first", () =>
      openSwap(exchange, wire),
    );
  }
  add("copy", "Copy as curl", "A command that makes the same request", () =>
    copyCommand(exchange, wire),
  );
  return bar;
}

// Sends it again, and shows the exchange that came of it; gives what does not fit, or null.
async function resend(exchange, wish, wire) {
  try {
    const { fields } = await call(`/emulator/journal/${exchange.seq}/resend`, "POST", wish);
    if (fields.error && !fields.seq) return fields.error;
    const ended = fields.status === null ? "no answer" : `answered ${fields.status}`;
    wire.say(`Sent as #${fields.seq}: ${ended}`);
    wire.choose(fields.seq);
    return null;
  } catch {
    return "The emulator does not answer";
  }
}

async function sendAgain(exchange, wish, wire) {
  const wrong = await resend(exchange, wish, wire);
  if (wrong) wire.say(wrong);
}

function openEditor(exchange, wire) {
  const texts = [];
  const field = make("textarea", "control code");
  field.spellcheck = false;
  field.rows = 18;
  field.value = JSON.stringify(exchange.fields, (_key, value) => hide(value, texts), 2);
  const fresh = make("input");
  fresh.type = "checkbox";
  fresh.checked = true;
  const check = make("label", "check");
  check.append(fresh, "Under a new id");
  const inside = make("div", "tool-body");
  const hint = texts.length ? "‹…› stands for a long text, which is sent as it was." : "";
  inside.append(makeLabelled("JSON of the message", field, hint), check);
  openTool(`Edit #${exchange.seq} and send it`, inside, {
    confirm: "Send the edited message",
    act: () => {
      const read = readEdited(field.value, texts);
      if (read.wrong) return read.wrong;
      return resend(exchange, { fields: read.fields, new_id: fresh.checked }, wire);
    },
  });
}

function hide(value, texts) {
  if (typeof value !== "string" || value.length <= LONG_TEXT) return value;
  texts.push(value);
  return `‹${texts.length}: ${grouped(value.length)} characters›`;
}

function readEdited(text, texts) {
  try {
    const fields = JSON.parse(text, (_key, value) => {
      const found = typeof value === "string" && /^‹(\d+): [\d,]+ characters›$/.exec(value);
      return found ? (texts[found[1] - 1] ?? value) : value;
    });
    const isObject = fields !== null && typeof fields === "object" && !Array.isArray(fields);
    return isObject ? { fields } : { wrong: "The message has to be an object: { … }" };
  } catch (error) {
    return { wrong: `This is no JSON: ${error.message}` };
  }
}

function openSwap(exchange, wire) {
  const others = wire
    .all()
    .filter((each) => each.resendable && each.seq !== exchange.seq)
    .filter((each) => each.customer === exchange.customer)
    .slice(0, CHOICES);
  if (!others.length) {
    wire.say("There is no other message of this customer to swap it with");
    return;
  }
  const nearest = others.find((each) => each.seq < exchange.seq && each.kind !== "typing_start");
  const other = makeSelect(
    others.map((each) => [
      String(each.seq),
      `#${each.seq} ${kindOf(each.kind)}, ${clockOf(each.at)}`,
    ]),
    String((nearest || others[0]).seq),
  );
  const inside = make("div", "tool-body");
  const hint = "Both are sent once more under new ids, the newer one first.";
  inside.append(makeLabelled(`Together with #${exchange.seq}`, other, hint));
  openTool("Send out of order", inside, {
    confirm: "Send both",
    act: () => resend(exchange, { order: "reversed", with: Number(other.value) }, wire),
  });
}

async function copyCommand(exchange, wire) {
  try {
    const answer = await fetch(`/emulator/journal/${exchange.seq}/curl`);
    const text = await answer.text();
    if (answer.status !== 200) wire.say("This exchange is not kept any more");
    else wire.say((await copy(text)) ? "Copied as curl" : "The browser does not let it be copied");
  } catch {
    wire.say("The emulator does not answer");
  }
}
