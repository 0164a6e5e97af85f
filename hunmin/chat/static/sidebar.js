// The list of conversations: search, folders, the archive, and what is pinned first.

import { EnterKey } from "./enter.js";
import { Places } from "./folders.js";
import { html, useLayoutEffect, useRef } from "./html.js";
import { Icon } from "./icons.js";
import { Row } from "./row.js";
import { _, ageHeading } from "./words.js";

const SEARCH_PAUSE_MS = 250;

export function Sidebar({ chat, app, inDrawer = false }) {
  const { list, next, search, searching, conversation } = chat.state;
  return html`<div class="sidebar" onKeyDown=${moveInList}>
    <a class="button wide" href="/chat" onClick=${(event) => app.follow(event, null)}
      ><${Icon} name="plus" />${_("New conversation")}</a
    >
    <${Search} chat=${chat} app=${app} />
    <${Places} chat=${chat} app=${app} />
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
      html`<p class="none">${nothing(chat.state)}</p>`}
      ${next &&
      html`<button type="button" class="quiet wide" onClick=${() => chat.history.listMore()}>${_("Show older ones")}</button>`}
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

function nothing({ search, where }) {
  if (search) return _("Nothing was found.");
  if (where === "archive") return _("Nothing is in the archive.");
  return where ? _("This folder is empty.") : _("Your conversations will be listed here.");
}

/** Move from one conversation or folder to the next with the arrow keys. */
function moveInList(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || !event.target.matches(".row > a, .places button:not(.more)")) return;
  const all = [...event.currentTarget.querySelectorAll(".row > a, .places button:not(.more)")];
  all[all.indexOf(event.target) + by]?.focus();
  event.preventDefault();
}

function groups(list, search) {
  if (search) return list.length ? [[_("Found"), list]] : [];
  const found = new Map();
  for (const one of list) {
    const heading = one.pinned ? _("Pinned") : ageHeading(one.updated_at);
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
    chat.history.find(box.current.value.trim());
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
      placeholder=${_("Search (or initials: ㅎㅁ)")}
      autocomplete="off"
      onInput=${changed}
    />
  </search>`;
}
