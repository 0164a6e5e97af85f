// A model's Markdown as safe HTML, block by block.
//
// Three fences: HTML in the text is shown as text; images become words; what is left goes through
// DOMPurify with a short list of tags. Links lead only to http, https and mail, in a new tab, with
// the host shown. The content security policy of the page is the fourth.

import DOMPurify from "../web/vendor/dompurify/purify.js";
import { Marked } from "../web/vendor/marked/marked.js";
import { highlight } from "./highlight.js";
import { _ } from "./words.js";

const TAGS =
  "a blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre span strong sub sup " +
  "table tbody td th thead tr ul";
const ATTRIBUTES = "align aria-label class href rel role start tabindex target type";

const CLEAN = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: ATTRIBUTES.split(" "),
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
};

const purify = DOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  if (!node.hasAttribute("href")) return;
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
});

export function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => names[character]);
}

const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ text, href }) => escape(_("(image not shown: {name})", { name: text || hostOf(href) || "" })),
    link({ href, tokens }) {
      const inside = this.parser.parseInline(tokens);
      const url = safeUrl(href);
      if (url === null) return inside;
      const host = url.protocol === "mailto:" ? url.pathname : url.host;
      const shown = inside.includes(escape(host)) ? "" : ` <span class="host">(${escape(host)})</span>`;
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

function hostOf(href) {
  return safeUrl(href)?.host;
}

function htmlOf(token, links) {
  const one = [token];
  one.links = links;
  return purify.sanitize(marked.parser(one), CLEAN);
}

/** Return the HTML of each block of a whole text. */
export function blocksOf(text) {
  const tokens = marked.lexer(text);
  return tokens.filter((token) => token.type !== "space").map((token) => htmlOf(token, tokens.links));
}

/** The blocks of a text that grows: what lies before the last block boundary is parsed once. */
export class GrowingBlocks {
  #done = [];
  #offset = 0;

  /** Return the HTML of each block of `text`, which begins with every text given before. */
  update(text) {
    const tokens = marked.lexer(text.slice(this.#offset));
    const last = tokens.findLastIndex((token) => token.type !== "space");
    const whole = tokens.reduce((length, token) => length + token.raw.length, 0);
    if (this.#offset + whole === text.length) {
      for (const token of tokens.slice(0, Math.max(last, 0))) {
        if (token.type !== "space") this.#done.push(htmlOf(token, tokens.links));
        this.#offset += token.raw.length;
      }
    } else {
      // The lexer rewrote something, so lengths tell no places: keep nothing, parse all again.
      return [...this.#done, ...blocksOf(text.slice(this.#offset))];
    }
    return last < 0 ? this.#done : [...this.#done, htmlOf(tokens[last], tokens.links)];
  }
}
