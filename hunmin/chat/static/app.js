// The page comes alive: the server's first view is replaced by one that answers as it is written.

import { unreachable } from "./api.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { untilFree } from "./early.js";
import { html, render, useEffect, useLayoutEffect, useReducer } from "./html.js";
import { Icon } from "./icons.js";
import { keepDraft, readChoice } from "./keep.js";
import { dialogs, loadWhenIdle } from "./lazy.js";
import { Sidebar } from "./sidebar.js";
import { Talk } from "./talk.js";
import { _, setWords } from "./words.js";

const narrow = matchMedia("(max-width: 60rem)");

/** What belongs to the page and not to the conversations: dialogs, addresses, keys, focus. */
class App {
  constructor(chat, drawn) {
    this.chat = chat;
    this.drawn = drawn; // the blocks of answers that the server has drawn, by message id
    this.dialog = null;
    this.drawer = false;
    this.editing = null;
    this.renaming = null; // the conversation in the list that is being given another title
    this.fresh = 0; // counts new conversations, so that the box is made ready for each
    this.typed = "";
    this.asked = () => {};
    this.changed = () => {};
  }

  async show(kind, subject) {
    if (kind && !(await this.#dialogsCame())) return;
    this.dialog = kind && { kind, subject };
    if (kind) this.chat.set({ fault: null });
    this.changed();
  }

  rename(conversationId) {
    this.renaming = conversationId;
    this.changed();
  }

  async openDrawer(open) {
    if (open && !(await this.#dialogsCame())) return;
    this.drawer = open;
    this.changed();
  }

  async #dialogsCame() {
    return (await dialogs.load()) !== null || this.chat.fail(unreachable());
  }

  edit(messageId) {
    this.editing = messageId;
    this.changed();
    if (messageId === null) this.box?.current?.focus();
  }

  editLast() {
    const last = this.chat.path().findLast((message) => message.role === "user");
    if (!last || this.chat.live()) return false;
    this.edit(last.id);
    return true;
  }

  example(text) {
    this.write(text);
    this.box.current.focus();
  }

  /** Put a question in the box that is looked up in a collection, once what chooses it is here. */
  async lookUp(collection, question) {
    if (!(await this.#dialogsCame())) return;
    this.chat.tray ??= new dialogs.module.Tray(this.chat);
    this.chat.tray.choose(collection.id, true);
    this.example(question);
  }

  takeTyped() {
    const typed = this.typed;
    this.typed = "";
    return typed;
  }

  stop() {
    this.chat.stop();
    this.box.current.focus();
  }

  async regenerate(answer) {
    if (await this.chat.regenerate(answer)) this.asked();
  }

  /** Follow a link to a conversation without loading the page, unless it is to open elsewhere. */
  follow(event, id) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.go(id);
  }

  async go(id, { keepAddress = false } = {}) {
    this.editing = null;
    this.drawer = false;
    this.fresh += id === null ? 1 : 0;
    const wanted = (this.wanted = id);
    if (id === null) this.chat.leave();
    else if (!(await this.chat.open(id)) || this.wanted !== wanted) return this.changed();
    if (!keepAddress) this.address();
    this.changed();
  }

  /** Begin a chat of which nothing is kept, with what stands in the box. */
  temporary() {
    this.typed = this.box.current.value;
    keepDraft(this.chat.state.conversation?.id ?? null, "");
    this.drawer = false;
    this.chat.beginTemporary();
    this.address();
  }

  /** Make the address and the title those of the open conversation. */
  address() {
    const { conversation } = this.chat.state;
    const path = conversation && !conversation.temporary ? `/chat/c/${conversation.id}` : "/chat";
    if (location.pathname !== path) history.pushState(null, "", path);
  }

  confirmRemove(one) {
    const act = async () => {
      if (!(await this.chat.history.remove(one.id))) return;
      if (this.chat.state.conversation?.id === one.id) this.go(null);
    };
    this.show("confirm", {
      title: _("Delete this conversation?"),
      text: _("“{title}” will be deleted for good, with every message in it.", { title: one.title }),
      action: _("Delete"),
      act,
    });
  }

  confirmRemoveAll() {
    const act = async () => (await this.chat.history.removeAll()) && this.go(null);
    this.show("confirm", {
      title: _("Delete all conversations?"),
      text: _("Every conversation of yours will be deleted for good. Download them first if you want to keep them."),
      action: _("Delete all"),
      act,
    });
  }

  confirmRemoveFolder(folder) {
    this.show("confirm", {
      title: _("Delete this folder?"),
      text: _("“{name}” will be deleted. The conversations in it stay.", { name: folder.name }),
      action: _("Delete"),
      act: () => this.chat.history.removeFolder(folder.id),
    });
  }

  key(event) {
    const control = event.ctrlKey || event.metaKey;
    const open = document.querySelector("dialog[open]");
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && !open) {
      if (event.shiftKey) this.box.current.focus();
      else if (this.chat.live()) this.stop();
      else return;
    } else if (control && event.key === "/") this.show(this.dialog ? null : "help");
    else if (open) return;
    else if (event.key === "?" && !isTyping(event.target) && !readChoice("noQuestionMark")) this.show("help");
    else if (control && event.shiftKey && event.code === "KeyO") this.go(null);
    else if (control && !event.shiftKey && event.code === "KeyK") this.search();
    else return;
    event.preventDefault();
  }

  async search() {
    const focus = () => this.searchBox?.current?.focus();
    if (!narrow.matches) return focus();
    await this.openDrawer(true);
    setTimeout(focus); // as soon as the drawer is there
  }
}

const isTyping = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");

function Page({ app }) {
  const { chat } = app;
  const [, redraw] = useReducer((count) => count + 1, 0);
  app.changed = redraw;
  // At once, not after the next frame: nothing that happens meanwhile may be missed.
  useLayoutEffect(() => {
    const onKeyDown = (event) => app.key(event);
    const onPopState = () => app.go(conversationInAddress(), { keepAddress: true });
    // The browser may keep the page to come back to; a chat of which nothing is kept is not in it.
    const onPageHide = () => chat.state.conversation?.temporary && app.go(null);
    const ends = [chat.subscribe(redraw)];
    document.addEventListener("keydown", onKeyDown);
    window.addEventListener("popstate", onPopState);
    window.addEventListener("pagehide", onPageHide);
    narrow.addEventListener("change", redraw);
    return () => {
      ends.forEach((end) => end());
      document.removeEventListener("keydown", onKeyDown);
      window.removeEventListener("popstate", onPopState);
      window.removeEventListener("pagehide", onPageHide);
      narrow.removeEventListener("change", redraw);
    };
  }, []);
  const { conversation, said } = chat.state;
  const title = conversation?.title ?? _("New conversation");
  useEffect(() => {
    document.title = `${title} · ${_("Hunmin")}`;
    if (conversation) app.address();
  }, [conversation?.id, title]);

  const sidebar = html`<${Sidebar} chat=${chat} app=${app} inDrawer=${narrow.matches} />`;
  const closeDrawer = () => app.openDrawer(false);
  const Dialog = dialogs.module?.Dialog;
  return html`
    ${narrow.matches
      ? app.drawer &&
        html`<${Dialog} title=${_("Conversations")} close=${closeDrawer} className="drawer">${sidebar}<//>`
      : html`<aside aria-label=${_("Conversations")}>${sidebar}</aside>`}
    <section class="talk">
      <header class="talk-head">
        ${narrow.matches &&
        html`<button type="button" class="quiet" aria-haspopup="dialog" onClick=${() => app.openDrawer(true)}>
          <${Icon} name="list" />${_("Conversations")}
        </button>`}
        <h1 class=${conversation ? "" : "sr-only"}>${title}</h1>
        ${narrow.matches &&
        html`<a class="quiet" href="/chat" aria-label=${_("New conversation")} onClick=${(event) => app.follow(event, null)}
          ><${Icon} name="plus"
        /></a>`}
      </header>
      <${Talk} chat=${chat} app=${app} />
      <${Composer} chat=${chat} app=${app} />
    </section>
    <p class="sr-only" role="status" aria-live="polite">${said}</p>
    <${Dialogs} app=${app} />
  `;
}

function Dialogs({ app }) {
  if (!app.dialog) return null;
  const { kind, subject } = app.dialog;
  const { AttachDialog, Confirm, ConversationDialog, FeedbackDialog, FolderDialog, Help, SettingsDialog, ShareDialog, TraceDialog } = dialogs.module;
  const close = () => app.show(null);
  if (kind === "attach") return html`<${AttachDialog} chat=${app.chat} close=${close} />`;
  if (kind === "help") return html`<${Help} close=${close} />`;
  if (kind === "trace") return html`<${TraceDialog} chat=${app.chat} facts=${subject} close=${close} />`;
  if (kind === "conversation") return html`<${ConversationDialog} one=${subject} chat=${app.chat} app=${app} close=${close} />`;
  if (kind === "folder") return html`<${FolderDialog} folder=${subject} chat=${app.chat} app=${app} close=${close} />`;
  if (kind === "share") return html`<${ShareDialog} one=${subject} chat=${app.chat} close=${close} />`;
  if (kind === "feedback") return html`<${FeedbackDialog} ...${subject} chat=${app.chat} close=${close} />`;
  if (kind === "settings") return html`<${SettingsDialog} chat=${app.chat} close=${close} />`;
  return html`<${Confirm} ...${subject} close=${close} />`;
}

function conversationInAddress() {
  return location.pathname.match(/^\/chat\/c\/([^/]+)$/)?.[1] ?? null;
}

function start() {
  const data = JSON.parse(document.getElementById("chat-data").textContent);
  setWords(data.words, document.documentElement.lang);
  const root = document.getElementById("chat");
  const app = new App(new Chat(data), drawnBlocks(root));
  const box = root.querySelector("#message");
  const wasWriting = document.activeElement === box;
  app.typed = box.value;
  const searchBox = root.querySelector("#search");
  const wasSearching = document.activeElement === searchBox;
  root.replaceChildren();
  render(html`<${Page} app=${app} />`, root);
  if (wasWriting) app.box.current.focus();
  if (wasSearching) app.search();
  if (searchBox && searchBox.value !== data.search) app.chat.history.find(searchBox.value.trim());
  root.dataset.ready = "true";
  loadWhenIdle();
}

/** Return the HTML of each block of each answer of the first view, safe as the server made it. */
function drawnBlocks(root) {
  const blocks = (answer) => [...answer.querySelectorAll(".said > .block")].map((block) => block.innerHTML);
  return new Map([...root.querySelectorAll("li.model")].map((answer) => [answer.dataset.id, blocks(answer)]));
}

untilFree().then(start);
