// What just happened, as the emulator tells it: one stream of events for the whole page.

const RETRY_MS = 2000;
const NAMES = [
  "ready",
  "exchange",
  "journal_cleared",
  "transcript",
  "customers",
  "faults",
  "switches",
  "reset",
];

const acts = new Map();
let source = null;
let ready = null; // the fields of "ready" while the stream holds

// Calls `act` with the fields of every event of that name. Besides those of the emulator there is
// "away": the stream broke off, and nothing is told until "ready" comes.
export function listen(name, act) {
  acts.set(name, [...(acts.get(name) || []), act]);
  if (!source) follow();
  if (name === "ready" && ready) act(ready); // who comes late is told, too
}

function follow() {
  source = new EventSource("/emulator/events");
  for (const name of NAMES) {
    source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
  }
  source.addEventListener("error", () => {
    tell("away", {});
    // A browser comes back by itself unless it was refused, as when too many follow.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, RETRY_MS);
  });
}

function tell(name, fields) {
  if (name === "ready") ready = fields;
  if (name === "away") ready = null;
  for (const act of acts.get(name) || []) act(fields);
}
