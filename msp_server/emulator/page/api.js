// The emulator's JSON API, the same the tests use.

export async function call(path, method = "GET", fields = undefined) {
  const answer = await fetch(path, {
    method,
    headers: fields ? { "content-type": "application/json" } : {},
    body: fields ? JSON.stringify(fields) : undefined,
  });
  return { status: answer.status, fields: await answer.json() };
}

// Does one deed of a customer's; gives what the API answers, and under `error` what does not fit.
export async function ask(name, deed, fields) {
  try {
    return (await call(addressOf(name, `/${deed}`), "POST", fields)).fields;
  } catch {
    return { error: "The emulator does not answer" };
  }
}

export function addressOf(name, rest = "") {
  return `/customers/${encodeURIComponent(name)}${rest}`;
}
