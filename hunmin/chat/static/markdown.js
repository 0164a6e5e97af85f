// A model's Markdown as safe HTML, block by block.
//
// Three fences: HTML in the text is shown as text; images become words; what is left goes through
// DOMPurify with a short list of tags. Links lead only to http, https and mail, with the host shown,
// and marks to the passages of the answer, all in a new tab. The content security policy of the page
// is the fourth.

import "../web/vendor/dompurify/purify.min.js"; // sets DOMPurify
import { Marked } from "../web/vendor/marked/marked.js";
import { citation, PASSAGE_ADDRESS, Passages } from "./citations.js";
import { highlight, onLanguage } from "./highlight.js";
import { escape } from "./html.js";
import { extensions, onMathematics } from "./mathematics.js";
import { _ } from "./words.js";

const TAGS =
  "a blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong sub sup " +
  "table tbody td th thead tr ul";
const ATTRIBUTES = "align aria-label class href rel role start tabindex target type";

// What KaTeX writes, and no more: nothing that leads anywhere, loads anything or holds HTML.
const MATH_TAGS =
  "annotation math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub " +
  "msubsup msup mtable mtd mtext mtr munder munderover semantics";
const MATH_ATTRIBUTES =
  "accent accentunder columnalign columnlines columnspacing depth display displaystyle encoding fence " +
  "height linebreak linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize " +
  "notation rowlines rowspacing rspace scriptlevel separator stretchy voffset width xmlns";

const CLEAN = {
  ALLOWED_TAGS: `${TAGS} ${MATH_TAGS}`.split(" "),
  ALLOWED_ATTR: `${ATTRIBUTES} ${MATH_ATTRIBUTES}`.split(" "),
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: new RegExp(`^(?:https?|mailto):|${PASSAGE_ADDRESS.source}`, "i"),
  // DOMPurify takes the value of any other attribute for an address.
  ADD_URI_SAFE_ATTR: `${ATTRIBUTES} ${MATH_ATTRIBUTES}`.split(" ").filter((name) => name !== "href"),
};

const purify = globalThis.DOMPurify;
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  if (!node.hasAttribute("href")) return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

let passages = new Passages([]); // of the answer that is being read

