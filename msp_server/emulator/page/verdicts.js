// What an exchange is, and how it ended, in words and signs that list and details share.

import { make, makeGlyph } from "./dom.js";

const DIRECTIONS = {
  to_msp: { glyph: "right", words: "to your MSP", short: "To your MSP" },
  to_gateway: { glyph: "left", words: "from your MSP to Apple", short: "To Apple" },
  to_provider: { glyph: "up", words: "to the OAuth provider", short: "To the provider" },
};
const KINDS = {
  typing_start: "Typing",
  typing_end: "Typing ends",
  richLink: "Rich link",
  sign_in: "Sign-in",
  userinfo: "User data",
  session: "Merchant session",
};

export const directionOf = (exchange) => DIRECTIONS[exchange.direction] || DIRECTIONS.to_gateway;

// A kind in words; Apple's own, such as decodePayload, stays as it is.
export function kindOf(kind) {
  if (KINDS[kind]) return KINDS[kind];
  const words = (kind || "unknown").replaceAll("_", " ");
  return /[A-Z]/.test(words) ? words : words[0].toUpperCase() + words.slice(1);
}

export const isFault = (exchange) => exchange.rule === "fault";

export const wentWrong = (exchange) =>
  exchange.status === null || exchange.status >= 400 || isFault(exchange);

// How it ended: a word, and the name of its colour.
export function endOf({ status }) {
  if (status === null) return { word: "No answer", tone: "bad" };
  if (status < 300) return { word: "OK", tone: "good" };
  if (status < 400) return { word: "Redirect", tone: "calm" };
  return status < 500 ? { word: "Refused", tone: "odd" } : { word: "Failed", tone: "bad" };
}

export function makeStatus(exchange) {
  const { word, tone } = endOf(exchange);
  const status = make("span", `status ${tone}`);
  if (exchange.status !== null) status.append(make("b", "", exchange.status), " ");
  status.append(word);
  return status;
}

export function makeArrow(exchange) {
  const { glyph, words } = directionOf(exchange);
  const arrow = make("span", `arrow ${exchange.direction}`);
  arrow.title = words;
  arrow.append(makeGlyph(glyph));
  return arrow;
}
