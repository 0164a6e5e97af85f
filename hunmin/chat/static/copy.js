// Copying to the clipboard: the plain text for people, and HTML that tells machines it is a model's.

import { escape } from "./html.js";

/** Copy text; return whether it worked. `made` says that a model wrote it, and which. */
export async function copyText(text, made) {
  const mark = made
    ? `<div data-ai-generated="true" data-ai-model="${escape(made.model ?? "")}">${escape(text).replaceAll("\n", "<br>")}</div>`
    : null;
  try {
    if (mark && window.ClipboardItem) {
      const item = new ClipboardItem({
        "text/plain": new Blob([text], { type: "text/plain" }),
        "text/html": new Blob([mark], { type: "text/html" }),
      });
      await navigator.clipboard.write([item]);
    } else {
      await navigator.clipboard.writeText(text);
    }
    return true;
  } catch {
    return copyTheOldWay(text);
  }
}

// Pages that came over plain http from another machine have no clipboard of their own.
function copyTheOldWay(text) {
  const box = document.createElement("textarea");
  const before = document.activeElement;
  box.value = text;
  box.className = "sr-only";
  document.body.append(box);
  box.select();
  const worked = document.execCommand("copy");
  box.remove();
  before?.focus();
  return worked;
}
