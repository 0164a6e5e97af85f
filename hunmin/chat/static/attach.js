// What a question is asked with: files on their way to the server, and collections to look it up in.

import { Fault, request } from "./api.js";
import { Dialog, Problem } from "./dialogs.js";
import { html, useRef } from "./html.js";
import { Icon } from "./icons.js";
import { _, language, number } from "./words.js";

const FILES = "/chat/api/files";
const ASK_AGAIN_MS = 700;
let brought = 0; // tells files on their way from one another, without what only https has
const KINDS = ".pdf,.hwp,.hwpx,.docx,.txt,.md,.csv,.tsv";

/** Files and collections beside the box, of each conversation by itself. */
export class Tray {
  #chat;
  #files = []; // on their way or here, not yet asked about
  #sent = Promise.resolve(); // one after the other: the first may make a stranger a guest
  #chosen = new Map(); // ids of collections, by conversation, where the reader changed them

  constructor(chat) {
    this.#chat = chat;
  }

  get #here() {
    return this.#chat.state.conversation?.id ?? null;
  }

  files() {
    return this.#files.filter((file) => file.conversation === this.#here);
  }

  /** Whether a question would have to wait, or be asked without a file that was refused. */
  unready() {
    return this.files().some((file) => file.state !== "read");
  }

  collectionIds() {
    return this.#chosen.get(this.#here) ?? this.#chat.state.conversation?.collection_ids ?? [];
  }

  choose(id, chosen) {
    const others = this.collectionIds().filter((one) => one !== id);
    this.#chosen.set(this.#here, chosen ? [...others, id] : others);
    this.#changed();
  }

  /** What is sent with a question. */
  asked() {
    return {
      file_ids: this.files().map((file) => file.id),
      collection_ids: this.#chosen.get(this.#here) ?? null,
    };
  }

  /** A question was kept: its files are the conversation's now, which may have just begun. */
  kept(before, conversationId, fileIds) {
    this.#files = this.#files.filter((file) => !fileIds.includes(file.id));
    if (before !== null || !this.#chosen.has(null)) return;
    this.#chosen.set(conversationId, this.#chosen.get(null));
    this.#chosen.delete(null);
  }

  bring(files) {
    for (const content of files) this.#bring(content);
  }

  async #bring(content) {
    const file = { key: ++brought, conversation: this.#here, name: content.name, state: "coming", share: 0 };
    this.#files.push(file);
    this.#changed();
    try {
      const sending = this.#sent.then(() => this.#files.includes(file) && this.#send(file, content));
      this.#sent = sending.catch(() => {});
      let seen = await sending;
      if (!seen) return;
      while (seen.state === "waiting" && this.#files.includes(file)) {
        Object.assign(file, { id: seen.id, state: "waiting" });
        this.#changed();
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
        seen = await request("GET", `${FILES}/${file.id}`);
      }
      Object.assign(file, { id: seen.id, state: seen.state, error: seen.error?.message });
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      Object.assign(file, { state: "failed", error: fault.message });
    }
    if (!this.#files.includes(file)) return;
    const said = file.state === "read" ? _("“{name}” has been read.", { name: file.name }) : file.error;
    this.#chat.set({ said });
  }

  /** Send a file; `fetch` could not tell how much of it has gone. */
  #send(file, content) {
    const form = new FormData();
    form.append("file", content);
    const sending = (file.sending = new XMLHttpRequest());
    return new Promise((resolve, reject) => {
      sending.upload.onprogress = ({ loaded, total }) => {
        file.share = loaded / total;
        this.#changed();
      };
      sending.onload = () => {
        if (sending.status === 201) resolve(sending.response);
        else reject(new Fault(sending.response?.code ?? "unknown", sending.response?.detail ?? _("The file could not be sent. Try again.")));
      };
      sending.onerror = () => reject(new Fault("unreachable", _("The file could not be sent. Try again.")));
      sending.open("POST", FILES);
      sending.responseType = "json";
      sending.setRequestHeader("Accept", "application/json");
      sending.setRequestHeader("Accept-Language", language);
      sending.send(form);
    });
  }

  async remove(file) {
    this.#files = this.#files.filter((one) => one !== file);
    file.sending?.abort();
    this.#chat.set({ said: _("Removed.") });
    if (!file.id) return;
    try {
      await request("DELETE", `${FILES}/${file.id}`);
    } catch (fault) {
      if (fault.code !== "file_not_found") this.#chat.fail(fault);
    }
  }

  #changed() {
    this.#chat.set({});
  }
}

/** The row above the box: files and chosen collections, each to be taken away. */
export function Chips({ chat, tray }) {
  const files = tray.files();
  const ids = tray.collectionIds();
  const collections = chat.collections.filter((one) => ids.includes(one.id));
  if (!files.length && !collections.length) return null;
  return html`<ul class="chips" aria-label=${_("Asked with")}>
    ${collections.map(
      (one) => html`<${Chip} key=${one.id} icon="book" name=${one.name} remove=${() => tray.choose(one.id, false)} />`,
    )}
    ${files.map(
      (file) => html`<${Chip} key=${file.key} icon="clip" name=${file.name} bad=${file.state === "failed"} remove=${() => tray.remove(file)}>
        <${Progress} file=${file} />
      <//>`,
    )}
  </ul>`;
}

function Chip({ icon, name, bad, remove, children }) {
  return html`<li class=${bad ? "bad" : ""}>
    <${Icon} name=${icon} /><span class="title">${name}</span>${children}
    <button type="button" class="quiet" aria-label=${_("Take “{name}” away", { name })} onClick=${remove}><${Icon} name="close" /></button>
  </li>`;
}

function Progress({ file }) {
  if (file.state === "failed") return html`<span class="why">${file.error}</span>`;
  if (file.state === "read") return html`<${Icon} name="check" /><span class="sr-only">${_("read")}</span>`;
  const label = file.state === "coming" ? _("Sending") : _("Being read");
  const share = file.state === "coming" && file.share < 1 ? file.share : undefined;
  return html`<progress aria-label=${label} value=${share} /><span>${label}${share ? ` ${number(share * 100)}%` : ""}</span>`;
}

/** Where files are brought and collections chosen. */
export function AttachDialog({ chat, close }) {
  const input = useRef(null);
  const ids = chat.tray.collectionIds();
  const bring = () => {
    chat.tray.bring([...input.current.files]);
    close();
  };
  return html`<${Dialog} title=${_("Ask with documents")} close=${close}>
    <div class="fields">
      <h3>${_("Files")}</h3>
      <p class="hint">
        ${_("PDF, HWP, HWPX, DOCX, text or CSV. They are read on this server; their text is kept with the conversation, and deleted with it. They can also be pasted or dropped on the message.")}
      </p>
      <input id="bring" class="sr-only" type="file" multiple accept=${KINDS} ref=${input} onChange=${bring} />
      <label class="button second" for="bring">${_("Choose files")}</label>
      ${chat.collections.length > 0 &&
      html`<fieldset>
        <legend>${_("Collections to look it up in")}</legend>
        ${chat.collections.map(
          (one) => html`<label class="choice" key=${one.id}>
            <input type="checkbox" checked=${ids.includes(one.id)} onChange=${(event) => chat.tray.choose(one.id, event.target.checked)} />
            <span>${one.name}</span>
          </label>`,
        )}
        <p class="hint"><a href="/collections">${_("What is in them?")}</a></p>
      </fieldset>`}
      <${Problem} chat=${chat} />
      <div class="buttons"><button type="button" class="button" onClick=${close}>${_("Done")}</button></div>
    </div>
  <//>`;
}
