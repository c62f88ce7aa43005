// Asking the API, and telling it what a person wants.
const PATIENCE = 20000;

async function answered(path, options) {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  const body = await response.json().catch(() => ({ error: `${path}: ${response.status} ${response.statusText}` }));
  if (!response.ok) throw new Error(body.error ?? response.statusText);
  return body;
}

export const get = (path) => answered(path);
export const send = (path, body) =>
  answered(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
