"""Everything that ends in a session, and everything that can be done to passwords."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete

from hunmin import accounts, audit
from hunmin.act import Act
from hunmin.signin import attempts, challenges, queries, rules
from hunmin.signin.owner import check_owner
from hunmin.signin.tables import ChallengeRow, PasswordRow


class Browser(NamedTuple):
    """What a session is told of the browser it is for."""

    days: int
    """How long it lasts unused."""
    device: str = ""
    """The browser in two words."""
    instead_of: str | None = None
    """The session the browser has now, which ends."""


class Entered(NamedTuple):
    """What came of a sign-in: a session, or the question for a second factor."""

    session: accounts.SessionOpened | None
    second: challenges.ChallengeMade | None
    strength: int
    """How many factors were shown."""


def enter(
    act: Act,
    user_id: str,
    *,
    method: accounts.Method,
    strength: int,
    browser: Browser,
    for_other: bool = False,
    adopt: bool = False,
) -> Entered:
    """Sign a person in, or ask for a second factor where the account has one.

    Args:
        act: Whoever is at the browser, shown to be this person by `method`.
        user_id: Whose account.
        method: What showed it.
        strength: How many factors it counts for.
        browser: What they sit at.
        for_other: It was a link another person made, for an account that is in use.
        adopt: What the browser did as a guest is to come along.

    Raises:
        UserNotFound: There is no such account, it is not a person's, or it is disabled.
    """
    if strength == 1 and queries.has_second_factor(act, user_id):
        data = {"method": method, "for_other": for_other, "adopt": adopt}
        audit.record(act, "signin.second_factor.ask", user_id, method=method)
        asked = challenges.make(act, "second", data=data, user_id=user_id)
        return Entered(None, asked, strength)
    session = accounts.open_session(
        act,
        user_id,
        method=method,
        strength=strength,
        days=browser.days,
        device=browser.device,
        instead_of=browser.instead_of,
        for_other=for_other,
    )
    return Entered(session, None, strength)


def set_password(act: Act, user_id: str, *, hashed: str, session_id: str | None = None) -> None:
    """Set an account's password, and sign out every other browser of it.

    Nobody sets another's, an administrator neither: it would open their conversations. The house
    itself may, by a command of whoever reads the data folder.

    Args:
        act: Whose account it is, or the house.
        user_id: Whose account.
        hashed: What is kept of the password.
        session_id: The browser that stays signed in.

    Raises:
        UserNotFound: It is another's account.
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
    """
    check_owner(act, user_id)
    row = act.session.get(PasswordRow, user_id)
    if row is None:
        act.session.add(PasswordRow(user_id=user_id, hash=hashed, changed_at=act.now))
    else:
        row.hash, row.changed_at = hashed, act.now
    audit.record(act, "signin.password.set", user_id)
    accounts.end_sessions(act, user_id, but=session_id)


def renew_hash(act: Act, user_id: str, *, before: str, hashed: str) -> None:
    """Keep a hash of the same password that costs what is asked for today."""
    row = act.session.get(PasswordRow, user_id)
    if row is not None and row.hash == before:
        row.hash = hashed
        audit.record(act, "signin.password.rehash", user_id)


def fail_password(act: Act, user_id: str | None) -> None:
    """Note that a wrong password was tried, for an account or for none."""
    audit.record(act, "signin.password.fail", user_id or "nobody")


def sweep(act: Act) -> int:
    """Remove challenges and failures whose time is long over; return how many."""
    before = act.now - timedelta(seconds=rules.CHALLENGE_SECONDS_KEPT)
    ended = delete(ChallengeRow).where(ChallengeRow.expires_at < before).returning(ChallengeRow.id)
    removed = len(act.session.scalars(ended).all()) + attempts.forget_old(act)
    if removed:
        audit.record(act, "signin.challenge.sweep", "signin", removed=removed)
    return removed
