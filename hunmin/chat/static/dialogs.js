// Dialogs: the browser's own <dialog>, which keeps focus inside, closes on Escape, gives focus back.

import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { keepChoice, readChoice } from "./keep.js";
import { Trace } from "./trace.js";
import { _ } from "./words.js";

let count = 0;

export function Dialog({ title, close, children, className = "", role }) {
  const dialog = useRef(null);
  const [id] = useState(() => `dialog-${++count}`);
  useLayoutEffect(() => {
    dialog.current.showModal();
    return () => dialog.current?.close();
  }, []);
  const onClick = (event) => event.target === dialog.current && close();
  const onCancel = (event) => {
    event.preventDefault();
    close();
  };
  return html`<dialog
    ref=${dialog}
    class=${`dialog ${className}`}
    role=${role}
    aria-labelledby=${id}
    onCancel=${onCancel}
    onClick=${onClick}
  >
    <div class="dialog-body">
      <header>
        <h2 id=${id}>${title}</h2>
        <button type="button" class="quiet" aria-label=${_("Close")} title=${_("Close")} onClick=${close}>
          <${Icon} name="close" />
        </button>
      </header>
      ${children}
    </div>
  </dialog>`;
}

/** What went wrong with what a dialog asked for. */
export function Problem({ chat }) {
  const { fault } = chat.state;
  return fault && html`<div class="remark bad" role="alert"><p>${fault.message}</p></div>`;
}

/** Ask before something that cannot be undone. The safe button has the focus. */
export function Confirm({ title, text, action, act, close }) {
  const safe = useRef(null);
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => safe.current.focus(), []);
  const go = async () => {
    setBusy(true);
    await act();
    close();
  };
  return html`<${Dialog} title=${title} close=${close} role="alertdialog" className="small">
    <p>${text}</p>
    <div class="buttons">
      <button type="button" class="button second" ref=${safe} onClick=${close}>${_("Cancel")}</button>
      <button type="button" class="button danger" disabled=${busy} onClick=${go}>${action}</button>
    </div>
  <//>`;
}

const control = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

const shortcuts = () => [
  [["Enter"], _("Send the message")],
  [["Shift", "Enter"], _("Begin a new line")],
  [["Esc"], _("Stop the answer, or close what is open")],
  [["↑"], _("Edit your last question, when the box is empty")],
  [["Shift", "Esc"], _("Go to the message box")],
  [[control, "Shift", "O"], _("Begin a new conversation")],
  [[control, "K"], _("Search your conversations")],
  [["↑", "↓"], _("Move between folders and conversations")],
  [[control, "/"], _("Show this help")],
  [["?"], _("Show this help, outside of boxes")],
];

function Choice({ name, children }) {
  const [chosen, setChosen] = useState(readChoice(name));
  const change = (event) => {
    keepChoice(name, event.target.checked);
    setChosen(event.target.checked);
  };
  return html`<label class="choice"
    ><input type="checkbox" checked=${chosen} onChange=${change} /><span>${children}</span></label
  >`;
}

export function Help({ close }) {
  return html`<${Dialog} title=${_("Keyboard and input")} close=${close}>
    <dl class="shortcuts">
      ${shortcuts().map(
        ([keys, meaning]) =>
          html`<div key=${meaning}>
            <dt>${keys.map((key, at) => html`${at > 0 && (key === "↓" ? " " : " + ")}<kbd>${key}</kbd>`)}</dt>
            <dd>${meaning}</dd>
          </div>`,
      )}
    </dl>
    <fieldset>
      <legend>${_("Keys of one character")}</legend>
      <${Choice} name="noQuestionMark">${_("Do not open this help with ?")}<//>
    </fieldset>
    <fieldset>
      <legend>${_("Enter key")}</legend>
      <${Choice} name="controlEnter"
        >${_("Send with {key} + Enter only; Enter begins a new line", { key: control })}<//
      >
      <${Choice} name="composedEnter"
        >${_("While a Hangul syllable is being composed, let Enter finish it and send at once")}<//
      >
    </fieldset>
    <p class="hint">
      ${_("Without the second choice, Enter pressed during composition only finishes the syllable. On touch screens Enter begins a new line.")}
    </p>
  <//>`;
}

export function TraceDialog({ chat, facts, close }) {
  return html`<${Dialog} title=${_("Where does this answer come from?")} close=${close} className="wide">
    <${Trace} chat=${chat} facts=${facts} />
  <//>`;
}
