// Folders and the archive: choosing which list to see, and making, changing and ordering folders.

import { html } from "./html.js";
import { Icon } from "./icons.js";
import { _ } from "./words.js";

export function Places({ chat, app }) {
  const { where, folders, search } = chat.state;
  const place = (id, icon, name) =>
    html`<button type="button" class="quiet" aria-current=${!search && where === id ? "true" : undefined} onClick=${() => chat.history.goTo(id)}>
      <${Icon} name=${icon} /><span class="title">${name}</span>
    </button>`;
  return html`<nav class="places" aria-label=${_("Folders")}><ul>
    <li>${place(null, "list", _("All conversations"))}</li>
    ${folders.map(
      (folder) =>
        html`<li key=${folder.id}>
          ${place(folder.id, "folder", folder.name)}
          ${where === folder.id &&
          html`<button
            type="button"
            class="quiet more"
            aria-haspopup="dialog"
            aria-label=${_("Change the folder “{name}”", { name: folder.name })}
            onClick=${() => app.show("folder", folder)}
          >
            <${Icon} name="more" />
          </button>`}
        </li>`,
    )}
    <li>${place("archive", "archive", _("Archive"))}</li>
    <li>
      <button type="button" class="quiet" aria-haspopup="dialog" onClick=${() => app.show("folder", null)}>
        <${Icon} name="plus" />${_("New folder")}
      </button>
    </li>
  </ul></nav>`;
}
