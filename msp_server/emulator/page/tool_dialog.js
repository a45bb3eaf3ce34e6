// A window over the page for what takes more than a click: a title, what it asks, and two buttons.

import { make, makeButton, newId } from "./dom.js";

// Opens it. `confirm` is what the large button says; `act` does it and gives the sentence that says
// what does not fit, or null, which closes the window.
export function openTool(title, inside, { confirm, act }) {
  const tool = make("dialog", "tool");
  const form = make("form", "tool-form");
  form.noValidate = true;
  form.autocomplete = "off";
  const heading = make("h2", "tool-title", title);
  heading.id = newId();
  tool.setAttribute("aria-labelledby", heading.id);
  const wrong = make("p", "tool-wrong");
  wrong.setAttribute("role", "alert");
  const foot = make("div", "tool-foot");
  const go = make("button", "button strong", confirm);
  foot.append(
    makeButton("button", "Cancel", () => tool.close()),
    go,
  );
  form.append(heading, inside, wrong, foot);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    wrong.textContent = "";
    const sentence = await act();
    go.disabled = false;
    if (sentence) wrong.textContent = sentence;
    else tool.close();
  });
  tool.append(form);
  tool.addEventListener("close", () => tool.remove());
  document.body.append(tool);
  tool.showModal();
  return tool;
}

// A control with its label above, and a hint below.
export function makeLabelled(label, control, hint = "") {
  const row = make("label", "labelled");
  row.append(make("span", "labelled-name", label), control);
  if (hint) row.append(make("span", "labelled-hint", hint));
  return row;
}

export function makeInput(value, placeholder = "") {
  const input = make("input", "control");
  input.type = "text";
  input.value = value ?? "";
  input.placeholder = placeholder;
  return input;
}

export function makeSelect(options, value) {
  const select = make("select", "control");
  putOptions(select, options);
  if (value !== undefined) select.value = value;
  return select;
}

// Puts options, each [value, words], and keeps what is chosen; leaves them alone when they are the
// same, so that an open list stays open.
export function putOptions(select, options) {
  const known = [...select.options].map((option) => `${option.value}\n${option.textContent}`);
  if (known.join("\n") === options.map((each) => each.join("\n")).join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(
    ...options.map(([value, words]) => {
      const option = make("option", "", words);
      option.value = value;
      return option;
    }),
  );
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}
