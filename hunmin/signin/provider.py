"""One OpenID provider: what it says of itself, and who it says somebody is.

The only outgoing calls of this room are made here, and they go to the addresses the settings name
and those the provider names in its discovery document: https, or loopback where the provider
itself is there. No redirect is followed, no proxy of the environment is used, replies are short
and soon, and nothing a provider says goes into a message.

Keys are kept for as long as they fit; a token that names another has them fetched again, at most
once a minute, whatever comes. Nothing is kept of any token.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE); RFC 9207 (issuer in answers).
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp

from hunmin import logs
from hunmin.errors import ProviderAnswerWrong, ProviderUnreachable
from hunmin.settings import ProviderSettings
from hunmin.signin import id_tokens, provider_rules
from hunmin.signin.id_tokens import IdToken, KeyUnknown, TokenWrong

log = logs.get(__name__)

CALL_SECONDS_MAX = 10
REPLY_BYTES_MAX = 512 * 1024
KEPT_SECONDS = 3600
"""How long a discovery document is believed."""
AGAIN_SECONDS = 60
"""How long it takes until keys are fetched again because one was not among them."""
PAUSE_SECONDS = 5
"""How long a provider that could not be reached is left alone."""

_OK = 200
_SERVER_FAULT = 500
_BUSY = 429


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a provider says of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    names_itself: bool
    """Whether it puts its issuer into every answer, so that one without is not its."""
    takes_basic: bool
    """Whether it takes the client's secret in a header, as it should."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody as a provider knows them."""

    issuer: str
    subject: str
    """The provider's own id of them. Together with the issuer it is who they are; nothing else
    is, and least of all an address for e-mail."""
    name: str
    """What they are called there, or empty."""
    groups: frozenset[str]
    strong: bool
    """Whether they proved themselves there by more than one factor, where that is trusted."""


