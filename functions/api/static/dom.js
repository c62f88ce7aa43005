// Elements from data. Text is only ever set as text, so nothing a label says can become markup.
const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

// Replace what a container shows, keeping which details are open, which incident was linked to, and where the focus was.
export function show(container, ...children) {
  const open = new Set([...container.querySelectorAll("details[open]")].map((node) => node.dataset.key));
  const linked = container.querySelector(".linked")?.dataset.incident;
  const focused = container.contains(document.activeElement) && document.activeElement.closest("[data-key]")?.dataset.key;
  container.replaceChildren(...children);
  container.removeAttribute("aria-busy");
  for (const node of container.querySelectorAll("details")) node.open = open.has(node.dataset.key);
  if (linked) container.querySelector(`[data-incident="${CSS.escape(linked)}"]`)?.classList.add("linked");
  const again = focused && container.querySelector(`[data-key="${CSS.escape(focused)}"]`);
  if (again) (again.querySelector("summary") ?? again).focus({ preventScroll: true });
}
