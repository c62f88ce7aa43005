// Who is on call now in each rotation, until when, and who stands in for whom.
import { at, el, item, patch } from "./dom.js";
import { left, when } from "./format.js";

const override = (one) => el("li", {}, el("b", {}, one.person), ` from ${when(one.from)} until ${when(one.until)}`);

function row(one) {
  return el("li", { "data-rotation": one.name },
    el("span", {}, el("b", {}, one.person), " ", el("span", { class: "soft" }, `${one.name}, reached by ${one.channels.join(", ")}`),
      one.instead_of && [" ", el("span", { class: "pill info" }, `instead of ${one.instead_of}`)],
      one.until && el("span", { class: "soft", title: when(one.until) }, ", for another ", left(one.until), `, then ${one.next}`),
      one.overrides.length > 0 && el("ul", { class: "soft", "aria-label": `Overrides of ${one.name}` }, one.overrides.map(override))));
}

export function draw(all) {
  patch(at("on-call-list"), all.length ? all.map((one) => item(one.name, one, () => row(one))) : [item("none", 0, () => el("li", { class: "soft" }, "No rotations in the settings."))]);
}
