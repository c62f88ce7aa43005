// A runbook or a guide, to be read: the address names it and, where it has one, the section.
import { text } from "./api.js";
import { at, el } from "./dom.js";
import { markdown } from "./markdown.js";
import { read } from "./runbook.js";

// As GitHub makes them of headings; of those that are alike the later ones are numbered.
function anchors() {
  const seen = new Map();
  return (words) => {
    const name = words.trim().toLowerCase().replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before ? `${name}-${before}` : name;
  };
}

function headings() {
  const anchor = anchors();
  return (depth, children) => {
    const node = el(`h${depth}`, {}, children);
    node.id = anchor(node.textContent);
    return node;
  };
}

// A section is there only now: the browser is sent to it once more.
function draw(written) {
  at("runbook").replaceChildren(...markdown(written, headings()));
  const title = at("runbook").querySelector("h1")?.textContent;
  if (title) document.title = `${title} · aia`;
  if (location.hash) location.replace(location.hash);
}

async function start() {
  const [, kind, name] = location.pathname.split("/");
  read(kind);
  try {
    draw(await text(`/v1/${kind}/${name}`));
  } catch (error) {
    at("problem").textContent = error.name === "TimeoutError" ? "The request timed out" : error.message;
    at("problem").hidden = false;
  }
  at("runbook").removeAttribute("aria-busy");
  document.body.dataset.loaded = "true";
}

start();
