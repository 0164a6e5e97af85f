// The list of conversations and what keeps it in order: search, folders, pins, the archive; and how
// one would like to be answered. Part of `Chat`, whose state it changes.

import { request } from "./api.js";
import { _ } from "./words.js";

const API = "/chat/api";

export class History {
  constructor(chat) {
    this.chat = chat;
  }

  async find(search) {
    this.chat.set({ search, searching: true });
    try {
      await this.#listAgain();
    } catch (fault) {
      this.chat.fail(fault);
    } finally {
      if (this.chat.state.search === search) this.chat.set({ searching: false });
    }
  }

  /** Show another list: null is all of them, "archive", or the id of a folder. */
  goTo(where) {
    this.chat.set({ where });
    return this.find("");
  }

  async listMore() {
    try {
      const found = await this.#list({ after: this.chat.state.next });
      const known = new Set(this.chat.state.list.map((one) => one.id));
      const older = found.conversations.filter((one) => !known.has(one.id));
      this.chat.set({ list: [...this.chat.state.list, ...older], next: found.next });
    } catch (fault) {
      this.chat.fail(fault);
    }
  }

  async #listAgain() {
    const { search, where } = this.chat.state;
    const found = await this.#list({});
    if (this.chat.state.search === search && this.chat.state.where === where) {
      this.chat.set({ list: found.conversations, next: found.next });
    }
  }

  #list(asked) {
    const { search, where } = this.chat.state;
    const query = new URLSearchParams(asked);
    if (search) query.set("search", search.normalize("NFC"));
    else if (where === "archive") query.set("archived", "true");
    else if (where) query.set("folder", where);
    return request("GET", `${API}/conversations?${query}`);
  }

  /** The list with a conversation that was just used: above the others, below what is pinned. */
  withUsed(conversation) {
    const { list, search, where } = this.chat.state;
    if (search) return list;
    const others = list.filter((one) => one.id !== conversation.id);
    if (where && where !== conversation.folder_id) return others;
    const at = conversation.pinned ? 0 : others.findIndex((one) => !one.pinned);
    return others.toSpliced(at < 0 ? others.length : at, 0, conversation);
  }

  /** Change what is named in `changes`, and say so. */
  async change(id, changes, said) {
    try {
      const changed = await request("PATCH", `${API}/conversations/${id}`, changes);
      const open = this.chat.state.conversation;
      if (open?.id === id) {
        const conversation = { ...open, ...changes, ...changed };
        this.chat.set({ conversation, model: this.chat.modelFor(conversation) });
      }
      await this.#listAgain();
      this.chat.set({ said });
      return true;
    } catch (fault) {
      return this.chat.fail(fault);
    }
  }

  rename(id, title) {
    return this.change(id, { title }, _("Renamed."));
  }

  async remove(id) {
    try {
      await request("DELETE", `${API}/conversations/${id}`);
    } catch (fault) {
      if (fault.code !== "conversation_not_found") return this.chat.fail(fault);
    }
    this.chat.lives.delete(id);
    this.chat.set({ list: this.chat.state.list.filter((one) => one.id !== id), said: _("Deleted.") });
    return true;
  }

  async removeAll() {
    try {
      await request("DELETE", `${API}/conversations`);
    } catch (fault) {
      return this.chat.fail(fault);
    }
    this.chat.lives.clear();
    this.chat.set({ list: [], next: null, search: "", said: _("Deleted.") });
    return true;
  }

  // Folders, and how one would like to be answered

  async createFolder(folder) {
    try {
      const made = await request("POST", `${API}/folders`, folder);
      this.chat.set({ folders: [...this.chat.state.folders, made], said: _("Saved.") });
      await this.goTo(made.id);
      return true;
    } catch (fault) {
      return this.chat.fail(fault);
    }
  }

  async changeFolder(id, folder) {
    try {
      const changed = await request("PATCH", `${API}/folders/${id}`, folder);
      const folders = this.chat.state.folders.map((one) => (one.id === id ? changed : one));
      this.chat.set({ folders, said: _("Saved.") });
      return true;
    } catch (fault) {
      return this.chat.fail(fault);
    }
  }

  async moveFolder(from, to) {
    const ids = this.chat.state.folders.map((one) => one.id);
    ids.splice(to, 0, ...ids.splice(from, 1));
    try {
      const { folders } = await request("PUT", `${API}/folders/order`, { folder_ids: ids });
      this.chat.set({ folders, said: _("Moved.") });
    } catch (fault) {
      this.chat.fail(fault);
    }
  }

  async removeFolder(id) {
    try {
      await request("DELETE", `${API}/folders/${id}`);
    } catch (fault) {
      if (fault.code !== "folder_not_found") return this.chat.fail(fault);
    }
    this.chat.set({ folders: this.chat.state.folders.filter((one) => one.id !== id), said: _("Deleted.") });
    await this.goTo(null);
    return true;
  }

  async prefer(preferences) {
    try {
      this.chat.set({ preferences: await request("PUT", `${API}/preferences`, preferences), said: _("Saved.") });
      this.chat.set({ model: this.chat.modelFor(this.chat.state.conversation) });
      return true;
    } catch (fault) {
      return this.chat.fail(fault);
    }
  }
}
