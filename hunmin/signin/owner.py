"""Who may change what opens an account."""

from hunmin import accounts
from hunmin.act import Act
from hunmin.errors import UserNotFound


def check_owner(act: Act, user_id: str) -> None:
    """Raise unless it is the actor's own account, proved just now, or the house itself acts.

    Raises:
        UserNotFound: It is another's account.
        SessionNotOwn: Another person's link let the actor in.
        ProofNeeded: The actor did not show just now who they are.
    """
    if act.actor.kind == "system":
        return
    if act.actor.kind != "person" or act.actor.user_id != user_id:
        raise UserNotFound
    accounts.check_own_session(act.actor)
    accounts.check_proved(act.actor, act.now)
