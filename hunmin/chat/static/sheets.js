// Every dialog of the page, and what answers with sources need: fetched together, when the first
// view is there or one is first needed.

export { AttachDialog, Chips, Tray } from "./attach.js";
export { ConversationDialog } from "./conversation.js";
export { Confirm, Dialog, Help, TraceDialog } from "./dialogs.js";
export { FeedbackDialog } from "./feedback.js";
export { wordsOf } from "./faults.js";
export { FolderDialog } from "./folder.js";
export { SettingsDialog } from "./settings.js";
export { ShareDialog } from "./share.js";
export { Sources } from "./sources.js";
