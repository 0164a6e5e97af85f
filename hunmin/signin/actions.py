"""Everything that can be done to what people sign in with."""

from datetime import timedelta

from sqlalchemy import delete

from hunmin import audit
from hunmin.act import Act
from hunmin.signin import rules
from hunmin.signin.tables import ChallengeRow


def sweep(act: Act) -> int:
    """Remove challenges whose time has long been over; return how many."""
    before = act.now - timedelta(seconds=rules.CHALLENGE_SECONDS_KEPT)
    ended = delete(ChallengeRow).where(ChallengeRow.expires_at < before).returning(ChallengeRow.id)
    removed = len(act.session.scalars(ended).all())
    if removed:
        audit.record(act, "signin.challenge.sweep", "signin", removed=removed)
    return removed
