// Marks such as [1] in an answer become links to the passages it was given.
//
// The same rules as `citations.py`: a mark is a link only where a passage of its number was given,
// and never within code, a formula or another link. Where it leads is the server's to say. It is
// drawn as large as the text it stands in place of, so nothing moves while an answer is written.

import { escape } from "./html.js";

/** What the addresses of passages look like; nothing else a text holds may lead into this site. */
export const PASSAGE_ADDRESS = /^\/(?:collections|files)\/[0-9a-z]+\/passages\/[0-9a-z]+$/;

const MARK = /\[([1-9]\d?)\](?!\()/;
const AT_ONCE = new RegExp(`^${MARK.source}`);

/** The passages that an answer may name, by number. */
export class Passages {
  inLink = false; // whether what is being drawn is within a link, where a mark is but a word

  constructor(sources) {
    const given = sources.filter(({ number, address }) => number && PASSAGE_ADDRESS.test(address));
    this.byNumber = new Map(given.map((source) => [String(source.number), source]));
    this.key = given.map(({ number, address }) => `${number} ${address}`).join("\n");
  }

  /** What a text drawn with these is remembered by: they matter only where it has marks. */
  keyFor(text) {
    return MARK.test(text) ? this.key : "";
  }
}

/** Marks for marked; `passages()` are those of the answer that is being read. */
export const citation = (passages) => ({
  name: "citation",
  level: "inline",
  start: (source) => source.match(MARK)?.index,
  tokenizer(source) {
    const found = AT_ONCE.exec(source);
    const passage = found && passages().byNumber.get(found[1]);
    return passage ? { type: "citation", raw: found[0], passage } : undefined;
  },
  renderer({ raw, passage: { address, citation } }) {
    if (passages().inLink) return raw;
    return `<a class="cite" href="${escape(address)}" aria-label="${escape(`${raw} ${citation}`)}">${raw}</a>`;
  },
});
