"""Accounts: who people are here, what opens their account, and which programs act for them.

Nouns: a *user* is one account, with *roles*; a *sign-in link* opens it once; a *session* is a
browser that is signed in; a *guest* is an account bound to one browser, made by the first thing
it does; a *key* lets a program act for its owner. Secrets are 256 random bits, shown once; only
their SHA-256 is kept.

What a room needs at its routes: `VisitorAct` and `VisitorActor` (anyone who may chat),
`PersonAct` and `PersonActor` (signed in), `KeyActor` (an API key), `AnyoneAct` (public pages);
`KnownKeyActor` spares the database, for an action that asks `check_key_works` itself.
The `...Act` ones open the transaction of the request; the `...Actor` ones only say who it is,
for handlers that stream. `welcome` opens the transaction in which a stranger becomes a guest.
"""

from hunmin.accounts.actions import (
    KeyMade,
    SessionOpened,
    create_key,
    create_sign_in_link,
    create_user,
    end_session,
    revoke_key,
    sign_in,
    welcome_guest,
)
from hunmin.accounts.door import (
    AnyoneAct,
    AnyoneActor,
    KeyActor,
    KnownKeyActor,
    PersonAct,
    PersonActor,
    VisitorAct,
    VisitorActor,
    welcome,
)
from hunmin.accounts.known_keys import KnownKeys
from hunmin.accounts.links import address_file, address_of, local_address, sign_in_address
from hunmin.accounts.queries import (
    check_key_works,
    find_actor_by_key,
    find_actor_by_session,
    find_user,
    get_user,
    list_administrators,
    list_keys,
    list_sessions,
    list_users,
)
from hunmin.accounts.views import KeyView, SessionView, UserView

__all__ = [
    "AnyoneAct",
    "AnyoneActor",
    "KeyActor",
    "KeyMade",
    "KeyView",
    "KnownKeyActor",
    "KnownKeys",
    "PersonAct",
    "PersonActor",
    "SessionOpened",
    "SessionView",
    "UserView",
    "VisitorAct",
    "VisitorActor",
    "address_file",
    "address_of",
    "check_key_works",
    "create_key",
    "create_sign_in_link",
    "create_user",
    "end_session",
    "find_actor_by_key",
    "find_actor_by_session",
    "find_user",
    "get_user",
    "list_administrators",
    "list_keys",
    "list_sessions",
    "list_users",
    "local_address",
    "revoke_key",
    "sign_in",
    "sign_in_address",
    "welcome",
    "welcome_guest",
]
