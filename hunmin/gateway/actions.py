"""Admit, settle, close what was lost: the whole record of an answer. No prompt comes here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam, delete, insert, or_, select, update

from hunmin import accounts, audit, billing
from hunmin.act import Act, Actor
from hunmin.db import new_id
from hunmin.gateway import queries, rules
from hunmin.gateway.tables import AdmissionRow, ServerRow, SettlementRow
from hunmin.prepared import Prepared

Outcome = Literal["stop", "length", "canceled", "failed"]

_ADMIT = Prepared(insert(AdmissionRow))
_SETTLE = Prepared(insert(SettlementRow))
_MARK_SETTLED = Prepared(
    update(AdmissionRow)
    .where(AdmissionRow.id == bindparam("admission_id"), ~AdmissionRow.settled)
    .values(settled=True)
)
_WITHDRAW_LOST = Prepared(
    delete(SettlementRow).where(
        SettlementRow.admission_id == bindparam("admission_id"), SettlementRow.outcome == "lost"
    )
)

GRACE = timedelta(seconds=60)
"""How long after its last moment an answer may still be settled before it counts as lost."""


@dataclass(frozen=True, slots=True)
class Meter:
    """What an answer came to: tokens as the engine counts them, times as the gateway does."""

    outcome: Outcome
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    first_token_ms: int | None
    wall_ms: int
    error_code: str | None = None

    @property
    def tokens(self) -> Mapping[str, int]:
        """Return how many tokens there were of each kind."""
        return {
            "prompt": self.prompt_tokens,
            "cached": self.cached_tokens,
            "completion": self.completion_tokens,
        }


NOTHING_USED = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0}
"""Of an answer that is not charged."""


def holder_of(actor: Actor) -> str:
    """Return whose limits an actor's answers count against."""
    return actor.key_id or actor.user_id or actor.kind


def admit(
    act: Act,
    *,
    endpoint: Literal["chat", "completion", "embedding"],
    model: str,
    prompt_tokens: int,
    completion_tokens_max: int,
    limits: rules.Limits,
    seconds_max: int,
    server: str,
    charge: billing.Charge | None = None,
) -> str:
    """Let an answer in and return the admission's id, or refuse and change nothing.

    Args:
        act: Who asks.
        endpoint: Through which door.
        model: Which model answers.
        prompt_tokens: Length of the prompt.
        completion_tokens_max: The most tokens the answer may have.
        limits: Of whoever asks.
        seconds_max: How long the answer may take.
        server: Which process writes it.
        charge: Whose limits and budgets it counts against; None: nobody's.

    Raises:
        InvalidApiKey: The key that asks was revoked or has expired since it was recognized.
        RateLimitExceeded: Too many requests in the last minute.
        TokensLimitExceeded: Too many tokens in the last minute.
        TooManyAtOnce: Too many answers are being written.
        InsufficientQuota: A budget has too little left.
    """
    holder = holder_of(act.actor)
    billing.lock_tenant(act)
    accounts.check_key_works(act)
    load = queries.load_of(act, holder=holder, n=limits.requests_per_minute_max)
    rules.check_concurrency(limits, running=load.running)
    clock_went_back = rules.clock_went_back(now=act.now, newest=load.newest)
    if not clock_went_back:
        rules.check_rate(limits, now=act.now, nth_newest=load.nth_newest)
    admission_id = new_id()
    deadline_at = act.now + timedelta(seconds=seconds_max) + GRACE
    if charge is not None:
        charge.reserve(act, admission_id=admission_id, deadline_at=deadline_at)
    if clock_went_back:
        _begin_minute_anew(act, holder)
    admission = {
        "id": admission_id,
        "request_id": act.request_id,
        "holder": holder,
        "user_id": act.actor.user_id,
        "key_id": act.actor.key_id,
        "endpoint": endpoint,
        "model": model,
        "server": server,
        "prompt_tokens": prompt_tokens,
        "completion_tokens_max": completion_tokens_max,
        "admitted_at": act.now,
        "day": act.now.date(),
        "deadline_at": deadline_at,
        "settled": False,
    }
    _ADMIT.run(act.session, admission)
    audit.record(
        act,
        "gateway.request.admit",
        admission_id,
        endpoint=endpoint,
        model=model,
        prompt_tokens=prompt_tokens,
        completion_tokens_max=completion_tokens_max,
    )
    return admission_id


