// Rows that are chosen by tapping: in list pickers, time pickers and pages of forms.

import { make, makeGlyph, makePicture, newId } from "./dom.js";
import { textOf } from "./entries.js";

// A group of rows. `many`: any number may be chosen; otherwise one, or none by tapping it again.
// Each of `rows`: {value, title, subtitle, image: {data, description}}.
export function makeChoices({ title, hint, many, rows, chosen = [], onChange = () => {} }) {
  const group = make("fieldset", "choices");
  const legend = make("legend", "choices-title", title);
  if (hint) legend.append(make("span", "choices-hint", hint));
  const box = make("div", "rows");
  const inputs = rows.map((row) => {
    const input = make("input", "unseen");
    input.type = "checkbox";
    input.value = row.value;
    input.checked = chosen.includes(row.value);
    box.append(makeRow(row, input, many));
    return input;
  });
  const read = () => inputs.filter((each) => each.checked).map((each) => each.value);
  box.addEventListener("change", (event) => {
    if (!many && event.target.checked) {
      inputs.filter((each) => each !== event.target).forEach((each) => (each.checked = false));
    }
    onChange(read());
  });
  group.append(legend, box);
  return { group, read };
}

function makeRow(row, input, many) {
  const line = make("label", many ? "row many" : "row");
  line.append(input);
  const picture = row.image && makePicture(row.image.data, textOf(row.image.description));
  if (picture) line.append(picture);
  const words = make("span", "row-words");
  words.append(make("span", "row-title", row.title));
  if (row.subtitle) {
    const subtitle = make("span", "row-subtitle", row.subtitle);
    subtitle.id = newId();
    input.setAttribute("aria-describedby", subtitle.id);
    words.append(subtitle);
  }
  const mark = make("span", "mark");
  mark.append(makeGlyph("check"));
  line.append(words, mark);
  return line;
}
