// Times as messages spell them, and as a phone shows them.

const START = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?(?:Z|([+-]\d\d):?(\d\d))$/;

// The moment that a startTime names, or null.
export function parseStart(text) {
  const found = START.exec(text);
  if (!found) return null;
  const [, day, clock, seconds = ":00", hours, minutes] = found;
  const moment = new Date(`${day}T${clock}${seconds}${hours ? `${hours}:${minutes}` : "Z"}`);
  return Number.isNaN(moment.getTime()) ? null : moment;
}

// The zone of a time picker: the phone's own, or the fixed one that lies so many minutes from GMT.
export function zoneOf(offset, own) {
  const minutes = Number(offset ?? NaN);
  if (offset === "" || !Number.isFinite(minutes)) {
    const name = `Times in your time zone, ${own.replaceAll("_", " ")}`;
    return { shiftMs: 0, timeZone: own, name };
  }
  const size = Math.abs(minutes);
  const clock = `${Math.floor(size / 60)}:${String(size % 60).padStart(2, "0")}`;
  const name = `Times in the business’s time zone, GMT${minutes < 0 ? "−" : "+"}${clock}`;
  return { shiftMs: minutes * 60_000, timeZone: "UTC", name };
}

export function dayIn(zone, moment) {
  return format(zone, moment, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

export function clockIn(zone, moment) {
  return format(zone, moment, { hour: "numeric", minute: "2-digit" });
}

function format(zone, moment, options) {
  const shifted = new Date(moment.getTime() + zone.shiftMs);
  return shifted.toLocaleString([], { ...options, timeZone: zone.timeZone });
}

// How long a slot lasts, in words.
export function lengthOf(seconds) {
  const minutes = Math.round(Number(seconds) / 60);
  if (!Number.isFinite(minutes) || minutes <= 0) return "";
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60 ? `${minutes % 60} min` : "";
  return [hours ? `${hours} h` : "", rest].filter(Boolean).join(" ");
}

// A date of a form, written as its dateFormat says or as YYYY-MM-DD: given as YYYY-MM-DD, or "".
export function parseDay(text, dateFormat) {
  if (typeof text !== "string") return "";
  if (/^\d{4}-\d\d-\d\d/.test(text)) return text.slice(0, 10);
  const fields = dateFormat.match(/y+|M+|d+/g) || [];
  const numbers = text.match(/\d+/g) || [];
  const found = Object.fromEntries(fields.map((field, place) => [field[0], numbers[place]]));
  if (!found.y || !found.M || !found.d) return "";
  return `${found.y.padStart(4, "20")}-${found.M.padStart(2, "0")}-${found.d.padStart(2, "0")}`;
}

// The present day in a zone, as YYYY-MM-DD.
export function todayIn(timeZone) {
  const fields = new Intl.DateTimeFormat("en", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(new Date());
  const field = (name) => fields.find((each) => each.type === name).value;
  return `${field("year")}-${field("month")}-${field("day")}`;
}

export function showDay(day) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date).toLocaleDateString([], { dateStyle: "medium" });
}

// When a message came, above the first after a silence.
export function whenOf(entry) {
  const at = new Date(entry.at);
  const clock = at.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  if (at.toDateString() === new Date().toDateString()) return `Today ${clock}`;
  const day = at.toLocaleDateString([], { weekday: "short", day: "numeric", month: "short" });
  return `${day} ${clock}`;
}
