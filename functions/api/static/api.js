// Asking the API, and telling it what a person wants.
const PATIENCE = 20000;

const asked = (path, options) => fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });

async function read(path, response) {
  const body = await response.json().catch(() => ({ error: `${path}: ${response.status} ${response.statusText}` }));
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

const answered = async (path, options) => read(path, await asked(path, options));

export const get = (path) => answered(path);
export async function text(path) {
  const response = await asked(path);
  return response.ok ? response.text() : read(path, response);
}
export const send = (path, body) =>
  answered(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
