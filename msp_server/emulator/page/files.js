// Files: those of a message, and those the customer is about to send.

import { addressOf } from "./api.js";
import { make, makeGlyph } from "./dom.js";

const SHOWN = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const UNITS = ["bytes", "KB", "MB"];

// The files of an entry, pictures as such; what cannot be shown is offered to be saved.
export function makeFiles(entry) {
  const files = Array.isArray(entry.attachments) ? entry.attachments : [];
  return files.filter((file) => typeof file.url === "string").map(makeFile);
}

function makeFile(file) {
  const link = make("a", "file");
  link.href = file.url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  const label = `${file.name}, ${sizeOf(file.size)}`;
  if (SHOWN.has(file.type)) {
    const picture = make("img", "photo");
    picture.src = file.url;
    picture.alt = label;
    link.classList.add("pictured");
    link.append(picture);
  } else {
    const words = make("span", "file-words");
    words.append(make("strong", "", file.name), make("span", "", sizeOf(file.size)));
    link.append(makeGlyph("file"), words);
  }
  link.title = label;
  return link;
}

export function sizeOf(bytes) {
  let size = Number(bytes);
  if (!Number.isFinite(size)) return "unknown size";
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit ? size.toFixed(1) : size} ${UNITS[unit]}`;
}

// Sends files with words; gives the sentence that says what does not fit, or null.
export async function sendFiles(name, files, words) {
  const form = new FormData();
  form.append("body", words);
  for (const file of files) form.append("file", file, file.name);
  const answer = await fetch(addressOf(name, "/files"), { method: "POST", body: form });
  if (answer.status < 400 || answer.status >= 500) return null;
  return (await answer.json()).error;
}
