// The operations of the API from its own document; those that read can be asked.
import { get } from "./api.js";
import { at, el, show } from "./dom.js";

const input = (one) => el("label", {}, `${one.name}${one.required ? "" : " (optional)"}`,
  el("input", { type: "text", name: one.name, required: Boolean(one.required), placeholder: String(one.schema.default ?? ""), title: one.description ?? "" }));

function address(path, parameters, values) {
  const filled = parameters.filter((one) => one.in === "path").reduce((text, one) => text.replace(`{${one.name}}`, encodeURIComponent(values.get(one.name))), path);
  const query = new URLSearchParams(parameters.filter((one) => one.in === "query" && values.get(one.name)).map((one) => [one.name, values.get(one.name)]));
  return query.size ? `${filled}?${query}` : filled;
}

async function ask(path, parameters, form, answer) {
  const asked = address(path, parameters, new FormData(form));
  answer.textContent = `GET ${asked}\n…`;
  try {
    const response = await fetch(asked);
    const body = await response.text();
    const shown = (response.headers.get("Content-Type") ?? "").includes("json") ? JSON.stringify(JSON.parse(body), null, 1) : body;
    answer.textContent = `GET ${asked}\n${response.status} ${response.statusText}\n\n${shown}`;
  } catch (error) {
    answer.textContent = `GET ${asked}\n${error.message}`;
  }
}

function trial(path, parameters) {
  const answer = el("pre", { tabindex: 0, role: "group", "aria-label": `Answer of ${path}`, hidden: true });
  const form = el("form", {}, parameters.map(input), el("button", { class: "do small" }, "Ask"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer.hidden = false;
    ask(path, parameters, form, answer);
  });
  return [form, answer];
}

const fields = (schema, schemas) => Object.keys((schema?.$ref ? schemas[schema.$ref.split("/").pop()] : schema)?.properties ?? {});

function takes(operation, schemas) {
  const names = fields(operation.requestBody?.content["application/json"].schema, schemas);
  return el("p", { class: "soft" }, names.length ? ["Takes a JSON object with ", el("code", {}, names.join(", ")), "."] : "Takes no fields of its own.");
}

const card = (path, method, operation, schemas) => el("details", { class: "card operation", "data-key": `${method} ${path}` },
  el("summary", {}, el("b", {}, method.toUpperCase()), el("code", {}, path), el("span", {}, operation.summary), el("span", { class: "soft" }, operation["x-role"])),
  method === "get" ? trial(path, operation.parameters) : takes(operation, schemas));

const found = await get("/v1/openapi.json").catch((error) => {
  at("problem").textContent = `The document of the API is missing: ${error.message}`;
  at("problem").hidden = false;
});
if (found) {
  const cards = Object.entries(found.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => card(path, method, one, found.components.schemas)));
  show(at("operations"), ...cards);
  at("updated").textContent = `${cards.length} operations`;
}
document.body.dataset.loaded = "true";
