"""The commands of the room: `hunmin train RECIPE …`, and those that plan and measure beside it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hunmin.model.attention_names import KernelName
from hunmin.shells import RunByDefault
from hunmin.train.attention_command import attention_command
from hunmin.train.goodput_command import goodput_command
from hunmin.train.meeting_command import meeting_command
from hunmin.train.planning_commands import ladder_command, plan_command
from hunmin.train.reinforce_commands import rewards_command, rollouts_command

training = typer.Typer(
    name="train",
    cls=RunByDefault,
    no_args_is_help=True,
    help=(
        "Train one stage of a recipe, or go on with it where it stopped. "
        "`hunmin train RECIPE ...` is short for `hunmin train run RECIPE ...`; a recipe file that "
        "is called like one of the commands is given with its folder, as in ./plan."
    ),
)
training.command("plan")(plan_command)
training.command("ladder")(ladder_command)
training.command("goodput")(goodput_command)
training.command("attention")(attention_command)
training.command("meeting")(meeting_command)
training.command("rollouts")(rollouts_command)
training.command("rewards")(rewards_command)


class StageName(StrEnum):
    """A stage one can ask for."""

    PRETRAIN = "pretrain"
    CHAT = "chat"
    PREFERENCE = "preference"
    REINFORCE = "reinforce"


class Launcher(StrEnum):
    """What starts several processes."""

    TORCHRUN = "torchrun"
    SLURM = "slurm"


class PrecisionName(StrEnum):
    """A number format one can ask for."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT8 = "float8"