const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  extensions: [...extensions, citation(() => passages)],
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ text, href }) => escape(_("(image not shown: {name})", { name: text || hostOf(href) || "" })),
    link({ href, tokens }) {
      const url = safeUrl(href);
      passages.inLink = url !== null;
      const inside = this.parser.parseInline(tokens);
      passages.inLink = false;
      if (url === null) return inside;
      const host = url.protocol === "mailto:" ? url.pathname : url.host;
      const shown = namesHost(inside, url, host) ? "" : ` <span class="host">(${escape(host)})</span>`;
      return `<a href="${escape(url.href)}">${inside}</a>${shown}`;
    },
    code({ text, lang }) {
      const name = (lang ?? "").trim().split(/\s+/)[0];
      const label = escape(name || _("code"));
      return (
        `<div class="code"><div class="code-head"><span>${label}</span>` +
        `<button type="button" class="copy-code" aria-label="${escape(_("Copy code"))}">${escape(_("Copy"))}</button></div>` +
        `<pre tabindex="0"><code class="hljs">${highlight(text, name) ?? escape(text)}</code></pre></div>`
      );
    },
    table(token) {
      const cells = (row, tag) =>
        row.map((cell) => {
          const align = cell.align ? ` align="${cell.align}"` : "";
          return `<${tag}${align}>${this.parser.parseInline(cell.tokens)}</${tag}>`;
        });
      const rows = token.rows.map((row) => `<tr>${cells(row, "td").join("")}</tr>`);
      return (
        `<div class="table" role="region" tabindex="0" aria-label="${escape(_("Table"))}"><table>` +
        `<thead><tr>${cells(token.header, "th").join("")}</tr></thead>` +
        `<tbody>${rows.join("")}</tbody></table></div>`
      );
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

function safeUrl(href) {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Whether the words of a link begin with the host it leads to; anywhere else they may deceive. */
function namesHost(inside, url, host) {
  const names = [host, `${url.protocol}//${host}`, `mailto:${host}`].map(escape);
  return names.some((name) => inside === name || inside.startsWith(`${name}/`));
}

function hostOf(href) {
  return safeUrl(href)?.host;
}

// What was made before, until something comes that makes it look otherwise: blocks by their source,
// and the text that grew last, so that at its end a long answer is not read again as a whole.
const made = new Map();
const MADE_MAX = 4000;
let grown = null;
let arrivals = 0;
onArrival(() => {
  made.clear();
  grown = null;
  arrivals += 1;
});

/** Be told when something came that makes texts look otherwise: a language of code, mathematics. */
export function onArrival(listener) {
  const ends = [onLanguage(listener), onMathematics(listener)];
  return () => ends.forEach((end) => end());
}

function htmlOf(token, links) {
  // What a link leads to may stand in another block.
  const source = Object.keys(links).length ? null : `${passages.keyFor(token.raw)} ${token.type} ${token.raw}`;
  const known = made.get(source);
  if (known !== undefined) return known;
  const one = [token];
  one.links = links;
  const html = purify.sanitize(marked.parser(one), CLEAN);
  if (made.size >= MADE_MAX) made.clear();
  if (source !== null) made.set(source, html);
  return html;
}

/** Whether a token is something to see: not blank lines, not the addresses of links. */
const isBlock = (token) => token.type !== "space" && token.type !== "def";

/** Return the HTML of each block of a whole text, its marks leading to the sources given. */
export function blocksOf(text, sources = []) {
  passages = new Passages(sources);
  if (grown?.text === text && grown.key === passages.keyFor(text)) return grown.blocks;
  const tokens = marked.lexer(text);
  return tokens.filter(isBlock).map((token) => htmlOf(token, tokens.links));
}

/** Return what a text says, without the marks of Markdown. */
export function spokenText(text) {
  const page = new DOMParser().parseFromString(blocksOf(text).join("\n"), "text/html");
  for (const head of page.querySelectorAll(".code-head")) head.remove();
  return page.body.textContent.replace(/\s+/g, " ").trim();
}

// What may still become the next item of the list before it. Likewise a formula that has begun may
// turn out to be a part of the paragraph before it.
const MARKER_IN_THE_MAKING = /^ {0,3}(?:[-*+]+|\d{1,9}[.)]?)\s*$/;

/** The blocks of a text that grows: what lies before the last block boundary is parsed once. */
export class GrowingBlocks {
  #done = [];
  #offset = 0;
  #arrivals = arrivals;
  #key = "";
  #hasLinks = false; // to addresses that stand in a block of their own

  /** Return the HTML of each block of `text`, which begins with every text given before. */
  update(text, sources = []) {
    passages = new Passages(sources);
    if (this.#arrivals !== arrivals || this.#key !== passages.key) this.#beginAgain();
    const tail = text.slice(this.#offset);
    const tokens = marked.lexer(tail);
    this.#hasLinks ||= Object.keys(tokens.links).length > 0;
    const length = tokens.reduce((sum, token) => sum + token.raw.length, 0);
    // Where the lexer rewrote something, lengths tell no places: nothing is settled yet.
    const settled = length === tail.length ? tokens.slice(0, firstOpen(tokens)) : [];
    for (const token of settled) {
      if (isBlock(token)) this.#done.push(htmlOf(token, tokens.links));
      this.#offset += token.raw.length;
    }
    const open = tokens.slice(settled.length).filter(isBlock);
    const blocks = [...this.#done, ...open.map((token) => htmlOf(token, tokens.links))];
    if (!this.#hasLinks) grown = { text, key: passages.keyFor(text), blocks };
    return blocks;
  }

  #beginAgain() {
    this.#arrivals = arrivals;
    this.#key = passages.key;
    this.#done = [];
    this.#offset = 0;
  }
}

/** Return the place of the first token that more text could change. */
function firstOpen(tokens) {
  const says = (token) => token.type !== "space";
  const last = tokens.findLastIndex(says);
  if (last > 0 && (tokens[last].begun || MARKER_IN_THE_MAKING.test(tokens[last].raw))) {
    return Math.max(0, tokens.slice(0, last).findLastIndex(says));
  }
  return Math.max(0, last);
}
