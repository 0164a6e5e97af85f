// The box one writes in: it grows, keeps a draft, and leaves Hangul to the input method.

import { EnterKey } from "./enter.js";
import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { keepDraft, onTouchScreen, readChoice, readDraft } from "./keep.js";
import { dialogs, useModule } from "./lazy.js";
import { _, number } from "./words.js";

const HEIGHT_MAX = 240;

/** A box for text that grows with it; Enter sends as `EnterKey` says. */
export function useTextBox({ send, sendsByControlOnly = () => readChoice("controlEnter") }) {
  const box = useRef(null);
  const sending = useRef(send);
  sending.current = send;
  const enter = useRef(null);
  enter.current ??= new EnterKey({
    send: () => sending.current(),
    newline: () => onTouchScreen() || sendsByControlOnly(),
    sendsAfterComposition: () => readChoice("composedEnter") && !sendsByControlOnly(),
  });
  useLayoutEffect(() => enter.current.attach(box.current), []);
  return { box, enter: enter.current };
}

export function fit(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight + 2, HEIGHT_MAX)}px`;
}

/** How much room is left in a box, where it is little; or how much too long its text is. */
export function Room({ length, max }) {
  if (length <= max * 0.9) return null;
  const over = length > max;
  return html`<span class=${over ? "count over" : "count"} role="status"
    >${over
      ? _("{over} characters too long", { over: number(length - max) })
      : _("{left} characters left", { left: number(max - length) })}</span
  >`;
}

/** What becomes of what is written here. */
function promise({ state, training }) {
  if (state.conversation?.temporary) return _("Nothing of this chat is kept.");
  return training
    ? _("What you write stays on this server, is used for training only where you agree to it, and can be deleted by you at any time.")
    : _("What you write stays on this server, is not used for training, and can be deleted by you at any time.");
}

export function Composer({ chat, app }) {
  const { conversation, models, model, modelState } = chat.state;
  const [length, setLength] = useState(0);
  const [busy, setBusy] = useState(false);
  const max = chat.limits.message_characters_max;
  const live = chat.live();
  const { box, enter } = useTextBox({ send });
  app.box = box;
  const sheets = useModule(dialogs);
  if (sheets) chat.tray ??= new sheets.Tray(chat);

  const conversationId = conversation?.id ?? null;
  useLayoutEffect(() => {
    write(app.takeTyped() || readDraft(conversationId));
    if (!onTouchScreen()) box.current.focus({ preventScroll: true });
  }, [conversationId, app.fresh]);

  function write(text) {
    // What is there already stays untouched: a syllable in the making would break.
    if (box.current.value !== text) box.current.value = text;
    changed();
  }
  app.write = write;

  /** A question that was not kept comes back, before whatever was typed meanwhile. */
  function putBack(text) {
    if ((chat.state.conversation?.id ?? null) !== conversationId) keepDraft(conversationId, text);
    else write([text, box.current.value].filter(Boolean).join("\n"));
  }

  function changed() {
    keepDraft(conversationId, box.current.value);
    setLength(box.current.value.length);
    fit(box.current);
  }

  async function send() {
    const text = box.current.value.normalize("NFC");
    if (!text.trim() || busy || text.length > max) return;
    if (live) {
      chat.set({ said: _("Wait for the answer to end, or stop it.") });
      return;
    }
    if (chat.tray?.unready()) {
      chat.set({ said: _("Wait until every file has been read, or take it away.") });
      return;
    }
    setBusy(true);
    write(""); // At once: whatever is typed from here on is the next message.
    const kept = await chat.send(text);
    setBusy(false);
    if (kept) app.asked();
    else putBack(text);
  }

  function pressSend(event) {
    event.preventDefault();
    enter.sendWhenWhole();
    if (enter.composing) box.current.blur();
    if (!onTouchScreen()) box.current.focus();
  }

  function keys(event) {
    if (event.key !== "ArrowUp" || box.current.value || event.isComposing) return;
    if (app.editLast()) event.preventDefault();
  }

  /** Take files that were pasted or dropped; words go their usual way. */
  function bring(event) {
    const from = event.clipboardData ?? event.dataTransfer;
    if (conversation?.temporary || !from.files.length || from.types.includes("text/plain")) return;
    event.preventDefault();
    const files = [...from.files];
    dialogs.load().then(() => chat.tray?.bring(files));
  }

  const over = length > max;
  return html`<form class="composer" onSubmit=${pressSend}>
    <div class="composer-box" onDragOver=${(event) => event.preventDefault()} onDrop=${bring} onPaste=${bring}>
      ${chat.tray && html`<${sheets.Chips} chat=${chat} tray=${chat.tray} />`}
      <label class="sr-only" for="message">${_("Message")}</label>
      <textarea
        id="message"
        name="text"
        ref=${box}
        rows="1"
        placeholder=${_("Write a message")}
        aria-describedby="message-hint"
        aria-invalid=${over ? "true" : undefined}
        enterkeyhint=${onTouchScreen() ? "enter" : "send"}
        autocomplete="off"
        onInput=${changed}
        onKeyDown=${keys}
      ></textarea>
      <div class="composer-row">
        ${models.length > 1 &&
        html`<label class="sr-only" for="model-menu">${_("Model")}</label>
          <select id="model-menu" value=${model} onChange=${(event) => chat.chooseModel(event.target.value)}>
            ${models.map((one) => html`<option key=${one.id} value=${one.id}>${one.id}</option>`)}
          </select>`}
        <${Room} length=${length} max=${max} />
        ${!conversation?.temporary &&
        html`<button
          type="button"
          class="quiet"
          aria-haspopup="dialog"
          aria-label=${_("Ask with documents")}
          title=${_("Ask with documents")}
          onClick=${() => app.show("attach")}
        >
          <${Icon} name="clip" />
        </button>`}
        <button
          type="button"
          class="quiet"
          aria-haspopup="dialog"
          aria-label=${_("How to answer")}
          title=${_("How to answer")}
          onClick=${() => app.show("settings")}
        >
          <${Icon} name="adjust" />
        </button>
        <span class="space"></span>
        ${live
          ? html`<button key="stop" type="button" class="button stop" onClick=${() => app.stop()}>
              <${Icon} name="stop" />${live.stopping ? _("Stopping") : _("Stop")}
            </button>`
          : html`<button key="send" class="button send" disabled=${!length || over || busy || chat.tray?.unready()}>
              <${Icon} name="send" />${_("Send")}
            </button>`}
      </div>
    </div>
    <p class="hint" id="message-hint">
      ${promise(chat)}
      ${modelState === "starting" &&
      html` <strong>${_("The model is being loaded; you can already ask.")}</strong>`}
    </p>
  </form>`;
}
