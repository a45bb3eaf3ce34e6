// Sizes, spans and moments, as short as a list needs them.

const UNITS = ["B", "KB", "MB", "GB"];

export function sizeIn(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit && size < 100 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

export function spanIn(seconds) {
  const span = seconds * 1000;
  if (span < 10) return `${span.toFixed(1)} ms`;
  return span < 1000 ? `${Math.round(span)} ms` : `${seconds.toFixed(2)} s`;
}

const CLOCK = new Intl.DateTimeFormat([], {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

export const clockOf = (at) => CLOCK.format(new Date(at));

export const momentOf = (at) =>
  new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });

export const grouped = (number) => number.toLocaleString("en");

// "1 key", "2 keys".
export const counted = (number, word) => `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;
