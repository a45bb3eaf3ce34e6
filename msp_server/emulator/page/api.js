// The emulator's JSON API, the same the tests use.

export async function call(path, method = "GET", fields = undefined, signal = undefined) {
  const answer = await fetch(path, {
    method,
    signal,
    headers: fields ? { "content-type": "application/json" } : {},
    body: fields ? JSON.stringify(fields) : undefined,
  });
  return { status: answer.status, fields: await answer.json() };
}

export function addressOf(name, rest = "") {
  return `/customers/${encodeURIComponent(name)}${rest}`;
}
