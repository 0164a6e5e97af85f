"""`hunmin …`: collects every room's commands, each loaded only when it is called.

A room's `commands.py` has `register(app)`, which adds its commands to a Typer application. The
table below says which room has which, so that `hunmin --help` imports no room at all.
"""

import importlib
import os
import sys
from typing import Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from hunmin import __version__
from hunmin.errors import HunminError

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module with `register`, the first line of its help)
    "demo": ("hunmin.web.commands", "Serve Hunmin on this machine, and open it in a browser."),
    "serve": ("hunmin.web.commands", "Serve the pages and the API."),
    "chat": ("hunmin.chat.commands", "Chat with a model in the terminal."),
    "build": ("hunmin.build.commands", "Make a model from text: the whole line in one command."),
    "corpus": ("hunmin.corpus.commands", "Prepare text for training."),
    "tokenizer": ("hunmin.model.commands", "Train a tokenizer, and report on one."),
    "train": ("hunmin.train.commands", "Train a model as a recipe says."),
    "eval": ("hunmin.evaluation.commands", "Measure a checkpoint."),
    "export": ("hunmin.model.commands", "Make a model folder from a checkpoint."),
    "trace": ("hunmin.audit.commands", "Show what a model was made from, back to the licenses."),
    "audit": ("hunmin.audit.commands", "Read, seal and verify the audit log."),
    "accounts": ("hunmin.accounts.commands", "Manage accounts."),
    "key": ("hunmin.accounts.commands", "Manage API keys."),
    "worker": ("hunmin.worker.commands", "Do background jobs until stopped."),
    "settings": (
        "hunmin.settings.commands",
        "Print every setting, its value and where it was said.",
    ),
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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """Import the room of the command that is called, and hand over to it."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest


def load_command(name: str) -> Any:  # noqa: ANN401 (Typer's own command class)
    """Return the real command called `name`."""
    rooms = typer.Typer(rich_markup_mode=None)
    rooms.callback()(lambda: None)
    importlib.import_module(COMMANDS[name][0]).register(rooms)
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
