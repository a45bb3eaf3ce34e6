// Draws the conversation: one line for each entry, and the time after a silence.

import { makeBubble } from "./bubbles.js";
import { make, makeGlyph, makeIconButton, part } from "./dom.js";
import { objectOf, textOf, wordsOf } from "./entries.js";
import { makeFiles } from "./files.js";
import { openMenu } from "./menu.js";
import { readTapback, tapbacksOn } from "./tapbacks.js";
import { whenOf } from "./times.js";

const PAUSE_MS = 15 * 60 * 1000; // a longer silence shows the time, as on an iPhone
const SILENT = new Set(["typing_start", "typing_end"]);

// Draws the entries and gives how many lines there are.
export function drawTranscript(entries, phone) {
  const heard = entries.filter((each) => !SILENT.has(each.type));
  const tapbacks = tapbacksOn(heard);
  const lines = [];
  let before = null;
  for (const entry of heard) {
    if (!before || new Date(entry.at) - new Date(before.at) > PAUSE_MS) {
      lines.push({ key: `when ${entry.seq}`, make: () => make("li", "when", whenOf(entry)) });
    }
    const view = { follows: isFollowing(before, entry), tapback: tapbacks.get(entry.id) };
    lines.push({ key: keyOf(entry, view), make: () => makeLine(entry, view, phone) });
    before = entry;
  }
  putLines(part("transcript"), lines);
  return lines.length;
}

function isFollowing(before, entry) {
  return before !== null && before.from === entry.from && before.type !== "close";
}

// All that a line shows of an entry and that may change.
function keyOf(entry, view) {
  const { seq, status, answerable, unsupported, replied } = entry;
  return JSON.stringify([seq, status, answerable, unsupported, replied, view]);
}

// Keeps the lines that did not change, so that a screen reader says each message once.
function putLines(list, lines) {
  let focusLost = false;
  lines.forEach((line, place) => {
    const present = list.children[place];
    if (present && present.dataset.key === line.key) return;
    const element = line.make();
    element.dataset.key = line.key;
    focusLost = focusLost || Boolean(present?.contains(document.activeElement));
    if (present) present.replaceWith(element);
    else list.append(element);
  });
  while (list.children.length > lines.length) list.lastElementChild.remove();
  if (focusLost) part("body").focus();
}

function makeLine(entry, view, phone) {
  if (entry.from === "customer" && entry.type === "close")
    return makeEvent(entry, closeWords(entry));
  const invited = objectOf(objectOf(objectOf(entry.fields).interactiveData).data).notification;
  if (entry.from === "customer" && invited) return makeEvent(entry, "You accepted the invitation");
  const line = make("li", `entry ${entry.from}`);
  line.classList.toggle("follows", view.follows);
  line.classList.toggle("sending", entry.status === "sending");
  if (readTapback(entry)) line.append(make("div", "note", `You: ${entry.body}`));
  else line.append(...makeSpoken(entry, view, phone));
  if (entry.auto_reply === true) line.append(make("div", "note", "Automated"));
  if (entry.status === "not delivered") line.append(makeLoss(entry));
  return line;
}

function closeWords(entry) {
  const refused = Array.isArray(objectOf(entry.fields).referenceIds);
  return refused ? "You declined the invitation" : "You deleted this conversation";
}

function makeEvent(entry, words) {
  const line = make("li", "event", words);
  if (entry.status === "not delivered") line.append(makeLoss(entry));
  return line;
}

// Words and files, in the order that the message has them.
function makeSpoken(entry, view, phone) {
  const [files, words] = [makeFiles(entry), makeParts(entry, view, phone)];
  const filesFirst = textOf(objectOf(entry.fields).body).startsWith("\ufffc");
  return filesFirst ? [...files, ...words] : [...words, ...files];
}

function makeParts(entry, view, phone) {
  if (entry.type === "text" && entry.attachments?.length && !wordsOf(entry)) return [];
  const [bubble, ...below] = makeBubble(entry, phone);
  bubble.prepend(make("span", "unseen", entry.from === "customer" ? "You: " : "Business: "));
  bubble.title = new Date(entry.at).toLocaleString();
  const row = make("div", "bubble-row");
  row.append(bubble);
  if (entry.from === "business") {
    const open = () => openMenu(entry, { row, tapback: view.tapback, phone });
    row.append(makeIconButton("more", "smile", "React or reply", open));
  }
  if (view.tapback) row.append(makeBadge(view.tapback.sign));
  const quoted = phone.find(textOf(objectOf(entry.fields).replyToMessageId));
  return quoted ? [makeQuote(quoted), row, ...below] : [row, ...below];
}

function makeBadge(sign) {
  const badge = make("span", "badge", sign);
  badge.prepend(make("span", "unseen", "Your tapback: "));
  return badge;
}

function makeQuote(quoted) {
  const quote = make("div", "quote");
  quote.append(makeGlyph("reply"), make("span", "", wordsOf(quoted)));
  return quote;
}

function makeLoss(entry) {
  const loss = make("div", "lost");
  loss.append(make("strong", "", "Not Delivered"), make("span", "", entry.error || ""));
  return loss;
}
