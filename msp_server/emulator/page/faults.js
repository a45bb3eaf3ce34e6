// Faults by click: what can go wrong, in plain words, and what is on order.

import { call } from "./api.js";
import { make, makeButton, makeIconButton } from "./dom.js";
import { counted } from "./measures.js";
import { makeInput, makeLabelled, makeSelect } from "./tool_dialog.js";

const FAULTS = "/emulator/faults";
const GROUPS = [
  ["What your MSP gets", "Customers’ messages on their way to your MSP.", ["msp"]],
  ["What Apple answers", "Your MSP’s requests to the gateway.", ["message", "authenticate"]],
  [
    "Files",
    "Uploads, downloads, and what messages say of them.",
    ["download", "upload", "preDownload", "preUpload", "descriptor", "dataRef"],
  ],
];
const OTHER_GROUP = ["Others", "", []];
const PLACES = {
  message: "messages to the gateway",
  authenticate: "sign-ins to the gateway",
  dataRef: "messages that carry a reference",
  preUpload: "asking for an upload address",
  upload: "uploads",
  preDownload: "asking for a download address",
  download: "downloads",
  decodePayload: "decoding a payload",
  session: "merchant sessions",
  descriptor: "what a message says of a file",
  token: "the OAuth provider’s token",
  userinfo: "the OAuth provider’s user data",
  msp: "messages to your MSP",
};
const STATUSES = [400, 401, 403, 404, 429, 500, 502, 503];
const HEADERS = [
  "id",
  "source-id",
  "destination-id",
  "capability-list",
  "content-encoding",
  "content-type",
];
// Kinds that are worth a line of their own with other fields than the usual ones.
const VARIANTS = {
  status: [{ says: "Answer 429: too many, come back in 5 s", status: 429, retry_after: "5" }],
};

export class FaultsPanel {
  // `wire` says sentences; `onCount` gets how many faults are on order.
  constructor(wire, onCount) {
    this.wire = wire;
    this.onCount = onCount;
    this.element = make("div", "panel faults");
    this.orders = make("section", "card-box");
    this.menu = make("div", "groups");
    this.element.append(this.orders, this.menu);
  }

  async show() {
    if (this.menu.children.length) return;
    const { fields } = await call(`${FAULTS}/kinds`);
    this.says = Object.fromEntries(fields.kinds.map(({ do: name, says }) => [name, says]));
    this.menu.replaceChildren(...groupsOf(fields.kinds).map((group) => this.makeGroup(group)));
    await this.refresh();
  }

  // Reads what is on order.
  async refresh() {
    const { fields } = await call(FAULTS);
    this.onCount(fields.faults.length);
    if (this.says) this.drawOrders(fields.faults, fields.used_up);
  }

  drawOrders(faults, usedUp) {
    const head = make("div", "card-head");
    head.append(make("h2", "", faults.length ? `On order (${faults.length})` : "On order"));
    const all = makeButton("button small", "Take all back", () => this.act("DELETE", ""));
    all.disabled = faults.length + usedUp.length === 0;
    head.append(all);
    const list = make("ul", "orders");
    list.append(...faults.map((each) => this.makeOrder(each, true)));
    list.append(...usedUp.toReversed().map((each) => this.makeOrder(each, false)));
    const empty = make("p", "nothing", "Nothing: all goes well. Choose below what shall go wrong.");
    this.orders.replaceChildren(head, list.children.length ? list : empty);
  }

  makeOrder(fault, isOpen) {
    const line = make("li", isOpen ? "order" : "order done");
    const words = make("span", "order-words");
    words.append(make("b", "", this.say(fault)), make("span", "", describe(fault, isOpen)));
    line.append(words);
    if (isOpen) {
      const remove = () => this.act("DELETE", `/${fault.number}`);
      line.append(makeIconButton("glyph-button", "cross", `Take back: ${this.say(fault)}`, remove));
    }
    return line;
  }

  say(fault) {
    const words = this.says[fault.do] || fault.do;
    if (fault.do === "status") return `Answer ${fault.status}`;
    if (fault.do === "delay") return `${words}: ${fault.delay_s} s`;
    return fault.do === "no_header" ? `${words}: ${fault.header}` : words;
  }

  makeGroup([title, hint, , kinds]) {
    const group = make("section", "card-box");
    const head = make("div", "card-head");
    head.append(make("h2", "", title));
    group.append(head);
    if (hint) group.append(make("p", "hint", hint));
    const list = make("ul", "kinds");
    list.append(...kinds.map((kind) => this.makeKind(kind)));
    group.append(list);
    return group;
  }

  makeKind(kind) {
    const line = make("li", "fault-kind");
    const fold = make("details", "fault-fold");
    const words = make("summary", "", kind.says);
    fold.append(words);
    // The form is made when somebody looks at it.
    fold.addEventListener("toggle", () => {
      if (fold.open && fold.children.length === 1) fold.append(this.makeForm(kind));
    });
    const { status, retry_after } = kind;
    const once = makeButton("button small", "Once", () =>
      this.act("POST", "", { do: kind.do, count: 1, status, retry_after }),
    );
    once.setAttribute("aria-label", `Once: ${kind.says}`);
    line.append(fold, once);
    return line;
  }

