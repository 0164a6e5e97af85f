// The dialog of one folder: making it, changing it, ordering it.

import { Dialog, Problem } from "./dialogs.js";
import { html, useRef, useState } from "./html.js";
import { Icon } from "./icons.js";
import { _ } from "./words.js";

/** A folder's name, what the model is told in it, its place; `folder` is null for a new one. */
export function FolderDialog({ folder, chat, app, close }) {
  const [busy, setBusy] = useState(false);
  const name = useRef(null);
  const prompt = useRef(null);
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    const said = { name: name.current.value.normalize("NFC"), system_prompt: prompt.current.value.normalize("NFC") };
    const saved = folder ? await chat.history.changeFolder(folder.id, said) : await chat.history.createFolder(said);
    setBusy(false);
    if (saved) close();
  };
  const { folders } = chat.state;
  const at = folders.findIndex((one) => one.id === folder?.id);
  const move = (by, icon, label) =>
    html`<button
      type="button"
      class="quiet"
      aria-label=${label}
      title=${label}
      disabled=${!folders[at + by]}
      onClick=${() => chat.history.moveFolder(at, at + by)}
    >
      <${Icon} name=${icon} />
    </button>`;
  return html`<${Dialog} title=${folder ? _("Folder") : _("New folder")} close=${close} className="small">
    <form class="fields" onSubmit=${save}>
      <label for="folder-name">${_("Name")}</label>
      <input
        id="folder-name"
        ref=${name}
        required
        defaultValue=${folder?.name ?? ""}
        maxlength=${chat.limits.title_characters_max}
        autocomplete="off"
      />
      <label for="folder-prompt">${_("Instructions for conversations in it")}</label>
      <textarea
        id="folder-prompt"
        ref=${prompt}
        rows="4"
        defaultValue=${folder?.system_prompt ?? ""}
        aria-describedby="folder-prompt-hint"
      ></textarea>
      <p class="hint" id="folder-prompt-hint">${_("The model is told this before each of them.")}</p>
      <${Problem} chat=${chat} />
      <div class="buttons">
        ${folder &&
        html`${move(-1, "arrowUp", _("Move up"))}${move(1, "arrowDown", _("Move down"))}
          <button type="button" class="button second" onClick=${() => app.confirmRemoveFolder(folder)}>${_("Delete")}</button>`}
        <button class="button" disabled=${busy}>${_("Save")}</button>
      </div>
    </form>
  <//>`;
}
