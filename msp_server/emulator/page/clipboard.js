// Puts a text where it can be pasted.

import { make } from "./dom.js";

// Gives whether it worked. Browsers have no clipboard for pages that come from another machine
// without encryption; there the older way is left.
export async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed: the older way may be
    }
  }
  const before = document.activeElement;
  const field = make("textarea", "unseen");
  field.value = text;
  (document.querySelector("dialog[open]") || document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}
