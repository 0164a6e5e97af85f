// What the page knows and does: the open conversation, the answers being written, the models.
//
// No elements here. Components read `state`, call the methods, and are told of every change.

import { Fault, request, stream, unreachable } from "./api.js";
import { History } from "./history.js";
import { moveDraft, TEMPORARY } from "./keep.js";
import { Live } from "./live.js";
import { newestLeaf, pathTo } from "./tree.js";
import { _ } from "./words.js";

const API = "/chat/api";

/** What stands for a conversation where nothing is kept: it is in this page alone. */
const temporary = () => ({ id: TEMPORARY, title: _("Temporary chat"), temporary: true });

export class Chat {
  constructor(data) {
    this.limits = data.limits;
    this.collections = data.collections; // those a question may be looked up in
    this.tray = null; // files and collections beside the box, once `attach.js` is here
    this.shares = data.shares; // whether the reader may show a conversation to others
    this.temporary = data.temporary; // whether one may chat without anything being kept
    this.training = data.training; // whether the reader is asked if feedback may be used for it
    this.listeners = new Set();
    this.history = new History(this);
    this.lives = new Map(); // answers being written, by conversation
    this.passing = null; // the last answer of a chat of which nothing is kept
    this.state = {
      list: data.listed.conversations,
      next: data.listed.next, // where the list goes on
      where: null, // which list is shown: all, "archive", or the id of a folder
      folders: data.folders,
      preferences: data.preferences,
      search: data.search,
      searching: false,
      conversation: null,
      messages: new Map(),
      leafId: null,
      models: data.models.models,
      modelState: data.models.state,
      model: null, // the one that answers next
      fault: null, // what went wrong outside of any answer
      said: "", // for the live region
    };
    this.choseModel = false; // whether the reader chose the model, and the server does not know yet
    this.set({ model: this.modelFor(null) });
    if (data.conversation) this.#show(data.conversation);
    if (this.state.modelState === "starting") this.#awaitModels();
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(change) {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  /** The messages of the branch shown. */
  path() {
    return pathTo(this.state.messages, this.state.leafId);
  }

  /** The answer being written in the open conversation, if any. */
  live() {
    const live = this.lives.get(this.state.conversation?.id ?? "");
    return live && !live.ended ? live : null;
  }

  // The open conversation

  async open(id) {
    try {
      const conversation = await request("GET", `${API}/conversations/${id}`);
      this.set({ fault: null });
      this.#show(conversation);
      return true;
    } catch (fault) {
      this.fail(fault);
      return false;
    }
  }

  leave() {
    this.#forget();
    this.choseModel = false;
    const nothing = { conversation: null, messages: new Map(), leafId: null, fault: null, said: "" };
    this.set({ ...nothing, model: this.modelFor(null) });
  }

  /** Begin a chat of which nothing is kept. */
  beginTemporary() {
    this.leave();
    this.set({ conversation: temporary() });
  }

  /** Forget the chat of which nothing is kept; an answer on its way ends. */
  #forget() {
    this.lives.delete(TEMPORARY);
    this.passing?.end();
    this.passing?.leaving.abort();
    this.passing = null;
  }

  #show({ messages, leaf_id, ...conversation }) {
    this.#forget();
    const byId = new Map(messages.map((message) => [message.id, message]));
    const leafId = byId.has(leaf_id) ? leaf_id : newestLeaf(byId, null);
    this.choseModel = false;
    this.set({ conversation, messages: byId, leafId, model: this.modelFor(conversation) });
    const writing = messages.find((message) => message.state === "writing");
    if (writing && !this.live()) this.#attach(conversation.id, writing);
  }

  async showBranch(messageId) {
    const { conversation, messages } = this.state;
    this.set({ leafId: newestLeaf(messages, messageId) });
    if (conversation.temporary) return;
    try {
      await request("PUT", `${API}/conversations/${conversation.id}/branch`, { message_id: messageId });
    } catch (fault) {
      this.fail(fault);
    }
  }

  // Questions and answers

  /** Ask; resolves when the question is kept, with false where it was not. */
  async send(text) {
    const { conversation, leafId, where } = this.state;
    if (conversation?.temporary) return this.#askTemporarily(leafId, text);
    const folder_id = where === "archive" ? null : where;
    const asked = { text, ...this.tray?.asked() };
    if (!conversation) return this.#ask("POST", `${API}/conversations`, { ...asked, folder_id });
    return this.#ask("POST", `${API}/conversations/${conversation.id}/messages`, { ...asked, parent_id: leafId });
  }

  /** Ask an edited question beside the old one. */
  async resend(message, text) {
    const { conversation } = this.state;
    if (conversation.temporary) return this.#askTemporarily(message.parent_id, text);
    const path = `${API}/conversations/${conversation.id}/messages`;
    const file_ids = message.files.map((file) => file.id);
    return this.#ask("POST", path, { text, file_ids, parent_id: message.parent_id });
  }

  async regenerate(answer) {
    const { conversation, messages } = this.state;
    const question = messages.get(answer.parent_id);
    if (conversation.temporary) return this.#askTemporarily(question.parent_id, question.text, question);
    return this.#ask("POST", `${API}/conversations/${conversation.id}/messages/${answer.id}/again`, {});
  }

  async stop() {
    const live = this.live();
    if (!live) return;
    live.stopping = true;
    if (live.conversationId === TEMPORARY) {
      this.#end(live, "stopped");
      live.leaving.abort();
      return;
    }
    try {
      await request("POST", `${API}/conversations/${live.conversationId}/messages/${live.answerId}/stop`);
    } catch (fault) {
      this.fail(fault);
    }
  }

