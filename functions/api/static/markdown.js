// Markdown as elements. The library only tells what is what; elements are made here, so that nothing in a text is markup.
import { el } from "./dom.js";
import { link } from "./runbook.js";
import { lexer } from "./vendor/marked.js";

const inline = (token) => (token.tokens ? token.tokens.map(made) : [plain(token.text ?? token.raw)]);
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
const plain = (text) => text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name) => ENTITIES[name]);
const cells = (tag, row) => el("tr", {}, row.map((cell) => el(tag, {}, inline(cell))));

const MAKE = {
  paragraph: (token) => el("p", {}, inline(token)),
  heading: (token) => el("h4", {}, inline(token)),
  list: (token) => el(token.ordered ? "ol" : "ul", {}, token.items.map((item) => el("li", {}, inline(item)))),
  table: (token) => el("table", {}, el("thead", {}, cells("th", token.header)), el("tbody", {}, token.rows.map((row) => cells("td", row)))),
  blockquote: (token) => el("blockquote", {}, inline(token)),
  code: (token) => el("pre", {}, el("code", {}, token.text)),
  codespan: (token) => el("code", {}, plain(token.text)),
  strong: (token) => el("strong", {}, inline(token)),
  em: (token) => el("em", {}, inline(token)),
  del: (token) => el("del", {}, inline(token)),
  br: () => el("br"),
  hr: () => el("hr"),
  space: () => null,
  link: (token) => link(token.href, inline(token)) ?? el("span", { title: token.href }, inline(token)),
};

const made = (token) => (MAKE[token.type] ?? inline)(token);

// Whoever wants headings of its own says how one is made, of its depth and what stands in it.
export const markdown = (text, heading = null) =>
  lexer(text).map((token) => (heading && token.type === "heading" ? heading(token.depth, inline(token)) : made(token))).flat().filter(Boolean);
