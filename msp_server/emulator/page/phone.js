"use strict";

// A client of the emulator's JSON API, the same the tests use. What messages say reaches the page
// through textContent only.

const WAIT_S = 25;
const RETRY_MS = 1000;
const PAUSE_MS = 15 * 60 * 1000; // a longer silence shows the time, as on an iPhone
const KINDS = { interactive: "Interactive message", richLink: "Link" };
const SILENT = new Set(["typing_start", "typing_end"]);

const part = (id) => document.getElementById(id);
const picker = part("customer");
const body = part("body");
const sendButton = document.querySelector(".send");

let current = null; // the customer whose phone this is
let shown = null; // what is shown of them: {name, key, changes, entries}
let polling = new AbortController();

async function call(path, method = "GET", fields = undefined, signal = undefined) {
  const answer = await fetch(path, {
    method,
    signal,
    headers: fields ? { "content-type": "application/json" } : {},
    body: fields ? JSON.stringify(fields) : undefined,
  });
  return { status: answer.status, fields: await answer.json() };
}

function make(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function timeOf(entry) {
  const at = new Date(entry.at);
  const clock = at.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  if (at.toDateString() === new Date().toDateString()) return `Today ${clock}`;
  return `${at.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" })} ${clock}`;
}

function wordsOf(entry) {
  if (entry.type === "text" && typeof entry.body === "string") return entry.body;
  return KINDS[entry.type] || entry.type || "Message without a type";
}

function makeLine(entry, follows) {
  if (entry.from === "customer" && entry.type === "close") {
    const line = make("li", "event", "You deleted this conversation");
    if (entry.status === "not delivered") line.append(makeLoss(entry));
    return line;
  }
  const line = make("li", `entry ${entry.from}`);
  line.classList.toggle("follows", follows);
  line.classList.toggle("sending", entry.status === "sending");
  line.classList.toggle("kind", entry.type !== "text");
  const who = entry.from === "customer" ? "You: " : "Business: ";
  const bubble = make("div", "bubble", wordsOf(entry));
  bubble.prepend(make("span", "unseen", who));
  bubble.title = new Date(entry.at).toLocaleString();
  line.append(bubble);
  if (entry.auto_reply === true) line.append(make("div", "note", "Automated"));
  if (entry.status === "not delivered") line.append(makeLoss(entry));
  return line;
}

function makeLoss(entry) {
  const loss = make("div", "lost");
  loss.append(make("strong", "", "Not Delivered"), make("span", "", entry.error || ""));
  return loss;
}

function signature(entry) {
  return `${entry.seq} ${entry.status}`;
}

// Keeps the lines that did not change, so that a screen reader says each message once.
function drawTranscript(entries) {
  const list = part("transcript");
  const lines = [];
  let before = null;
  for (const entry of entries.filter((each) => !SILENT.has(each.type))) {
    if (!before || new Date(entry.at) - new Date(before.at) > PAUSE_MS) {
      lines.push({ key: `when ${entry.seq}`, make: () => make("li", "when", timeOf(entry)) });
    }
    const follows = before !== null && before.from === entry.from && before.type !== "close";
    lines.push({ key: signature(entry), make: () => makeLine(entry, follows) });
    before = entry;
  }
  lines.forEach((line, place) => {
    const present = list.children[place];
    if (present && present.dataset.key === line.key) return;
    const element = line.make();
    element.dataset.key = line.key;
    if (present) present.replaceWith(element);
    else list.append(element);
  });
  while (list.children.length > lines.length) list.lastElementChild.remove();
  return lines.length;
}

function draw(reading) {
  const scroll = part("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const entries = [...shown.entries.values()].sort((a, b) => a.seq - b.seq);
  const count = drawTranscript(entries);
  part("empty").hidden = count > 0 || reading.typing;
  part("typing").hidden = !reading.typing;
  part("deleted").hidden = reading.open;
  part("delete").disabled = !reading.open || count === 0;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function take(name, reading) {
  if (!shown || shown.name !== name || shown.key !== reading.transcript) {
    part("transcript").replaceChildren();
    shown = { name, key: reading.transcript, changes: 0, entries: new Map() };
  }
  for (const entry of reading.entries) shown.entries.set(entry.seq, entry);
  shown.changes = reading.changes;
  draw(reading);
}

function transcriptAddress(name) {
  const known = shown && shown.name === name ? shown : null;
  const query = new URLSearchParams({
    changes_after: known ? known.changes : 0,
    of: known ? known.key : "",
    wait_s: known ? WAIT_S : 0,
  });
  return `/customers/${encodeURIComponent(name)}/transcript?${query}`;
}

async function listCustomers() {
  const { fields } = await call("/customers");
  const names = fields.customers.map((customer) => customer.name);
  if (!names.includes(current)) current = names[0];
  const options = names.map((name) => {
    const option = make("option", "", name);
    option.value = name;
    return option;
  });
  if ([...picker.options].map((option) => option.value).join() !== names.join()) {
    picker.replaceChildren(...options);
  }
  picker.value = current;
}

async function followOnce() {
  if (current === null || !picker.options.length) await listCustomers();
  const name = current;
  const { status, fields } = await call(transcriptAddress(name), "GET", undefined, polling.signal);
  part("offline").hidden = true;
  if (status === 404) {
    await listCustomers(); // a reset took the customer away
  } else if (status === 200 && name === current) {
    take(name, fields);
  } else if (status !== 200) {
    throw new Error(fields.error);
  }
}

async function follow() {
  for (;;) {
    try {
      await followOnce();
    } catch (error) {
      if (error.name === "AbortError") continue; // another customer was chosen
      part("offline").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function act(deed, fields = {}) {
  try {
    await call(`/customers/${encodeURIComponent(current)}/${deed}`, "POST", fields);
  } catch {
    part("offline").hidden = false;
  }
}

function fitField() {
  body.style.height = "auto";
  body.style.height = `${body.scrollHeight + 2}px`;
  sendButton.disabled = body.value.trim() === "";
}

part("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = body.value.trim();
  if (!words || current === null) return;
  body.value = "";
  fitField();
  body.focus();
  part("scroll").scrollTop = part("scroll").scrollHeight;
  act("text", { body: words });
});

body.addEventListener("input", fitField);
body.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part("write").requestSubmit();
});

part("delete").addEventListener("click", () => {
  act("close");
  body.focus();
});

picker.addEventListener("change", () => {
  current = picker.value;
  shown = null;
  part("transcript").replaceChildren();
  polling.abort();
  polling = new AbortController();
});

picker.addEventListener("focus", () => {
  listCustomers().catch(() => {}); // the loop shows when the emulator is away
});

follow();
