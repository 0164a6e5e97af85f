// The dialog of all that can be done with a conversation.

import { Dialog, Problem } from "./dialogs.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { _ } from "./words.js";

const FORMS = [
  ["md", "Markdown"],
  ["html", "HTML"],
  ["txt", "TXT"],
  ["json", "JSON"],
];

/** Everything that can be done with a conversation, in the order it is mostly done. */
export function ConversationDialog({ one, chat, app, close }) {
  const { folders } = chat.state;
  const change = async (changes, said) => (await chat.history.change(one.id, changes, said)) && close();
  // The dialog stays open: arrow keys go through the folders one by one, each of them a choice.
  const file = (event) => chat.history.change(one.id, { folder_id: event.target.value || null }, _("Put away."));
  const rename = () => {
    close();
    app.rename(one.id);
  };
  return html`<${Dialog} title=${one.title} close=${close} className="small">
    <ul class="deeds">
      <li>
        <${Deed} icon="pin" act=${() => change({ pinned: !one.pinned }, one.pinned ? _("Unpinned.") : _("Pinned."))}
          >${one.pinned ? _("Unpin") : _("Pin to the top")}<//
        >
      </li>
      <li><${Deed} icon="edit" act=${rename}>${_("Rename")}<//></li>
      <li>
        <${Deed}
          icon="archive"
          act=${() => change({ archived: !one.archived }, one.archived ? _("Taken back.") : _("Archived."))}
          >${one.archived ? _("Take out of the archive") : _("Put into the archive")}<//
        >
      </li>
      ${folders.length > 0 &&
      html`<li class="filing">
        <label for="folder-menu">${_("Folder")}</label>
        <select id="folder-menu" onChange=${file}>
          <option value="">${_("None")}</option>
          ${folders.map(
            ({ id, name }) => html`<option key=${id} value=${id} selected=${id === one.folder_id}>${name}</option>`,
          )}
        </select>
      </li>`}
      <li class="taking">
        <${Icon} name="arrowDown" /><span id="taking">${_("Download")}</span>
        <span role="group" aria-labelledby="taking">
          ${FORMS.map(
            ([form, name]) =>
              html`<a key=${form} href=${`/chat/api/conversations/${one.id}/export?format=${form}`} download>${name}</a>`,
          )}
        </span>
      </li>
      ${chat.shares && html`<li><${Deed} icon="share" act=${() => app.show("share", one)}>${_("Show to others")}<//></li>`}
      <li><${Deed} icon="remove" act=${() => app.confirmRemove(one)}>${_("Delete")}<//></li>
    </ul>
    <${Problem} chat=${chat} />
  <//>`;
}

function Deed({ icon, act, children }) {
  return html`<button type="button" class="quiet" onClick=${act}><${Icon} name=${icon} />${children}</button>`;
}
