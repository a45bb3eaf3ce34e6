// The wire: every exchange between Apple's side and the MSP, live, and what can be set to go wrong.

import { part } from "./dom.js";
import { makeExchange } from "./exchange.js";
import { ExchangeList } from "./exchange_list.js";
import { Exchanges, clearJournal, readExchange } from "./exchanges.js";
import { FaultsPanel } from "./faults.js";
import { listen } from "./live.js";
import { grouped } from "./measures.js";
import { PeoplePanel } from "./people.js";
import { oncePerPicture } from "./slices.js";
import { showView } from "./split.js";
import { SwitchesPanel } from "./switches.js";
import { putOptions } from "./tool_dialog.js";
import { kindOf } from "./verdicts.js";

const SENTENCE_MS = 4000;
const NAMES = ["exchanges", "faults", "switches", "people"];
const FILTERS = ["direction", "customer", "kind", "status", "text"];

let shown = null; // the exchange whose details are shown, by its number
let hush = 0;

// What panels and details need of the wire around them.
const wire = {
  say,
  choose: (seq) => {
    list.mark(seq);
    open(seq);
  },
  leave: () => {
    close();
    part("exchange-list").focus();
  },
  all: () => [...exchanges.known.values()].sort((one, other) => other.seq - one.seq),
  people: () => exchanges.choices("customer"),
  showOnPhone: (name) => {
    document.dispatchEvent(new CustomEvent("show-customer", { detail: name }));
    showView("phone");
  },
};

const drawLater = oncePerPicture(draw);
const exchanges = new Exchanges(drawLater);
const list = new ExchangeList(part("exchange-list"), ({ seq }) => open(seq));
const panels = {
  faults: new FaultsPanel(wire, (count) => putCount("faults", count)),
  switches: new SwitchesPanel(wire, (count) => putCount("switches", count)),
  people: new PeoplePanel(wire),
};

// Shows a sentence for a while.
function say(sentence) {
  part("wire-sentence").textContent = sentence;
  part("wire-sentence").hidden = false;
  clearTimeout(hush);
  hush = setTimeout(() => (part("wire-sentence").hidden = true), SENTENCE_MS);
}

function draw() {
  const wanted = exchanges.wanted();
  list.show(wanted);
  const all = exchanges.size;
  const isFiltered = Object.values(exchanges.wish).some(Boolean);
  part("exchange-count").textContent = isFiltered
    ? `${grouped(wanted.length)} of ${grouped(all)}`
    : grouped(all);
  part("clear-filters").hidden = !isFiltered;
  part("clear-journal").disabled = all === 0;
  part("no-exchange").hidden = wanted.length > 0;
  part("no-exchange").textContent = all
    ? "Nothing fits the filter."
    : "Nothing went over the wire yet. Write something on the phone.";
  putOptions(part("filter-customer"), optionsOf("customer", "Everybody", String));
  putOptions(part("filter-kind"), optionsOf("kind", "Every kind", kindOf));
}

const optionsOf = (name, every, say) => [
  ["", every],
  ...exchanges.choices(name).map((value) => [value, say(value)]),
];

async function open(seq) {
  const isOther = shown !== seq;
  shown = seq;
  try {
    const { status, fields } = await readExchange(seq);
    if (shown !== seq) return; // another one was chosen meanwhile
    if (status !== 200) {
      say(fields.error);
      close();
      return;
    }
    const box = part("exchange");
    const scrolled = isOther ? 0 : box.querySelector(".tab-panel")?.scrollTop;
    box.replaceChildren(...makeExchange(fields, wire));
    part("wire-exchanges").classList.add("with-exchange");
    box.hidden = false;
    if (scrolled) box.querySelector(".tab-panel").scrollTop = scrolled;
    list.mark(seq); // there is less room for the list now
  } catch {
    say("The emulator does not answer");
  }
}

function close() {
  shown = null;
  list.mark(null);
  part("exchange").hidden = true;
  part("exchange").replaceChildren();
  part("wire-exchanges").classList.remove("with-exchange");
}

function putCount(name, count) {
  const badge = part(`count-${name}`);
  badge.textContent = count;
  badge.hidden = count === 0;
}

async function showPanel(name) {
  for (const each of NAMES) {
    const isShown = each === name;
    part(`wire-${each}`).hidden = !isShown;
    part(`tab-${each}`).setAttribute("aria-selected", String(isShown));
    part(`tab-${each}`).tabIndex = isShown ? 0 : -1;
  }
  await attempt(() => panels[name]?.show());
}

// Does what may find the emulator away; then it is done again once that is back.
async function attempt(act) {
  try {
    await act();
  } catch {
    say("The emulator does not answer");
  }
}

function setUpTabs() {
  for (const [name, panel] of Object.entries(panels)) part(`wire-${name}`).append(panel.element);
  NAMES.forEach((name) => part(`tab-${name}`).addEventListener("click", () => showPanel(name)));
  part("wire-tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const place = NAMES.findIndex((name) => part(`tab-${name}`) === document.activeElement);
    const name = NAMES[(place + by + NAMES.length) % NAMES.length];
    showPanel(name);
    part(`tab-${name}`).focus();
  });
}

function setUpFilters() {
  for (const name of FILTERS) {
    const control = part(`filter-${name}`);
    const kind = name === "text" ? "input" : "change";
    control.addEventListener(kind, () => {
      control.classList.toggle("set", control.value !== "");
      exchanges.want({ [name]: control.value.trim() });
    });
  }
  part("clear-filters").addEventListener("click", () => {
    for (const name of FILTERS) {
      part(`filter-${name}`).value = "";
      part(`filter-${name}`).classList.remove("set");
    }
    exchanges.want(Object.fromEntries(FILTERS.map((name) => [name, ""])));
    part("filter-text").focus();
  });
  part("clear-journal").addEventListener("click", () => attempt(clearJournal));
}

function setUpKeys() {
  part("exchange-list").addEventListener("keydown", (event) => {
    if (event.key === "Enter") part("exchange").querySelector("[role=tabpanel]")?.focus();
  });
  part("wire-exchanges").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.target.type === "search" || shown === null) return;
    wire.leave();
  });
}

// Shows everything as it is now.
async function readAll() {
  await attempt(async () => {
    await exchanges.read();
    await Promise.all(Object.values(panels).map((panel) => panel.refresh()));
  });
}

let isFirst = true;
listen("ready", ({ missed }) => {
  part("live").textContent = "Live";
  part("live").className = "live on";
  if (isFirst || missed) readAll();
  isFirst = false;
});
listen("away", () => {
  part("live").textContent = "Away";
  part("live").className = "live";
});
listen("exchange", (exchange) => {
  if (!exchanges.find(exchange.seq)) list.welcome(exchange.seq);
  exchanges.take(exchange);
  if (exchange.seq === shown) open(shown); // its answer came
});
listen("journal_cleared", () => {
  close();
  exchanges.forget();
});
const refresh = (name) => oncePerPicture(() => attempt(() => panels[name].refresh()));
listen("faults", refresh("faults"));
listen("switches", (positions) => panels.switches.draw(positions));
listen("customers", refresh("people"));
listen("reset", refresh("people"));

setUpTabs();
setUpFilters();
setUpKeys();
drawLater();
