// The sheet on which a payment is made, after the manner of Apple Pay. The phone tells the business
// each choice, and shows the bill that comes back.

import { ask } from "./api.js";
import { make, newId } from "./dom.js";
import { PAID, dataOf, interactiveOf, listOf, objectOf, textOf } from "./entries.js";
import { makeOptions } from "./options.js";
import { Sheet, makeAside, makeReceivedHead } from "./sheet.js";
import {
  ADDRESSES,
  cardsFor,
  contactWords,
  describeAddress,
  isShipped,
  lineOf,
  methodsOf,
  moneyOf,
} from "./wallet.js";

const WORDS_LIMIT = 300;

// Why nothing was paid, as a phone would tell the customer.
const REASONS = {
  STATUS_FAILURE: "The business did not take the payment.",
  STATUS_INVALID_BILLING_POSTAL_ADDRESS: "The business cannot use the billing address.",
  STATUS_INVALID_SHIPPING_POSTAL_ADDRESS: "The business does not ship to this address.",
  STATUS_INVALID_SHIPPING_CONTACT: "The business cannot use the contact details.",
  STATUS_PIN_REQUIRED: "The card needs a PIN.",
  STATUS_PIN_INCORRECT: "The PIN is wrong.",
  STATUS_PIN_LOCKOUT: "The PIN was wrong too often.",
};

export function openPayment(entry, phone) {
  new Payment(entry, phone).show();
}

class Payment {
  constructor(entry, phone) {
    this.entry = entry;
    this.phone = phone;
    this.name = phone.customer.name; // whoever is chosen later: this sheet is this customer's
    const request = objectOf(objectOf(dataOf(entry).payment).paymentRequest);
    this.request = request;
    this.merchant = textOf(request.merchantName) || lineOf(request.total).label || "the business";
    this.money = moneyOf(request, phone.customer.locale);
    this.sheet = new Sheet("Apple Pay", "Pay");
    this.sheet.form.classList.add("pay");
    this.begun = false; // whether the business took part
    this.ended = false;
    this.authorising = false;
    this.asked = Promise.resolve(); // what is asked goes out one after the other
    this.waiting = 0;
    this.choose();
    this.untold = this.everything(); // what the business was not told yet, or did not answer
  }

  // All there is to tell, in the order of a phone.
  everything() {
    const verbs = ["open", "card"];
    if (isShipped(this.request)) verbs.push("address");
    if (this.shipping) verbs.push("shipping");
    return new Set(verbs);
  }

  // Makes the choices that a phone makes before the customer does.
  choose() {
    const networks = objectOf(this.request.applePay).supportedNetworks;
    this.cards = cardsFor(networks);
    this.card = this.cards.find((each) => each.taken)?.card;
    this.address = ADDRESSES[0];
    this.shipping = methodsOf(this.request)[0];
  }

  show() {
    const { sheet } = this;
    this.groups = make("fieldset", "pay-groups");
    this.bill = make("dl", "bill");
    this.total = make("div", "total");
    this.total.setAttribute("role", "status"); // a screen reader says each new sum
    this.total.setAttribute("aria-atomic", "true");
    sheet.body.append(this.makeHead(), this.groups, this.makeBillBox());
    const told = contactWords(this.request);
    if (told) sheet.body.append(makeAside("lock", `${this.merchant} is told your ${told}`));
    sheet.wrong.before(this.total);
    this.drawGroups();
    this.drawBill(listOf(this.request.lineItems), objectOf(this.request.total));
    sheet.onConfirm = () => this.confirm();
    sheet.show();
    sheet.layer.addEventListener("close", () => this.leave());
    this.catchUp();
  }

  makeHead() {
    const received = objectOf(interactiveOf(this.entry).receivedMessage);
    return makeReceivedHead(this.entry, textOf(received.title) || this.merchant);
  }

  makeBillBox() {
    const box = make("section", "choices");
    const heading = make("h3", "choices-title", this.merchant);
    heading.id = newId();
    box.setAttribute("aria-labelledby", heading.id);
    box.append(heading, this.bill);
    return box;
  }

  drawGroups() {
    this.groups.replaceChildren(this.makeCards());
    if (isShipped(this.request)) this.groups.append(this.makeAddresses());
    if (this.shipping) this.groups.append(this.makeMethods());
  }

  makeCards() {
    const rows = this.cards.map(({ card, taken }) => ({
      value: card,
      title: card.display_name,
      subtitle: taken ? `${card.type} card` : "Not taken here",
      disabled: !taken,
      mark: makeCardPicture(card),
    }));
    return makeOptions("Pay with", rows, this.card, (card) => {
      this.card = card;
      this.tell("card");
    });
  }

  makeAddresses() {
    const rows = ADDRESSES.map((address) => {
      const { lines, place } = describeAddress(address);
      return { value: address, title: lines, subtitle: place };
    });
    return makeOptions("Ship to", rows, this.address, (address) => {
      this.address = address;
      this.tell("address");
    });
  }

  makeMethods() {
    const rows = methodsOf(this.request).map((method) => ({
      value: method,
      title: textOf(method.label),
      subtitle: [textOf(method.detail), this.money(method.amount)].filter(Boolean).join(" · "),
    }));
    return makeOptions("Shipping", rows, this.shipping, (method) => {
      this.shipping = method;
      this.tell("shipping");
    });
  }

