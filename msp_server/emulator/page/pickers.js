// The sheets of list pickers and time pickers.

import { makeChoices } from "./choices.js";
import { makePicture } from "./dom.js";
import {
  bubbleOf,
  dataOf,
  imageOf,
  interactiveOf,
  listOf,
  objectOf,
  orderedListOf,
  textOf,
} from "./entries.js";
import { Sheet, makeAside, makeHead } from "./sheet.js";
import { clockIn, dayIn, lengthOf, parseStart, zoneOf } from "./times.js";

export function openListPicker(entry, phone) {
  const received = objectOf(interactiveOf(entry).receivedMessage);
  const sheet = new Sheet(textOf(received.title) || "Choose", "Send");
  if (textOf(received.subtitle)) sheet.body.append(makeHead("", textOf(received.subtitle)));
  const read = () => groups.flatMap((each) => each.read());
  const onChange = () => {
    const count = read().length;
    sheet.confirm.disabled = count === 0;
    sheet.confirm.textContent = count > 1 ? `Send ${count}` : "Send";
  };
  const sections = orderedListOf(objectOf(dataOf(entry).listPicker).sections);
  const groups = sections.map((section) => makeSection(entry, section, onChange));
  sheet.body.append(...groups.map((each) => each.group));
  sheet.onConfirm = () => sheet.send(phone, "choose", { to: entry.id, identifiers: read() });
  onChange();
  sheet.show();
}

function makeSection(entry, section, onChange) {
  const many = section.multipleSelection === true;
  return makeChoices({
    title: textOf(section.title),
    hint: many ? "any number" : "one",
    many,
    rows: orderedListOf(section.items).map((item) => ({
      value: textOf(item.identifier),
      title: textOf(item.title),
      subtitle: textOf(item.subtitle),
      image: imageOf(entry, item.imageIdentifier),
    })),
    onChange,
  });
}

export function openTimePicker(entry, phone) {
  const event = objectOf(dataOf(entry).event);
  const zone = zoneOf(event.timezoneOffset, phone.customer.time_zone);
  const sheet = new Sheet(textOf(bubbleOf(entry).title) || "Choose a time", "Send");
  const image = imageOf(entry, event.imageIdentifier);
  sheet.body.append(
    makeHead(textOf(event.title), "", makePicture(image.data, textOf(image.description))),
  );
  const place = textOf(objectOf(event.location).title);
  if (place) sheet.body.append(makeAside("pin", place));
  sheet.body.append(makeAside("clock", zone.name));
  let picked = "";
  const days = [...slotsByDay(event, zone)].map(([day, rows]) =>
    makeChoices({
      title: day,
      many: false,
      rows,
      onChange: (chosen) => {
        picked = chosen[0] || "";
        sheet.confirm.disabled = !picked;
        for (const input of sheet.form.querySelectorAll("input")) {
          if (input.value !== picked) input.checked = false; // one slot, not one for each day
        }
      },
    }),
  );
  sheet.body.append(...days.map((each) => each.group));
  sheet.confirm.disabled = true;
  sheet.onConfirm = () => sheet.send(phone, "pick_time", { to: entry.id, identifier: picked });
  sheet.show();
}

function slotsByDay(event, zone) {
  const days = new Map();
  const slots = listOf(event.timeslots).map((slot) => ({
    slot,
    start: parseStart(textOf(slot.startTime)),
  }));
  slots.sort((one, other) => (one.start?.getTime() ?? 0) - (other.start?.getTime() ?? 0));
  for (const { slot, start } of slots) {
    const day = start ? dayIn(zone, start) : "Other times";
    if (!days.has(day)) days.set(day, []);
    days.get(day).push({
      value: textOf(slot.identifier),
      title: start ? clockIn(zone, start) : textOf(slot.startTime),
      subtitle: lengthOf(slot.duration),
    });
  }
  return days;
}
