// An answer while it is being written: its text so far, its blocks, and who is told, once a frame.

import { markdown } from "./lazy.js";
import { _ } from "./words.js";

const SPOKEN_CHARACTERS_MAX = 600;

export class Live {
  /** @param {string} [conversationId] None for the first question of a new conversation. */
  constructor(conversationId, answer) {
    this.conversationId = conversationId;
    this.answerId = answer?.id;
    this.text = "";
    this.facts = null;
    this.error = null;
    this.waiting = null;
    this.sources = [];
    this.begun = false;
    this.stopping = false;
    this.ended = false;
    this.listeners = new Set();
    this.growing = null;
    this.leaving = new AbortController(); // of its stream
    this.placed = (begun) => begun; // where its messages stand, if the server cannot know
    this.frame = 0;
    markdown.load(); // It comes while the model reads the question.
  }

  begin(conversationId, answer) {
    this.conversationId = conversationId;
    this.answerId = answer.id;
    this.begun = true;
    this.text = answer.text;
    this.#tell();
  }

  add(text) {
    this.text += text;
    this.waiting = null;
    this.#tell();
  }

  cite(sources) {
    this.sources = sources;
    this.#tell();
  }

  wait(reason) {
    this.waiting = reason;
    this.#tell();
  }

  end() {
    this.ended = true;
    cancelAnimationFrame(this.frame);
  }

  /** The HTML of each block, or null until what makes it is here. */
  blocks() {
    if (!markdown.module) return null;
    this.growing ??= new markdown.module.GrowingBlocks();
    return this.growing.update(this.text, this.sources);
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** What a screen reader says when the answer has ended. */
  farewell(state) {
    const begin = this.text.slice(0, SPOKEN_CHARACTERS_MAX);
    const text = markdown.module ? markdown.module.spokenText(begin) : begin;
    if (state === "failed") return this.error?.message ?? _("The answer broke off.");
    if (state === "stopped") return _("The answer was stopped.");
    return `${_("The answer is complete.")} ${text}`;
  }

  // However fast the tokens come, what is shown changes at most once a frame.
  #tell() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const listener of this.listeners) listener();
    });
  }
}
