// Elements from data. Text is only ever set as text, so nothing a label says can become markup.
const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}

export const el = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);
export const at = (id) => document.getElementById(id);

// What a person has done to a part of the page: it outlives the drawing of newer data.
function habits(container) {
  const active = document.activeElement;
  const focused = container.contains(active) ? active.closest("[data-key]") : null;
  return {
    open: new Set([...container.querySelectorAll("details[open]")].map((node) => node.dataset.key)),
    linked: container.matches(".linked") ? container.dataset.incident : container.querySelector(".linked")?.dataset.incident,
    written: new Map([...container.querySelectorAll("input[data-key], select[data-key]")].map((node) => [node.dataset.key, node.value])),
    focused: focused?.dataset.key,
    held: container.contains(active),
    caret: active?.matches?.("input[type=text]") ? [active.selectionStart, active.selectionEnd] : null,
  };
}

function restore(container, before) {
  const find = (key) => container.querySelector(`[data-key="${CSS.escape(key)}"]`);
  for (const node of container.querySelectorAll("details")) node.open = before.open.has(node.dataset.key);
  for (const [key, value] of before.written) if (value && find(key)) find(key).value = value;
  const linked = before.linked && (container.dataset.incident === before.linked
    ? container : container.querySelector(`[data-incident="${CSS.escape(before.linked)}"]`));
  if (linked) linked.classList.add("linked");
  if (!before.held) return;
  const again = before.focused && find(before.focused);
  const place = again ? again.querySelector("summary") ?? again : container.matches("[tabindex]") ? container : null;
  if (place && !place.disabled) place.focus({ preventScroll: true });
  else if (container.matches("[tabindex]")) container.focus({ preventScroll: true });
  if (again && before.caret && again.setSelectionRange) again.setSelectionRange(...before.caret);
}

// Replace what a container shows, keeping what is open, written and linked to, and where the focus was.
export function show(container, ...children) {
  const before = habits(container);
  container.replaceChildren(...children);
  container.removeAttribute("aria-busy");
  restore(container, before);
}

// Show items in their order, each drawn again only where it has changed: `[{ key, mark, make }]`.
export function patch(container, items) {
  const had = new Map([...container.children].map((node) => [node.dataset.item, node]));
  const keys = new Set(items.map((item) => item.key));
  for (const [key, node] of had) if (!keys.has(key)) node.remove();
  let place = container.firstElementChild;
  for (const item of items) {
    const old = had.get(item.key);
    if (old && old.mark === item.mark) {
      if (old === place) place = place.nextElementSibling;
      else container.insertBefore(old, place);
      continue;
    }
    const node = item.make();
    node.dataset.item = item.key;
    node.mark = item.mark;
    const before = old && habits(old);
    if (old === place) place = place?.nextElementSibling ?? null;
    if (old) old.remove();
    container.insertBefore(node, place);
    if (before) restore(node, before);
  }
  container.removeAttribute("aria-busy");
}

export const item = (key, data, make) => ({ key, mark: JSON.stringify(data), make });
