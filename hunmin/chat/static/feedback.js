// Saying whether an answer was good; and, asked by itself, whether that may be used for training.

import { request } from "./api.js";
import { Dialog, Problem } from "./dialogs.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { _ } from "./words.js";

const verdicts = () => [
  ["good", _("Good answer")],
  ["bad", _("Bad answer")],
];

const reasons = {
  good: () => [
    ["right", _("It is right")],
    ["clear", _("It is easy to understand")],
    ["complete", _("Nothing is missing")],
  ],
  bad: () => [
    ["wrong", _("It is wrong")],
    ["unclear", _("It is hard to understand")],
    ["incomplete", _("Something is missing")],
    ["off_topic", _("It does not answer the question")],
    ["awkward", _("Its Korean is awkward")],
    ["harmful", _("It is harmful or offensive")],
  ],
};

export function FeedbackDialog({ message, verdict, chat, close }) {
  const given = message.feedback;
  const [chosen, setChosen] = useState(verdict);
  const [notice, setNotice] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const path = `/chat/api/conversations/${chat.state.conversation.id}/messages/${message.id}/feedback`;
  useEffect(() => {
    if (chat.training) request("GET", "/chat/api/feedback/notice").then(setNotice, (fault) => chat.fail(fault));
  }, []);

  const send = async (method, body, said) => {
    setBusy(true);
    try {
      const feedback = await request(method, path, body);
      const messages = new Map(chat.state.messages);
      messages.set(message.id, { ...messages.get(message.id), feedback });
      chat.set({ messages, said });
      close();
    } catch (fault) {
      chat.fail(fault);
      setBusy(false);
    }
  };
  const save = (event) => {
    event.preventDefault();
    const { words, train } = form.current.elements;
    const chosenReasons = [...form.current.querySelectorAll("[name=reason]:checked")].map((box) => box.value);
    const may_train = train?.checked ?? false;
    send(
      "PUT",
      {
        verdict: chosen,
        reasons: chosenReasons,
        words: words.value.normalize("NFC"),
        may_train,
        notice: may_train ? notice.number : null,
      },
      _("Saved."),
    );
  };

  return html`<${Dialog} title=${_("How was this answer?")} close=${close}>
    <form class="fields" ref=${form} onSubmit=${save}>
      <fieldset class="choices">
        <legend>${_("Your verdict")}</legend>
        ${verdicts().map(
          ([name, label]) =>
            html`<label key=${name} class="choice"
              ><input type="radio" name="verdict" checked=${chosen === name} onChange=${() => setChosen(name)} /><span>${label}</span></label
            >`,
        )}
      </fieldset>
      <fieldset class="choices" key=${chosen}>
        <legend>${_("Why?")}</legend>
        ${reasons[chosen]().map(
          ([name, label]) =>
            html`<label key=${name} class="choice"
              ><input type="checkbox" name="reason" value=${name} defaultChecked=${given?.reasons.includes(name)} /><span>${label}</span></label
            >`,
        )}
      </fieldset>
      <label for="feedback-words">${_("In your own words")}</label>
      <textarea id="feedback-words" name="words" rows="3" defaultValue=${given?.words ?? ""}></textarea>
      ${notice && html`<${Consent} notice=${notice} given=${given?.may_train ?? false} />`}
      ${!chat.training && html`<p class="hint">${_("It is not used for training.")}</p>`}
      <${Problem} chat=${chat} />
      <div class="buttons">
        ${given &&
        html`<button type="button" class="button second" disabled=${busy} onClick=${() => send("DELETE", undefined, _("Deleted."))}>
          ${_("Take it back")}
        </button>`}
        <button type="button" class="button second" onClick=${close}>${_("Cancel")}</button>
        <button class="button" disabled=${busy || (chat.training && !notice)}>${_("Save")}</button>
      </div>
    </form>
  <//>`;
}

function Consent({ notice, given }) {
  return html`<fieldset>
    <legend>${_("Use for training")}</legend>
    <p class="hint" id="training-notice">${notice.text}</p>
    <label class="choice"
      ><input type="checkbox" name="train" aria-describedby="training-notice" defaultChecked=${given} /><span
        >${_("I agree (notice {number})", { number: notice.number })}</span
      ></label
    >
    <p class="hint"><a href="/account/feedback">${_("Your feedback")}</a></p>
  </fieldset>`;
}
