// The first view before the page's scripts are here: Enter sends its form.
//
// The first module to come and the smallest, so that on a slow line nobody waits to ask.

import { EnterKey } from "./enter.js";
import { onTouchScreen, readChoice } from "./keep.js";

const box = document.getElementById("message");
let sent = false;

const enter = new EnterKey({
  send: () => box.form.requestSubmit(),
  newline: () => onTouchScreen() || readChoice("controlEnter"),
  sendsAfterComposition: () => readChoice("composedEnter") && !readChoice("controlEnter"),
});
enter.attach(box);
performance.mark("hunmin.enter"); // From here on Enter sends; a test looks when that is.
box.form.addEventListener("submit", () => {
  sent = true;
});

/** Resolves when the first view may be replaced: no syllable is in the making, nothing was sent. */
export function untilFree() {
  return new Promise((resolve) => {
    // The browser is on its way to the answer; it may come back here by its own Back button.
    if (sent) addEventListener("pageshow", resolve, { once: true });
    else if (enter.composing) box.addEventListener("compositionend", () => setTimeout(resolve), { once: true });
    else resolve();
  });
}
