// How to answer: the instructions, model and temperature of one conversation, and of all others.

import { Dialog, Problem } from "./dialogs.js";
import { html, useRef, useState } from "./html.js";
import { _ } from "./words.js";

const TEMPERATURE_MAX = 2;

export function SettingsDialog({ chat, close }) {
  const { conversation, preferences } = chat.state;
  const form = useRef(null);
  const [busy, setBusy] = useState(false);
  const keep = async (own) => {
    if (!conversation.temporary) return chat.history.change(conversation.id, own, _("Saved."));
    chat.set({ conversation: { ...conversation, ...own }, model: chat.modelFor(own) });
    return true;
  };
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    const own = conversation && instructionsOf(form.current, "own");
    const saved =
      (!own || (await keep(own))) &&
      (await chat.history.prefer({ ...preferences, ...instructionsOf(form.current, "all") }));
    setBusy(false);
    if (saved) close();
  };
  return html`<${Dialog} title=${_("How to answer")} close=${close}>
    <form class="fields" ref=${form} onSubmit=${save}>
      ${conversation &&
      html`<${Fields} name="own" legend=${_("In this conversation")} unnamed=${_("As in every conversation")} said=${conversation} chat=${chat} />`}
      <${Fields} name="all" legend=${_("In every conversation")} unnamed=${_("The first one")} said=${preferences} chat=${chat} />
      <p class="hint">
        ${_("The model is told all of it: first what the operator says, then the folder, the conversation, and what holds for every one.")}
      </p>
      <${Problem} chat=${chat} />
      <div class="buttons">
        <button type="button" class="button second" onClick=${close}>${_("Cancel")}</button>
        <button class="button" disabled=${busy}>${_("Save")}</button>
      </div>
    </form>
  <//>`;
}

function Fields({ name, legend, unnamed, said, chat }) {
  const { models } = chat.state;
  return html`<fieldset>
    <legend>${legend}</legend>
    <label for=${`${name}-prompt`}>${_("Instructions")}</label>
    <textarea
      id=${`${name}-prompt`}
      name=${`${name}-prompt`}
      rows="3"
      defaultValue=${said.system_prompt ?? ""}
    ></textarea>
    <div class="side-by-side">
      ${models.length > 1 &&
      html`<div>
        <label for=${`${name}-model`}>${_("Model")}</label>
        <select id=${`${name}-model`} name=${`${name}-model`} value=${said.model ?? ""}>
          <option value="">${unnamed}</option>
          ${models.map((one) => html`<option key=${one.id} value=${one.id}>${one.id}</option>`)}
        </select>
      </div>`}
      <div>
        <label for=${`${name}-temperature`}>${_("Temperature")}</label>
        <input
          id=${`${name}-temperature`}
          name=${`${name}-temperature`}
          type="number"
          min="0"
          max=${TEMPERATURE_MAX}
          step="0.1"
          defaultValue=${said.temperature ?? ""}
          placeholder=${_("The model's own")}
        />
      </div>
    </div>
  </fieldset>`;
}

function instructionsOf(form, name) {
  const field = (of) => form.elements[`${name}-${of}`];
  const temperature = field("temperature").value;
  return {
    system_prompt: field("prompt").value.normalize("NFC"),
    temperature: temperature === "" ? null : Number(temperature),
    ...(field("model") && { model: field("model").value || null }),
  };
}
