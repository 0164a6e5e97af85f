"""`hunmin trace`: what a model was made from, and which documents it saw."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from hunmin.settings.options import ConfigOption

_WIDE = 500
"""Characters in a line where the answer goes to a file or another program."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

LanguageOption = Annotated[
    Literal["ko", "en"] | None,
    typer.Option(help="The language of the answer; the terminal's by default."),
]


def trace(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            help="Model folders, or the names they are served under. With --withdrawn, every "
            "model that is served where none is named.",
            metavar="MODEL",
        ),
    ] = None,
    *,
    document: Annotated[
        list[str] | None,
        typer.Option(help="Tell at which steps of training this document was seen. Repeatable."),
    ] = None,
    step: Annotated[
        int | None, typer.Option(min=1, help="List the documents that this step of training saw.")
    ] = None,
    documents: Annotated[
        bool, typer.Option("--documents", help="List every document that was seen.")
    ] = False,
    withdrawn: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A file of withdrawn ids, one a line: name each model that saw any of them.",
        ),
    ] = None,
    config: ConfigOption = None,
    verify: Annotated[bool, typer.Option(help="Also hash every file of the folder itself.")] = True,
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a model was made from, and which documents it saw.

    Works for the folder of any step: a model, an evaluation, a checkpoint, a tokenizer, a corpus.
    The hash of every link is checked; exit status 1 says that some do not hold, or that a model
    saw something withdrawn.
    """
    from hunmin.audit import sightings  # noqa: PLC0415 (slow to import)

    if sum((bool(document), step is not None, documents, withdrawn is not None)) > 1:
        raise typer.BadParameter("ask one of --document, --step, --documents, --withdrawn")
    said = language or terminal_language()
    folders = _find_folders(models or [], config, all_served=withdrawn is not None)
    if withdrawn is not None:
        clean = _print_withdrawn(folders, withdrawn, said, verify=verify, as_json=as_json)
        raise typer.Exit(0 if clean else 1)
    whole = True
    for folder in folders.values():
        if document:
            for asked in document:
                found = sightings.find_documents(folder, [asked], verify=verify)
                _print_answers(found, sightings.say_document(found, asked, said), as_json=as_json)
        elif step is not None:
            _print_rows(sightings.documents_of_step(folder, step, verify=verify), as_json=as_json)
        elif documents:
            _print_rows(sightings.documents_seen(folder, verify=verify), as_json=as_json)
        else:
            whole &= _print_tree(folder, said, verify=verify, as_json=as_json)
    if not whole:
        raise typer.Exit(1)


def _print_withdrawn(
    folders: dict[str, Path],
    withdrawn: Path,
    language: Literal["ko", "en"],
    *,
    verify: bool,
    as_json: bool,
) -> bool:
    """Print which models saw what was withdrawn; return whether all are known to have seen none."""
    from hunmin.audit import sightings  # noqa: PLC0415 (slow to import)

    try:
        ids = sightings.read_withdrawn(withdrawn)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--withdrawn") from error
    answers = sightings.check_withdrawn(folders, ids, verify=verify)
    _print_answers(answers, sightings.say_withdrawn(answers, len(ids), language), as_json=as_json)
    return all(answer["seen"] == [] for answer in answers)


def _print_tree(
    folder: Path, language: Literal["ko", "en"], *, verify: bool, as_json: bool
) -> bool:
    """Print the tree of one folder; return whether every link holds."""
    from hunmin.audit.trace import trace_model  # noqa: PLC0415 (slow to import)

    node = trace_model(folder, verify=verify)
    if as_json:
        sys.stdout.write(node.model_dump_json(indent=2) + "\n")
    else:
        from rich.console import Console  # noqa: PLC0415

        from hunmin.audit.trace_tree import draw, summary, width_needed  # noqa: PLC0415

        console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
        # A long chain of rounds may need more columns than a terminal has: it then wraps them.
        console.width = max(console.width, width_needed(node))
        console.print(draw(node, language))
        console.print(summary(node, language))
    return node.whole()


def _print_answers(answers: list[dict[str, Any]], words: str, *, as_json: bool) -> None:
    if as_json:
        for answer in answers:
            sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(words + "\n")


def _print_rows(rows: Iterable[dict[str, Any]], *, as_json: bool) -> None:
    from hunmin.audit.sightings import say_row  # noqa: PLC0415 (slow to import)

    for row in rows:
        line = json.dumps(row, ensure_ascii=False) if as_json else say_row(row)
        sys.stdout.write(line + "\n")


def _find_folders(models: list[str], config: Path | None, *, all_served: bool) -> dict[str, Path]:
    """Return the folders of what was named, by what they were called."""
    from hunmin.errors import TraceTargetUnknown  # noqa: PLC0415
    from hunmin.settings import Settings  # noqa: PLC0415

    found = {}
    for model in models:
        if Path(model).is_dir():
            found[model] = Path(model)
            continue
        served = Settings.load(config).models
        if model not in served:
            raise TraceTargetUnknown(target=model, served=sorted(served))
        found[model] = served[model]
    if not models:
        if not all_served:
            raise typer.BadParameter("name a model folder, or a model that is served")
        return dict(Settings.load(config).models)
    return found


def terminal_language() -> Literal["ko", "en"]:
    """Return the language to answer in where none is asked for."""
    from hunmin.__main__ import language  # noqa: PLC0415

    return language()
