// Asking the API, and telling it what a person wants.
const PATIENCE = 20000;

// A browser says "Failed to fetch", another "Load failed", of a server that is away.
const asked = (path, options, patience = PATIENCE) => fetch(path, { ...options, signal: AbortSignal.timeout(patience) }).catch((error) => { throw error instanceof TypeError ? new Error("the server does not answer") : error; });

async function read(path, response) {
  const body = await response.json().catch(() => ({ detail: `${path}: ${response.status} ${response.statusText}` }));
  if (!response.ok) throw Object.assign(new Error(body.detail ?? response.statusText), { status: response.status, starting: Boolean(body.starting), near: body.near });
  return body;
}

const answered = async (path, options, patience) => read(path, await asked(path, options, patience));

export const get = (path, patience) => answered(path, {}, patience);
export async function text(path) {
  const response = await asked(path);
  return response.ok ? response.text() : read(path, response);
}
export const send = (path, body) =>
  answered(path, { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
