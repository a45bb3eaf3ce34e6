// Every exchange that the journal has, as summaries, and which of them are wanted.

import { call } from "./api.js";
import { isFault, wentWrong } from "./verdicts.js";

const KEPT = 5000; // as many as the emulator keeps
const PAGE = 250;
const BEYOND = 1e15; // higher than any number
const JOURNAL = "/emulator/journal";

// Tests of the status filter, by its choices.
const ENDS = {
  "": () => true,
  wrong: wentWrong,
  "2xx": ({ status }) => status >= 200 && status < 300,
  "3xx": ({ status }) => status >= 300 && status < 400,
  "4xx": ({ status }) => status >= 400 && status < 500,
  "5xx": ({ status }) => status >= 500,
  none: ({ status }) => status === null,
  fault: isFault,
};

export class Exchanges {
  // `onChange` is called when there are others, or others are wanted.
  constructor(onChange) {
    this.onChange = onChange;
    this.known = new Map(); // by number
    this.wish = { direction: "", customer: "", kind: "", status: "", text: "" };
    this.came = null; // see read
    this.found = null; // numbers that the emulator found the text in; null without a text
    this.turn = 0; // tells a search from the one that it replaces
  }

  get size() {
    return this.known.size;
  }

  // Those that are wanted, newest first.
  wanted() {
    const { direction, customer, kind, status } = this.wish;
    const fits = (each) =>
      (!direction || each.direction === direction) &&
      (!customer || each.customer === customer) &&
      (!kind || each.kind === kind) &&
      ENDS[status](each) &&
      (!this.found || this.found.has(each.seq));
    return [...this.known.values()].filter(fits).sort((one, other) => other.seq - one.seq);
  }

  // What there is to choose from under one name, such as every kind.
  choices(name) {
    const values = [...this.known.values()].map((each) => each[name]);
    return [...new Set(values.filter(Boolean))].sort();
  }

  find(seq) {
    return this.known.get(seq);
  }

  // Reads the journal anew, the newest exchanges first.
  async read() {
    const kept = new Map();
    const came = new Map(); // while the journal was read
    this.came = came;
    for await (const exchange of readAll({})) kept.set(exchange.seq, exchange);
    if (this.came !== came) return; // it is read anew already
    this.came = null;
    this.known = new Map([...kept, ...came]);
    await this.search();
  }

  // Takes an exchange that is new, or that got its answer.
  take(exchange) {
    const isNew = !this.known.has(exchange.seq);
    this.known.set(exchange.seq, exchange);
    this.came?.set(exchange.seq, exchange);
    if (isNew && this.known.size > KEPT) this.known.delete(Math.min(...this.known.keys()));
    if (this.found) this.searchLater();
    this.onChange();
  }

  forget() {
    this.known.clear();
    this.came?.clear();
    this.found?.clear();
    this.onChange();
  }

  // Wants others from now on.
  want(changes) {
    const before = this.wish.text;
    this.wish = { ...this.wish, ...changes };
    if (this.wish.text === before) this.onChange();
    else this.searchLater();
  }

  searchLater() {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.search().catch(() => {}), 150);
  }

  // The emulator looks for the text, for only it has the whole of each exchange.
  async search() {
    this.turn += 1;
    const { turn } = this;
    const { text } = this.wish;
    const found = text ? new Set() : null;
    if (text) {
      for await (const exchange of readAll({ text })) {
        if (turn !== this.turn) return;
        found.add(exchange.seq);
      }
    }
    this.found = found;
    this.onChange();
  }
}

export async function readExchange(seq) {
  return call(`${JOURNAL}/${seq}`);
}

export async function clearJournal() {
  return call(JOURNAL, "DELETE");
}

async function* readAll(query) {
  let before = BEYOND;
  for (;;) {
    const asked = new URLSearchParams({ ...query, summary: 1, limit: PAGE, before });
    const { status, fields } = await call(`${JOURNAL}?${asked}`);
    if (status !== 200) return;
    yield* fields.exchanges;
    if (fields.exchanges.length < PAGE) return;
    before = fields.exchanges[0].seq;
  }
}
