// The customers: who there is, with which device and hints; adds one, changes one, forgets all.

import { addressOf, call } from "./api.js";
import { make, makeButton } from "./dom.js";
import { inSlices } from "./slices.js";
import { makeInput, makeLabelled, makeSelect, openTool } from "./tool_dialog.js";

const BY_HAND = "";
const FACTS = [
  ["Device", (each) => each.device || "by hand"],
  ["Locale", (each) => each.locale || "none"],
  ["Time zone", (each) => each.time_zone.replaceAll("_", " ")],
  ["Intent", (each) => each.intent],
  ["Group", (each) => each.group],
  ["Business", (each) => each.business_id],
  ["Number", (each) => each.phone_number.replace("tel:", "")],
];

export class PeoplePanel {
  constructor(wire) {
    this.wire = wire;
    this.element = make("div", "panel");
    this.turn = 0;
  }

  async show() {
    if (!this.list) {
      const box = make("section", "card-box");
      const head = make("div", "card-head");
      const buttons = make("div", "buttons");
      buttons.append(
        this.makeOpener(),
        makeButton("button small strong", "Add a customer", () => this.openForm(null)),
      );
      head.append(make("h2", "", "Customers"), buttons);
      this.list = make("ul", "people");
      box.append(head, this.list);
      this.element.append(box, this.makeReset());
    }
    await this.refresh();
  }

  async refresh() {
    if (!this.list) return;
    this.turn += 1;
    const { turn } = this;
    const { fields } = await call("/customers");
    this.known = fields.customers;
    const fresh = make("ul", "people");
    const done = await inSlices(this.draw(fresh), () => turn === this.turn);
    if (!done || turn !== this.turn) return;
    this.list.replaceWith(fresh);
    this.list = fresh;
  }

  *draw(list) {
    for (const customer of this.known) {
      list.append(this.makePerson(customer));
      yield list;
    }
  }

  makePerson(customer) {
    const line = make("li", "person");
    const head = make("div", "person-head");
    const name = make("h3", "", customer.person || customer.name);
    name.append(" ", make("code", "", customer.name));
    head.append(name);
    if (customer.read_only) head.append(make("span", "tag", "opened from a file"));
    else if (!customer.open) head.append(make("span", "tag", "conversation deleted"));
    const facts = make("dl", "person-facts");
    for (const [label, read] of FACTS) {
      if (!read(customer)) continue;
      const fact = make("div");
      fact.append(make("dt", "", label), make("dd", "", read(customer)));
      facts.append(fact);
    }
    const can = make("p", "hint", `Can show: ${customer.capabilities.join(", ") || "texts alone"}`);
    line.append(head, facts, can, this.makeDeeds(customer));
    return line;
  }

  makeDeeds(customer) {
    const deeds = make("div", "buttons");
    const add = (words, act) => {
      const button = makeButton("button small", words, act);
      button.setAttribute("aria-label", `${words}: ${customer.name}`);
      deeds.append(button);
    };
    add("Show on the phone", () => this.wire.showOnPhone(customer.name));
    if (!customer.read_only) add("Change", () => this.openForm(customer));
    const save = make("a", "button small", "Save the conversation");
    save.href = addressOf(customer.name, "/transcript/file");
    save.setAttribute("aria-label", `Save the conversation: ${customer.name}`);
    save.download = `${customer.name}.json`;
    deeds.append(save);
    return deeds;
  }

  // Opens a conversation that was saved, under a name of its own.
  makeOpener() {
    const file = make("input", "unseen");
    file.type = "file";
    file.accept = "application/json,.json";
    file.tabIndex = -1;
    file.setAttribute("aria-hidden", "true");
    file.addEventListener("change", async () => {
      const [chosen] = file.files;
      file.value = "";
      if (chosen) await this.openFile(chosen);
    });
    const box = make("span");
    box.append(
      file,
      makeButton("button small", "Open a saved conversation", () => file.click()),
    );
    return box;
  }

