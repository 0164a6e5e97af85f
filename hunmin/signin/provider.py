"""One OpenID provider: what it says of itself, and who it says somebody is.

How it is asked stands in `provider_calls`, what is believed of a token in `id_tokens`.

Keys are kept for as long as they fit; a token that names another has them fetched again, at most
once a minute, whatever comes. Nothing is kept of any token.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7636 (PKCE); RFC 9207 (issuer in answers).
"""

import asyncio
import base64
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hunmin.errors import HunminError, ProviderAnswerWrong, ProviderUnreachable
from hunmin.settings import ProviderSettings
from hunmin.signin import id_tokens, provider_rules
from hunmin.signin.discovery import Discovered, read_discovery, words_in
from hunmin.signin.id_tokens import IdToken, KeyUnknown, TokenWrong
from hunmin.signin.provider_calls import ask

KEPT_SECONDS = 3600
"""How long a discovery document is believed."""
AGAIN_SECONDS = 60
"""How long it takes until keys are fetched again because one was not among them."""
PAUSE_SECONDS = 5
"""How long a provider is not asked about itself after it could not tell."""


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
        self._failure: HunminError | None = None
        self._failed_until = 0.0
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
            groups=words_in(claims.get(self.settings.groups_claim)),
            strong=self.settings.second_factor and "mfa" in words_in(methods),
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
                keys = (await self._ask_about_itself(about.jwks_uri)).get("keys")
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
        added = await ask(self.title, "GET", about.userinfo_endpoint, headers=headers)
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
        return await ask(self.title, "POST", about.token_endpoint, headers=headers, form=form)

    async def discover(self) -> Discovered:
        """Return what the provider says of itself, asked once an hour by one at a time.

        Raises:
            ProviderUnreachable: It gives no answer at the moment.
            ProviderAnswerWrong: What it says of itself does not hold.
        """
        async with self._one_at_a_time:
            if self._about is None or self._clock() >= self._about_until:
                address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                self._about = read_discovery(
                    await self._ask_about_itself(address), issuer=self.issuer
                )
                self._about_until = self._clock() + KEPT_SECONDS
            return self._about

    async def _ask_about_itself(self, address: str) -> dict[str, Any]:
        """Return what a provider tells everybody.

        Where it could not, whoever comes in the next seconds is told the same without asking: a
        flood of visitors is none of requests. What is asked for one person is asked each time, so
        that nobody's nonsense keeps others from signing in.
        """
        if self._failure is not None and self._clock() < self._failed_until:
            raise self._failure.with_traceback(None)
        try:
            return await ask(self.title, "GET", address)
        except (ProviderUnreachable, ProviderAnswerWrong) as error:
            self._failure, self._failed_until = error, self._clock() + PAUSE_SECONDS
            raise


def challenge_of(verifier: str) -> str:
    """Return what goes to a provider of PKCE's secret (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
