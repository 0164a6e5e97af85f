"""Sign-in: the ways to show who one is, and what lies between beginning and ending one.

Nouns: a *challenge* is a sign-in that was begun, or another proof that was asked for: it works
once, in its time, for the browser it was made for. What showed itself true ends in
`accounts.open_session`; nothing else here signs anybody in.

An *OpenID provider* signs people in elsewhere and says who they are; an *identity* is somebody as
one of them knows them.

A page that ends a challenge uses it in a transaction of its own (`challenges.use`), so that what
goes wrong afterwards does not make it usable again.
"""

from hunmin.signin.challenges import Challenge, ChallengeMade, make, peek, use
from hunmin.signin.providers import Providers

__all__ = ["Challenge", "ChallengeMade", "Providers", "make", "peek", "use"]
