// Icons, drawn with lines of one width. Each stands beside or inside something that has a name.

import { html } from "./html.js";

const PATHS = {
  adjust: "M4 7h9m5 0h2M4 17h2m5 0h9M13 5v4M18 5v4M6 15v4M11 15v4",
  again: "M4 10a8 8 0 1 1 2.3 7.7M4 10V4m0 6h6",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  arrowDown: "M12 5v14m-6-6 6 6 6-6",
  arrowLeft: "m14.5 6-6 6 6 6",
  arrowRight: "m9.5 6 6 6-6 6",
  arrowUp: "M12 19V5m-6 6 6-6 6 6",
  bad: "M17 13V4h3v9zm0 0-4 7c-1.7 0-2.5-1-2.2-2.5l.6-3.5H6a2 2 0 0 1-2-2.3l1-6A2 2 0 0 1 7 4h10",
  book: "M5 4h6l1 1 1-1h6v15h-6l-1 1-1-1H5zM12 5v14",
  check: "m5 13 4.5 4.5L19 7",
  clip: "M19 11l-7 7a4 4 0 0 1-6-6l8-8a3 3 0 0 1 4 4l-8 8a1 1 0 0 1-2-2l7-7",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v11H9zM5 15V4h10",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  folder: "M3 6h6l2 2h10v11H3z",
  good: "M7 11v9H4v-9zm0 0 4-7c1.7 0 2.5 1 2.2 2.5l-.6 3.5H18a2 2 0 0 1 2 2.3l-1 6a2 2 0 0 1-2 1.7H7",
  help: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM9.8 9.6a2.3 2.3 0 1 1 3.2 2.1c-.7.4-1 .9-1 1.7m0 3v.1",
  list: "M4 6h16M4 12h16M4 18h10",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  passing: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4l3 2",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  plus: "M12 5v14M5 12h14",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5m3-5v5",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4",
  send: "M12 19V5m-6 6 6-6 6 6",
  share: "M12 15V4m-4 4 4-4 4 4M6 12v8h12v-8",
  stop: "M7 7h10v10H7z",
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}