@training.command("run")
def run_command(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, such as recipes/laptop.py.")],
    *,
    corpus: Annotated[
        Path,
        typer.Option("--corpus", help="A finished corpus folder; in the reinforce stage rewards."),
    ],
    tokenizer: Annotated[Path, typer.Option("--tokenizer", help="A finished tokenizer folder.")],
    out: Annotated[
        Path, typer.Option("--out", help="The run folder: checkpoints, losses and their plot.")
    ],
    stage: Annotated[
        StageName, typer.Option("--stage", help="Which stage of the recipe to train.")
    ] = StageName.PRETRAIN,
    base: Annotated[
        Path | None,
        typer.Option("--base", help="The checkpoint to start from; later stages need one."),
    ] = None,
    canaries: Annotated[
        Path | None,
        typer.Option(
            "--canaries",
            help="Canaries to put into the running text, from `hunmin corpus canaries`.",
        ),
    ] = None,
    compile_wanted: Annotated[
        bool,
        typer.Option("--compile/--no-compile", help="Compile the model where that is possible."),
    ] = True,
    recompute_activations: Annotated[
        bool,
        typer.Option(
            "--recompute-activations",
            help="Save memory: keep of each layer only what goes into it, and compute the rest "
            "again on the way back.",
        ),
    ] = False,
    attention: Annotated[
        KernelName | None,
        typer.Option(
            "--attention",
            help="What computes attention. By default the fastest that is right here, measured "
            "once for a GPU and a shape; see `hunmin train attention`.",
        ),
    ] = None,
    precision: Annotated[
        PrecisionName | None,
        typer.Option(
            "--precision",
            help="Number format of large matrix products. By default bfloat16 where the device has "
            "it, else float32; float8 is for GPUs that have it and models above 700 million "
            "parameters.",
        ),
    ] = None,
    force_float8: Annotated[
        bool,
        typer.Option("--force-float8", help="With --precision float8: also where it does not pay."),
    ] = False,
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic",
            help="Compute so that the same bits come out again, on a GPU too; slower there. What "
            "is begun so goes on only with the same GPU, PyTorch and processes.",
        ),
    ] = False,
    launch: Annotated[
        Launcher | None,
        typer.Option(
            "--launch", help="Print what starts this run on several processes, and train nothing."
        ),
    ] = None,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="With --launch: machines.")] = 1,
    processes: Annotated[
        int,
        typer.Option("--processes", min=1, help="With --launch: processes, or GPUs, a machine."),
    ] = 1,
    replicas: Annotated[
        int,
        typer.Option(
            "--replicas", min=1, help="Whole copies of the model that the processes train."
        ),
    ] = 1,
    context: Annotated[
        int,
        typer.Option(
            "--context",
            min=1,
            help="Processes that share each sequence, each with a part of its positions.",
        ),
    ] = 1,
    tensor: Annotated[
        int,
        typer.Option(
            "--tensor",
            min=1,
            help="Processes that compute each sequence together, each with a part of every layer.",
        ),
    ] = 1,
    expert_parallel: Annotated[
        int,
        typer.Option(
            "--expert-parallel",
            min=1,
            help="Processes that each hold other experts of a mixture, whole; tokens go to them.",
        ),
    ] = 1,
    meeting: Annotated[
        str | None,
        typer.Option(
            "--meeting",
            metavar="HOST:PORT",
            help="Be one of several replicas that are started, lost and come back alone, and meet "
            "there; `hunmin train meeting` opens it.",
        ),
    ] = None,
    stalled_after: Annotated[
        float | None,
        typer.Option(
            "--stalled-after",
            min=1,
            help="Seconds a step may take among several processes before the run is ended with "
            "their stacks. By default twenty times the usual step, at least 60.",
        ),
    ] = None,
) -> None:
    """Train one stage of a recipe, or go on with it where it stopped.

    Ctrl-C or SIGTERM ends the step under way, writes a checkpoint and exits; the same command
    goes on from there, on any number of processes. The last checkpoint's folder is printed.

    On several GPUs: hunmin train RECIPE ... --launch torchrun --processes 8 | sh
    """
    from hunmin.errors import RecipeBroken  # noqa: PLC0415 (slow to load)
    from hunmin.train.recipe import load_recipe  # noqa: PLC0415 (slow to load)

    loaded = load_recipe(recipe)
    config = getattr(loaded, stage.value)
    if config is None:
        raise RecipeBroken(path=recipe, reason=f"it has no {stage} stage")
    if stage is not StageName.PRETRAIN and base is None:
        raise typer.BadParameter(f"the {stage} stage needs --base CHECKPOINT", param_hint="--base")
    if launch is not None:
        words = ["run", str(recipe), "--corpus", str(corpus), "--tokenizer", str(tokenizer)]
        words += ["--out", str(out), "--stage", str(stage), "--replicas", str(replicas)]
        words += ["--context", str(context), "--tensor", str(tensor)]
        words += ["--expert-parallel", str(expert_parallel)]
        words += [] if base is None else ["--base", str(base)]
        words += [] if canaries is None else ["--canaries", str(canaries)]
        words += [] if compile_wanted else ["--no-compile"]
        words += ["--recompute-activations"] if recompute_activations else []
        words += [] if attention is None else ["--attention", attention]
        words += [] if precision is None else ["--precision", str(precision)]
        words += ["--force-float8"] if force_float8 else []
        words += ["--deterministic"] if deterministic else []
        words += [] if meeting is None else ["--meeting", meeting]
        words += [] if stalled_after is None else ["--stalled-after", str(stalled_after)]
        typer.echo(_launched(launch, words, nodes=nodes, processes=processes, name=loaded.name))
        return
    from hunmin.train.runs import run  # noqa: PLC0415 (slow to load)

    run(
        config,
        loaded.model,
        corpus=corpus,
        tokenizer=tokenizer,
        out=out,
        base=base,
        canaries=canaries,
        compile_wanted=compile_wanted,
        recompute_activations=recompute_activations,
        attention=attention,
        deterministic=deterministic,
        replicas=replicas,
        context=context,
        tensor=tensor,
        expert_parallel=expert_parallel,
        meeting=meeting,
        stalled_after_seconds=stalled_after,
        precision=None if precision is None else precision.value,
        force_float8=force_float8,
    )
    typer.echo(str(out / f"step-{config.steps:06}"))


def _launched(launch: Launcher, words: list[str], *, nodes: int, processes: int, name: str) -> str:
    """Return what starts the run."""
    from hunmin.train.launch import Layout, slurm_script, torchrun_line  # noqa: PLC0415

    layout = Layout(nodes=nodes, processes_per_node=processes)
    if launch is Launcher.TORCHRUN:
        return torchrun_line(words, layout)
    return slurm_script(words, layout, name=name).rstrip("\n")


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.add_typer(training)
