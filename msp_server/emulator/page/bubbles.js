// What each kind of message looks like in the conversation, and what a tap on it does.

import { openApp } from "./app.js";
import { makeCard, makeLink } from "./cards.js";
import { make, makeButton, makeGlyph, makePicture } from "./dom.js";
import { answerOf, dataOf, listOf, nameOf, objectOf, spokenOf, textOf, wordsOf } from "./entries.js";
import { openForm } from "./form.js";
import { openPayment } from "./payment.js";
import { openListPicker, openTimePicker } from "./pickers.js";
import { openSignIn } from "./sign_in.js";

const SHEETS = {
  list_picker: openListPicker,
  time_picker: openTimePicker,
  form: openForm,
  custom_app: openApp,
  payment: openPayment,
  sign_in: openSignIn,
};

// Gives a bubble's elements, from top to bottom: the bubble itself and what can be tapped below it.
export function makeBubble(entry, phone) {
  try {
    return entry.from === "business" ? makeReceived(entry, phone) : [makeSent(entry)];
  } catch {
    return [makeWords(nameOf(entry), "strange")]; // a shape that nobody foresaw is still a message
  }
}

function makeReceived(entry, phone) {
  if (entry.type === "text") return [makeWords(spokenOf(entry))];
  if (entry.type === "richLink") return [makeLink(entry)];
  if (entry.type !== "interactive") return [makeWords(wordsOf(entry), "strange")];
  if (entry.unsupported) {
    return [makeWords(`This device cannot show it: ${nameOf(entry)}`, "strange")];
  }
  if (entry.shows === "quick_reply") return makeQuickReply(entry, phone);
  if (entry.shows === "invitation") return [makeInvitation(entry, phone)];
  const openSheet = SHEETS[entry.shows];
  if (openSheet) {
    return [makeCard(entry, { open: entry.answerable ? () => openSheet(entry, phone) : null })];
  }
  return [makeCard(entry, { note: `${nameOf(entry)}: this emulator cannot answer it yet` })];
}

function makeSent(entry) {
  if (entry.type !== "interactive")
    return makeWords(wordsOf(entry), entry.type === "text" ? "" : "strange");
  return makeWords(answerOf(entry).join("\n"));
}

function makeWords(words, className = "") {
  return make("div", `bubble ${className}`, words);
}

function makeQuickReply(entry, phone) {
  const quick = objectOf(dataOf(entry)["quick-reply"]);
  const bubble = makeWords(textOf(quick.summaryText));
  if (!entry.answerable) return [bubble];
  const chips = make("div", "chips");
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-label", "Quick replies");
  const tap = once((identifier) => phone.act("tap", { to: entry.id, identifier }), phone);
  for (const item of listOf(quick.items)) {
    chips.append(makeButton("chip", textOf(item.title), () => tap(item.identifier)));
  }
  return [bubble, chips];
}

function makeInvitation(entry, phone) {
  const invitation = objectOf(dataOf(entry).notification);
  const parameters = objectOf(invitation.parameters);
  const brand = textOf(parameters.brandName) || "A business";
  const card = make("div", "card invitation");
  const logo = make("span", "logo");
  logo.append(makePicture(parameters.brandLogo, brand, makeGlyph("shop")) || makeGlyph("shop"));
  card.append(
    logo,
    make("span", "card-title", brand),
    make(
      "span",
      "card-subtitle",
      `${brand} would like to send you messages about ${textOf(invitation.referenceId)}.`,
    ),
  );
  if (entry.answerable) card.append(makeDecision(entry, phone));
  else if (textOf(objectOf(entry.replied).title)) {
    card.append(make("span", "card-note", `Your answer: ${textOf(entry.replied.title)}`));
  }
  return card;
}

function makeDecision(entry, phone) {
  const decision = make("span", "decision");
  const decide = once((accept) => phone.act("answer_invitation", { to: entry.id, accept }), phone);
  decision.append(
    makeButton("chip", "Decline", () => decide(false)),
    makeButton("chip strong", "Accept", () => decide(true)),
  );
  return decision;
}

// Lets the first tap count, and a further one only when the first did not fit.
function once(act, phone) {
  let tapped = false;
  return async (choice) => {
    if (tapped) return;
    tapped = true;
    const wrong = await act(choice);
    tapped = !wrong;
    if (wrong) phone.say(wrong);
  };
}
