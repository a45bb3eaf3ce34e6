// The list of exchanges. Of however many there are, only the lines in sight are in the page.

import { make } from "./dom.js";
import { clockOf, sizeIn, spanIn } from "./measures.js";
import { oncePerPicture } from "./slices.js";
import { directionOf, endOf, isFault, kindOf, makeArrow, makeStatus } from "./verdicts.js";

const SPARE = 5; // lines drawn beyond each edge

export class ExchangeList {
  // `box` scrolls, with one element inside; `onChoose` gets the exchange that was chosen.
  constructor(box, onChoose) {
    this.box = box;
    this.lines = box.firstElementChild;
    this.onChoose = onChoose;
    this.exchanges = [];
    this.chosen = null; // the number of an exchange
    this.drawn = new Map(); // by number: {exchange, line}
    this.fresh = new Set(); // numbers of those that just came
    this.redraw = oncePerPicture(() => this.draw());
    box.addEventListener("scroll", this.redraw, { passive: true });
    box.addEventListener("keydown", (event) => this.onKey(event));
    box.addEventListener("click", (event) => {
      const line = event.target.closest("[role=option]");
      if (line) this.choose(Number(line.dataset.seq));
    });
    new ResizeObserver(() => this.measure()).observe(box);
    this.measure();
  }

  // Lines are higher where there is less room beside one another: the style says how high.
  measure() {
    this.height = parseFloat(getComputedStyle(this.lines).getPropertyValue("--line-height")) || 32;
    this.redraw();
  }

  // Shows these exchanges, newest first; what is in sight stays where it is.
  show(exchanges) {
    const top = Math.floor(this.box.scrollTop / this.height);
    const held = this.box.scrollTop > 0 ? this.exchanges[top]?.seq : undefined;
    this.exchanges = exchanges;
    this.lines.style.height = `${exchanges.length * this.height}px`;
    const place = held === undefined ? -1 : this.placeOf(held);
    if (place >= 0 && place !== top) this.box.scrollTop += (place - top) * this.height;
    this.redraw();
  }

  // Lets one be seen to be new when it is drawn next.
  welcome(seq) {
    this.fresh.add(seq);
  }

  placeOf(seq) {
    return this.exchanges.findIndex((each) => each.seq === seq);
  }

  choose(seq) {
    this.mark(seq);
    const exchange = this.exchanges[this.placeOf(seq)];
    if (exchange) this.onChoose(exchange);
  }

  // Marks one as chosen, or none.
  mark(seq) {
    this.chosen = seq;
    this.bringIntoSight(this.placeOf(seq));
    this.redraw();
  }

  bringIntoSight(place) {
    if (place < 0) return;
    const top = place * this.height;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) {
      this.box.scrollTop = top + this.height - clientHeight;
    }
  }

  onKey(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const last = this.exchanges.length - 1;
    const ends = { Home: 0, End: last };
    const place = this.placeOf(this.chosen);
    if (event.key in steps) this.goTo(Math.min(last, Math.max(0, place + steps[event.key])));
    else if (event.key in ends) this.goTo(ends[event.key]);
    else return;
    event.preventDefault();
  }

  goTo(place) {
    if (this.exchanges[place]) this.choose(this.exchanges[place].seq);
  }

  draw() {
    const { scrollTop, clientHeight } = this.box;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - SPARE);
    const last = Math.ceil((scrollTop + clientHeight) / this.height) + SPARE;
    const seen = this.exchanges.slice(first, last);
    const wanted = new Set(seen);
    for (const [seq, { exchange, line }] of this.drawn) {
      if (wanted.has(exchange)) continue;
      line.remove();
      this.drawn.delete(seq);
    }
    let next = this.lines.firstElementChild;
    seen.forEach((exchange, index) => {
      const line = this.lineOf(exchange, first + index);
      // In the order in which they are seen, for who has them read out.
      if (line === next) next = next.nextElementSibling;
      else this.lines.insertBefore(line, next);
    });
    const active = this.drawn.get(this.chosen)?.line;
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
    this.fresh.clear();
  }

  lineOf(exchange, place) {
    let line = this.drawn.get(exchange.seq)?.line;
    if (!line) {
      line = makeLine(exchange);
      line.classList.toggle("new", this.fresh.has(exchange.seq));
      this.drawn.set(exchange.seq, { exchange, line });
    }
    line.style.top = `${place * this.height}px`;
    line.classList.toggle("striped", exchange.seq % 2 === 0);
    line.setAttribute("aria-selected", String(exchange.seq === this.chosen));
    line.setAttribute("aria-posinset", String(place + 1));
    line.setAttribute("aria-setsize", String(this.exchanges.length));
    return line;
  }
}

function makeLine(exchange) {
  const line = make("div", "exchange-line");
  line.id = `exchange-${exchange.seq}`;
  line.dataset.seq = exchange.seq;
  line.setAttribute("role", "option");
  line.setAttribute("aria-label", say(exchange));
  const path = make("span", "cell path");
  path.append(make("b", "", exchange.method), " ", exchange.path);
  path.title = exchange.url;
  const end = make("span", "cell end");
  end.append(makeStatus(exchange));
  if (isFault(exchange)) end.append(make("span", "tag", "fault"));
  const kind = make("span", "cell kind", kindOf(exchange.kind));
  if (exchange.repeats !== null) kind.append(make("span", "tag", "again"));
  line.append(
    makeArrow(exchange),
    kind,
    path,
    make("span", "cell who", exchange.customer || ""),
    end,
    make("span", "cell time", clockOf(exchange.at)),
    make("span", "cell number span", spanIn(exchange.seconds)),
    make("span", "cell number sent", sizeIn(exchange.packed_bytes)),
    make("span", "cell number answered", sizeIn(exchange.answer_bytes)),
  );
  return line;
}

// The line in a sentence, for who does not see its columns.
function say(exchange) {
  const { word } = endOf(exchange);
  const parts = [
    `${kindOf(exchange.kind)} ${directionOf(exchange).words}`,
    `${exchange.method} ${exchange.path}`,
    exchange.status === null ? word : `${exchange.status} ${word}`,
    isFault(exchange) ? "by a fault" : "",
    exchange.customer || "",
    clockOf(exchange.at),
    `took ${spanIn(exchange.seconds)}`,
    `${sizeIn(exchange.packed_bytes)} sent`,
  ];
  return parts.filter(Boolean).join(", ");
}
