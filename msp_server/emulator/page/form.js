// The sheet of a form: a splash, one page after the other along the branches, a summary.

import { make, makePicture } from "./dom.js";
import { dataOf, imageOf, interactiveOf, listOf, objectOf, textOf } from "./entries.js";
import { makePage } from "./pages.js";
import { Sheet, makeAside, makeHead } from "./sheet.js";

const SPLASH = { name: "splash" };
const SUMMARY = { name: "summary" };

export function openForm(entry, phone) {
  const form = new Form(entry, phone);
  form.turnTo(form.splash ? SPLASH : form.pageStep(form.start));
  form.sheet.show();
  form.focus();
}

class Form {
  constructor(entry, phone) {
    const dynamic = objectOf(dataOf(entry).dynamic);
    const form = objectOf(dynamic.data);
    this.isPrivate = dynamic.private === true || form.private === true;
    this.entry = entry;
    this.phone = phone;
    this.splash = form.splash ? objectOf(form.splash) : null;
    this.pages = new Map(listOf(form.pages).map((page) => [page.pageIdentifier, page]));
    this.start = this.pages.has(form.startPageIdentifier)
      ? form.startPageIdentifier
      : this.pages.keys().next().value;
    this.hasSummary = form.showSummary === true;
    this.steps = []; // what was gone through, the one that is shown last
    this.answers = new Map(); // by page identifier; kept when going back
    const title = textOf(objectOf(interactiveOf(entry).receivedMessage).title);
    this.sheet = new Sheet(title || "Form", "Next");
    this.sheet.onLeave = () => this.back();
    this.sheet.form.addEventListener("input", () => this.sheet.say("")); // it is being put right
  }

  pageStep(identifier) {
    return { name: "page", page: this.pages.get(identifier) };
  }

  turnTo(step) {
    this.steps.push(step);
    this.draw();
  }

  back() {
    this.steps.pop();
    if (this.steps.length) this.draw();
    else this.sheet.close();
  }

  draw() {
    const { sheet, steps } = this;
    sheet.say("");
    sheet.leave.textContent = steps.length > 1 ? "Back" : "Cancel";
    const step = steps.at(-1);
    if (step === SPLASH) this.drawSplash();
    else if (step === SUMMARY) this.drawSummary();
    else this.drawPage(step.page || {});
    if (this.isPrivate) sheet.body.append(makeAside("lock", "Your answers are private"));
    sheet.body.scrollTop = 0;
    this.focus();
  }

  // Where there is something to write one can begin; else a screen reader says the heading.
  focus() {
    const { body } = this.sheet;
    const first =
      body.querySelector("input:not(.unseen), textarea") || body.querySelector("[tabindex]");
    first?.focus();
  }

  drawSplash() {
    const { sheet, splash } = this;
    const image = imageOf(this.entry, splash.imageIdentifier);
    const head = makeHead(
      textOf(splash.header),
      textOf(splash.splashtext),
      makePicture(image.data, textOf(image.description)),
    );
    head.classList.add("splash");
    head.tabIndex = -1;
    sheet.body.replaceChildren(head);
    sheet.confirm.textContent = textOf(splash.buttonTitle) || "Start";
    sheet.onConfirm = () => this.turnTo(this.pageStep(this.start));
  }

  drawPage(page) {
    const { sheet, answers } = this;
    const shown = makePage(page, {
      entry: this.entry,
      before: answers.get(page.pageIdentifier),
      timeZone: this.phone.customer.time_zone,
    });
    sheet.body.replaceChildren(shown.element);
    sheet.confirm.textContent = this.isLast(page, []) && !this.hasSummary ? "Submit" : "Next";
    sheet.onConfirm = () => {
      const answer = shown.read();
      sheet.say(answer.wrong);
      if (answer.wrong) return;
      answers.set(page.pageIdentifier, answer);
      this.goOn(page, answer.chosen);
    };
  }

  goOn(page, chosen) {
    if (!this.isLast(page, chosen)) this.turnTo(this.pageStep(this.nextOf(page, chosen)));
    else if (this.hasSummary) this.turnTo(SUMMARY);
    else this.submit();
  }

  // An item of a page where one is chosen may name the next page in the page's place.
  nextOf(page, chosen) {
    const branch = listOf(page.items).find((item) => chosen.includes(item.identifier));
    const own = page.multipleSelection === true ? undefined : branch?.nextPageIdentifier;
    return own ?? page.nextPageIdentifier;
  }

  isLast(page, chosen) {
    if (page.submitForm === true) return true;
    const branching =
      chosen.length === 0 && listOf(page.items).some((item) => item.nextPageIdentifier);
    return !branching && !this.pages.has(this.nextOf(page, chosen));
  }

  drawSummary() {
    const { sheet } = this;
    const heading = make("h3", "page-title", "Check your answers");
    heading.tabIndex = -1;
    const list = make("dl", "summary");
    for (const page of this.pagesGone()) {
      const shown = this.answers.get(page.pageIdentifier).shown;
      const row = make("div");
      row.append(
        make("dt", "", textOf(page.title) || textOf(page.subtitle)),
        make("dd", "", shown || "–"),
      );
      list.append(row);
    }
    sheet.body.replaceChildren(heading, list);
    sheet.confirm.textContent = "Submit";
    sheet.onConfirm = () => this.submit();
  }

  pagesGone() {
    return this.steps.filter((step) => step.page).map((step) => step.page);
  }

  submit() {
    const given = this.pagesGone()
      .map((page) => [page.pageIdentifier, this.answers.get(page.pageIdentifier).value])
      .filter(([, value]) => value !== undefined);
    const answers = Object.fromEntries(given);
    this.sheet.send(this.phone, "answer_form", { to: this.entry.id, answers });
  }
}
