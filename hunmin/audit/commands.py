"""`hunmin audit …`; `hunmin trace` has a file of its own."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.audit.trace_command import JsonOption, LanguageOption, terminal_language, trace
from hunmin.console import house_act
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.audit.queries import Head

KindOption = Annotated[
    str | None,
    typer.Option(help="Only this kind, as accounts.key.create, or all under a word, as accounts."),
]
SubjectOption = Annotated[str | None, typer.Option(help="Only what was done to this id.")]
ActorOption = Annotated[str | None, typer.Option(help="Only what this account did.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="How many.")]
ExpectOption = Annotated[
    str | None,
    typer.Option(help="A head that was written down earlier, as NUMBER:SHA256; it must still be."),
]


_EVER_SECONDS = 100 * 365 * 86_400
"""Before any event."""


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("trace")(trace)
    audit = typer.Typer(no_args_is_help=True, help="Read, seal and verify the audit log.")
    audit.command("list")(list_log)
    audit.command("seal")(seal_log)
    audit.command("verify")(verify_log)
    app.add_typer(audit, name="audit")


def list_log(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    kind: KindOption = None,
    subject: SubjectOption = None,
    actor: ActorOption = None,
    limit: LimitOption = 50,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print events of the audit log, the newest first."""
    from hunmin.audit.queries import list_events  # noqa: PLC0415 (slow to import)

    with house_act(config, data, read_only=True) as act:
        events = list_events(act, kind=kind, subject=subject, actor_id=actor, limit=limit)
    said = language or terminal_language()
    for event in events:
        if as_json:
            sys.stdout.write(event.model_dump_json() + "\n")
            continue
        details = " ".join(f"{name}={value}" for name, value in event.details.items())
        sys.stdout.write(
            f"{event.at:%Y-%m-%d %H:%M:%S}  {event.kind}  {event.subject}  "
            f"{event.sentence(said)}  {event.actor_id}  {details}".rstrip()
            + "\n"
        )


def seal_log(*, config: ConfigOption = None, data: DataOption = None) -> None:
    """Seal the events that have no seal yet, however old, and print the head as NUMBER:SHA256.

    Write the head down somewhere else: with it, anyone can prove later that nothing before it
    was changed (`hunmin audit verify --expect`).
    """
    from hunmin.audit.actions import seal  # noqa: PLC0415 (slow to import)

    head = None
    while True:
        with house_act(config, data) as act:
            reached = seal(act, late_seconds=_EVER_SECONDS)
        if reached == head:
            break
        head = reached
    sys.stdout.write(f"{reached.number}:{reached.sha256}\n")


def verify_log(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    expect: ExpectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Walk the chain of seals again, and say whether it holds.

    Exit status 1 says that it does not: an event or seal was changed or removed.
    """
    from hunmin.audit.queries import verify  # noqa: PLC0415 (slow to import)

    expected = _parse_head(expect) if expect else None
    with house_act(config, data, read_only=True) as act:
        found = verify(act, expected=expected)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
    else:
        ok = "does not hold" if found.breaks else "holds"
        sys.stdout.write(f"The chain {ok}: {found.sealed} sealed, {found.unsealed} not yet.\n")
        if found.unsealed_old:
            sys.stdout.write(
                f"  {found.unsealed_old} without a seal are older than a day: "
                "`hunmin audit seal` seals them.\n"
            )
        for gap in found.breaks:
            sys.stdout.write(f"  {gap.reason} at {gap.number}: event {gap.event_id or '-'}\n")
        sys.stdout.write(f"{found.head.number}:{found.head.sha256}\n")
    if found.breaks:
        raise typer.Exit(1)


def _parse_head(said: str) -> "Head":
    from hunmin.audit.queries import Head  # noqa: PLC0415

    number, _, sha256 = said.partition(":")
    if not number.isdecimal() or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise typer.BadParameter("write NUMBER:SHA256, as `hunmin audit seal` prints it")
    return Head(number=int(number), sha256=sha256)
