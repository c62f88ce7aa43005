// The filters above a list: what is chosen stands in the address, so that it can be shared and gone back to.
import { el } from "./dom.js";

const FIRST = 2;
const PAUSE = 350; // milliseconds after the last key

export const chosen = () => new URLSearchParams(location.search);

// A field is `{ name, label, choices }` to choose from, `{ name, label, type }` to write into; `choices` are texts, or pairs of value and text.
function control({ name, label, choices, type, placeholder, list }) {
  const value = chosen().get(name) ?? "";
  if (!choices) return el("input", { type: type ?? "text", name, placeholder, list, maxlength: 200, "aria-label": label, value });
  const pairs = choices.map((one) => (Array.isArray(one) ? one : [one, one.replaceAll("_", " ")]));
  const known = pairs.some(([one]) => one === value) || !value ? pairs : [...pairs, [value, value]];
  const select = el("select", { name }, el("option", { value: "" }, "all"), known.map(([one, text]) => el("option", { value: one, selected: one === value }, text)));
  return select;
}

const labelled = (field) => el("label", { class: field.wide ? "wide" : "" }, el("span", {}, field.label), control(field));

function query(form) {
  const given = new URLSearchParams(chosen());
  for (const [name, value] of new FormData(form)) {
    if (String(value).trim()) given.set(name, String(value).trim());
    else given.delete(name);
  }
  return given;
}

// Draws the fields into `form` and calls back with each other choice. What is being written is left alone when it is drawn again.
export function filters(form, changed) {
  let timer = 0;
  let drawn = "";
  const tell = (push) => {
    clearTimeout(timer);
    const given = query(form);
    if (`?${given}` === (location.search || "?")) return;
    history[push ? "pushState" : "replaceState"](null, "", `${location.pathname}${[...given].length ? `?${given}` : ""}`);
    changed();
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); tell(true); });
  form.addEventListener("change", () => tell(true));
  form.addEventListener("input", (event) => {
    if (event.target.tagName !== "INPUT" || event.target.type === "date") return;
    clearTimeout(timer);
    timer = setTimeout(() => tell(false), PAUSE);
  });
  const clear = () => {
    history.pushState(null, "", location.pathname);
    draw(form.fields, true);
    changed();
  };
  // On a phone the first fields are enough at first.
  function unfold(button, open) {
    form.classList.toggle("open", open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Fewer filters" : "More filters";
  }
  function draw(fields, anew = false) {
    form.fields = fields;
    const mark = JSON.stringify(fields);
    if (!anew && (mark === drawn || form.contains(document.activeElement))) return;
    drawn = mark;
    form.replaceChildren(...fields.map(labelled), el("div", { class: "buttons" },
      el("button", { type: "button", class: "do plain small unfold", onclick: (event) => unfold(event.target, !form.classList.contains("open")) }),
      el("button", { type: "button", class: "do plain small", onclick: clear }, "Clear")));
    unfold(form.querySelector(".unfold"), form.classList.contains("open") || fields.slice(FIRST).some(({ name }) => chosen().has(name)));
  }
  addEventListener("popstate", () => { draw(form.fields, true); changed(); });
  return { draw, clear };
}

// The address of what is chosen; a day begins at midnight in UTC.
const DAYS = new Set(["since", "until"]);
export function address(path, names, more) {
  const wanted = new URLSearchParams();
  for (const name of names.filter((one) => chosen().has(one))) wanted.set(name, chosen().get(name) + (DAYS.has(name) ? "T00:00:00Z" : ""));
  for (const [name, value] of Object.entries(more)) wanted.set(name, value);
  return `${path}?${wanted}`;
}

export const isFiltered = (names) => names.some((name) => chosen().has(name));

// What stands where a list is empty: why, and what to do next.
export const empty = (text, ...next) => el("p", { class: "card empty" }, text, " ", ...next);
