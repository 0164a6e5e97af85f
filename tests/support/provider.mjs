// A certified OpenID provider on loopback, for tests: npm's oidc-provider.
//
// It is started with one argument, the address its client is sent back to, and answers with one
// line of JSON: {"issuer": ...}. Whoever is asked who they are is who they say: the interaction
// page takes any name, and the name says what the token will say of them (see ACCOUNTS).

import { createRequire } from "node:module";
import http from "node:http";

const require = createRequire(new URL("../clients/package.json", import.meta.url));
const { Provider } = await import(require.resolve("oidc-provider"));

const ACCOUNTS = {
  dana: { name: "다나", groups: ["staff", "press"] },
  minsu: { name: "민수", groups: [] },
};

const back = process.argv[2];
const server = http.createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: "hunmin",
    client_secret: "a secret of the tests: nobody else's",
    redirect_uris: [back],
    response_types: ["code"],
    grant_types: ["authorization_code"],
    token_endpoint_auth_method: "client_secret_basic",
    // A provider of a city center: https would be asked of another machine, not of this one.
    application_type: "native",
  }],
  claims: { openid: ["sub"], profile: ["name", "groups"] },
  cookies: { keys: ["tests"] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...ACCOUNTS[id] }),
  }),
  pkce: { required: () => true },
});
provider.on("server_error", (_, error) => console.error(error));
server.on("request", provider.callback());
console.log(JSON.stringify({ issuer }));
process.stdin.on("end", () => process.exit()).resume(); // ends with whoever started it
