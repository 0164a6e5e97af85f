// What the browser keeps between loads: drafts for this tab, and two choices about Enter.

function of(name) {
  try {
    return window[name];
  } catch {
    return null; // Storage is switched off: nothing is kept.
  }
}

/** The id of the chat of which nothing is kept: no draft either. */
export const TEMPORARY = "temporary";

const draftKey = (conversationId) => `hunmin.draft.${conversationId ?? "new"}`;

export function readDraft(conversationId) {
  return of("sessionStorage")?.getItem(draftKey(conversationId)) ?? "";
}

export function keepDraft(conversationId, text) {
  if (conversationId === TEMPORARY) return;
  const storage = of("sessionStorage");
  try {
    if (text) storage?.setItem(draftKey(conversationId), text);
    else storage?.removeItem(draftKey(conversationId));
  } catch {
    // Full: the draft is still in the box.
  }
}

/** Let what was typed in one conversation go on in another: a new one that has got its name. */
export function moveDraft(from, to) {
  keepDraft(to, readDraft(from));
  keepDraft(from, "");
}

export function readChoice(name) {
  return of("localStorage")?.getItem(`hunmin.chat.${name}`) === "yes";
}

export function keepChoice(name, chosen) {
  try {
    of("localStorage")?.setItem(`hunmin.chat.${name}`, chosen ? "yes" : "no");
  } catch {
    // Not kept; it still holds until the page is left.
  }
}

export const onTouchScreen = () => matchMedia("(hover: none) and (pointer: coarse)").matches;
