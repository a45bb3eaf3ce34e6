// The customer's phone: follows the transcript of one customer and does what the customer does.

import { addressOf, call } from "./api.js";
import { Choosers } from "./choosers.js";
import { make, makeIconButton, part } from "./dom.js";
import { wordsOf } from "./entries.js";
import { sendFiles, sizeOf } from "./files.js";
import { listen } from "./live.js";
import { drawTranscript, forgetTranscript } from "./transcript.js";

const RETRY_MS = 1000;
const SENTENCE_MS = 8000;
const DELETED = "Read-only: conversation deleted, write to open it again.";
const OPENED = "Read-only: opened from a file.";

const body = part("body");
const sendButton = document.querySelector(".send");

let shown = null; // what is shown of the customer: {name, key, changes, entries}
let stale = true; // whether there may be more than what is shown
let wake = () => {}; // lets the loop go on that waits for more
let replyTo = null; // the entry that the next text replies to
let chosen = []; // the files that go with the next text
let hush = 0;

const choosers = new Choosers(() => {
  shown = null;
  forgetTranscript();
  leaveReply();
  readAgain();
}, say);

// What bubbles and sheets need of the phone.
const phone = {
  get customer() {
    return choosers.customer;
  },
  act,
  say,
  react: (entry, name, remove) => actAndSay("react", { to: entry.id, with: name, remove }),
  startReply,
  find: (id) =>
    id && shown ? [...shown.entries.values()].find((each) => each.id === id) : undefined,
};

// Does one deed; gives the sentence that says what does not fit, or null.
async function act(deed, fields = {}) {
  try {
    const { status, fields: answer } = await call(
      addressOf(choosers.customer.name, `/${deed}`),
      "POST",
      fields,
    );
    return status >= 400 && status < 500 ? answer.error : null;
  } catch {
    part("offline").hidden = false;
    return "The emulator does not answer";
  }
}

async function actAndSay(deed, fields) {
  const wrong = await act(deed, fields);
  if (wrong) say(wrong);
  return wrong;
}

async function writeFiles(words) {
  const files = chosen;
  chooseFiles([]);
  let wrong = null;
  try {
    wrong = await sendFiles(choosers.customer.name, files, words);
  } catch {
    wrong = "The emulator does not answer";
  }
  if (!wrong) return;
  say(wrong);
  chooseFiles(files); // what was not sent is not lost
  if (body.value) return;
  body.value = words;
  fitField();
}

function chooseFiles(files) {
  chosen = files;
  part("chosen").replaceChildren(...files.map(makeChosen));
  part("chosen").hidden = files.length === 0;
  fitField();
}

function makeChosen(file) {
  const line = make("li", "", `${file.name}, ${sizeOf(file.size)}`);
  const leave = () => chooseFiles(chosen.filter((each) => each !== file));
  line.append(makeIconButton("plain", "cross", `Leave out ${file.name}`, leave));
  return line;
}

async function write(words) {
  const wrong = replyTo
    ? actAndSay("reply", { to: replyTo.id, body: words })
    : actAndSay("text", { body: words });
  leaveReply();
  if (!(await wrong) || body.value) return;
  body.value = words; // what was not sent is not lost
  fitField();
}

// Shows a sentence for a while.
function say(sentence) {
  part("sentence").textContent = sentence;
  part("sentence").hidden = false;
  clearTimeout(hush);
  hush = setTimeout(() => (part("sentence").hidden = true), SENTENCE_MS);
}

function draw(reading) {
  const scroll = part("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  const entries = [...shown.entries.values()].sort((a, b) => a.seq - b.seq);
  const count = drawTranscript(entries, phone);
  part("empty").hidden = count > 0 || reading.typing;
  part("typing").hidden = !reading.typing;
  const { read_only: isFile } = choosers.customer;
  part("deleted").hidden = reading.open && !isFile;
  part("deleted").textContent = isFile ? OPENED : DELETED;
  part("write").hidden = isFile;
  part("delete").disabled = !reading.open || count === 0 || isFile;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function take(name, reading) {
  if (!shown || shown.name !== name || shown.key !== reading.transcript) {
    forgetTranscript();
    shown = { name, key: reading.transcript, changes: 0, entries: new Map() };
    leaveReply();
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
  });
  return addressOf(name, `/transcript?${query}`);
}

async function followOnce() {
  if (!choosers.customer) await choosers.list();
  const { name } = choosers.customer;
  const { status, fields } = await call(transcriptAddress(name));
  part("offline").hidden = true;
  if (status === 404) {
    await choosers.list(); // a reset took the customer away
    stale = true;
  } else if (status === 200 && name === choosers.customer.name) {
    take(name, fields);
  } else if (status !== 200) {
    throw new Error(fields.error);
  }
}

async function follow() {
  for (;;) {
    if (!stale) await new Promise((resolve) => (wake = resolve));
    stale = false;
    try {
      await followOnce();
    } catch {
      stale = true;
      part("offline").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function readAgain() {
  stale = true;
  wake();
}

function startReply(entry) {
  replyTo = entry;
  part("replying-words").textContent = wordsOf(entry);
  part("replying").hidden = false;
  body.focus();
}

function leaveReply() {
  replyTo = null;
  part("replying").hidden = true;
}

function fitField() {
  body.style.height = "auto";
  body.style.height = `${body.scrollHeight + 2}px`;
  sendButton.disabled = body.value.trim() === "" && chosen.length === 0;
}

part("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = body.value.trim();
  if ((!words && !chosen.length) || !choosers.customer) return;
  body.value = "";
  fitField();
  body.focus();
  part("scroll").scrollTop = part("scroll").scrollHeight;
  if (chosen.length) writeFiles(words);
  else write(words);
});

part("choose").addEventListener("click", () => part("files").click());
part("files").addEventListener("change", () => {
  chooseFiles([...chosen, ...part("files").files]);
  part("files").value = "";
  body.focus();
});

document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  chooseFiles([...chosen, ...event.dataTransfer.files]);
});

body.addEventListener("input", fitField);
body.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && replyTo) leaveReply();
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part("write").requestSubmit();
});

part("leave-reply").addEventListener("click", () => {
  leaveReply();
  body.focus();
});

part("delete").addEventListener("click", () => {
  actAndSay("close");
  body.focus();
});

// Pictures arrive after their line: the end of the conversation stays in sight.
part("transcript").addEventListener(
  "load",
  () => {
    const scroll = part("scroll");
    if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 300) {
      scroll.scrollTop = scroll.scrollHeight;
    }
  },
  true,
);

document.addEventListener("show-customer", ({ detail: name }) => {
  choosers.show(name).catch(() => {}); // the loop shows when the emulator is away
});

listen("ready", readAgain);
listen("away", readAgain);
listen("reset", () => choosers.list().then(readAgain, readAgain));
listen("transcript", ({ customer }) => {
  if (customer === choosers.customer?.name) readAgain();
});
listen("customers", () => choosers.list().catch(() => {}));
follow();
