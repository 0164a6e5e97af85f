// Every dialog of the page: fetched together, when the first view is there or one is first needed.

export { ConversationDialog } from "./conversation.js";
export { Confirm, Dialog, Help, TraceDialog } from "./dialogs.js";
export { FeedbackDialog } from "./feedback.js";
export { FolderDialog } from "./folder.js";
export { SettingsDialog } from "./settings.js";
export { ShareDialog } from "./share.js";
