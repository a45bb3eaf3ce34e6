// One exchange whole: what was asked, what was answered, and why it was refused.

import { makeDeeds } from "./again.js";
import { make, makeButton, makeIconButton } from "./dom.js";
import { objectOf } from "./entries.js";
import { JsonView } from "./json_view.js";
import { clockOf, grouped, momentOf, sizeIn, spanIn } from "./measures.js";
import { makeTabs } from "./tabs.js";
import { directionOf, isFault, kindOf, makeArrow, makeStatus } from "./verdicts.js";

let tab = "Request"; // stays the same from one exchange to the next

// Gives the elements; `wire` is what they need of the panel around them.
export function makeExchange(exchange, wire) {
  const [request, answer] = [makeRequest(exchange), makeAnswer(exchange)];
  const tabs = [
    { name: "Request", note: sizeIn(exchange.packed_bytes), make: () => request },
    { name: "Answer", note: sizeIn(exchange.answer_bytes), make: () => answer },
    { name: "Headers", make: () => makeHeaders(exchange) },
    { name: "Token", ...tokenMark(exchange), make: () => makeToken(exchange) },
  ];
  const top = make("header", "exchange-top");
  top.append(makeTitle(exchange, wire), makeFacts(exchange, wire), makeDeeds(exchange, wire));
  const notice = makeNotice(exchange);
  if (notice) top.append(notice);
  return [top, ...makeTabs("Parts of the exchange", tabs, tab, (name) => (tab = name))];
}

function makeTitle(exchange, wire) {
  const title = make("div", "exchange-title");
  const words = make("h2", "exchange-address");
  words.append(make("b", "", exchange.method), " ", exchange.url);
  title.append(
    makeIconButton("glyph-button back-button", "back", "Back to the list", wire.leave),
    makeArrow(exchange),
    words,
    makeStatus(exchange),
    makeIconButton("glyph-button close-button", "cross", "Close", wire.leave),
  );
  return title;
}

function makeFacts(exchange, wire) {
  const facts = make("p", "facts");
  const add = (words, title = "") => {
    const fact = make("span", "fact", words);
    if (title) fact.title = title;
    facts.append(fact);
  };
  add(`#${exchange.seq}`, "Number in the journal");
  add(kindOf(exchange.kind));
  add(directionOf(exchange).words);
  if (exchange.customer) add(exchange.customer, "Customer");
  add(clockOf(exchange.at), momentOf(exchange.at));
  add(spanIn(exchange.seconds), "Until the answer");
  add(sizesOf(exchange), `${grouped(exchange.packed_bytes)} bytes as sent`);
  if (exchange.id) add(exchange.id, "Id of the message");
  if (exchange.repeats !== null) {
    const back = () => wire.choose(exchange.repeats);
    facts.append(makeButton("text-link", `sends #${exchange.repeats} again`, back));
  }
  return facts;
}

function sizesOf({ packed_bytes: packed, unpacked_bytes: unpacked }) {
  if (!unpacked || packed === unpacked) return sizeIn(packed);
  return `${sizeIn(packed)} packed, ${sizeIn(unpacked)} unpacked`;
}

// Why it was refused or lost: the rule, its source, and since when it holds.
function makeNotice(exchange) {
  if (!exchange.reason && !exchange.rule) return null;
  const isOdd = isFault(exchange) || exchange.status !== null;
  const notice = make("div", `notice ${isOdd ? "odd" : "bad"}`);
  notice.append(make("p", "notice-words", plainReason(exchange)));
  if (isFault(exchange)) notice.append(make("p", "notice-rule", "It was ordered under Faults."));
  else if (exchange.rule) notice.append(makeRule(exchange));
  return notice;
}

function plainReason({ reason, source }) {
  const [words] = source ? (reason || "").split(" (source: ") : [reason || ""];
  return words || "It was refused";
}

