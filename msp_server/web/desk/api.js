// Asks this server, as the person whose session it is.

const MARK = document.querySelector("meta[name=desk-mark]").content;

export class Refused extends Error {
  constructor(answer, status) {
    super(answer.error ?? `answered ${status}`);
    this.field = answer.field ?? "";
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const response = await fetch(`/conversations${path}`, { cache: "no-store", ...options });
  const answer = await response.json().catch(() => ({}));
  if (response.status === 401) location.reload(); // the session is over
  if (!response.ok) throw new Refused(answer, response.status);
  return answer;
}

function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-Desk-Mark": MARK };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

const one = (id) => `/${encodeURIComponent(id)}`;

export const latest = (atDesk) => ask(atDesk ? "?at_desk=1" : "");
export const read = (id) => ask(one(id));
export const say = (id, key, messages) => post(`${one(id)}/messages`, { id: key, as: "desk", messages });
export const takeOver = (id, desk) => post(`${one(id)}/take_over`, { desk });
export const giveBack = (id) => post(`${one(id)}/give_back`, {});
