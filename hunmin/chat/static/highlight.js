// Colors for code. The core is small; a language is loaded when a text first needs it.

import hljs from "../web/vendor/highlight/core.js";

const FILES =
  "bash c cpp csharp css diff dockerfile go ini java javascript json kotlin php python r ruby rust " +
  "sql swift typescript xml yaml";
const ALIASES = {
  "c#": "csharp", "c++": "cpp", cc: "cpp", console: "bash", cs: "csharp", docker: "dockerfile",
  golang: "go", h: "c", hpp: "cpp", html: "xml", js: "javascript", jsx: "javascript", kt: "kotlin",
  mjs: "javascript", patch: "diff", py: "python", python3: "python", rb: "ruby", rs: "rust",
  sh: "bash", shell: "bash", svg: "xml", toml: "ini", ts: "typescript", tsx: "typescript",
  yml: "yaml", zsh: "bash",
}; // prettier-ignore
const CHARACTERS_MAX = 30_000;

const known = new Set(FILES.split(" "));
const asked = new Set();
const listeners = new Set();

/** Be told when a language has arrived, so that what is shown can be drawn again. */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Return code as HTML with colors, or null where its language is unknown or not here yet. */
export function highlight(code, name) {
  const language = ALIASES[name.toLowerCase()] ?? name.toLowerCase();
  if (!known.has(language) || code.length > CHARACTERS_MAX) return null;
  if (hljs.getLanguage(language)) {
    return hljs.highlight(code, { language, ignoreIllegals: true }).value;
  }
  load(language);
  return null;
}

async function load(language) {
  if (asked.has(language)) return;
  asked.add(language);
  try {
    const grammar = await import(`../web/vendor/highlight/languages/${language}.js`);
    hljs.registerLanguage(language, grammar.default);
  } catch {
    return; // Code without colors is still code.
  }
  for (const listener of listeners) listener();
}