  makeForm(kind) {
    const form = make("form", "fault-form");
    form.autocomplete = "off";
    const place = makeSelect(
      kind.endpoints.map((name) => [name, PLACES[name] || name]),
      kind.endpoints[0],
    );
    const often = makeSelect(
      [
        ["count", "as many times as"],
        ["ever", "every time"],
        ["chance", "with a chance of"],
      ],
      "count",
    );
    const number = makeInput("1");
    number.inputMode = "numeric";
    number.setAttribute("aria-label", "How many times, or per cent");
    number.size = 4;
    const unit = make("span", "unit", "");
    const draw = () => {
      number.hidden = often.value === "ever";
      unit.textContent = { count: "times", ever: "", chance: "%" }[often.value];
    };
    often.addEventListener("change", () => {
      number.value = often.value === "chance" ? "30" : "1";
      draw();
    });
    draw();
    const howOften = make("div", "how-often");
    howOften.append(often, number, unit);
    const people = makeSelect([["", "anybody"], ...this.wire.people().map((name) => [name, name])]);
    const extras = makeExtras(kind);
    form.append(makeLabelled("Where", place));
    form.append(makeRow("How often", howOften));
    for (const { label, control } of extras) form.append(makeLabelled(label, control));
    if (kind.endpoints.some(isOfMessages)) form.append(makeLabelled("For whom", people));
    const go = make("button", "button strong", "Order it");
    form.append(go);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const given = { do: kind.do, endpoint: place.value, ...readOften(often.value, number.value) };
      for (const { name, control, read } of extras) {
        if (control.value.trim()) given[name] = read(control.value.trim());
      }
      if (people.value && isOfMessages(place.value)) given.customer = people.value;
      await this.act("POST", "", given);
    });
    return form;
  }

  async act(method, path, fields) {
    try {
      const { status, fields: answer } = await call(FAULTS + path, method, fields);
      if (status >= 400) this.wire.say(answer.error);
      else if (method === "POST") this.wire.say(`Ordered: ${this.say(answer)}`);
      await this.refresh();
    } catch {
      this.wire.say("The emulator does not answer");
    }
  }
}

const isOfMessages = (place) =>
  ["message", "authenticate", "dataRef", "descriptor", "msp"].includes(place);

// Several controls under one label, which the first of them bears.
function makeRow(label, inside) {
  const row = make("div", "labelled");
  row.append(make("span", "labelled-name", label), inside);
  inside.firstElementChild.setAttribute("aria-label", label);
  return row;
}

// The kinds under their headings, each by the first place where it can happen.
function groupsOf(kinds) {
  const groups = [...GROUPS, OTHER_GROUP].map((group) => [...group, []]);
  for (const kind of kinds) {
    const found = groups.find(([, , places]) => places.includes(kind.endpoints[0]));
    (found || groups.at(-1))[3].push(kind, ...variantsOf(kind));
  }
  return groups.filter(([, , , found]) => found.length);
}

const variantsOf = (kind) =>
  (VARIANTS[kind.do] || []).map((variant) => ({ ...kind, ...variant }));

// Fields that say more of a kind: {name, label, control, read}.
function makeExtras(kind) {
  const known = {
    status: () => {
      const input = makeInput(kind.status ?? "", "the usual one");
      input.inputMode = "numeric";
      input.title = `Such as ${STATUSES.join(", ")}`;
      return { label: "Status", control: input, read: Number };
    },
    retry_after: () => ({
      label: "Retry-After",
      control: makeInput(kind.retry_after ?? "", "none"),
      read: String,
    }),
    delay_s: () => ({
      label: "Seconds",
      control: makeInput("3"),
      read: Number,
    }),
    header: () => ({
      label: "Header",
      control: makeSelect(HEADERS.map((name) => [name, name])),
      read: String,
    }),
  };
  return kind.fields.filter((name) => known[name]).map((name) => ({ name, ...known[name]() }));
}

// Numbers that are none go as they are, so that the emulator says what is wrong.
function readOften(how, text) {
  const number = text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
  if (how === "count") return { count: number };
  if (how === "ever") return { count: null };
  return { probability: typeof number === "number" ? number / 100 : number };
}

function describe(fault, isOpen) {
  const parts = [`at ${PLACES[fault.endpoint] || fault.endpoint}`];
  if (fault.retry_after) parts.push(`Retry-After ${fault.retry_after}`);
  if (fault.type) parts.push(`of type ${fault.type}`);
  if (fault.customer) parts.push(`for ${fault.customer}`);
  if (fault.probability < 1) {
    parts.push(`with a chance of ${Math.round(fault.probability * 100)} %`);
  }
  else if (isOpen && fault.count === null) parts.push("every time");
  if (isOpen && fault.count !== null) parts.push(`${counted(fault.count, "time")} to go`);
  if (fault.happened) parts.push(`happened ${counted(fault.happened, "time")}`);
  return parts.join(", ");
}
