"""What the command lines of several rooms have in common."""

from typing import Any

from typer.core import TyperGroup


class RunByDefault(TyperGroup):
    """A group whose first word, where it is none of its commands, is meant for its `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 (typer hides it)
        """Put the command in that is meant."""
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)