  async openFile(file) {
    const name = freeName(file.name, this.known);
    try {
      const address = addressOf(name, "/transcript/file");
      const answer = await fetch(address, { method: "POST", body: file });
      const fields = await answer.json();
      if (answer.status >= 400) this.wire.say(fields.error);
      else this.wire.showOnPhone(fields.name);
    } catch {
      this.wire.say("The emulator does not answer");
    }
  }

  async openForm(customer) {
    const { fields } = await call("/emulator/devices");
    const { fields: about } = await call("/emulator/");
    const known = customer || { device: "iphone", locale: "en_US", time_zone: "America/New_York" };
    const devices = fields.devices.map((each) => [each.name, describe(each)]);
    if (known.device === null) devices.push([BY_HAND, "capabilities given by hand"]);
    const name = makeInput("", "made up if left empty");
    const business = makeSelect(about.business_ids.map((each) => [each, each]));
    const device = makeSelect(devices, known.device ?? BY_HAND);
    const locale = makeInput(known.locale, "none");
    const zone = makeInput(known.time_zone);
    zone.setAttribute("list", "zones");
    const intent = makeInput(known.intent, "none");
    const group = makeInput(known.group, "none");
    const inside = make("div", "tool-body two");
    if (!customer) inside.append(makeLabelled("Name", name), makeLabelled("Business", business));
    inside.append(
      makeLabelled("Device", device),
      makeLabelled("Locale", locale, "Such as en_US"),
      makeLabelled("Time zone", zone),
      makeLabelled("Intent", intent, "Entry point of the link"),
      makeLabelled("Group", group, "Entry point of the link"),
      makeZones(),
    );
    const read = () => ({
      ...(device.value === BY_HAND ? {} : { device: device.value }),
      locale: locale.value.trim() || null,
      time_zone: zone.value.trim(),
      intent: intent.value.trim() || null,
      group: group.value.trim() || null,
    });
    const added = () => ({
      name: name.value.trim() || null,
      business_id: business.value,
      ...read(),
    });
    openTool(customer ? `Change ${customer.name}` : "Add a customer", inside, {
      confirm: customer ? "Change" : "Add",
      act: () =>
        customer
          ? this.act(addressOf(customer.name), "PATCH", read())
          : this.act("/customers", "POST", added()),
    });
  }

  // Gives the sentence that says what does not fit, or null.
  async act(address, method, given) {
    try {
      const { status, fields } = await call(address, method, given);
      if (status >= 400) return fields.error;
      if (fields.name && method === "POST") this.wire.showOnPhone(fields.name);
      await this.refresh();
      return null;
    } catch {
      return "The emulator does not answer";
    }
  }

  makeReset() {
    const box = make("section", "card-box");
    const head = make("div", "card-head");
    const words = "Forgets all customers, messages, files, faults and exchanges.";
    head.append(
      make("h2", "", "Start over"),
      makeButton("button small danger", "Reset everything", () => this.askForReset(words)),
    );
    box.append(head, make("p", "hint", words));
    return box;
  }

  askForReset(words) {
    const inside = make("div", "tool-body");
    inside.append(make("p", "", `${words} The switches go back as they were.`));
    openTool("Reset everything?", inside, {
      confirm: "Reset",
      act: () => this.act("/emulator/reset", "POST", {}),
    });
  }
}

const describe = ({ name, capabilities }) => `${name}: ${capabilities.join(", ") || "texts alone"}`;

function makeZones() {
  const list = make("datalist");
  list.id = "zones";
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    const option = make("option");
    option.value = zone;
    list.append(option);
  }
  return list;
}

// A name for the customer of a file, made from the file's.
function freeName(fileName, known) {
  const plain = fileName
    .toLowerCase()
    .replace(/\.json$/, "")
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 24);
  const taken = new Set(known.map((each) => each.name));
  const first = `${plain || "saved"}-read`;
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? first : `${first}-${number}`;
    if (!taken.has(name)) return name;
  }
}
