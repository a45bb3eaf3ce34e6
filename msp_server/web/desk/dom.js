// Makes elements; whatever a customer wrote becomes text, never markup.

export const $ = (id) => document.getElementById(id);

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith("on")) element.addEventListener(attribute.slice(2), value);
    else if (value === true) element.setAttribute(attribute, "");
    else if (value !== false && value !== undefined) element.setAttribute(attribute, value);
  }
  element.append(...children);
  return element;
}

export function time(at) {
  const shown = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return make("time", { datetime: at }, shown);
}
