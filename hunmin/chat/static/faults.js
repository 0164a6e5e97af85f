// What is said of an answer that failed, when it is read again.

import { _ } from "./words.js";

/** What to say of an error of long ago, of which only the code was kept; undefined of any other. */
export function wordsOf(code) {
  const later = _("The model cannot answer now. Try again in a little while.");
  const full = _("The server is answering as many questions as it can. Try again in a little while.");
  const long = _("The question is too long for this model. Shorten it and send it again.");
  const unkept = _("The database did not answer, so the end of this answer may be missing. Try again in a little while.");
  const gone = _("This model is no longer served here. Choose another one.");
  const known = {
    collection_broken: _("A collection cannot be read now. Tell whoever runs the server, or ask without it."),
    answer_timed_out: _("The answer took too long and was ended."),
    concurrency_limit_exceeded: _("Too many answers at the same time. Wait for one to end and try again."),
    context_length_exceeded: long,
    context_too_long: long,
    database_busy: unkept,
    database_full: _("The disk of the server is full. Tell whoever runs it."),
    database_not_writable: unkept,
    database_unreachable: unkept,
    engine_busy: full,
    engine_crashed: _("The model broke off and is being started again. Try again in a little while."),
    engine_failed: later,
    engine_full: full,
    engine_not_ready: later,
    engine_starting: later,
    engine_unavailable: later,
    model_not_found: gone,
    model_not_served: gone,
    overloaded: full,
    rate_limit_exceeded: _("Too many questions in one minute. Wait a little and try again."),
  };
  return known[code];
}
