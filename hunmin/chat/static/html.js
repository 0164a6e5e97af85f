// Preact and htm, joined once: html`<p>…</p>` makes elements.

import htm from "../web/vendor/htm/htm.js";
import { h } from "../web/vendor/preact/preact.js";

export const html = htm.bind(h);
export { Component, createRef, render } from "../web/vendor/preact/preact.js";
export {
  useEffect,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../web/vendor/preact/hooks.js";
