// JSON as a tree that folds, is searched, and shows pictures as such. Only what is unfolded is in
// the page, and of long lists and texts only the beginning until more is wanted.

import { make, makeButton, makePicture } from "./dom.js";
import { counted, grouped } from "./measures.js";
import { inSlices } from "./slices.js";

const UNFOLDED_LINES = 120; // unfolded at first
const UNFOLDED_LIMIT = 4000; // by "Unfold all"
const ITEMS = 100; // of an object or array at a time
const TEXT = 400; // characters at first
const MORE_TEXT = 20_000; // characters at a time
const PICTURE_FROM = 40; // no shorter text is taken for a picture
const SEARCHED_TEXT = 20_000; // longer texts are pictures, where a search finds noise
const HITS = 1000;

// A value with its place in the tree, and the element that shows it once it is in sight.
class Node {
  constructor(key, value, parent) {
    this.key = key;
    this.value = value;
    this.parent = parent;
    this.inner = null; // nodes inside, made when wanted
    this.built = 0; // how many of them are in the page
    this.element = null;
    this.inside = null; // the element that holds those of the nodes inside
  }

  // Whether it folds: an object or array with something in it.
  get isFolder() {
    return isNested(this.value) && Object.keys(this.value).length > 0;
  }

  get children() {
    this.inner ??= Object.entries(this.value).map(
      ([key, value]) => new Node(Array.isArray(this.value) ? Number(key) : key, value, this),
    );
    return this.inner;
  }
}

const isNested = (value) => value !== null && typeof value === "object";

export class JsonView {
  constructor(value) {
    this.element = make("div", "json");
    this.root = new Node(null, value, null);
    this.element.append(build(this.root));
    this.hits = [];
    this.current = -1;
    this.turn = 0;
    this.unfoldFirst();
  }

  // Unfolds level by level as long as it stays short.
  unfoldFirst() {
    let lines = 1;
    const queue = [this.root];
    while (queue.length) {
      const node = queue.shift();
      if (!node.isFolder) continue;
      const { children } = node;
      if (lines + Math.min(children.length, ITEMS) > UNFOLDED_LINES) continue;
      lines += Math.min(children.length, ITEMS);
      unfold(node);
      queue.push(...children);
    }
  }

  async unfoldAll() {
    this.turn += 1;
    const { turn } = this;
    await inSlices(unfoldEach(this.root), () => turn === this.turn);
  }

  foldAll() {
    this.turn += 1;
    for (const folder of this.element.querySelectorAll("details[open]")) folder.open = false;
    if (this.root.isFolder) this.root.element.open = true;
  }

  // Finds the text in keys and values; gives in how many places.
  search(text) {
    this.unmark();
    this.current = -1;
    this.hits = text ? [...find(this.root, text.toLowerCase())].slice(0, HITS) : [];
    return this.hits.length;
  }

  // Goes to the next place found, or with -1 to the one before; gives its number from 1.
  step(by) {
    if (!this.hits.length) return 0;
    this.unmark();
    this.current = (this.current + by + this.hits.length) % this.hits.length;
    if (by < 0 && this.current < 0) this.current = this.hits.length - 1;
    const hit = this.hits[this.current];
    reveal(hit);
    const line = hit.isFolder ? hit.element.firstElementChild : hit.element;
    line.classList.add("hit");
    line.scrollIntoView({ block: "nearest" });
    this.marked = line;
    return this.current + 1;
  }

  unmark() {
    this.marked?.classList.remove("hit");
    this.marked = null;
  }
}

function build(node) {
  node.element = node.isFolder ? buildFolder(node) : buildLeaf(node);
  return node.element;
}

