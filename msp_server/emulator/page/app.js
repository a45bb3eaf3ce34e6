// The sheet that stands for a custom iMessage app: no app runs here, its answer is written by hand.

import { make } from "./dom.js";
import { interactiveOf, objectOf, textOf } from "./entries.js";
import { Sheet, makeField, makeHead } from "./sheet.js";

export function openApp(entry, phone) {
  const interactive = interactiveOf(entry);
  const received = objectOf(interactive.receivedMessage);
  const sheet = new Sheet(textOf(interactive.appName) || "iMessage app", "Send");
  const head = makeHead(
    "",
    "On an iPhone the app opens here. Answer in its place: the business gets this.",
  );
  const url = makeLine(textOf(interactive.URL));
  const title = makeLine(textOf(received.title));
  const subtitle = makeLine(textOf(received.subtitle));
  const fields = make("div", "page");
  fields.append(makeField("URL", url), makeField("Title", title), makeField("Subtitle", subtitle));
  sheet.body.append(head, fields);
  sheet.onConfirm = () => {
    const given = { url: url.value, title: title.value, subtitle: subtitle.value };
    const written = Object.entries(given).filter(([, value]) => value !== "");
    sheet.send(phone, "open_app", { to: entry.id, ...Object.fromEntries(written) });
  };
  sheet.show();
}

function makeLine(value) {
  const input = make("input", "line");
  input.type = "text";
  input.value = value;
  return input;
}
