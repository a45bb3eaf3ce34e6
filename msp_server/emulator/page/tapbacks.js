// Tapbacks. They travel as texts without a reference to the message, so that their bubble is found
// by the words they quote, as a business has to do it.

import { listOf, objectOf, textOf } from "./entries.js";

export const TAPBACKS = [
  { name: "loved", sign: "❤️", label: "Love", verb: "Loved" },
  { name: "liked", sign: "👍", label: "Like", verb: "Liked" },
  { name: "disliked", sign: "👎", label: "Dislike", verb: "Disliked" },
  { name: "laughed", sign: "😂", label: "Laugh", verb: "Laughed at" },
  { name: "emphasized", sign: "‼️", label: "Emphasize", verb: "Emphasized" },
  { name: "questioned", sign: "❓", label: "Question", verb: "Questioned" },
];

const STICKER = { name: "sticker", sign: "🏷️" };
const BODY = new RegExp(
  "^(Loved|Liked|Disliked|Laughed at|Emphasized|Questioned|Reacted .+? to|Removed .+? from) " +
    "(?:“(.*)”|(an? \\w+|\\d+ Business Messages?))$",
  "su",
);

// What a text of the customer says as a tapback, or null if it is none: {name, sign, removed}, and
// `quote`, the quoted words, or `what` stands for a message without words.
export function readTapback(entry) {
  if (entry.from !== "customer" || entry.type !== "text") return null;
  const found = BODY.exec(textOf(entry.body));
  if (!found) return null;
  const [, verb, quote, what] = found;
  return { ...reactionOf(verb), removed: verb.startsWith("Removed"), quote, what };
}

function reactionOf(verb) {
  if (verb.includes("a sticker")) return STICKER;
  const emoji = verb.replace(/^Reacted | to$/g, "");
  return TAPBACKS.find((each) => each.verb === verb) || { name: emoji, sign: emoji };
}

// The tapback that each bubble of the business bears, by the entry's id.
export function tapbacksOn(entries) {
  const found = new Map();
  entries.forEach((entry, place) => {
    const tapback = readTapback(entry);
    const target = tapback && entries.slice(0, place).findLast((each) => isMeant(each, tapback));
    if (!target) return;
    if (tapback.removed) found.delete(target.id);
    else found.set(target.id, tapback);
  });
  return found;
}

function isMeant(entry, tapback) {
  if (entry.from !== "business") return false;
  const fields = objectOf(entry.fields);
  if (tapback.quote !== undefined) {
    return [fields.body, objectOf(fields.richLinkData).url].includes(tapback.quote);
  }
  if (tapback.what.includes("Business")) return entry.type === "interactive";
  return listOf(fields.attachments).length > 0;
}
