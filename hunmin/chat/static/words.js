// Words, numbers and days in the reader's language. The page brings the translations.

let words = {};
export let language = "ko";

export function setWords(map, ofLanguage) {
  words = map;
  language = ofLanguage;
}

/** Take the sentences of scripts that came later. */
export function addWords(map) {
  words = { ...words, ...map };
}

/** Return a sentence in the reader's language, `{name}` filled from `values`. */
export function _(sentence, values = {}) {
  const said = words[sentence] ?? sentence;
  return said.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

export function moment(iso) {
  const options = { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, options).format(new Date(iso));
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Return the heading of the list under which a moment falls, by the reader's own calendar. */
export function ageHeading(iso, now = new Date()) {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const at = new Date(iso).getTime();
  if (at >= midnight) return _("Today");
  if (at >= midnight - DAY_MS) return _("Yesterday");
  if (at >= midnight - 7 * DAY_MS) return _("Last 7 days");
  if (at >= midnight - 30 * DAY_MS) return _("Last 30 days");
  return _("Older");
}
