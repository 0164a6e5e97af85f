// Modules the first view can do without: fetched when the browser is idle, or when first needed.

import { useLayoutEffect, useReducer } from "./html.js";

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

  onArrival(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const markdown = new Later(() => import("./markdown.js"));
export const dialogs = new Later(() => import("./sheets.js"));
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
  idle(() => [markdown, dialogs, installing].forEach((later) => later.load()));
}
