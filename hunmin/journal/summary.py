"""A run in one value: what it is, where it is, and what became of it so far."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from hunmin.errors import RunMissing
from hunmin.journal import folder as folders
from hunmin.journal import rules
from hunmin.journal.log import HELDOUT, LIFE_EVENTS, MEASURES, Log, read_log
from hunmin.journal.mix import mix_of
from hunmin.journal.start import Start, start_of
from hunmin.journal.values import Checkpoint, Event, Head, Straggler, Summary
from hunmin.manifest import Manifest

_EVENTS_SHOWN = 100
_DETAIL_KEYS = frozenset({"step", "event", "at"})
_STARTED_KEYS = frozenset({"processes", "device"})
"""What is said of a start beside the other events; the rest of it is in the summary itself."""


def summarize(run: Path, *, name: str = "", now: float) -> Summary:
    """Read a run folder and return what it says.

    Args:
        run: The folder.
        name: What to call it; the folder's own name by default.
        now: The moment, in seconds since 1970.

    Raises:
        RunMissing: It is not the folder of a run.
    """
    if not folders.is_run(run):
        raise RunMissing(folder=run)
    log = read_log(run)
    saved = folders.checkpoints(run)
    newest = saved[-1][1] if saved else None
    start = start_of(log, newest)
    life = [event for event in log.events if event["event"] in LIFE_EVENTS]
    state = _state(run, log, life, newest, now=now)
    counts = {kind: sum(event["event"] == kind for event in log.events) for kind in _COUNTED}
    tokens_per_second = _last(log, "tokens_per_second")
    step = max([0, *log.points["step"][-1:], *(one.facts["step"] for _, one, _ in saved[-1:])])
    return Summary(
        name=name or run.resolve().name,
        state=state,
        reason=str(life[-1].get("reason", "")) if state == "failed" else "",
        stage=start.stage,
        step=int(step),
        steps=start.steps,
        started_at=_moment(next((e.get("at") for e in life if e["event"] == "started"), None)),
        seen_at=_seen_at(log, saved),
        seconds_left=_seconds_left(log, state, steps=start.steps, now=now),
        loss=_last(log, "loss"),
        heldout_loss=float(log.heldout["heldout_loss"][-1]) if len(log.heldout["step"]) else None,
        learning_rate=_last(log, "learning_rate"),
        gradient_norm=_last(log, "gradient_norm"),
        measures=_measures(log),
        tokens_seen=_tokens_seen(log, start, int(step)),
        tokens_total=start.tokens_total,
        tokens_per_second=tokens_per_second,
        step_seconds=_last(log, "step_seconds"),
        mfu=start.mfu(tokens_per_second),
        device=start.device,
        processes=start.processes,
        layout=start.layout,
        drop_share=start.share("drop_share"),
        pad_share=start.share("pad_share"),
        parameters=start.parameters,
        skipped=counts["skipped"] + _skipped_and_taken_back(log),
        rollbacks=counts["rollback"],
        stragglers=_stragglers(log),
        checkpoints=[_checkpoint(*each) for each in saved],
        head=_head(saved[-1][1], saved[-1][2]) if saved else None,
        mix=mix_of(run),
        events=[_event(event) for event in log.events[-_EVENTS_SHOWN:]],
        recipe=start.recipe,
        inputs=start.inputs,
    )


_COUNTED = ("skipped", "rollback")


def _state(
    run: Path, log: Log, life: Sequence[Mapping[str, Any]], newest: Manifest | None, *, now: float
) -> rules.State:
    times = log.points["at"][-rules.PACE_POINTS :]
    moment = _moment(life[-1].get("at")) if life else None
    return rules.state_of(
        rules.Signs(
            finished=newest is not None and newest.facts.get("finished") is True,
            life_event=life[-1]["event"] if life else None,
            life_at=moment.timestamp() if moment else 0.0,
            locked_at=folders.locked_at(run),
            stalled_at=folders.stalled_at(run),
            point_times=times[~np.isnan(times)],
        ),
        now=now,
    )


def _seconds_left(log: Log, state: rules.State, *, steps: int | None, now: float) -> float | None:
    if state != "running" or steps is None or not len(log):
        return None
    breaks = [e.get("at") for e in log.events if e["event"] in {*LIFE_EVENTS, "rollback"}]
    moment = _moment(breaks[-1]) if breaks else None
    at = log.points["at"]
    since = at >= moment.timestamp() if moment else ~np.isnan(at)
    pace = rules.seconds_per_step(log.points["step"][since], at[since])
    return rules.seconds_left(
        step=int(log.points["step"][-1]),
        steps=steps,
        seconds_a_step=pace or _last(log, "step_seconds"),
        since_point=now - float(at[-1]) if not np.isnan(at[-1]) else 0.0,
    )


def _stragglers(log: Log) -> list[Straggler]:
    """Return who was named since the newest start and has not kept up again."""
    named: dict[int, Straggler] = {}
    for said in log.events:
        if said["event"] == "started":
            named.clear()
        elif said["event"] == "straggler_keeps_up":
            named.pop(said.get("process", -1), None)
        elif said["event"] == "straggler" and isinstance(said.get("process"), int):
            named[said["process"]] = Straggler(
                process=said["process"],
                host=str(said.get("host", "")),
                phase=str(said.get("phase", "")),
                seconds_over=_number(said.get("seconds_over")),
            )
    return [named[process] for process in sorted(named)]


def _skipped_and_taken_back(log: Log) -> int:
    taken_back = [event.get("skipped") for event in log.events if event["event"] == "rollback"]
    return sum(len(skipped) for skipped in taken_back if isinstance(skipped, list))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _tokens_seen(log: Log, start: Start, step: int) -> int | None:
    said = _last(log, "tokens_seen")
    if said is not None:
        return int(said)
    return step * start.tokens_per_step if start.tokens_per_step else None


def _last(log: Log, name: str) -> float | None:
    """Return the newest value of a series, or None where the newest point says none."""
    if not len(log) or np.isnan(log.points[name][-1]):
        return None
    return float(log.points[name][-1])


def _measures(log: Log) -> dict[str, float]:
    """Return the newest value of everything measured beside the losses."""
    newest = {name: log.points[name][-1:] for name in MEASURES}
    newest |= {HELDOUT + name: log.heldout[HELDOUT + name][-1:] for name in MEASURES}
    return {name: float(value[0]) for name, value in newest.items() if np.isfinite(value).any()}


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _seen_at(log: Log, saved: Sequence[tuple[Path, Manifest, str]]) -> datetime | None:
    moments = [_moment(event.get("at")) for event in log.events[-1:]]
    moments += [_moment(manifest.made_at) for _, manifest, _ in saved[-1:]]
    if len(log) and not np.isnan(log.points["at"][-1]):
        moments.append(datetime.fromtimestamp(float(log.points["at"][-1]), UTC))
    return max((moment for moment in moments if moment is not None), default=None)


def _event(said: Mapping[str, Any]) -> Event:
    keys = _STARTED_KEYS if said["event"] == "started" else said.keys() - _DETAIL_KEYS
    return Event(
        event=said["event"],
        step=said["step"],
        at=_moment(said.get("at")),
        details={key: _short(said[key]) for key in said if key in keys},
    )


def _short(value: Any) -> str | int | float | bool | None:  # noqa: ANN401 (anything JSON has)
    """Return a value in short: of a long list how many there are."""
    if value is None or isinstance(value, int | float | str):
        return value
    is_short = len(value) <= 2 and all(isinstance(one, int | float | str) for one in value)  # noqa: PLR2004
    return ", ".join(map(str, value)) if is_short else len(value)


def _checkpoint(folder: Path, manifest: Manifest, sha256: str) -> Checkpoint:
    return Checkpoint(
        name=folder.name,
        step=manifest.facts["step"],
        made_at=_moment(manifest.made_at),
        size_bytes=sum(record.size_bytes for record in manifest.files.values()),
        heldout_loss=_number(manifest.facts.get("heldout_loss")),
        sha256=sha256,
    )


def _head(manifest: Manifest, sha256: str) -> Head | None:
    if manifest.ledger is None:
        return None
    learned = manifest.ledger.learned()
    data_steps = max((one.data_step + one.steps for one in learned), default=0)
    return Head(
        step=manifest.ledger.steps,
        sha256=sha256,
        table_sha256=manifest.ledger.sha256,
        data_steps_left_out=data_steps - sum(one.steps for one in learned),
    )
