"""Asking through the gateway's own transactions, without an engine."""

from dataclasses import dataclass
from datetime import datetime

from hunmin import billing
from hunmin.act import Actor, open_act
from hunmin.db import Database
from hunmin.gateway import actions, rules

HOUSE = rules.Limits(requests_per_minute_max=10**6, concurrent_max=10**6)
SECONDS_MAX = 600


@dataclass
class Asked:
    """An answer that was let in."""

    admission_id: str
    actor: Actor
    charge: billing.Charge


def ask(
    database: Database,
    actor: Actor,
    *,
    known: billing.KnownTerms | None = None,
    prompt: int = 10,
    most: int = 90,
    now: datetime | None = None,
) -> Asked:
    """Let an answer of at most so many tokens in, or raise what refuses it."""
    charge = billing.Charge(
        known or billing.KnownTerms(),
        model="paper",
        prompt_tokens=prompt,
        completion_tokens_max=most,
    )
    with open_act(database, actor, now=now) as act:
        admission_id = actions.admit(
            act,
            endpoint="chat",
            model="paper",
            prompt_tokens=prompt,
            completion_tokens_max=most,
            limits=HOUSE,
            seconds_max=SECONDS_MAX,
            server="host/1/x",
            charge=charge,
        )
    return Asked(admission_id, actor, charge)


def end(
    database: Database,
    asked: Asked,
    *,
    prompt: int = 10,
    completion: int = 90,
    cached: int = 0,
    outcome: actions.Outcome = "stop",
    now: datetime | None = None,
) -> None:
    """Settle an answer that came to so many tokens."""
    meter = actions.Meter(outcome, prompt, completion, cached, 5, 90)
    with open_act(database, asked.actor, now=now) as act:
        actions.settle(act, admission_id=asked.admission_id, meter=meter, charge=asked.charge)
