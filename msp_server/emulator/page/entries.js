// Reads what an entry of the transcript holds. A message may be shaped wrongly: what is not of the
// kind that is asked for counts as absent.

const NAMES = {
  quick_reply: "Quick reply",
  list_picker: "List picker",
  time_picker: "Time picker",
  form: "Form",
  custom_app: "iMessage app",
  invitation: "Invitation",
  sign_in: "Sign in",
  payment: "Apple Pay",
  unknown: "Interactive message",
};

export const PAID = "STATUS_SUCCESS";

export const textOf = (value) => (typeof value === "string" ? value : "");

export function objectOf(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

export function listOf(value) {
  if (!Array.isArray(value)) return [];
  return value.filter((each) => each !== null && typeof each === "object");
}

// As listOf, in the order that the items name; what names none keeps its place.
export function orderedListOf(value) {
  const place = (item, index) =>
    Number.isFinite(Number(item.order ?? NaN)) ? Number(item.order) : index;
  return listOf(value)
    .map((item, index) => [place(item, index), item])
    .sort((one, other) => one[0] - other[0])
    .map(([, item]) => item);
}

export const interactiveOf = (entry) => objectOf(objectOf(entry.fields).interactiveData);
export const dataOf = (entry) => objectOf(interactiveOf(entry).data);

export const nameOf = (entry) => NAMES[entry.shows] || NAMES.unknown;

// The image that a message carries under an identifier: {data, description}.
export function imageOf(entry, identifier) {
  const image = listOf(dataOf(entry).images).find(
    (each) => identifier !== undefined && each.identifier === identifier,
  );
  return image || {};
}

// The words on a bubble: as it came, or as it shows once the customer has answered.
export function bubbleOf(entry) {
  return objectOf(entry.replied || interactiveOf(entry).receivedMessage);
}

// What to call an entry in a line: when replying to it, when quoting it.
export function wordsOf(entry) {
  const fields = objectOf(entry.fields);
  if (entry.type === "text") return spokenOf(entry);
  if (entry.type === "richLink") return textOf(objectOf(fields.richLinkData).title) || "Link";
  if (entry.type !== "interactive") return entry.type || "Message without a type";
  const data = dataOf(entry);
  if (entry.shows === "quick_reply") return textOf(objectOf(data["quick-reply"]).summaryText);
  return textOf(bubbleOf(entry).title) || nameOf(entry);
}

// A text's words, without the signs that stand for its files.
export function spokenOf(entry) {
  const body = textOf(objectOf(entry.fields).body);
  return entry.attachments?.length ? body.replaceAll("\ufffc", "").trim() : body;
}

// What the customer's answer says, in lines: the titles of what was chosen.
export function answerOf(entry) {
  const data = dataOf(entry);
  const quick = objectOf(data["quick-reply"]);
  const form = objectOf(data.dynamic);
  const ended = endOf(data);
  if (ended) return [ended];
  const lines = [
    ...listOf(quick.items)
      .filter((item) => item.identifier === quick.selectedIdentifier)
      .map(titleOf),
    ...chosenIn(listOf(objectOf(data.listPicker).sections)),
    ...listOf(form.selections).map(answerLine),
  ];
  if (lines.length) return lines;
  const app = objectOf(interactiveOf(entry).receivedMessage); // an app's answer has no data
  const words = [objectOf(data.replyMessage).title, app.title, app.subtitle]
    .map(textOf)
    .filter(Boolean);
  return words.length ? words : ["Answered"];
}

// How a payment or signing in ended, in a word; or null for any other message.
function endOf(data) {
  if (data.payment) return objectOf(data.payment).status === PAID ? "Paid" : "Not paid";
  if (!data.authenticate) return null;
  return isSignedIn(objectOf(data.authenticate)) ? "Signed in" : "Not signed in";
}

export const isSignedIn = ({ status }) => status === "success" || status === "authenticated";

const titleOf = (item) => textOf(item.title) || textOf(item.value) || textOf(item.identifier);

// Where the reply says in a section of its own what was chosen, the other sections were not.
function chosenIn(sections) {
  const marked = sections.filter((each) => textOf(each.title) === "You Selected");
  return (marked.length ? marked : sections).flatMap((each) => listOf(each.items).map(titleOf));
}

function answerLine(selection) {
  const words = listOf(selection.items).map(titleOf).join(", ") || "–";
  return textOf(selection.title) ? `${selection.title}: ${words}` : words;
}
