// Talking to the server: JSON, and streams of events. Every failure becomes a Fault with a text.

import { _, language } from "./words.js";

export class Fault extends Error {
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function unreachable() {
  return new Fault("unreachable", _("The server cannot be reached. Check the connection and try again."));
}

async function send(method, path, body, { accept, signal } = {}) {
  const headers = { Accept: accept, "Accept-Language": language };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // No problem+json: something between us and the server answered.
  }
  throw new Fault(
    problem.code ?? "unknown",
    problem.detail ?? _("The server answered with an error ({status}). Try again.", { status: response.status }),
    response.status,
  );
}

export async function request(method, path, body) {
  const response = await send(method, path, body, { accept: "application/json" });
  return response.status === 204 ? null : response.json();
}

/** Call `onEvent(name, data)` for each event of a stream; return when it ends. */
export async function stream(method, path, body, { signal, onEvent }) {
  const response = await send(method, path, body, { accept: "text/event-stream", signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      waiting += value;
      let end;
      while ((end = waiting.indexOf("\n\n")) >= 0) {
        dispatch(waiting.slice(0, end), onEvent);
        waiting = waiting.slice(end + 2);
      }
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("unreachable", _("The connection broke while the answer was being written."));
  }
}

function dispatch(block, onEvent) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data += line.slice(5).trim();
  }
  if (data) onEvent(name, JSON.parse(data));
}
