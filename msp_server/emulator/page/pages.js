// What each type of page of a form looks like, and what its answer is.

import { makeChoices } from "./choices.js";
import { make, newId } from "./dom.js";
import { imageOf, listOf, objectOf, textOf } from "./entries.js";
import { makeField } from "./sheet.js";
import { parseDay, showDay, todayIn } from "./times.js";

const MAKERS = { select: makeSelect, picker: makePicker, datePicker: makeDate, input: makeInput };

// Which keyboard a touch screen shows.
const KEYBOARDS = {
  emailAddress: "email",
  numberPad: "numeric",
  phonePad: "tel",
  decimalPad: "decimal",
  URL: "url",
  webSearch: "search",
};

// Shows a page with the answer that was given before. `told` says {entry, before, timeZone}. `read`
// gives {value, shown, chosen, wrong}: what is sent (undefined: nothing), its words, the
// identifiers chosen, and a sentence if it does not fit.
export function makePage(page, told) {
  const element = make("div", "page");
  const title = make("h3", "page-title", textOf(page.title) || textOf(page.subtitle));
  title.id = newId();
  title.tabIndex = -1;
  element.append(title);
  const subtitle = textOf(page.title) ? textOf(page.subtitle) : "";
  if (subtitle) element.append(make("p", "page-subtitle", subtitle));
  const maker = MAKERS[page.type];
  if (!maker) {
    element.append(
      make("p", "page-subtitle", `This emulator does not know pages of the type ${page.type}.`),
    );
    return { element, read: () => answer(undefined, "") };
  }
  const { control, read } = maker(page, told);
  control.setAttribute("aria-labelledby", title.id);
  element.append(control);
  if (textOf(page.hintText)) element.append(make("p", "page-hint", textOf(page.hintText)));
  return { element, read };
}

function answer(value, shown, { chosen = [], wrong = "" } = {}) {
  return { value, shown, chosen, wrong };
}

function makeSelect(page, { entry, before }) {
  const many = page.multipleSelection === true;
  const items = listOf(page.items);
  const { group, read } = makeChoices({
    title: "",
    many,
    chosen: before ? before.chosen : [],
    rows: items.map((item) => ({
      value: textOf(item.identifier),
      title: textOf(item.title),
      image: imageOf(entry, item.imageIdentifier),
    })),
  });
  return {
    control: group,
    read: () => {
      const chosen = read();
      if (!chosen.length) return answer(undefined, "", { wrong: "Choose one to go on" });
      const titles = items
        .filter((each) => chosen.includes(each.identifier))
        .map((each) => each.title);
      return answer(many ? chosen : chosen[0], titles.join(", "), { chosen });
    },
  };
}

function makePicker(page, { before }) {
  const items = listOf(page.items);
  const select = make("select", "wheel");
  items.forEach((item, place) => {
    const option = make("option", "", textOf(item.title));
    option.value = String(place);
    select.append(option);
  });
  const first = Number(page.selectedItemIndex) || 0;
  const chosenBefore = before && items.findIndex((each) => each.identifier === before.value);
  select.selectedIndex = Math.min(Math.max(chosenBefore ?? first, 0), items.length - 1);
  return {
    control: makeField(textOf(page.pickerTitle), select),
    read: () => {
      const item = items[select.selectedIndex] || {};
      return answer(item.identifier, textOf(item.title), { chosen: [item.identifier] });
    },
  };
}

function makeDate(page, { before, timeZone }) {
  const options = objectOf(page.options);
  const dayOf = (name) => parseDay(options[name], textOf(options.dateFormat) || "MM/dd/yyyy");
  const today = todayIn(timeZone);
  const input = make("input", "line");
  input.type = "date";
  input.required = true;
  input.min = dayOf("minimumDate");
  input.max = dayOf("maximumDate") || today;
  input.value = before ? before.value : dayOf("startDate") || today;
  return {
    control: makeField(textOf(options.labelText) || "Date", input),
    read: () => {
      const { validity } = input;
      if (validity.rangeUnderflow) return wrongDate(`not before ${showDay(input.min)}`);
      if (validity.rangeOverflow) return wrongDate(`not after ${showDay(input.max)}`);
      if (!input.value) return wrongDate("a day, month and year");
      return answer(input.value, showDay(input.value));
    },
  };
}

const wrongDate = (what) => answer(undefined, "", { wrong: `Choose a date: ${what}` });

function makeInput(page, { before }) {
  const options = objectOf(page.options);
  const many = options.inputType === "multiline";
  const limit = Number(options.maximumCharacterCount) || (many ? 300 : 30);
  const input = make(many ? "textarea" : "input", "line");
  if (many) input.rows = 5;
  else input.type = options.textContentType === "password" ? "password" : "text";
  input.maxLength = limit;
  input.required = options.required === true;
  input.placeholder = textOf(options.placeholder) || (input.required ? "Required" : "Optional");
  input.inputMode = KEYBOARDS[options.keyboardType] || "text";
  input.value = before ? before.shown : "";
  const field = makeField(many ? "" : textOf(options.labelText), input);
  const prefix = many ? "" : textOf(options.prefixText);
  if (prefix) input.before(make("span", "prefix", prefix));
  return {
    control: field,
    read: () =>
      answer(input.value || undefined, input.value, { wrong: problemOf(input, options.regex) }),
  };
}

function problemOf(input, regex) {
  if (!input.value) return input.required ? "Please fill this in" : "";
  if (!textOf(regex)) return "";
  try {
    return new RegExp(`^(?:${regex})$`, "u").test(input.value)
      ? ""
      : "This does not have the form that is asked for";
  } catch {
    return ""; // a pattern that only an iPhone reads: the answer's receiver decides
  }
}
