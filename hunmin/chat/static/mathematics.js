// LaTeX in a text: what is mathematics and what is money, and its drawing as MathML.
//
// The same rules as `mathematics.py`. KaTeX is fetched when a text first has a formula; until then,
// and where a formula cannot be read, its source is shown. MathML needs no style and no font of its
// own, so the content policy of the page holds, and screen readers read it.

import { escape } from "./html.js";
import { _ } from "./words.js";

const CHARACTERS_MAX = 4000;
const OPTIONS = { output: "mathml", throwOnError: true, trust: false, strict: "ignore", maxSize: 20, maxExpand: 300 };

const SIGN = /[\\^_=<>{}+*/|]/;
const NUMBER_OR_NAME = /[0-9A-Za-z]/;
const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/;

/** Whether what stands between two dollar signs is mathematics, not the words between two prices. */
export function isMathematics(inside) {
  if (SIGN.test(inside)) return true;
  return NUMBER_OR_NAME.test(inside) && !HANGUL.test(inside) && !(/^\d/.test(inside) && /\s/.test(inside));
}

// No form goes beyond an empty line, so a text that grows is settled there; none holds code.
const DOUBLE_DOLLARS = /\$\$(?!\$)((?:(?!\n[ \t]*\n)(?:\\[^]|[^\\$`]))+)\$\$(?!\$)/;
const SQUARE = /\\\[((?:(?!\n[ \t]*\n)(?:\\(?![[\]])[^]|[^\\`]))+)\\\]/;
const ROUND = /\\\(((?:(?!\n[ \t]*\n)(?:\\(?![()])[^]|[^\\`]))+)\\\)/;
const DOLLARS = /^\$(?![\s$])((?:\\[^\n]|[^\\$`\n])*?[^\\\s$`])\$(?![0-9A-Za-z$])/;
const BEFORE_DOLLAR = /[\\$0-9A-Za-z]$/;

const DISPLAY = [DOUBLE_DOLLARS, SQUARE].map((form) => new RegExp(`^ {0,3}${form.source}[ \\t]*(?:\\n+|$)`));
const BRACKETS = [SQUARE, ROUND].map((form) => new RegExp(`^${form.source}`));
const BETWEEN_DOLLARS = [new RegExp(`^${DOUBLE_DOLLARS.source}`), DOLLARS];

// A display that has begun and may still end.
const BEGUN = [
  /^ {0,3}\$\$(?!\$)(?:(?!\n[ \t]*\n)(?:\\[^]|[^\\$`]))+[\\$]?$/,
  /^ {0,3}\\\[(?:(?!\n[ \t]*\n)(?:\\(?![[\]])[^]|[^\\`]))+\\?$/,
];

/** Mathematics for marked: a block of its own, or within a line. */
export const extensions = [
  {
    name: "displayMath",
    level: "block",
    start: (source) => source.match(/\n {0,3}(?:\$\$|\\\[)/)?.index,
    tokenizer(source) {
      const found = firstOf(DISPLAY, source);
      if (found) return { type: "displayMath", raw: found[0], tex: found[1].trim() };
      const begun = firstOf(BEGUN, source);
      return begun ? { type: "displayMath", raw: begun[0], begun: true } : undefined;
    },
    renderer: ({ tex, raw, begun }) => (begun ? `<p>${sourceOf(raw.trim())}</p>` : display(tex)),
  },
  {
    name: "inlineMath",
    level: "inline",
    start: (source) => source.match(/\$|\\[([]/)?.index,
    tokenizer(source, tokens) {
      const bracketed = firstOf(BRACKETS, source);
      if (bracketed) return { type: "inlineMath", raw: bracketed[0], tex: bracketed[1].trim() };
      const found = firstOf(BETWEEN_DOLLARS, source);
      if (!found || BEFORE_DOLLAR.test(tokens.at(-1)?.raw ?? "") || !isMathematics(found[1])) return undefined;
      return { type: "inlineMath", raw: found[0], tex: found[1].trim() };
    },
    renderer: ({ tex, raw }) => drawn(tex, false) ?? sourceOf(raw),
  },
];

function firstOf(forms, source) {
  return forms.map((form) => form.exec(source)).find(Boolean);
}

function display(tex) {
  const inside = drawn(tex, true) ?? sourceOf(tex);
  return `<div class="formula" role="group" tabindex="0" aria-label="${escape(_("Formula"))}">${inside}</div>`;
}

function sourceOf(tex) {
  return `<code class="math">${escape(tex)}</code>`;
}

let loading = null;
const listeners = new Set();

/** Be told when formulas can be drawn, so that what is shown can be drawn again. */
export function onMathematics(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Return a formula as MathML, or null where it cannot be read or KaTeX is not here yet. */
function drawn(tex, displayMode) {
  if (tex.length > CHARACTERS_MAX) return null;
  if (!globalThis.katex) {
    load();
    return null;
  }
  try {
    // What little style it writes (the border of \fcolorbox) the content policy would refuse.
    return globalThis.katex.renderToString(tex, { ...OPTIONS, displayMode }).replace(/ style="[^"]*"/g, "");
  } catch {
    return null;
  }
}

async function load() {
  try {
    await (loading ??= import("../web/vendor/katex/katex.min.js")); // sets katex
  } catch {
    loading = null;
    return; // The source of a formula can be read as well.
  }
  for (const listener of listeners) listener();
}
