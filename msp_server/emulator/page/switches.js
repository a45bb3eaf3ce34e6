// The switches: where it is not known what Apple does, which reading the emulator takes.

import { call } from "./api.js";
import { make, makeButton } from "./dom.js";
import { makeSelect } from "./tool_dialog.js";

// Each switch: [name, title, meaning, positions], the first position being the usual one.
const SWITCHES = [
  [
    "list_reply",
    "A list picker’s reply",
    "How the reply tells what was chosen.",
    [
      ["sections", "in the sections that were sent"],
      ["you_selected", "in one section “You Selected”"],
      ["with_unselected", "in that, and in “Not Selected” the rest"],
    ],
  ],
  [
    "duplicate_tap",
    "Taps arrive twice",
    "Each tap on an interactive message comes once more under another id.",
    [false, true],
  ],
  [
    "numbers_as_text",
    "Numbers as texts",
    "order, duration and timezoneOffset in replies are strings.",
    [false, true],
  ],
  [
    "reference_reply",
    "Large replies",
    "How a reply of more than 10 KB comes.",
    [
      ["reference", "by reference"],
      ["both", "by reference and directly"],
      ["inline", "directly"],
      ["always", "by reference, however small"],
    ],
  ],
  [
    "invitation_request_id",
    "An accepted invitation names",
    "What its requestIdentifier is.",
    [
      ["number", "the telephone number"],
      ["echo", "the identifier that was sent"],
    ],
  ],
  [
    "check_capabilities",
    "Refuse what the device lacks",
    "Else it arrives, and the phone says that it cannot show it.",
    [true, false],
  ],
  [
    "check_vendor_limits",
    "Check limits that only vendors report",
    "Limits that Apple’s documentation does not have.",
    [true, false],
  ],
  [
    "check_merchant_session",
    "Check merchant sessions",
    "A payment is refused unless this emulator gave out its merchant session.",
    [true, false],
  ],
  [
    "decode_answer",
    "decodePayload answers",
    "What its answer has on top.",
    [
      ["data", "the interactive data itself"],
      ["interactiveData", "interactiveData, and in it the data"],
    ],
  ],
  [
    "decode_gzip",
    "decodePayload compresses",
    "For callers that accept gzip.",
    [false, true],
  ],
  [
    "download_expiry_s",
    "A download address holds",
    "How long before it has expired.",
    [
      [60, "60 s"],
      [10, "10 s"],
      [1, "1 s"],
      [0, "not at all"],
      [3600, "an hour"],
    ],
  ],
];
const ADDRESS = "/emulator/switches";

export class SwitchesPanel {
  constructor(wire, onCount) {
    this.wire = wire;
    this.onCount = onCount;
    this.element = make("div", "panel");
    this.controls = new Map(); // by name: {line, set, usual}
  }

  async show() {
    if (this.controls.size) return;
    const box = make("section", "card-box");
    const head = make("div", "card-head");
    this.back = makeButton("button small", "Set all back", () => this.act(this.usual()));
    head.append(make("h2", "", "Switches"), this.back);
    const hint = "Where it is not known what Apple does, or others saw different things.";
    const list = make("ul", "switches");
    list.append(...SWITCHES.map((each) => this.makeSwitch(each)));
    box.append(head, make("p", "hint", hint), list);
    this.element.replaceChildren(box);
    await this.refresh();
  }

  async refresh() {
    this.draw((await call(ADDRESS)).fields);
  }

  // Shows how the switches stand.
  draw(positions) {
    let changed = 0;
    for (const [name, , , choices] of SWITCHES) {
      const usual = valueOf(choices[0]);
      const isChanged = positions[name] !== usual;
      changed += Number(isChanged);
      const control = this.controls.get(name);
      control?.set(positions[name]);
      control?.line.classList.toggle("changed", isChanged);
    }
    if (this.back) this.back.disabled = changed === 0;
    this.onCount(changed);
  }

  usual() {
    return Object.fromEntries(SWITCHES.map(([name, , , choices]) => [name, valueOf(choices[0])]));
  }

  makeSwitch([name, title, meaning, choices]) {
    const line = make("li");
    const row = make("label", "switch-line");
    const words = make("span", "switch-words");
    words.append(make("b", "", title), make("span", "", meaning), make("code", "", name));
    const isToggle = typeof choices[0] === "boolean";
    const control = isToggle ? makeToggle() : makeSelect(choices.map(toOption));
    control.addEventListener("change", () => {
      const place = isToggle ? choices.indexOf(control.checked) : control.selectedIndex;
      this.act({ [name]: valueOf(choices[place]) });
    });
    row.append(words, control);
    line.append(row);
    const set = (value) => {
      if (isToggle) control.checked = value;
      else control.value = String(value);
    };
    this.controls.set(name, { line, set });
    return line;
  }

  async act(changes) {
    try {
      const { status, fields } = await call(ADDRESS, "PATCH", changes);
      if (status === 200) this.draw(fields);
      else {
        this.wire.say(fields.error);
        await this.refresh();
      }
    } catch {
      this.wire.say("The emulator does not answer");
    }
  }
}

const valueOf = (choice) => (Array.isArray(choice) ? choice[0] : choice);
const toOption = ([value, words]) => [String(value), words];

function makeToggle() {
  const toggle = make("input", "toggle");
  toggle.type = "checkbox";
  toggle.setAttribute("role", "switch");
  return toggle;
}
