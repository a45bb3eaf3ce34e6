// The sheet on which a customer signs in at a provider: who asks, for what, as whom.

import { ask, call } from "./api.js";
import { make, makeButton } from "./dom.js";
import { dataOf, interactiveOf, isSignedIn, listOf, objectOf, textOf } from "./entries.js";
import { Sheet, makeReceivedHead } from "./sheet.js";

export function openSignIn(entry, phone) {
  new SignIn(entry, phone).show();
}

class SignIn {
  constructor(entry, phone) {
    this.entry = entry;
    this.phone = phone;
    this.customer = phone.customer; // whoever is chosen later: this sheet is this customer's
    this.oauth = objectOf(objectOf(dataOf(entry).authenticate).oauth2);
    this.state = "asking"; // then deciding, then over
    const received = objectOf(interactiveOf(entry).receivedMessage);
    this.sheet = new Sheet(textOf(received.title) || "Sign in", "Allow");
  }

  show() {
    const { sheet } = this;
    this.progress = make("p", "progress");
    this.progress.setAttribute("role", "status");
    this.deny = makeButton("confirm lesser", "Deny", () => this.decide("deny"));
    this.terms = make("dl", "summary");
    sheet.body.append(makeReceivedHead(this.entry, ""), this.terms);
    sheet.wrong.before(this.progress);
    sheet.confirm.after(this.deny);
    sheet.onConfirm = () => this.decide("allow");
    this.drawTerms("");
    this.learnClient();
    sheet.show();
    sheet.layer.addEventListener("close", () => this.leave());
  }

  // The message does not say who asks: the provider knows the business by its client id.
  async learnClient() {
    const { fields } = await call("/emulator/").catch(() => ({ fields: {} }));
    this.drawTerms(textOf(fields.oauth_client_id));
  }

  drawTerms(client) {
    const back = hostOf(textOf(this.oauth.redirectURI));
    const scope = Array.isArray(this.oauth.scope) ? this.oauth.scope : [];
    const wanted = scope.map(textOf).filter(Boolean).join(", ");
    const rows = [
      ["Asks to know who you are", client || "The business"],
      ["Wants to see", wanted || "Nothing in particular"],
      ["Sends you back to", back],
      ["You are", textOf(this.customer.person) || this.customer.name],
    ];
    this.terms.replaceChildren(...rows.filter(([, words]) => words).map(makeRow));
  }

  async decide(deed) {
    if (this.state !== "asking") return;
    this.turnTo("deciding");
    const answer = await this.ask(deed);
    if (!answer.error) {
      this.end(answer);
    } else if (this.sheet.layer.open) {
      this.turnTo("asking");
      this.sheet.say(answer.error);
    } else {
      this.phone.say(answer.error); // the customer did not wait for it
    }
  }

  ask(deed) {
    return ask(this.customer.name, "sign_in", { to: this.entry.id, do: deed });
  }

  turnTo(state) {
    const { sheet } = this;
    const busy = state === "deciding";
    this.state = state;
    sheet.say("");
    sheet.form.classList.toggle("busy", busy);
    sheet.confirm.disabled = this.deny.disabled = sheet.leave.disabled = busy;
    this.progress.textContent = busy ? "Signing in…" : "";
  }

  end(answer) {
    const { sheet } = this;
    const signedIn = isSignedIn(objectOf(answer.authenticate));
    const lost = textOf(objectOf(answer.message).error);
    this.turnTo("over");
    this.deny.hidden = this.progress.hidden = true;
    const wrong = lost ? `The business was not told: ${lost}` : "";
    if (signedIn) sheet.showResult(true, "Signed in", "", wrong);
    else sheet.showResult(false, "Not signed in", reasonOf(answer), wrong);
  }

  // The sheet went away, by a button, Escape or a tap beside it, before anything was decided.
  async leave() {
    if (this.state !== "asking") return;
    this.state = "over";
    const { error } = await this.ask("close");
    if (error) this.phone.say(error);
  }
}

// Why nobody is signed in, in the words of who knows: the business, the device, or the last call.
function reasonOf(answer) {
  const told = objectOf(answer.authenticate);
  const failed = listOf(answer.steps).findLast((step) => textOf(step.error));
  return (
    textOf(objectOf(answer.result).error) ||
    textOf(told.error_code) ||
    textOf(objectOf(listOf(told.errors)[0]).message) ||
    (failed ? `${failed.method} ${failed.address}: ${failed.error}` : "") ||
    `It ended with ${textOf(told.status) || "nothing"}`
  );
}

function makeRow([term, words]) {
  const row = make("div");
  row.append(make("dt", "", term), make("dd", "", words));
  return row;
}

function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return "";
  }
}
