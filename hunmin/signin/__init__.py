"""Sign-in: the ways to show who one is, and what lies between beginning and ending one.

Nouns: a *passkey* opens an account by itself, and a *password* does beside a *second factor*: an
*authenticator app*, or a passkey. A *recovery code* takes the place of either once. A *challenge*
is a sign-in that was begun, or another proof that was asked for: it works once, in its time, for
the browser it was made for. A *proof* is somebody showing again that it is them; what could lock
them out asks for one. An *OpenID provider* signs people in elsewhere and says who they are; an
*identity* is somebody as one of them knows them.

Whatever a way of signing in finds true ends in `enter`, and in a shell in `entering.let_in`: a
session (`accounts.open_session`), or the question for the second factor. A page that ends a
challenge uses it in a transaction of its own (`use`), so that what goes wrong afterwards does not
make it usable again.
"""

from hunmin.signin.actions import Browser, Entered, enter, set_password
from hunmin.signin.challenges import Challenge, ChallengeMade, make, peek, use
from hunmin.signin.providers import Providers
from hunmin.signin.views import SecurityView

__all__ = [
    "Browser",
    "Challenge",
    "ChallengeMade",
    "Entered",
    "Providers",
    "SecurityView",
    "enter",
    "make",
    "peek",
    "set_password",
    "use",
]
