// The conversation: messages, or a welcome. Follows the newest words until the reader scrolls up.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { copying } from "./lazy.js";
import { Message } from "./message.js";
import { _, language } from "./words.js";

const NEAR_END_PX = 64;
const COPIED_MS = 2000;
const LOOKED_UP_MAX = 2;

export function Talk({ chat, app }) {
  const log = useRef(null);
  const following = useRef(true);
  const [away, setAway] = useState(false);
  const path = chat.path();
  const live = chat.live();
  const { conversation, fault } = chat.state;

  const toEnd = () => {
    // A welcome is read from its beginning.
    log.current.scrollTop = log.current.querySelector(".welcome") ? 0 : log.current.scrollHeight;
  };
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = log.current;
    following.current = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    setAway(!following.current);
  };
  const follow = () => {
    following.current = true;
    setAway(false);
    toEnd();
  };
  app.asked = () => requestAnimationFrame(follow);

  useLayoutEffect(() => {
    following.current = true;
    toEnd();
  }, [conversation?.id]);
  useLayoutEffect(() => {
    if (app.editing) following.current = false;
    if (following.current) toEnd();
  });
  useEffect(() => {
    // Words arrive, code is colored, the window changes: keep the end in sight if it was.
    const watcher = new ResizeObserver(() => following.current && toEnd());
    watcher.observe(log.current.firstElementChild);
    watcher.observe(log.current);
    return () => watcher.disconnect();
  }, []);

  return html`<div class="log-frame">
    <div
      class="log"
      role="log"
      aria-live="off"
      aria-label=${_("Conversation")}
      tabindex="0"
      ref=${log}
      onScroll=${onScroll}
      onClick=${copyCode}
    >
      <div class="log-inner">
        ${path.length
          ? html`<ol aria-busy=${live ? "true" : "false"}>
              ${path.map((message) => html`<${Message} key=${message.id} message=${message} chat=${chat} app=${app} />`)}
            </ol>`
          : html`<${Welcome} app=${app} chat=${chat} />`}
        ${fault &&
        html`<div class="remark bad" role="alert">
          <p>${fault.message}</p>
          <button type="button" class="button second small" onClick=${() => chat.set({ fault: null })}>${_("Close")}</button>
        </div>`}
      </div>
    </div>
    ${away &&
    html`<button type="button" class="to-end" onClick=${follow}><${Icon} name="arrowDown" />${_("To the end")}</button>`}
  </div>`;
}

async function copyCode(event) {
  const button = event.target.closest?.(".copy-code");
  if (!button) return;
  const code = button.closest(".code").querySelector("code").textContent;
  const worked = await copying.run((module) => module.copyText(code));
  button.textContent = worked ? _("Copied") : _("Not copied");
  setTimeout(() => (button.textContent = _("Copy")), COPIED_MS);
}

// Asked in Korean in either language: it is what the models here are made of.
const examples = () => [
  ["너는 누구야?", _("Who are you?")],
  ["훈민이 무슨 뜻이야?", _("What does Hunmin mean?")],
  ["여행 가고 싶다", _("I would like to travel.")],
  ["공부하기 싫어", _("I do not feel like studying.")],
];

/** An example that is looked up in a collection. */
function LookedUp({ collection, app }) {
  const question = `${collection.example}는 무슨 내용인가요?`;
  return html`<li>
    <button type="button" onClick=${() => app.lookUp(collection, question)}>
      <span lang="ko">${question}</span>
      <span class="meaning">${_("Looked up in “{name}”", { name: collection.name })}</span>
    </button>
  </li>`;
}

function Welcome({ app, chat }) {
  const { modelState, model, conversation } = chat.state;
  // Of a chat of which nothing is kept no question is looked up.
  const lookedUp = conversation ? [] : chat.collections.filter((one) => one.example).slice(0, LOOKED_UP_MAX);
  return html`<section class="welcome">
    <h2>${_("What would you like to talk about?")}</h2>
    <p>
      ${_("An AI language model answers here. It can be wrong: check what matters.")}
    </p>
    ${conversation?.temporary
      ? html`<p class="remark">
          ${_("Nothing of this chat is kept, here or on the server. It ends when you leave or reload this page. Only that you asked is counted, without your words.")}
        </p>`
      : chat.temporary &&
        html`<p>
          <button type="button" class="quiet" onClick=${() => app.temporary()}><${Icon} name="passing" />${_("Temporary chat, of which nothing is kept")}</button>
        </p>`}
    <ul class="examples" aria-label=${_("Examples")}>
      ${examples().map(
        ([korean, meaning]) =>
          html`<li key=${korean}>
            <button type="button" onClick=${() => app.example(korean)}>
              <span lang="ko">${korean}</span>
              ${language !== "ko" && html`<span class="meaning">${meaning}</span>`}
            </button>
          </li>`,
      )}
      ${lookedUp.map((one) => html`<${LookedUp} key=${one.id} collection=${one} app=${app} />`)}
    </ul>
    ${modelState === "unavailable" &&
    html`<div class="remark bad">
      <p>${_("The model could not be loaded. The operator finds the reason in the log of the server.")}</p>
    </div>`}
    ${model &&
    html`<p class="welcome-model">
      ${_("Model")} <b>${model}</b>
      <button type="button" class="link" aria-haspopup="dialog" onClick=${() => app.show("trace", { model })}>
        ${_("What was it made from?")}
      </button>
    </p>`}
  </section>`;
}
