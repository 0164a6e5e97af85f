"""The commands `hunmin train rollouts` and `hunmin train rewards`: the steps before learning."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hunmin.rollouts import RolloutsConfig

_RECIPE = typer.Argument(help="A recipe file with rollouts, such as recipes/reinforce.py.")


def rollouts_command(
    recipe: Annotated[Path, _RECIPE],
    *,
    corpus: Annotated[Path, typer.Option("--corpus", help="A finished corpus with prompts.")],
    policy: Annotated[
        Path, typer.Option("--policy", help="The checkpoint, or model folder, that answers.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder of answers to make.")],
    number: Annotated[
        int, typer.Option("--round", min=1, help="Which round: other prompts, other dice.")
    ] = 1,
    heldout: Annotated[
        bool,
        typer.Option("--heldout", help="Ask the held-out prompts instead, for greedy answers."),
    ] = False,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            help="A model the stage is held to; wanted where reinforce_kl is above 0.",
        ),
    ] = None,
) -> None:
    """Have a model answer prompts, several times each, and keep how likely it found each token.

    Ctrl-C keeps what was answered; the same command goes on from there.
    """
    from hunmin.errors import RecipeBroken  # noqa: PLC0415 (slow to load)
    from hunmin.rollouts import generate  # noqa: PLC0415 (slow to load)

    config = _rollouts_of(recipe)
    if heldout and not config.heldout_prompts:
        raise RecipeBroken(path=recipe, reason="its rollouts have heldout_prompts = 0")
    draw = config.heldout_draw() if heldout else config.draw(number)
    facts = generate(corpus, policy, out, draw=draw, reference=reference).facts
    typer.echo(f"{facts['answers']:,} answers to {facts['prompts']:,} prompts", err=True)
    typer.echo(str(out))


def rewards_command(
    recipe: Annotated[Path, _RECIPE],
    *,
    rollouts: Annotated[Path, typer.Option("--rollouts", help="A finished folder of answers.")],
    out: Annotated[Path, typer.Option("--out", help="The folder of judged answers to make.")],
) -> None:
    """Have the recipe's verifiers judge every answer, with reasons."""
    from hunmin.rollouts import score  # noqa: PLC0415 (slow to load)

    facts = score(rollouts, out, verifiers=_rollouts_of(recipe).verifiers).facts
    for name, mean in facts["scores"].items():
        typer.echo(f"{name}: {mean:.3f}", err=True)
    typer.echo(
        f"reward: {facts['reward']:.3f}, differs in {facts['groups_with_spread']:,} of "
        f"{facts['prompts']:,} groups",
        err=True,
    )
    typer.echo(str(out))


def _rollouts_of(recipe: Path) -> "RolloutsConfig":
    """Return how a recipe asks and judges.

    Raises:
        RecipeBroken: It does not say.
    """
    from hunmin.errors import RecipeBroken  # noqa: PLC0415 (slow to load)
    from hunmin.train.recipe import load_recipe  # noqa: PLC0415 (slow to load)

    config = load_recipe(recipe).rollouts
    if config is None:
        raise RecipeBroken(path=recipe, reason="it has no rollouts")
    return config