  drawBill(lines, total) {
    this.bill.replaceChildren(
      ...lines.map((each) => {
        const { label, amount, pending } = lineOf(each);
        const row = make("div");
        row.append(
          make("dt", "", label),
          make("dd", "", pending ? "Amount pending" : this.money(amount)),
        );
        return row;
      }),
    );
    const { label, amount } = lineOf(total);
    this.payee = label || this.merchant;
    this.amount = this.money(amount);
    this.drawTotal(this.waiting > 0);
  }

  // What it comes to; or, while the business is asked, that it is.
  drawTotal(busy) {
    const asking = this.authorising ? "Processing…" : `Asking ${this.merchant}…`;
    this.total.replaceChildren(
      make("span", "total-label", busy ? asking : `Pay ${this.payee}`),
      make("strong", "total-amount", this.amount),
    );
  }

  // Tells the business one choice, once everything before it was told.
  tell(verb) {
    this.untold.add(verb);
    this.catchUp();
  }

  catchUp() {
    this.waiting += 1;
    this.drawProgress();
    this.asked = this.asked.then(async () => {
      await this.tellAll();
      this.waiting -= 1;
      this.drawProgress();
    });
  }

  // Tells what is untold, up to the first that goes wrong.
  async tellAll() {
    this.sheet.say("");
    for (const verb of this.everything()) {
      if (!this.untold.has(verb) || this.ended) continue;
      this.untold.delete(verb); // another choice of the same may come meanwhile
      const answer = await this.ask(verb, this.choiceOf(verb));
      if (!answer.wrong) continue;
      this.untold.add(verb);
      this.sheet.say(answer.wrong);
      return;
    }
  }

  choiceOf(verb) {
    if (verb === "card") return { card: this.card };
    if (verb === "address") return { contact: this.address };
    if (verb === "shipping") return { shipping: textOf(this.shipping.identifier) };
    return this.card ? { card: this.card } : {};
  }

  // Does one step, shows the bill then, and gives what went wrong: {wrong, sheet}.
  async ask(verb, fields) {
    const shown = await ask(this.name, `pay/${verb}`, { to: this.entry.id, ...fields });
    if (shown.error) {
      this.untold = this.everything(); // the sheet may be gone: it is opened anew
      return { wrong: shown.error };
    }
    if (verb === "open") this.takeCard(shown.sheet.card);
    if (!this.ended) this.drawBill(listOf(shown.sheet.line_items), shown.sheet.total);
    this.note(shown.steps);
    const wrong = wrongIn(shown.steps);
    if (verb !== "open" && !wrong) this.begun = true;
    return { wrong, sheet: shown.sheet };
  }

  // Where none of the wallet's cards is taken, the emulator comes up with another.
  takeCard(card) {
    if (this.card) return;
    this.card = card;
    this.cards.push({ card, taken: true });
    this.drawGroups();
  }

  // Says what does not stop the phone, though the business would want to know it.
  note(steps) {
    this.hint?.remove();
    const finding = steps.map((step) => textOf(step.finding)).find(Boolean);
    this.hint = finding ? makeAside("question", finding) : null;
    if (this.hint) this.bill.after(this.hint);
  }

  drawProgress() {
    if (this.ended) return;
    const { sheet } = this;
    const busy = this.waiting > 0 || this.authorising;
    sheet.form.classList.toggle("busy", busy);
    sheet.confirm.disabled = busy;
    sheet.confirm.textContent = this.untold.size && !busy ? "Try again" : this.payWords();
    this.drawTotal(busy);
  }

  payWords() {
    return this.card ? `Pay with ${this.card.display_name}` : "Pay";
  }

  confirm() {
    if (this.waiting || this.authorising) return;
    if (this.untold.size) this.catchUp();
    else this.authorise();
  }

  async authorise() {
    this.authorising = true;
    this.sheet.say("");
    this.sheet.leave.disabled = true; // who has said yes cannot take it back
    this.groups.disabled = true;
    this.drawProgress();
    const { wrong, sheet } = await this.ask("authorise", {});
    this.authorising = false;
    if (!this.sheet.layer.open) {
      if (wrong) this.phone.say(wrong); // the customer did not wait for it
      return;
    }
    if (sheet && !sheet.open) {
      this.end(sheet.status, wrong);
      return;
    }
    this.sheet.leave.disabled = false;
    this.groups.disabled = false;
    this.drawProgress();
    this.sheet.say(wrong || "The payment was not authorised");
    this.sheet.confirm.focus();
  }

  end(status, wrong) {
    this.ended = true;
    const { sheet } = this;
    const paid = status === PAID;
    sheet.form.classList.remove("busy");
    this.total.hidden = true;
    if (paid) sheet.showResult(true, "Done", `${this.merchant} got ${this.amount}`, wrong);
    else sheet.showResult(false, "Payment not completed", REASONS[status] || status, wrong);
  }

  // The sheet went away, by a button, Escape or a tap beside it: that cancels, unless it is over or
  // the business refused it from the start, as it does with a payment that is paid.
  async leave() {
    const settled = this.ended || this.authorising;
    this.ended = true;
    if (settled) return;
    await this.asked;
    if (!this.begun) return;
    const { wrong } = await this.ask("cancel", {});
    if (wrong) this.phone.say(wrong);
  }
}

// What does not let the phone go on, in a sentence, with the words that the business has for it.
function wrongIn(steps) {
  const step = steps.find((each) => textOf(each.error));
  if (!step) return "";
  const words = textOf(step.answer) || textOf(objectOf(step.answer).error);
  return words ? `${step.error}: ${words.slice(0, WORDS_LIMIT)}` : step.error;
}

function makeCardPicture(card) {
  const picture = make("span", `plastic plastic-${card.network.toLowerCase()}`);
  picture.setAttribute("aria-hidden", "true");
  return picture;
}
