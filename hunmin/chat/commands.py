"""`hunmin chat`: the same conversation in the terminal, and taking feedback to the lab."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.console import opened
from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hunmin.act import Language
    from hunmin.chat.speakers import EngineSpeaker
    from hunmin.chat.terminal import LookUp
    from hunmin.settings import Settings


chat_app = typer.Typer(name="chat", invoke_without_command=True, rich_markup_mode=None)
feedback_app = typer.Typer(
    name="feedback",
    help="What people said of answers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
chat_app.add_typer(feedback_app)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(chat_app)


@chat_app.callback()
def chat(
    context: typer.Context,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FOLDER|NAME",
            help="A model folder; with --url the name of a model there. "
            "By default the first model of the settings, or of the server.",
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Talk to a server that speaks OpenAI's API, at this address."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            envvar="OPENAI_API_KEY",
            show_envvar=True,
            help="The API key for --url. Better given by the environment.",
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option("--system", help="What the model is told before the conversation."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Tokens of one answer at most.")
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            metavar="NAME",
            help="Look questions up in this published collection, and show the sources of each "
            "answer. May be given several times.",
        ),
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Chat with a model in the terminal.

    Needs no server: the engine runs inside this program. /new begins a new conversation, /quit
    leaves, Ctrl-C stops an answer. Answers go to stdout, so a question may come through a pipe:
    echo "너는 누구야?" | hunmin chat
    """
    if context.invoked_subcommand is not None:
        return
    from hunmin import logs  # noqa: PLC0415 (slow to import)
    from hunmin.chat.speakers import HttpSpeaker  # noqa: PLC0415
    from hunmin.chat.terminal import Terminal, load_line_editing  # noqa: PLC0415
    from hunmin.settings import Settings  # noqa: PLC0415

    settings = Settings.load(config, data)
    logs.set_up(format=settings.logs.format, level="error")
    tokens_max = max_tokens or settings.chat.answer_tokens_max
    speaker = (
        HttpSpeaker(url, key=key, model=model, tokens_max=tokens_max)
        if url is not None
        else _embedded(settings, Path(model) if model else None, tokens_max)
    )
    load_line_editing()
    with _looking_up(settings, collection or ()) as look_up:
        Terminal(
            speaker,
            language=_terminal_language(),
            system=settings.chat.system_prompt if system is None else system,
            look_up=look_up,
        ).run()


@feedback_app.command("export")
def export_feedback(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to be made.")],
    *,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Write what people agreed to have used for training, as preference pairs.

    A pair is a good and a bad answer to one question, rated by its asker; personal data are masked.
    OUT/sources.toml is read by `hunmin corpus build`; OUT/rights.jsonl names the consents that
    ended: `hunmin trace MODEL --withdrawn OUT/rights.jsonl` says what a model saw of them.
    """
    from functools import partial  # noqa: PLC0415 (slow to import)

    from hunmin.act import SYSTEM, open_act  # noqa: PLC0415
    from hunmin.chat import feedback_export  # noqa: PLC0415
    from hunmin.settings import Settings  # noqa: PLC0415

    with opened(Settings.load(config, data)) as database:
        write = partial(open_act, database, SYSTEM)
        done = feedback_export.export_feedback(partial(write, read_only=True), write, out)
    sys.stdout.write(
        f"{out}: {done.pairs} pairs, {done.masked} pieces of personal data masked, "
        f"{done.ended} consents ended\n"
    )


@contextmanager
def _looking_up(settings: "Settings", names: "Sequence[str]") -> "Iterator[LookUp | None]":
    """Give what finds passages in collections; no database is opened where none is named.

    Raises:
        CollectionNotFound: None of this name is published.
    """
    if not names:
        yield None
        return
    from hunmin import documents  # noqa: PLC0415 (slow to import)
    from hunmin.act import SYSTEM, open_act  # noqa: PLC0415
    from hunmin.chat.quotations import PASSAGES_MAX  # noqa: PLC0415
    from hunmin.errors import CollectionNotFound  # noqa: PLC0415

    with opened(settings) as database:
        with open_act(database, SYSTEM, read_only=True) as act:
            known = {one.name: one.id for one in documents.list_collections(act)}
        if not known.keys() >= set(names):
            raise CollectionNotFound
        ids = [known[name] for name in names]

        def look_up(question: str) -> "Sequence[documents.PassageFound]":
            with open_act(database, SYSTEM, read_only=True) as act:
                return documents.find(act, question, collection_ids=ids, count=PASSAGES_MAX)

        yield look_up


def _embedded(settings: "Settings", folder: Path | None, tokens_max: int) -> "EngineSpeaker":
    from hunmin import plugins  # noqa: PLC0415 (slow to import)
    from hunmin.chat.speakers import EngineSpeaker  # noqa: PLC0415
    from hunmin.errors import EngineUnknown, ModelFolderMissing  # noqa: PLC0415

    open_engine = plugins.find_engine(settings.inference.engine)
    if open_engine is None:
        raise EngineUnknown(name=settings.inference.engine, known=plugins.engine_names())
    models = settings.inference.models or {"hunmin-reference": _reference_folder()}
    if folder is not None:
        models = {folder.resolve().name: folder.absolute()}
    name, path = next(iter(models.items()))
    if not (path / "config.json").is_file():
        raise ModelFolderMissing(folder=path)
    engine = open_engine(
        {name: path},
        cache=settings.data / "cache",
        threads=settings.inference.threads,
        prefix_cache="shared",  # one person, at a terminal
    )
    return EngineSpeaker(engine, tokens_max=tokens_max)


def _reference_folder() -> Path:
    """Return where the reference model that ships with Hunmin lies."""
    return Path(__file__).resolve().parents[2] / "models" / "reference"


def _terminal_language() -> "Language":
    said = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return "ko" if next((one for one in said if one), "").startswith("ko") else "en"
