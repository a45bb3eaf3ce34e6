// Draws the conversation: one line for each entry, and the time after a silence.

import { makeBubble } from "./bubbles.js";
import { make, makeGlyph, makeIconButton, part } from "./dom.js";
import { objectOf, textOf, wordsOf } from "./entries.js";
import { makeFiles } from "./files.js";
import { openMenu } from "./menu.js";
import { breathe } from "./slices.js";
import { readTapback, tapbacksOn } from "./tapbacks.js";
import { whenOf } from "./times.js";

const PAUSE_MS = 15 * 60 * 1000; // a longer silence shows the time, as on an iPhone
const SILENT = new Set(["typing_start", "typing_end"]);

const FIRST_LINES = 60; // drawn at once, the newest; those before them come in slices
const SLICE_LINES = [20, 120]; // at least and at most, as many as fit into
const SLICE_MS = 20;

let lines = []; // of the whole conversation: {seq, key, make}
let first = 0; // the first of them that is in the page
let oldest = null; // the number of that line's entry
let growing = false;

// Draws the entries and gives how many lines there are.
export function drawTranscript(entries, phone) {
  const heard = entries.filter((each) => !SILENT.has(each.type));
  const tapbacks = tapbacksOn(heard);
  lines = [];
  let before = null;
  for (const entry of heard) {
    if (!before || Date.parse(entry.at) - Date.parse(before.at) > PAUSE_MS) {
      const { seq } = entry;
      lines.push({ seq, key: () => `when ${seq}`, make: () => makeWhen(entry) });
    }
    const view = { follows: isFollowing(before, entry), tapback: tapbacks.get(entry.id) };
    lines.push({
      seq: entry.seq,
      key: () => keyOf(entry, view),
      make: () => makeLine(entry, view, phone),
    });
    before = entry;
  }
  const known = oldest === null ? -1 : lines.findIndex((line) => line.seq >= oldest);
  first = known < 0 ? Math.max(0, lines.length - FIRST_LINES) : known;
  oldest = lines[first]?.seq ?? null;
  putLines(part("transcript"), lines.slice(first));
  if (first > 0 && !growing) drawEarlier();
  return lines.length;
}

// Draws what lies before the first lines, slice by slice.
async function drawEarlier() {
  const [least, most] = SLICE_LINES;
  let count = least;
  growing = true;
  for (;;) {
    await breathe();
    if (first === 0) break;
    const began = performance.now();
    const earlier = lines.slice(Math.max(0, first - count), first);
    first -= earlier.length;
    oldest = lines[first].seq;
    holdSight(() => part("transcript").prepend(...earlier.map(makeElement)));
    const fitting = (count * SLICE_MS) / (performance.now() - began);
    count = Math.round(Math.min(most, Math.max(least, fitting)));
  }
  growing = false;
}

// What is in sight stays where it is; who went to the beginning stays there.
function holdSight(change) {
  const scroll = part("scroll");
  const isAtTop = scroll.scrollTop === 0 && scroll.scrollHeight > scroll.clientHeight;
  const fromEnd = scroll.scrollHeight - scroll.scrollTop;
  change();
  if (!isAtTop) scroll.scrollTop = scroll.scrollHeight - fromEnd;
  else if (scroll.scrollTop !== 0) scroll.scrollTop = 0;
}

// Another conversation will be drawn.
export function forgetTranscript() {
  lines = [];
  first = 0;
  oldest = null;
  part("transcript").replaceChildren();
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
function putLines(list, wanted) {
  const keys = wanted.map((line) => line.key());
  const known = new Set(keys);
  let focusLost = false;
  for (const element of [...list.children]) {
    if (known.has(element.dataset.key)) continue;
    focusLost = focusLost || element.contains(document.activeElement);
    element.remove();
  }
  let present = list.firstElementChild;
  wanted.forEach((line, place) => {
    if (present?.dataset.key === keys[place]) {
      present = present.nextElementSibling;
      return;
    }
    list.insertBefore(makeElement(line), present);
  });
  if (focusLost) part("body").focus();
}

function makeElement(line) {
  const element = line.make();
  element.dataset.key = line.key();
  return element;
}

const makeWhen = (entry) => make("li", "when", whenOf(entry));

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
