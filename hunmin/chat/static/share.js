// Showing a conversation to others: what they would see is said first, then the address is made.

import { request } from "./api.js";
import { copyText } from "./copy.js";
import { Dialog, Problem } from "./dialogs.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { _, moment, number } from "./words.js";

export function ShareDialog({ one, chat, close }) {
  const path = `/chat/api/conversations/${one.id}/shares`;
  const [preview, setPreview] = useState(null);
  const [made, setMade] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const asking = async (ask, take) => {
    setBusy(true);
    try {
      take(await ask());
    } catch (fault) {
      chat.fail(fault);
    }
    setBusy(false);
  };
  useEffect(() => {
    asking(() => request("GET", `${path}/preview`), setPreview);
  }, []);
  const share = (event) => {
    event.preventDefault();
    const { days, masked } = form.current.elements;
    asking(() => request("POST", path, { days: Number(days.value), masked: masked?.checked ?? true }), setMade);
  };
  return html`<${Dialog} title=${_("Share “{title}”", { title: one.title })} close=${close}>
    ${made
      ? html`<${Made} made=${made} chat=${chat} close=${close} />`
      : preview &&
        html`<form class="fields" ref=${form} onSubmit=${share}>
          <ul class="notice">
            <li>${_("Whoever has the address can read it, without signing in.")}</li>
            <li>${_("They see a copy of the branch shown now, {count} messages. What is said later is not in it.", { count: number(preview.messages) })}</li>
            <li>${_("Instructions, folders, other branches and your name are not in it.")}</li>
            <li>${_("You can end it at any time; deleting the conversation ends it, too.")}</li>
          </ul>
          <${Personal} found=${preview.personal_data} />
          <label for="share-days">${_("Works for")}</label>
          <select id="share-days" name="days" defaultValue="7">
            ${[1, 7, 30].map((days) => html`<option key=${days} value=${days} selected=${days === 7}>${_("{days} days", { days })}</option>`)}
          </select>
          <${Problem} chat=${chat} />
          <div class="buttons">
            <button type="button" class="button second" onClick=${close}>${_("Cancel")}</button>
            <button class="button" disabled=${busy}>${_("Make the address")}</button>
          </div>
        </form>`}
    ${!made && !preview && html`<${Problem} chat=${chat} />`}
  <//>`;
}

function Personal({ found }) {
  const kinds = Object.values(found);
  if (!kinds.length) return html`<p class="hint">${_("No telephone or registration numbers, e-mail addresses or cards were found. Names are not looked for: read it once more.")}</p>`;
  const count = kinds.reduce((sum, one) => sum + one, 0);
  return html`<div class="remark bad"><p>${_("{count} pieces of personal data were found, such as telephone numbers or e-mail addresses. Names are not looked for: read it once more.", { count: number(count) })}</p></div>
    <label class="choice"><input type="checkbox" name="masked" checked /><span>${_("Put labels in their place")}</span></label>`;
}

function Made({ made, chat, close }) {
  const box = useRef(null);
  useEffect(() => box.current.select(), []);
  const copy = async () => chat.set({ said: (await copyText(made.address)) ? _("Copied") : _("Not copied") });
  return html`<div class="fields">
    <label for="share-address">${_("Address")}</label>
    <input id="share-address" ref=${box} readonly value=${made.address} />
    <p class="hint">
      ${_("It is told only now, and works until {moment}.", { moment: moment(made.share.expires_at) })}
      ${" "}<a href="/account/shares">${_("Shared conversations")}</a>
    </p>
    <div class="buttons">
      <button type="button" class="button second" onClick=${copy}>${_("Copy")}</button>
      <button type="button" class="button" onClick=${close}>${_("Close")}</button>
    </div>
  </div>`;
}
