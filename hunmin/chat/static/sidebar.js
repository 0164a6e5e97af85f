// The list of conversations: search, open, rename, delete, take away.

import { EnterKey } from "./enter.js";
import { html, useLayoutEffect, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { _, ageHeading } from "./words.js";

const SEARCH_PAUSE_MS = 250;

export function Sidebar({ chat, app, inDrawer = false }) {
  const { list, more, search, searching, conversation } = chat.state;
  return html`<div class="sidebar">
    <a class="button wide" href="/chat" onClick=${(event) => app.follow(event, null)}
      ><${Icon} name="plus" />${_("New conversation")}</a
    >
    <${Search} chat=${chat} app=${app} />
    <nav aria-label=${_("Conversations")} class="conversations" aria-busy=${searching}>
      ${groups(list, search).map(
        ([heading, conversations]) =>
          html`<section key=${heading}>
            <h2>${heading}</h2>
            <ul>
              ${conversations.map(
                (one) =>
                  html`<${Row} key=${one.id} one=${one} current=${one.id === conversation?.id} chat=${chat} app=${app} />`,
              )}
            </ul>
          </section>`,
      )}
      ${!list.length &&
      html`<p class="none">${search ? _("Nothing was found.") : _("Your conversations will be listed here.")}</p>`}
      ${more &&
      html`<button type="button" class="quiet wide" onClick=${() => chat.listMore()}>${_("Show older ones")}</button>`}
    </nav>
    ${inDrawer && html`<${SiteLinks} />`}
    <div class="sidebar-end">
      ${(list.length > 0 || search) &&
      html`<a class="quiet" href="/chat/api/conversations/export" download>${_("Download all")}</a>
        <button type="button" class="quiet" onClick=${() => app.confirmRemoveAll()}>${_("Delete all")}</button>`}
      <button type="button" class="quiet" onClick=${() => app.show("help")}>
        <${Icon} name="help" />${_("Keyboard")}
      </button>
    </div>
  </div>`;
}

/** The main menu once more: on a phone the header of the chat page has no room for it. */
function SiteLinks() {
  const links = [...document.querySelectorAll("header.site nav.main a:not([aria-current])")];
  return html`<ul class="site-links">
    ${links.map((link) => html`<li key=${link.href}><a href=${link.href}>${link.textContent}</a></li>`)}
  </ul>`;
}

function groups(list, search) {
  if (search) return list.length ? [[_("Found"), list]] : [];
  const found = new Map();
  for (const one of list) {
    const heading = ageHeading(one.updated_at);
    found.set(heading, [...(found.get(heading) ?? []), one]);
  }
  return [...found];
}

function Search({ chat, app }) {
  const box = useRef(null);
  const timer = useRef(0);
  app.searchBox = box;
  const find = () => {
    clearTimeout(timer.current);
    chat.find(box.current.value.trim());
  };
  useLayoutEffect(() => new EnterKey({ send: find }).attach(box.current), []);
  // The box holds its own text: a list that changes meanwhile must not take back what is typed.
  useLayoutEffect(() => {
    if (box.current.value.trim() !== chat.state.search) box.current.value = chat.state.search;
  }, [chat.state.search]);
  const changed = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(find, SEARCH_PAUSE_MS);
  };
  return html`<search class="search">
    <label class="sr-only" for="search">${_("Search your conversations")}</label>
    <${Icon} name="search" />
    <input
      id="search"
      type="search"
      ref=${box}
      defaultValue=${chat.state.search}
      maxlength="200"
      placeholder=${_("Search")}
      autocomplete="off"
      onInput=${changed}
    />
  </search>`;
}

function Row({ one, current, chat, app }) {
  const [editing, setEditing] = useState(false);
  const renameButton = useRef(null);
  const back = () => {
    setEditing(false);
    setTimeout(() => renameButton.current?.focus());
  };
  if (editing) {
    return html`<li><${Rename} one=${one} chat=${chat} done=${back} /></li>`;
  }
  return html`<li class=${current ? "current" : ""}>
    <a href=${`/chat/c/${one.id}`} aria-current=${current ? "page" : undefined} onClick=${(event) => app.follow(event, one.id)}>
      <span class="title">${one.title}</span>
      ${one.excerpt && html`<span class="excerpt">${one.excerpt}</span>`}
    </a>
    <span class="row-buttons">
      <button
        type="button"
        class="quiet"
        ref=${renameButton}
        aria-label=${_("Rename “{title}”", { title: one.title })}
        title=${_("Rename")}
        onClick=${() => setEditing(true)}
      >
        <${Icon} name="edit" />
      </button>
      <button
        type="button"
        class="quiet"
        aria-label=${_("Delete “{title}”", { title: one.title })}
        title=${_("Delete")}
        onClick=${() => app.confirmRemove(one)}
      >
        <${Icon} name="remove" />
      </button>
    </span>
  </li>`;
}

function Rename({ one, chat, done }) {
  const box = useRef(null);
  const finished = useRef(false);
  const save = async () => {
    if (finished.current) return;
    const title = box.current.value.normalize("NFC").trim();
    if (!title || title === one.title) return finish();
    if (await chat.rename(one.id, title)) finish();
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