function makeRule({ rule, source, since }) {
  const list = make("dl", "notice-rule");
  const add = (name, words) => list.append(make("dt", "", name), make("dd", "", words));
  add("Rule", rule);
  if (source) add("Source", source);
  if (since) add("Since", since);
  return list;
}

function makeRequest(exchange) {
  if (exchange.fields) return makeJson(exchange.fields);
  if (!exchange.packed_bytes) return makeNothing("The request has no body.");
  return makeNothing(`${grouped(exchange.packed_bytes)} bytes that are no JSON object; not kept.`);
}

function makeAnswer({ answer, status }) {
  if (!answer) {
    return makeNothing(status === null ? "There was no answer." : "Nothing more is known of it.");
  }
  if (answer.fields) return makeJson(answer.fields);
  if (answer.text) {
    const box = make("div", "plain-text");
    box.append(make("pre", "", answer.text));
    if (answer.cut) box.append(make("p", "nothing", "There was more of it, which is not kept."));
    return box;
  }
  if (!answer.bytes) return makeNothing("The answer has no body.");
  return makeNothing(`${grouped(answer.bytes)} bytes that are no text; not kept.`);
}

const makeNothing = (words) => make("p", "nothing", words);

// The tree of a JSON object, with a search above it.
function makeJson(fields) {
  const view = new JsonView(fields);
  const box = make("div", "json-box");
  const bar = make("div", "json-bar");
  const field = make("input", "control search");
  field.type = "search";
  field.placeholder = "Find in the JSON";
  field.setAttribute("aria-label", "Find in the JSON");
  const count = make("span", "json-found");
  count.setAttribute("role", "status");
  const step = (by) => {
    const place = view.step(by);
    count.textContent = place ? `${place} of ${view.hits.length}` : field.value ? "nothing" : "";
  };
  field.addEventListener("input", () => {
    view.search(field.value.trim());
    step(1);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
  });
  bar.append(
    field,
    count,
    makeIconButton("glyph-button", "down", "Next place", () => step(1)),
    makeIconButton("glyph-button", "up", "Place before", () => step(-1)),
    makeButton("button small", "Unfold all", () => view.unfoldAll()),
    makeButton("button small", "Fold all", () => view.foldAll()),
  );
  box.append(bar, view.element);
  return box;
}

function makeHeaders({ headers, answer }) {
  const box = make("div", "headers");
  box.append(make("h3", "", "Request"), makeTable(headers));
  if (answer) box.append(make("h3", "", "Answer"), makeTable(answer.headers));
  return box;
}

function makeTable(headers) {
  const list = make("dl", "table");
  for (const [name, value] of Object.entries(headers)) {
    const row = make("div", "table-row");
    row.append(make("dt", "", name), make("dd", "", value));
    list.append(row);
  }
  return list.children.length ? list : makeNothing("None");
}

function tokenMark({ jwt }) {
  if (!jwt) return {};
  return jwt.verdict === "good" ? { note: "good", tone: "good" } : { note: "bad", tone: "bad" };
}

function makeToken({ jwt }) {
  if (!jwt) return makeNothing("The request came without a token.");
  const box = make("div", "token");
  const isGood = jwt.verdict === "good";
  const verdict = make("p", `verdict ${isGood ? "good" : "bad"}`);
  verdict.append(make("b", "", isGood ? "The token holds" : "The token does not hold"));
  if (!isGood) verdict.append(`: ${jwt.verdict}`);
  box.append(verdict);
  for (const [name, value] of [
    ["Header", jwt.header],
    ["Claims", jwt.claims],
  ]) {
    box.append(make("h3", "", name));
    box.append(value ? new JsonView(value).element : makeNothing("Cannot be read."));
  }
  const { iat } = objectOf(jwt.claims);
  if (Number.isFinite(iat)) {
    box.append(make("p", "nothing", `Made (iat) ${momentOf(iat * 1000)}.`));
  }
  return box;
}
