// One conversation in the list.

import { EnterKey } from "./enter.js";
import { html, useLayoutEffect, useRef } from "./html.js";
import { Icon } from "./icons.js";
import { _ } from "./words.js";

export function Row({ one, current, chat, app }) {
  const moreButton = useRef(null);
  const back = () => {
    app.rename(null);
    setTimeout(() => moreButton.current?.focus());
  };
  if (app.renaming === one.id) {
    return html`<li><${Rename} one=${one} chat=${chat} done=${back} /></li>`;
  }
  return html`<li class=${current ? "row current" : "row"}>
    <a href=${`/chat/c/${one.id}`} aria-current=${current ? "page" : undefined} onClick=${(event) => app.follow(event, one.id)}>
      <span class="title">${one.title}</span>
      ${one.excerpt && html`<span class="excerpt">${one.excerpt}</span>`}
    </a>
    <button
      type="button"
      class="quiet more"
      ref=${moreButton}
      aria-haspopup="dialog"
      aria-label=${_("What to do with “{title}”", { title: one.title })}
      onClick=${() => app.show("conversation", one)}
    >
      <${Icon} name="more" />
    </button>
  </li>`;
}

function Rename({ one, chat, done }) {
  const box = useRef(null);
  const finished = useRef(false);
  const save = async () => {
    if (finished.current) return;
    const title = box.current.value.normalize("NFC").trim();
    if (!title || title === one.title) return finish();
    if (await chat.history.rename(one.id, title)) finish();
  };
  const finish = () => {
    finished.current = true;
    done();
  };
  // At once, not after the next frame: whoever types on meanwhile writes into this box.
  useLayoutEffect(() => {
    box.current.focus();
    box.current.select();
    return new EnterKey({ send: save }).attach(box.current);
  }, []);
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    finish();
  };
  return html`<input
    class="rename"
    ref=${box}
    defaultValue=${one.title}
    maxlength=${chat.limits.title_characters_max}
    aria-label=${_("Title")}
    autocomplete="off"
    onKeyDown=${onKeyDown}
    onBlur=${save}
  />`;
}
