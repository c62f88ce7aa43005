// The tiles of a dashboard: each a frame that keeps its place and its last drawing, whatever comes or does not come.
import { chartTile } from "./chart_tile.js";
import { details } from "./details.js";
import { el } from "./dom.js";
import { scorecard } from "./scorecard.js";
import { table } from "./table.js";

const KINDS = { chart: chartTile, scorecard, table };

// The page shows units itself: a title that names them says it twice.
const titled = (title) => title.replace(/ \((s|%|\$)\)$/, "");

const FOREIGN = "No data in this range. Google Cloud or an exporter writes this metric where the resource exists.";

function place(node, tile) {
  node.style.gridColumn = `${tile.x + 1} / span ${tile.width}`;
  node.style.gridRow = `${tile.y + 1} / span ${tile.height}`;
  return node;
}

function header(tile) {
  return { node: place(el("div", { class: `section${tile.line ? " line" : ""}` }, el("h2", {}, tile.title), tile.text && el("p", { class: "soft" }, tile.text)), tile) };
}

function words(tile) {
  const body = el("div", { class: "body prose", tabindex: 0, role: "group", "aria-label": tile.title });
  import("./markdown.js").then(({ markdown }) => body.replaceChildren(...markdown(tile.text)));
  return { node: place(el("article", { class: "tile text", "aria-label": tile.title }, tile.title && el("h3", {}, tile.title), body), tile) };
}

const unknown = (tile) =>
  ({ node: place(el("article", { class: "tile", "aria-label": tile.title }, el("h3", {}, tile.title), el("p", { class: "message" }, "This page cannot draw that; Cloud Monitoring can.")), tile) });

function note(data) {
  const left = data.sets.reduce((sum, set) => sum + set.left_out, 0);
  return left ? `${left} more series are not shown` : "";
}

// What asks for data: `take(data)`, `fail(reason)`, `wait()`, and `redraw()` where the colours or the room have changed.
function framed(given) {
  const tile = { ...given, title: titled(given.title) };
  const drawing = KINDS[tile.kind](tile);
  const id = `tile-${tile.index}`;
  const state = { data: null };
  const body = el("div", { class: "body" });
  const message = el("p", { class: "message", hidden: true });
  const cut = el("span", { class: "soft cut" });
  const more = el("button", { type: "button", class: "more", "aria-label": `Data and queries of ${tile.title}`, title: "Data and queries",
    onclick: () => details(tile, tile.title, state.data && !drawing.isEmpty(state.data) ? drawing.table(state.data) : null) }, "⋯");
  const node = place(el("article", { class: `tile ${tile.kind} waiting`, "aria-labelledby": id, "aria-busy": "true", "data-tile": tile.index },
    el("div", { class: "tile-head" }, el("h3", { id, title: tile.title }, tile.title), cut, more), body, message), tile);

  function say(text, { over }) {
    message.textContent = text;
    message.hidden = !text;
    message.classList.toggle("strip", over);
  }

  return {
    node, tile,
    wait: () => node.setAttribute("aria-busy", "true"),
    take(data, coming) {
      node.classList.remove("waiting", "failed");
      node.removeAttribute("aria-busy");
      state.data = data;
      cut.textContent = note(data);
      if (drawing.isEmpty(data)) {
        drawing.clear?.();
        body.replaceChildren();
        return say(tile.foreign ? FOREIGN : coming ? "No data yet, its history is loading" : "No data in this range", { over: false });
      }
      say("", { over: false });
      drawing.show(body, data);
    },
    // What is starting has not failed.
    fail(reason, starting) {
      node.classList.remove("waiting");
      if (starting && !body.childElementCount) {
        node.removeAttribute("aria-busy");
        return say("No data yet, its source is starting", { over: false });
      }
      node.classList.add("failed");
      node.removeAttribute("aria-busy");
      const shown = body.childElementCount > 0;
      if (shown && drawing.lose) {
        say("", { over: false });
        return drawing.lose(body, state.data, reason);
      }
      say(reason, { over: shown });
    },
    redraw: () => { if (body.childElementCount) drawing.redraw?.(); },
    clear: () => drawing.clear?.(),
  };
}

export function made(tile) {
  if (tile.kind in KINDS) return framed(tile);
  return { header, text: words }[tile.kind]?.(tile) ?? unknown(tile);
}
