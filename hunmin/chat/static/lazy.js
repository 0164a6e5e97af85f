// Modules the first view can do without: fetched when the browser is idle, or when first needed.

import { request } from "./api.js";
import { useLayoutEffect, useReducer } from "./html.js";
import { addWords, language } from "./words.js";

class Later {
  #fetch;
  #fetching = null;
  #listeners = new Set();
  module = null; // until it is here

  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** Fetch it; resolves with the module, or null where it cannot be had now. */
  load() {
    this.#fetching ??= this.#fetch().then(
      (module) => {
        this.module = module;
        for (const listener of this.#listeners) listener();
        return module;
      },
      () => (this.#fetching = null), // The line broke: tried again when it is needed again.
    );
    return this.#fetching;
  }

  /** Do something with it; resolves with what came of it, or null where it cannot be had. */
  async run(act) {
    const module = await this.load();
    return module && act(module);
  }

  onArrival(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const sayings = new Later(async () => {
  if (language !== "en") addWords(await request("GET", "/chat/api/words"));
  return true;
});

/** Fetch a module and what it says. */
async function speaking(module) {
  const [loaded, said] = await Promise.all([module, sayings.load()]);
  if (!said) throw new Error("no words");
  return loaded;
}

export const copying = new Later(() => speaking(import("./copy.js")));
export const markdown = new Later(() => speaking(import("./markdown.js")));
export const dialogs = new Later(() => speaking(import("./sheets.js")));
const installing = new Later(() => import("../web/install.js"));

/** Return a module, or null until it is here; the component is drawn again when it comes. */
export function useModule(later) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  useLayoutEffect(() => later.onArrival(redraw), [later]);
  return later.module;
}

/** Fetch everything as soon as the browser has nothing better to do, unless data are dear. */
export function loadWhenIdle() {
  if (navigator.connection?.saveData) return;
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 500));
  idle(() => [markdown, dialogs, copying, installing].forEach((later) => later.load()));
}
