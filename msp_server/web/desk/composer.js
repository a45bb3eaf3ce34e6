// What can be written: for each kind its fields, and the message that they make.

import { $, make } from "./dom.js";

const NEEDS = { QuickReply: "QUICK", ListPicker: "LIST", TimePicker: "TIME" };

function field(name, label, attributes = {}) {
  const element = attributes.rows ? "textarea" : "input";
  return make("label", {}, label, make(element, { name, required: true, ...attributes }));
}

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

function bytes(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",", 2)[1] ?? "");
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}

function slots(text) {
  return lines(text).map((line) => ({ start: new Date(line).toISOString(), duration_s: 1800 }));
}

const KINDS = {
  Text: {
    fields: () => [field("body", "Text", { rows: 2 })],
    make: (given) => ({ kind: "Text", body: given.body.value }),
  },
  QuickReply: {
    fields: () => [
      field("summary", "Question"),
      field("items", "Answers, one a line: two to five", { rows: 3 }),
    ],
    make: (given) => ({
      kind: "QuickReply", summary: given.summary.value, items: lines(given.items.value),
    }),
  },
  ListPicker: {
    fields: () => [
      field("received", "Question"),
      field("section", "Title of the list"),
      field("items", "Items, one a line", { rows: 4 }),
    ],
    make: (given) => ({
      kind: "ListPicker",
      received: given.received.value,
      sections: [{ title: given.section.value, items: lines(given.items.value) }],
    }),
  },
  TimePicker: {
    fields: () => [
      field("received", "Question"),
      field("times", "Times, one a line, such as 2026-12-01 14:30; half an hour each", { rows: 3 }),
    ],
    make: (given) => ({
      kind: "TimePicker", received: given.received.value, timeslots: slots(given.times.value),
    }),
  },
  RichLink: {
    fields: () => [
      field("url", "Address", { type: "url" }),
      field("title", "Title"),
      field("image", "Picture", { type: "file", accept: "image/*" }),
    ],
    make: async (given) => ({
      kind: "RichLink",
      url: given.url.value,
      title: given.title.value,
      image: { data: await bytes(given.image.files[0]) },
    }),
  },
  File: {
    fields: () => [
      field("file", "File, at most 3 MB", { type: "file" }),
      field("body", "Text beside it", { required: false }),
    ],
    make: async (given) => {
      const file = given.file.files[0];
      const attachment = { name: file.name, data: await bytes(file) };
      return { kind: "Text", body: given.body.value, attachments: [attachment] };
    },
  },
};

// Shows the fields of the chosen kind, and focuses the first.
export function showFields() {
  $("fields").replaceChildren(...KINDS[$("kind").value].fields());
  $("problem").textContent = "";
}

// Offers what the customer's device can show; null when it never said.
export function offer(capabilities) {
  for (const option of $("kind").options) {
    const needs = NEEDS[option.value];
    option.disabled = Boolean(needs && capabilities && !capabilities.includes(needs));
  }
  if ($("kind").selectedOptions[0].disabled) {
    $("kind").value = "Text";
    showFields();
  }
}

export function message() {
  return KINDS[$("kind").value].make($("composer").elements);
}
