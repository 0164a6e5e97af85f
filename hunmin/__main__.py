"""`hunmin …`: collects every room's commands, each loaded only when it is called.

A room's `commands.py` has `register(app)`, which adds its commands to a Typer application. The
table below says which room has which, so that `hunmin --help` imports no room at all.
"""

import atexit
import contextlib
import importlib
import os
import sys
from typing import Any, Literal, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from hunmin import __version__
from hunmin.errors import HunminError

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (room whose `commands.py` has it, the first sentence of its help)
    "demo": ("hunmin.web", "Serve Hunmin on this machine, and open it in a browser."),
    "serve": ("hunmin.web", "Serve the pages and the API, as the settings say."),
    "chat": ("hunmin.chat", "Chat with a model in the terminal."),
    "build": ("hunmin.build", "Make a model from text: the whole line in one command."),
    "corpus": (
        "hunmin.corpus",
        "Turn licensed text into clean, deduplicated shards, and show what became of it.",
    ),
    "tokenizer": (
        "hunmin.model",
        "Learn a vocabulary from a corpus, and report how well it fits.",
    ),
    "train": ("hunmin.train", "Train one stage of a recipe, or go on with it where it stopped."),
    "runs": (
        "hunmin.journal",
        "Watch training runs, compare them, and export what they logged.",
    ),
    "eval": ("hunmin.evaluation", "Measure how good a model is, with errors and baselines."),
    "export": (
        "hunmin.model",
        "Make a model folder from a checkpoint: Transformers files, GGUF, card and lineage.",
    ),
    "documents": (
        "hunmin.indexing",
        "Read documents, make collections of them, and search these.",
    ),
    "collections": (
        "hunmin.documents",
        "Publish collections of documents, so that questions can be looked up in them.",
    ),
    "trace": ("hunmin.audit", "Show what a model was made from, and which documents it saw."),
    "upstreams": (
        "hunmin.upstreams",
        "Show the engines on other machines, and take one out of service and back.",
    ),
    "audit": ("hunmin.audit", "Read, seal and verify the audit log."),
    "accounts": ("hunmin.accounts", "Manage accounts."),
    "key": ("hunmin.accounts", "Manage API keys."),
    "organizations": ("hunmin.organizations", "Manage organizations."),
    "billing": ("hunmin.billing", "Set and show how much may be asked, and what it costs."),
    "signin": ("hunmin.signin", "Help people who cannot sign in."),
    "worker": ("hunmin.worker", "Do background jobs until stopped."),
    "settings": ("hunmin.settings", "Print every setting and where it was said."),
}

INTERRUPTED = 130
"""The exit status of a program ended by Ctrl-C."""


class LazyGroup(TyperGroup):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 (Typer's class)
        """Return every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        """Return a stand-in that has the name and the help line."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write every command with its whole sentence."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """Import the room of the command that is called, and hand over to it."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest


def load_command(name: str) -> Any:  # noqa: ANN401 (Typer's own command class)
    """Return the real command called `name`."""
    rooms = typer.Typer(rich_markup_mode=None)
    rooms.callback()(lambda: None)
    importlib.import_module(f"{COMMANDS[name][0]}.commands").register(rooms)
    group = typer.main.get_command(rooms)
    assert isinstance(group, TyperGroup)
    return group.commands[name]


def _version(asked: bool) -> None:  # noqa: FBT001 (Typer's way)
    if asked:
        sys.stdout.write(f"hunmin {__version__}\n")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def hunmin(
    *,
    version: bool = typer.Option(
        False,  # noqa: FBT003 (Typer's way)
        "--version",
        callback=_version,
        is_eager=True,
        help="Print the version.",
    ),
) -> None:
    """Hunmin (훈민): from licensed text to a model, a chat and a record of every step."""


def language() -> Literal["ko", "en"]:
    """Return the language of the terminal: `ko` where the environment says Korean, else `en`."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if said := os.environ.get(variable):
            return "ko" if said.startswith("ko") else "en"
    return "en"


def main() -> None:
    """Run one command; exit 0 when done, 1 on an error one can put right, 130 on Ctrl-C."""
    try:
        _run()
    except SystemExit as ending:
        if "daft" in sys.modules and (ending.code is None or isinstance(ending.code, int)):
            leave(ending.code or 0)
        raise


def leave(status: int) -> NoReturn:
    """End this process without taking Python down, after all that was asked for at its end.

    Daft's threads drop Python objects after its work is done. When Python is being taken down at
    that moment the process crashes: about once in a hundred corpora.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 (there is no other way to have it run now)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def _run() -> None:
    try:
        app()
    except HunminError as error:
        sys.stderr.write(f"hunmin: {error.message(language())} ({error.code})\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
