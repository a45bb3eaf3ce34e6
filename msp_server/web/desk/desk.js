// The desk: conversations at the side, one of them in the middle, kept up to date.

import * as api from "./api.js";
import { message, offer, showFields } from "./composer.js";
import { $, make, time } from "./dom.js";

const LOOK_EVERY_MS = 1000;

let current = null;
let shown = "";
// Names a post until it is accepted: sent twice, it counts once.
let key = crypto.randomUUID();

function tell(problem) {
  $("problem").textContent = problem ? problem.message : "";
}

// What became of a message, in words; nobody hears whether it arrives.
const STATES = {
  PENDING: "is being sent", CLAIMED: "", SENT: "accepted by the gateway", BURIED: "not sent",
  RECEIVED: "waits for the agent", HELD: "waits for you", ANSWERED: "",
};

function entry(said) {
  const state = said.by === "customer" && said.state === "BURIED" ? "not answered" : STATES[said.state];
  const about = [said.kind === "Text" ? "" : said.kind, state, said.reason].filter(Boolean).join(" · ");
  return make(
    "li",
    { class: said.by, "data-state": said.state },
    make("p", {}, said.words || said.kind),
    make("small", {}, time(said.at), ` ${about}`),
  );
}

function show({ conversation, messages }) {
  const seen = JSON.stringify([conversation, messages]);
  if (seen === shown) return;
  shown = seen;
  const list = $("transcript");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  list.replaceChildren(...messages.filter((each) => !each.kind.startsWith("Typing")).map(entry));
  if (atEnd) list.scrollTop = list.scrollHeight;
  $("customer").textContent = `Customer ${conversation.customer_id.slice(-8)}`;
  const about = [conversation.locale, conversation.intent, conversation.group];
  if (conversation.desk) about.push(`with ${conversation.desk}`, conversation.note);
  if (conversation.closed) about.push("has left");
  $("about").textContent = about.filter(Boolean).join(" · ");
  $("take").hidden = Boolean(conversation.desk) || conversation.closed;
  $("give").hidden = !conversation.desk;
  for (const element of $("composer").elements) element.disabled = conversation.closed;
  offer(conversation.capabilities);
}

async function look() {
  if (current === null) return;
  const id = current;
  const answer = await api.read(id);
  if (id === current) show(answer);
}

async function choose(id) {
  current = id;
  shown = "";
  $("choose").hidden = true;
  $("conversation").hidden = false;
  await look();
  $("composer").elements[1].focus();
}

function item(conversation) {
  const name = `Customer ${conversation.customer_id.slice(-8)}`;
  const about = conversation.desk ? `with ${conversation.desk}` : "with the agent";
  return make(
    "li",
    {},
    make(
      "button",
      {
        "data-id": conversation.id,
        "aria-current": conversation.id === current ? "true" : undefined,
        onclick: () => choose(conversation.id).then(lookAround),
      },
      make("strong", {}, name),
      make("span", {}, conversation.note || about),
    ),
  );
}

let around = "";

async function lookAround() {
  const { conversations } = await api.latest($("waiting").checked);
  const seen = JSON.stringify([conversations, current]);
  if (seen === around) return;
  around = seen;
  const focused = document.activeElement?.dataset?.id;
  $("conversations").replaceChildren(...conversations.map(item));
  $("none").hidden = conversations.length > 0;
  if (focused) $("conversations").querySelector(`[data-id="${focused}"]`)?.focus();
}

async function keepLooking() {
  try {
    if (document.visibilityState === "visible") await Promise.all([lookAround(), look()]);
  } catch (error) {
    tell(error);
  } finally {
    setTimeout(keepLooking, LOOK_EVERY_MS);
  }
}

async function act(deed) {
  try {
    await deed();
    tell(null);
    await Promise.all([look(), lookAround()]);
  } catch (error) {
    tell(error);
  }
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  act(async () => {
    await api.say(current, key, [await message()]);
    key = crypto.randomUUID();
    showFields();
    $("composer").elements[1].focus();
  });
});
$("composer").addEventListener("keydown", (event) => {
  const sends = event.key === "Enter" && !event.shiftKey && $("kind").value === "Text";
  if (sends && event.target.tagName === "TEXTAREA") {
    event.preventDefault();
    $("composer").requestSubmit();
  }
});
$("conversations").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...$("conversations").querySelectorAll("button")];
  buttons[buttons.indexOf(document.activeElement) + step]?.focus();
});
$("kind").addEventListener("change", showFields);
$("waiting").addEventListener("change", () => act(async () => {}));
$("take").addEventListener("click", () => act(() => api.takeOver(current, $("who").textContent)));
$("give").addEventListener("click", () => act(() => api.giveBack(current)));

showFields();
keepLooking();