  #ask(method, path, body) {
    const live = new Live(this.state.conversation?.id);
    return this.#read(live, method, path, { ...body, model: this.choseModel ? this.state.model : null });
  }

  /** Ask where nothing is kept, so that all of it goes along; `question` is asked once more. */
  #askTemporarily(parentId, text, question) {
    const { conversation, messages, model } = this.state;
    const above = pathTo(messages, parentId).map((message) => ({ role: message.role, text: message.text }));
    const live = (this.passing = new Live(TEMPORARY));
    live.placed = (begun) => {
      const asked = question ?? { ...begun.question, parent_id: parentId };
      return { conversation: temporary(), question: asked, answer: { ...begun.answer, parent_id: asked.id } };
    };
    return this.#read(live, "POST", `${API}/temporary`, {
      turns: [...above, { role: "user", text }],
      model,
      system_prompt: conversation.system_prompt ?? "",
      temperature: conversation.temperature ?? null,
    });
  }

  #attach(conversationId, answer) {
    const live = new Live(conversationId, answer);
    this.lives.set(conversationId, live);
    const path = `${API}/conversations/${conversationId}/messages/${answer.id}/stream`;
    this.#read(live, "GET", path).then((begun) => {
      if (!begun) setTimeout(() => this.#reload(conversationId), 2000);
    });
  }

  /** Look again at a conversation whose answer somebody else may be writing. */
  #reload(conversationId) {
    this.lives.delete(conversationId);
    if (this.state.conversation?.id === conversationId) this.open(conversationId);
  }

  /** Read the stream of an answer; resolves as soon as it has begun. */
  #read(live, method, path, body) {
    this.set({ fault: null });
    return new Promise((resolve) => {
      const onEvent = (name, data) => {
        if (live.leaving.signal.aborted) return;
        if (name === "begin") {
          this.#begin(live, live.placed(data));
          resolve(true);
        } else {
          this.#event(live, name, data);
        }
      };
      stream(method, path, body, { signal: live.leaving.signal, onEvent })
        .then(() => this.#brokeOff(live))
        .catch((fault) => {
          if (live.leaving.signal.aborted) return;
          if (live.answerId && live.begun) this.#brokeOff(live);
          else if (method !== "GET") this.fail(fault);
        })
        .finally(() => resolve(false));
    });
  }

  #begin(live, { conversation, question, answer }) {
    const isFirst = live.conversationId === undefined;
    this.tray?.kept(live.conversationId ?? null, conversation.id, question.files.map((file) => file.id));
    live.begin(conversation.id, answer);
    this.lives.set(conversation.id, live);
    const list = conversation.temporary ? this.state.list : this.history.withUsed(conversation);
    const open = this.state.conversation;
    if (open ? open.id !== conversation.id : !isFirst) {
      this.set({ list }); // The reader has gone elsewhere meanwhile.
      return;
    }
    if (isFirst) moveDraft(null, conversation.id);
    const messages = new Map(this.state.messages);
    const wentOn = new Set([...messages.values()].map((message) => message.parent_id));
    for (const [id, message] of messages) {
      // An answer that failed before its first word was replaced by this one.
      const failed = message.parent_id === question.id && message.state !== "whole" && !message.text;
      if (failed && !wentOn.has(id)) messages.delete(id);
    }
    messages.set(question.id, question).set(answer.id, answer);
    this.choseModel = false;
    this.set({
      list,
      conversation: { ...open, ...conversation },
      messages,
      leafId: answer.id,
      said: _("Writing an answer"),
    });
  }

  #event(live, name, data) {
    if (name === "delta") live.add(data.text);
    else if (name === "sources") live.cite(data.sources);
    else if (name === "waiting") live.wait(data);
    else if (name === "facts") live.facts = data;
    else if (name === "error") live.error = data;
    else if (name === "done") this.#end(live, data.state);
  }

  #end(live, state) {
    if (live.ended) return;
    live.end();
    this.lives.delete(live.conversationId);
    if (this.state.conversation?.id !== live.conversationId) return;
    const messages = new Map(this.state.messages);
    const answer = {
      ...messages.get(live.answerId),
      text: live.text,
      state,
      facts: live.facts,
      sources: live.sources,
      error_code: live.error?.code ?? null,
      error: live.error?.message,
    };
    messages.set(live.answerId, answer);
    this.set({ messages, said: live.farewell(state) });
  }

  /** The connection ended without the answer's end: ask what became of it. */
  #brokeOff(live) {
    if (live.ended) return;
    if (live.conversationId === TEMPORARY) {
      live.error = unreachable(); // There is nobody to ask.
      this.#end(live, "failed");
      return;
    }
    live.end();
    this.#reload(live.conversationId);
  }

  // Models

  chooseModel(model) {
    this.choseModel = true;
    this.set({ model });
  }

  /** The model that answers in a conversation: its own, the one preferred, or the first served. */
  modelFor(conversation) {
    const { models, preferences } = this.state;
    const served = models.map((one) => one.id);
    const wished = [conversation?.model, preferences.model].find((one) => served.includes(one));
    return wished ?? served[0] ?? null;
  }

  trace(model) {
    return request("GET", `${API}/trace?${new URLSearchParams({ model })}`);
  }

  async #awaitModels() {
    while (this.state.modelState === "starting") {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      try {
        const { models, state } = await request("GET", `${API}/models`);
        this.set({ models, modelState: state });
        if (!this.choseModel) this.set({ model: this.modelFor(this.state.conversation) });
      } catch {
        // The server may be starting as well; ask again.
      }
    }
  }

  fail(fault) {
    if (!(fault instanceof Fault)) throw fault;
    this.set({ fault: { code: fault.code, message: fault.message } });
    return false;
  }
}
