"""Accounts: who people are here, what opens their account, and which programs act for them.

Nouns: a *user* is one account, with *roles*; a *sign-in link* opens it once; a *session* is a
browser that is signed in; a *guest* is an account bound to one browser, made by the first thing
it does; a *service account* owns keys of a project's programs and signs in nowhere; a *key* lets a
program act for its owner, within its *scopes*. Secrets are 256 random bits, shown once; only
their SHA-256 is kept.

What a room needs at its routes: `VisitorAct` and `VisitorActor` (anyone who may chat),
`PersonAct` and `PersonActor` (signed in), `AnyoneAct` (public pages), and where keys are taken
`Depends(key_actor(SCOPE))`, or `key_act` for its transaction: no route takes a key without saying
what for. `known_key_actor` spares the database, for an action that asks `check_key_works` itself.
The `...Act` ones open the transaction of the request; the `...Actor` ones only say who it is,
for handlers that stream. `welcome` opens the transaction in which a stranger becomes a guest.
"""

from hunmin.accounts.actions import (
    LinkUsed,
    change_roles,
    create_service_account,
    create_sign_in_link,
    create_user,
    disable_user,
    enable_user,
    use_link,
    welcome_guest,
)
from hunmin.accounts.door import (
    AnyoneAct,
    AnyoneActor,
    HeldAct,
    HeldActor,
    PersonAct,
    PersonActor,
    VisitorAct,
    VisitorActor,
    device_of,
    forget_session,
    keep_session,
    key_act,
    key_actor,
    known_key_actor,
    session_id_of,
    welcome,
)
from hunmin.accounts.key_actions import (
    KeyMade,
    create_key,
    end_keys,
    make_key,
    replace_key,
    revoke_key,
    rotate_key,
)
from hunmin.accounts.key_queries import (
    check_key_of,
    check_key_works,
    find_actor_by_key,
    keys_of_organization,
    list_all_keys,
    list_keys,
)
from hunmin.accounts.known_keys import KnownKeys
from hunmin.accounts.links import address_file, address_of, local_address, sign_in_address
from hunmin.accounts.opening import SessionOpened
from hunmin.accounts.queries import (
    find_actor_by_session,
    find_user,
    get_user,
    list_administrators,
    list_sessions,
    list_users,
    name_on_link,
    person_named,
    users_by_id,
)
from hunmin.accounts.rules import (
    HOUSE_ROLES,
    PROGRAM_SCOPES,
    SCOPES,
    Method,
    Scope,
    check_administers,
    check_own_session,
    check_proved,
    clean_label,
    hash_secret,
    name_key,
    needs_second_factor,
    secret_of_link,
)
from hunmin.accounts.session_actions import (
    end_session,
    end_sessions,
    open_session,
    prove_session,
)
from hunmin.accounts.views import KeyView, SessionView, UserView

__all__ = [
    "HOUSE_ROLES",
    "PROGRAM_SCOPES",
    "SCOPES",
    "AnyoneAct",
    "AnyoneActor",
    "HeldAct",
    "HeldActor",
    "KeyMade",
    "KeyView",
    "KnownKeys",
    "LinkUsed",
    "Method",
    "PersonAct",
    "PersonActor",
    "Scope",
    "SessionOpened",
    "SessionView",
    "UserView",
    "VisitorAct",
    "VisitorActor",
    "address_file",
    "address_of",
    "change_roles",
    "check_administers",
    "check_key_of",
    "check_key_works",
    "check_own_session",
    "check_proved",
    "clean_label",
    "create_key",
    "create_service_account",
    "create_sign_in_link",
    "create_user",
    "device_of",
    "disable_user",
    "enable_user",
    "end_keys",
    "end_session",
    "end_sessions",
    "find_actor_by_key",
    "find_actor_by_session",
    "find_user",
    "forget_session",
    "get_user",
    "hash_secret",
    "keep_session",
    "key_act",
    "key_actor",
    "keys_of_organization",
    "known_key_actor",
    "list_administrators",
    "list_all_keys",
    "list_keys",
    "list_sessions",
    "list_users",
    "local_address",
    "make_key",
    "name_key",
    "name_on_link",
    "needs_second_factor",
    "open_session",
    "person_named",
    "prove_session",
    "replace_key",
    "revoke_key",
    "rotate_key",
    "secret_of_link",
    "session_id_of",
    "sign_in_address",
    "use_link",
    "users_by_id",
    "welcome",
    "welcome_guest",
]
