// Signing in with a passkey, and adding one. Such forms are shown where the browser can do it.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const described = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

async function post(address, body) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

// Asks the browser to show a passkey, or to make one where it is told for whom.
function ask(options) {
  const asked = { ...options, challenge: bytes(options.challenge) };
  if (!options.user) {
    asked.allowCredentials = described(options.allowCredentials);
    return navigator.credentials.get({ publicKey: asked });
  }
  asked.user = { ...options.user, id: bytes(options.user.id) };
  asked.excludeCredentials = described(options.excludeCredentials);
  return navigator.credentials.create({ publicKey: asked });
}

// What a device made, as WebAuthn writes it in JSON.
function written(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) break;
  form.hidden = false;
  const button = form.querySelector("button");
  const status = form.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    status.textContent = "";
    button.disabled = true;
    try {
      const { options } = await post(`${form.dataset.passkey}/begin`, {});
      const answer = written(await ask(options));
      const said = Object.fromEntries(new FormData(form));
      const { page } = await post(`${form.dataset.passkey}/finish`, { ...said, answer });
      location.assign(page);
    } catch (error) {
      const known = error.name === "InvalidStateError" && form.dataset.known;
      status.textContent = error.name === "Error" ? error.message : known || form.dataset.failed;
      button.disabled = false;
      button.focus();
    }
  });
}
