// The tree of a conversation: which branch is shown, and which others there are. Pure.

/** Return the messages from the first down to a leaf. `messages` is a Map by id, oldest first. */
export function pathTo(messages, leafId) {
  const path = [];
  for (let at = messages.get(leafId); at && path.length <= messages.size; ) {
    path.push(at);
    at = messages.get(at.parent_id);
  }
  return path.reverse();
}

/** Return the ids of a message and those beside it, oldest first. */
export function siblings(messages, id) {
  const parentId = messages.get(id)?.parent_id ?? null;
  const role = messages.get(id)?.role;
  return [...messages.values()]
    .filter((message) => message.parent_id === parentId && message.role === role)
    .map((message) => message.id);
}

/** Return the leaf reached by taking the newest message at each fork below a message. */
export function newestLeaf(messages, below) {
  const newestChild = new Map();
  for (const message of messages.values()) newestChild.set(message.parent_id, message.id);
  let leaf = below;
  while (newestChild.has(leaf)) leaf = newestChild.get(leaf);
  return leaf;
}