class Provider:
    """One provider that people may sign in with."""

    def __init__(
        self, name: str, settings: ProviderSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Note where it is. Nothing is asked until somebody comes.

        Args:
            name: What the settings call it; a part of addresses.
            settings: Its section.
            clock: Seconds that only go forward.

        Raises:
            ProviderWrong: The settings make no sense.
        """
        provider_rules.check_provider(
            name, issuer=settings.issuer, client_id=settings.client_id, groups=settings.groups
        )
        self.name = name
        self.settings = settings
        self.title = settings.title or name
        self.issuer = settings.issuer
        self._clock = clock
        self._about: Discovered | None = None
        self._about_until = 0.0
        self._keys: Sequence[Mapping[str, Any]] | None = None
        self._keys_again_at = 0.0
        self._paused_until = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def authorization_address(
        self, *, state: str, nonce: str, verifier: str, back: str
    ) -> str:
        """Return where to send a browser that wants to sign in.

        Args:
            state: What the provider is to send back with it.
            nonce: What it is to put into the token.
            verifier: The secret of PKCE; only its hash goes there.
            back: Where it is to send the browser.

        Raises:
            ProviderUnreachable: It does not say where that is.
        """
        about = await self.discover()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(dict.fromkeys(["openid", *self.settings.scopes])),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(about.authorization_endpoint).query else "?"
        return f"{about.authorization_endpoint}{joint}{urlencode(asked)}"

    async def check_issuer(self, said: str | None) -> None:
        """Raise unless an answer says that it comes from this provider, where it must.

        Two providers could be mixed up by one of them; RFC 9207 has each sign its answers so.

        Raises:
            ProviderAnswerWrong: It names another, or none where this one always names itself.
            ProviderUnreachable: The provider does not say which.
        """
        about = await self.discover()
        if said != self.issuer and (said is not None or about.names_itself):
            raise ProviderAnswerWrong(reason="issuer")

    async def redeem(
        self, code: str, *, verifier: str, nonce: str, back: str, now: datetime
    ) -> Stranger:
        """Return who somebody is who came back with a code.

        Args:
            code: What the provider sent them back with.
            verifier: The secret of PKCE.
            nonce: What its token must hold.
            back: Where they were sent back to.
            now: The time.

        Raises:
            ProviderUnreachable: It gives no answer at the moment.
            ProviderAnswerWrong: What it answers cannot be believed.
        """
        about = await self.discover()
        given = await self._exchange(about, code, verifier=verifier, back=back)
        token, access_token = given.get("id_token"), given.get("access_token")
        if not isinstance(token, str):
            raise ProviderAnswerWrong(reason="no_id_token")
        access = access_token if isinstance(access_token, str) else None
        try:
            found = await self._verify(about, token, nonce=nonce, now=now, access_token=access)
            claims = await self._all_claims(about, found, access)
        except TokenWrong as error:
            raise ProviderAnswerWrong(reason=error.reason) from error
        return self._stranger(found, claims)

    def _stranger(self, found: IdToken, claims: Mapping[str, Any]) -> Stranger:
        name = claims.get(self.settings.name_claim)
        methods = found.claims.get("amr")
        return Stranger(
            issuer=self.issuer,
            subject=found.subject,
            name=name if isinstance(name, str) else "",
            groups=_words(claims.get(self.settings.groups_claim)),
            strong=self.settings.second_factor and "mfa" in _words(methods),
        )

    async def _verify(
        self,
        about: Discovered,
        token: str,
        *,
        nonce: str,
        now: datetime,
        access_token: str | None,
    ) -> IdToken:
        """Verify a token; with keys fetched again where it names one that is not known."""

        def verified(keys: Sequence[Mapping[str, Any]]) -> IdToken:
            return id_tokens.verify(
                token,
                keys,
                issuer=self.issuer,
                client_id=self.settings.client_id,
                nonce=nonce,
                now=now,
                access_token=access_token,
            )

        keys = await self._keys_known(about, instead_of=None)
        try:
            return verified(keys)
        except KeyUnknown:
            return verified(await self._keys_known(about, instead_of=keys))

    async def _keys_known(
        self, about: Discovered, *, instead_of: Sequence[Mapping[str, Any]] | None
    ) -> Sequence[Mapping[str, Any]]:
        """Return the provider's keys; others than those, unless they were fetched just now."""
        async with self._one_at_a_time:
            stale = self._keys is None or (
                self._keys is instead_of and self._clock() >= self._keys_again_at
            )
            if stale:
                self._keys_again_at = self._clock() + AGAIN_SECONDS
                keys = (await self._ask("GET", about.jwks_uri)).get("keys")
                if not isinstance(keys, list):
                    raise ProviderAnswerWrong(reason="keys")
                self._keys = [key for key in keys if isinstance(key, dict)]
            assert self._keys is not None
            return self._keys

    async def _all_claims(
        self, about: Discovered, found: IdToken, access_token: str | None
    ) -> Mapping[str, Any]:
        """Return what is known of somebody: what the token says, else what the provider adds.

        Many providers put name and groups only there. It counts where it is about the same
        person: the call is encrypted and made by us, but the access token could be another's.
        """
        wanted = {self.settings.name_claim}
        if self.settings.groups:
            wanted.add(self.settings.groups_claim)
        if wanted <= found.claims.keys() or not (about.userinfo_endpoint and access_token):
            return found.claims
        headers = {"Authorization": f"Bearer {access_token}"}
        added = await self._ask("GET", about.userinfo_endpoint, headers=headers)
        if id_tokens.check_subject(added.get("sub")) != found.subject:
            raise TokenWrong("other_subject")
        return {**added, **found.claims}

    async def _exchange(
        self, about: Discovered, code: str, *, verifier: str, back: str
    ) -> Mapping[str, Any]:
        """Exchange a code for tokens, showing the client's secret where it has one."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        headers = {}
        client_id = self.settings.client_id
        secret = self.settings.client_secret.get_secret_value()
        if secret and about.takes_basic:
            shown = f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(shown).decode()}"
        else:
            form["client_id"] = client_id
            if secret:
                form["client_secret"] = secret
        return await self._ask("POST", about.token_endpoint, headers=headers, form=form)

    async def discover(self) -> Discovered:
        """Return what the provider says of itself, asked once an hour by one at a time.

        Raises:
            ProviderUnreachable: It gives no answer at the moment.
            ProviderAnswerWrong: What it says of itself does not hold.
        """
        async with self._one_at_a_time:
            if self._about is None or self._clock() >= self._about_until:
                address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                self._about = self._read(await self._ask("GET", address))
                self._about_until = self._clock() + KEPT_SECONDS
            return self._about

    def _read(self, said: Mapping[str, Any]) -> Discovered:
        if said.get("issuer") != self.issuer:
            raise ProviderAnswerWrong(reason="issuer")
        for needed in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not provider_rules.is_safe(said.get(needed), issuer=self.issuer):
                raise ProviderAnswerWrong(reason="discovery")
        userinfo = said.get("userinfo_endpoint")
        has_userinfo = provider_rules.is_safe(userinfo, issuer=self.issuer)
        methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Discovered(
            authorization_endpoint=said["authorization_endpoint"],
            token_endpoint=said["token_endpoint"],
            jwks_uri=said["jwks_uri"],
            userinfo_endpoint=userinfo if has_userinfo else None,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
            takes_basic="client_secret_basic" in _words(methods),
        )

    async def _ask(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object that a provider answers with.

        Raises:
            ProviderUnreachable: No answer, not in time, or it is out of order or was so a moment
                ago.
            ProviderAnswerWrong: It refuses, or answers with something else.
        """
        if self._clock() < self._paused_until:
            raise ProviderUnreachable(title=self.title)
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                status, reply = await _call(method, address, headers=headers, form=form)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._unreachable(type(error).__name__) from error
        if status >= _SERVER_FAULT or status == _BUSY:
            raise self._unreachable(f"HTTP {status}")
        if status != _OK:
            raise ProviderAnswerWrong(reason=f"http_{status}")
        try:
            said = json.loads(reply)
        except (ValueError, RecursionError):
            raise ProviderAnswerWrong(reason="not_json") from None
        if not isinstance(said, dict):
            raise ProviderAnswerWrong(reason="not_json")
        return said

    def _unreachable(self, reason: str) -> ProviderUnreachable:
        self._paused_until = self._clock() + PAUSE_SECONDS
        log.warning("a provider cannot be reached", provider=self.name, reason=reason)
        return ProviderUnreachable(title=self.title)


def challenge_of(verifier: str) -> str:
    """Return what goes to a provider of PKCE's secret (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


async def _call(
    method: str,
    address: str,
    *,
    headers: Mapping[str, str] | None,
    form: Mapping[str, str] | None,
) -> tuple[int, bytes]:
    """Return the status and the body of a reply; of one without an end, that it is too long."""
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.request(
            method,
            address,
            headers={"Accept": "application/json", **(headers or {})},
            data=form,
            allow_redirects=False,
        ) as response,
    ):
        reply = bytearray()
        async for piece in response.content.iter_any():
            reply += piece
            if len(reply) > REPLY_BYTES_MAX:
                raise aiohttp.ClientPayloadError
        return response.status, bytes(reply)


def _words(said: Any) -> frozenset[str]:  # noqa: ANN401 (any JSON)
    """Return the words in a claim that has several, or one."""
    listed = [said] if isinstance(said, str) else said
    if not isinstance(listed, list):
        return frozenset()
    return frozenset(word for word in listed if isinstance(word, str))