def settle(
    act: Act, *, admission_id: str, meter: Meter, charge: billing.Charge | None = None
) -> None:
    """Record what an answer came to. A second settlement changes nothing.

    An admission closed as lost meanwhile (the machine slept, say) is settled after all. `charge`
    is that of its admission.
    """
    which = {"admission_id": admission_id}
    if not _MARK_SETTLED.run(act.session, which) and not _WITHDRAW_LOST.run(act.session, which):
        return
    told = {
        "outcome": meter.outcome,
        "error_code": meter.error_code,
        "prompt_tokens": meter.prompt_tokens,
        "completion_tokens": meter.completion_tokens,
        "cached_tokens": meter.cached_tokens,
        "wall_ms": meter.wall_ms,
    }
    times = {"first_token_ms": meter.first_token_ms, "settled_at": act.now}
    _SETTLE.run(act.session, {**which, **told, **times})
    audit.record(act, "gateway.request.settle", admission_id, **told)
    if charge is not None:
        charge.settle(act, admission_id=admission_id, used=_used(meter))


def _used(meter: Meter) -> billing.Used:
    return billing.Used(
        prompt_tokens=meter.prompt_tokens,
        cached_tokens=meter.cached_tokens,
        completion_tokens=meter.completion_tokens,
        failed=meter.outcome == "failed",
    )


def close_lost(act: Act, *, gone_servers: Collection[str] = ()) -> int:
    """Close every admission nobody will settle and return how many there were.

    What it had set aside of limits and budgets is free again.

    Args:
        act: When.
        gone_servers: Processes known to have ended; what they left open is lost at once,
            the rest at its deadline.
    """
    lost = act.session.scalars(
        select(AdmissionRow)
        .where(
            ~AdmissionRow.settled,
            or_(AdmissionRow.deadline_at <= act.now, AdmissionRow.server.in_(gone_servers)),
        )
        .with_for_update(skip_locked=True)
    ).all()
    billing.release(act, [admission.id for admission in lost])
    if gone_servers:
        act.session.execute(delete(ServerRow).where(ServerRow.server.in_(gone_servers)))
    for admission in lost:
        admission.settled = True
        wall = act.now - admission.admitted_at
        act.session.add(
            SettlementRow(
                admission_id=admission.id,
                outcome="lost",
                error_code=None,
                prompt_tokens=admission.prompt_tokens,
                completion_tokens=0,
                cached_tokens=0,
                first_token_ms=None,
                wall_ms=max(0, int(wall.total_seconds() * 1000)),
                settled_at=act.now,
            )
        )
        audit.record(
            act,
            "gateway.request.lose",
            admission.id,
            holder=admission.holder,
            prompt_tokens=admission.prompt_tokens,
        )
    return len(lost)


def withdraw_lost(act: Act, *, request_ids: Collection[str], since: datetime) -> None:
    """Let earlier tries of one's requests cost nothing: who wrote them is gone, and they come anew.

    Args:
        act: Whose requests they are.
        request_ids: Which.
        since: When the first of them could have been admitted.
    """
    tries = act.session.scalars(
        select(AdmissionRow).where(
            AdmissionRow.holder == holder_of(act.actor),
            AdmissionRow.admitted_at >= since,
            AdmissionRow.request_id.in_(request_ids),
        )
    ).all()
    billing.release(act, [admission.id for admission in tries])
    for admission in tries:
        settlement = act.session.get(SettlementRow, admission.id)
        if settlement is None:
            settlement = SettlementRow(
                admission_id=admission.id,
                outcome="lost",
                error_code=None,
                completion_tokens=0,
                cached_tokens=0,
                first_token_ms=None,
                wall_ms=0,
                settled_at=act.now,
            )
            act.session.add(settlement)
            admission.settled = True
            audit.record(
                act,
                "gateway.request.lose",
                admission.id,
                holder=admission.holder,
                prompt_tokens=0,
            )
        if settlement.outcome == "lost":
            settlement.prompt_tokens = 0


def _begin_minute_anew(act: Act, holder: str) -> None:
    """Let a holder's requests up to now count no more: their moments are of a clock that was wrong.

    They lie a minute back from now on. The audit log goes on saying when they were let in.
    """
    past = act.now - rules.RATE_WINDOW
    counted = AdmissionRow.holder == holder, AdmissionRow.admitted_at > past
    begun_anew = update(AdmissionRow).where(*counted).values(admitted_at=past)
    act.session.connection().execute(begun_anew)
