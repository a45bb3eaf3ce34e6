// Chooses whose phone is shown, and which device that customer holds.

import { addressOf, call } from "./api.js";
import { make, part } from "./dom.js";

const DEVICES = {
  iphone: "iPhone",
  ipad: "iPad",
  mac: "Mac",
  "iphone-no-form": "iPhone without forms",
  "iphone-2018": "iPhone of 2018",
};
const BY_HAND = ""; // the capabilities were given by hand and fit no device

export class Choosers {
  // `onChange` is called when another customer was chosen, `say` with what does not fit.
  constructor(onChange, say) {
    this.customer = null; // as the API shows the one who is chosen
    this.onChange = onChange;
    this.say = say;
    this.people = part("customer");
    this.devices = part("device");
    this.people.addEventListener("change", () => this.choose(this.people.value));
    this.devices.addEventListener("change", () => this.hold(this.devices.value));
    const refresh = () => this.list().catch(() => {}); // the loop shows when the emulator is away
    this.people.addEventListener("focus", refresh);
    this.devices.addEventListener("focus", refresh);
  }

  // Reads who there is; keeps the one chosen if that customer is still there.
  async list() {
    const { fields } = await call("/customers");
    this.known = fields.customers;
    const names = this.known.map((each) => each.name);
    putOptions(
      this.people,
      names.map((name) => [name, name]),
    );
    const kept = this.known.find((each) => each.name === this.customer?.name);
    this.customer = kept || this.known[0];
    this.people.value = this.customer.name;
    if (!this.devices.options.length) await this.listDevices();
    this.showDevice();
  }

  async listDevices() {
    const { status, fields } = await call("/emulator/devices");
    if (status !== 200) return;
    const options = fields.devices.map(({ name }) => [name, DEVICES[name] || name]);
    putOptions(this.devices, [...options, [BY_HAND, "By hand"]]);
  }

  showDevice() {
    this.devices.value = this.customer.device ?? BY_HAND;
    const byHand = [...this.devices.options].find((each) => each.value === BY_HAND);
    if (byHand) byHand.hidden = byHand.disabled = this.devices.value !== BY_HAND;
    const can = this.customer.capabilities.join(", ") || "nothing but text";
    this.devices.title = `This device can show: ${can}`;
  }

  // Chooses one who may be new.
  async show(name) {
    await this.list();
    if (this.known.some((each) => each.name === name)) this.choose(name);
  }

  choose(name) {
    this.people.value = name;
    this.customer = this.known.find((each) => each.name === name);
    this.showDevice();
    this.onChange();
  }

  async hold(device) {
    try {
      const { status, fields } = await call(addressOf(this.customer.name), "PATCH", { device });
      if (status === 200) this.customer = fields;
      else this.say(fields.error);
    } catch {
      this.say("The emulator does not answer");
    }
    this.showDevice();
  }
}

// Leaves the options alone when they are the same, so that an open list stays open.
function putOptions(select, options) {
  const known = [...select.options].map((option) => option.value);
  if (known.join("\n") === options.map(([value]) => value).join("\n")) return;
  select.replaceChildren(
    ...options.map(([value, words]) => {
      const option = make("option", "", words);
      option.value = value;
      return option;
    }),
  );
}