function buildFolder(node) {
  const folder = make("details", "json-folder");
  const line = make("summary", "json-line");
  const isArray = Array.isArray(node.value);
  const [open, close] = isArray ? "[]" : "{}";
  const count = counted(Object.keys(node.value).length, isArray ? "item" : "key");
  line.append(...makeKey(node), make("span", "json-brace", open));
  line.append(make("span", "json-count", count), make("span", "json-brace json-close", close));
  node.inside = make("div", "json-inside");
  folder.append(line, node.inside, make("div", "json-brace json-end", close));
  folder.addEventListener("toggle", () => {
    if (folder.open) unfold(node);
  });
  return folder;
}

function unfold(node) {
  if (!node.built) buildMore(node, ITEMS);
  node.element.open = true;
}

// Puts the next items into the page, so that there are at least `count`.
function buildMore(node, count) {
  const { children, inside } = node;
  const upTo = Math.min(children.length, count);
  if (upTo <= node.built) return;
  inside.querySelector(":scope > .json-more")?.remove();
  inside.append(...children.slice(node.built, upTo).map(build));
  node.built = upTo;
  const left = children.length - upTo;
  if (!left) return;
  const words = `${grouped(Math.min(left, ITEMS))} of ${grouped(left)} more`;
  inside.append(makeButton("json-more", words, () => buildMore(node, node.built + ITEMS)));
}

function buildLeaf(node) {
  const line = make("div", "json-line json-leaf");
  line.append(...makeKey(node), ...makeValue(node.value));
  return line;
}

function makeKey({ key }) {
  if (key === null) return [];
  return [
    make("span", typeof key === "number" ? "json-index" : "json-key", key),
    make("span", "json-colon", ": "),
  ];
}

function makeValue(value) {
  if (isNested(value)) return [make("span", "json-brace", Array.isArray(value) ? "[]" : "{}")];
  if (typeof value !== "string") {
    const kind = value === null ? "null" : typeof value;
    return [make("span", `json-${kind}`, String(value))];
  }
  const isLong = value.length >= PICTURE_FROM;
  const picture = isLong ? makePicture(value, "A picture of the message") : null;
  return picture ? [makeFrame(picture, value)] : [makeText(value)];
}

function makeFrame(picture, value) {
  const frame = make("span", "json-picture");
  const size = Math.floor((value.length * 3) / 4);
  frame.append(picture, make("span", "json-count", `picture, ${grouped(size)} bytes`));
  const text = makeText(value, 48);
  frame.append(text);
  return frame;
}

function makeText(value, first = TEXT) {
  const box = make("span", "json-string");
  if (value.length <= first) {
    box.textContent = JSON.stringify(value);
    return box;
  }
  let shown = first;
  const words = make("span");
  const more = makeButton("json-more", "", () => {
    shown += MORE_TEXT;
    show();
  });
  const show = () => {
    const said = JSON.stringify(value.slice(0, shown));
    words.textContent = shown < value.length ? said.slice(0, -1) : said;
    more.textContent = `… ${grouped(value.length - shown)} more characters`;
    more.hidden = shown >= value.length;
  };
  show();
  box.append(words, more);
  return box;
}

function* unfoldEach(root) {
  let lines = 0;
  const queue = [root];
  while (queue.length && lines < UNFOLDED_LIMIT) {
    const node = queue.shift();
    if (!node.isFolder) continue;
    unfold(node);
    lines += node.built;
    queue.push(...node.children.slice(0, node.built));
    yield lines;
  }
}

function* find(node, text) {
  const said = isNested(node.value) || node.value === null ? "" : String(node.value);
  const isFound =
    String(node.key ?? "")
      .toLowerCase()
      .includes(text) ||
    (said.length <= SEARCHED_TEXT && said.toLowerCase().includes(text));
  if (isFound) yield node;
  if (node.isFolder) for (const inner of node.children) yield* find(inner, text);
}

// Unfolds what lies around a node, up to the place where it is.
function reveal(node) {
  const { parent } = node;
  if (!parent) return;
  reveal(parent);
  unfold(parent);
  if (!node.element) buildMore(parent, parent.children.indexOf(node) + 1);
}
