"""Whether what somebody shows is true. For shells.

Each try is counted before it is looked at, and what came of it is kept, in transactions of their
own: a request that is refused leaves its failure behind. No transaction is open while a password
is hashed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from hunmin import accounts, faces
from hunmin.act import Act, Actor, open_act
from hunmin.errors import CredentialsWrong, PasskeySiteUnfit, SecondFactorWrong
from hunmin.settings import Settings
from hunmin.signin import actions, attempts, factor_actions, passkey_actions, queries, rules
from hunmin.signin.passkeys import Json, Site, site_at
from hunmin.signin.passwords import Passwords, open_passwords
from hunmin.signin.sealing import Seal, open_seal


class Checking:
    """One request in which somebody shows who they are."""

    def __init__(self, request: Request, actor: Actor) -> None:
        self.request = request
        self.actor = actor
        self.settings: Settings = request.app.state.settings

    @property
    def seal(self) -> Seal:
        """Return what secrets are sealed with here."""
        return open_seal(self.settings.data)

    @property
    def passwords(self) -> Passwords:
        """Return how passwords are hashed here."""
        return open_passwords()

    @contextmanager
    def act(self) -> Iterator[Act]:
        """Open one transaction of the request."""
        with open_act(
            self.request.app.state.database,
            self.actor,
            request_id=getattr(self.request.state, "request_id", None),
            language=faces.language_of(self.request),
        ) as act:
            yield act

    def password_of_name(self, name: str, password: str) -> str:
        """Return whose account this name and password open.

        Raises:
            CredentialsWrong: The name or the password is not right.
            TooManyAttempts: The account or the network has to wait.
        """
        holder = self.seal.fingerprint("name", accounts.name_key(name))
        with self.act() as act:
            self._begin(act, holder)
            found = queries.credential_named(act, name)
        return self._password(holder, found, password)

    def password_of(self, user_id: str, password: str) -> None:
        """Check the password of an account somebody is signed in to.

        Raises:
            CredentialsWrong: It is not right.
            TooManyAttempts: The account or the network has to wait.
        """
        holder = self.seal.fingerprint("account", user_id)
        with self.act() as act:
            self._begin(act, holder)
            found = queries.credential_of(act, user_id)
        self._password(holder, found, password)

    def code_of(self, user_id: str, code: str) -> None:
        """Check and use up a code of an account's second factor.

        Raises:
            SecondFactorWrong: It is not right, or was used already.
            TooManyAttempts: The account or the network has to wait.
        """
        holder = self.seal.fingerprint("second", user_id)
        with self.act() as act:
            self._begin(act, holder)
        with self.act() as act:
            is_right = factor_actions.take_code(act, user_id, code=code, seal=self.seal)
            if is_right:
                attempts.forgive(act, whole=holder, one=self._network(act))
        if not is_right:
            raise SecondFactorWrong

    @property
    def site(self) -> Site:
        """Return whose passkeys are shown here: as the settings say, or as the browser came.

        Raises:
            PasskeySiteUnfit: Browsers have no passkeys for this address.
        """
        site = site_of(self.request)
        if site is None:
            raise PasskeySiteUnfit
        return site

    def passkey_of(self, answer: Json, *, challenge: bytes, user_id: str | None = None) -> str:
        """Return whose account a passkey opens that a browser showed.

        Only the network is counted: signatures are not guessed, and nobody else's account waits.

        Args:
            answer: What the browser answered.
            challenge: What it had to sign.
            user_id: The account it has to be of; None: of any.

        Raises:
            PasskeyUnusable: It is not known here, or what was shown is not true.
            PasskeyCloned: Another device seems to hold a copy.
            TooManyAttempts: The network has to wait.
        """
        site = self.site
        with self.act() as act:
            attempts.begin(act, {self._network(act): rules.NETWORK_TRIES_FREE})
        with self.act() as act:
            taken = passkey_actions.take_passkey(
                act, answer, site=site, challenge=challenge, user_id=user_id
            )
            if taken.refusal is None:
                attempts.forgive(act, one=self._network(act))
        if taken.refusal is not None:
            raise taken.refusal
        return taken.user_id

    def _password(self, holder: str, found: queries.Credential | None, password: str) -> str:
        hashed = found.hash if found else None
        is_right = self.passwords.is_right(password, hashed)
        anew = self.passwords.hash_again(password, hashed) if is_right and hashed else None
        with self.act() as act:
            if found is not None and is_right:
                attempts.forgive(act, whole=holder, one=self._network(act))
                if anew is not None and hashed is not None:
                    actions.renew_hash(act, found.user_id, before=hashed, hashed=anew)
            else:
                actions.fail_password(act, found.user_id if found else None)
        if found is None or not is_right:
            raise CredentialsWrong
        return found.user_id

    def _begin(self, act: Act, holder: str) -> None:
        network = self._network(act)
        free = {holder: rules.TRIES_FREE, network: rules.NETWORK_TRIES_FREE}
        attempts.begin(act, free)

    def _network(self, act: Act) -> str:
        """Return what stands for the network today; tomorrow it is another."""
        client = self.request.client
        network = rules.network_of(client.host if client else "")
        return self.seal.fingerprint("network", act.now.date().isoformat(), network)


def site_of(request: Request) -> Site | None:
    """Return whose passkeys a request is about; None where browsers have none for this address."""
    settings: Settings = request.app.state.settings
    return site_at(settings.web.public_url or str(request.base_url))
