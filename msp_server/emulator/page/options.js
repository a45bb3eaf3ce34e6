// One of several, folded away: a line shows which is chosen, and opens to the others.

import { make, makeGlyph, newId } from "./dom.js";

// Each of `rows`: {value, title, subtitle, mark, disabled}; `onChange` gets the value chosen.
export function makeOptions(title, rows, chosen, onChange) {
  const fold = make("details", "options");
  const summary = make("summary", "option-chosen");
  const group = make("div", "option-rows");
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", title);
  const name = newId();
  const draw = (row) => {
    const words = make("span", "option-title", title);
    const opener = make("span", "option-opener");
    opener.append(makeGlyph("chevron"));
    summary.replaceChildren(words, makeRowWords(row), opener);
    if (row.mark) words.after(row.mark.cloneNode());
  };
  let pressed = false; // by a finger or mouse: then the line folds up again, as on a phone
  group.addEventListener("pointerdown", () => (pressed = true));
  group.addEventListener("keydown", () => (pressed = false));
  for (const row of rows) {
    group.append(
      makeOption(row, name, row.value === chosen, () => {
        draw(row);
        onChange(row.value);
      }),
    );
  }
  group.addEventListener("click", (event) => {
    if (!pressed || event.target.tagName !== "INPUT") return;
    fold.open = false;
    summary.focus();
  });
  draw(rows.find((row) => row.value === chosen) || { title: "–" });
  fold.append(summary, group);
  return fold;
}

function makeOption(row, name, checked, onChoose) {
  const line = make("label", "row");
  const input = make("input", "unseen");
  input.type = "radio";
  input.name = name;
  input.checked = checked;
  input.disabled = Boolean(row.disabled);
  input.addEventListener("change", onChoose);
  const mark = make("span", "mark");
  mark.append(makeGlyph("check"));
  line.append(input);
  if (row.mark) line.append(row.mark);
  line.append(makeRowWords(row), mark);
  return line;
}

function makeRowWords(row) {
  const words = make("span", "row-words");
  words.append(make("span", "row-title", row.title));
  if (row.subtitle) words.append(make("span", "row-subtitle", row.subtitle));
  return words;
}
