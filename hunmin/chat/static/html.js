// Preact and htm, joined once: html`<p>…</p>` makes elements.

import htm from "../web/vendor/htm/htm.js";
import { h } from "../web/vendor/preact/preact.js";

export const html = htm.bind(h);

/** Return HTML that shows a text as it is. */
export function escape(text) {
  const names = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => names[character]);
}

export { Component, createRef, render } from "../web/vendor/preact/preact.js";
export {
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../web/vendor/preact/hooks.js";
