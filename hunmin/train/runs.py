"""Starting a stage of training, or going on with it where it stopped.

One process trains on one device; several, started by `torchrun`, train one model together.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from hunmin.errors import BaseNeeded, CanariesUnfit, OutputExists
from hunmin.manifest import Manifest, manifest_sha256
from hunmin.model import ModelConfig
from hunmin.model.attention_names import KernelName
from hunmin.steps import full_disk_said, only_one
from hunmin.train import checkpoints
from hunmin.train.attention_choice import with_attention
from hunmin.train.attention_timing import Case
from hunmin.train.checkpoints import RunPlan
from hunmin.train.compiled_code import whole_code_only
from hunmin.train.determinism import check_same_bits, how_computed, same_bits
from hunmin.train.device import Device, Precision, find_device
from hunmin.train.float8 import check_float8
from hunmin.train.judged import check_rewards
from hunmin.train.layout import Layout, check_layout
from hunmin.train.loop import Loop
from hunmin.train.meeting import Address
from hunmin.train.recipe import TrainConfig
from hunmin.train.replica_loop import ReplicaLoop
from hunmin.train.replicas import Replicas
from hunmin.train.sharing import one_of_several
from hunmin.train.watchdog import Watchdog
from hunmin.train.world import World, join_world


def run(
    config: TrainConfig,
    model_config: ModelConfig,
    *,
    corpus: Path,
    tokenizer: Path,
    out: Path,
    base: Path | None = None,
    canaries: Path | None = None,
    compile_wanted: bool = True,
    recompute_activations: bool = False,
    attention: KernelName | None = None,
    deterministic: bool = False,
    replicas: int = 1,
    context: int = 1,
    tensor: int = 1,
    expert_parallel: int = 1,
    meeting: str | None = None,
    stalled_after_seconds: float | None = None,
    precision: Precision | None = None,
    force_float8: bool = False,
) -> Manifest:
    """Train one stage, or go on with it where an earlier run stopped.

    Started on several processes by `torchrun` it trains one model on all of them. On how many does
    not change what is learned but for rounding, and a run may go on with another number.

    Args:
        config: The stage.
        model_config: The shape of the model; where there is a `base`, it must be of the same.
        corpus: A finished corpus; in the reinforce stage rewards, as `hunmin.rollouts` makes them.
        tokenizer: A finished tokenizer.
        out: The run folder: `step-N/` checkpoints, `loss.jsonl`, `loss.svg`. All processes must
            see it.
        base: A checkpoint to start from; in the preference stage also the reference model.
        canaries: Finished canaries to be put into the running text of the pretrain stage.
        compile_wanted: Whether to compile the model where that is possible.
        recompute_activations: Whether to keep of each layer only what goes into it, and to compute
            the rest again on the way back: less memory, about a third more work, the same result.
        attention: The kernel that computes attention; by default the fastest that is right here,
            measured once for a GPU and a shape.
        deterministic: Whether the same bits must come out again, on a GPU too; a run then goes on
            only as it was computed before.
        replicas: How many whole copies of the model the processes train side by side.
        context: How many processes share each sequence, each with a part of its positions.
        tensor: How many processes compute each sequence together, each with a part of every layer.
        expert_parallel: How many processes each hold other experts, whole; the tokens go to them.
        meeting: Where the replicas of a run meet, `HOST:PORT`, if these processes are one of
            several that are started, lost and come back alone; `hunmin train meeting` opens it.
        stalled_after_seconds: How long a step may take among several processes before the run is
            ended with the stack of every process in `stalled/`; None derives it from the steps
            before.
        precision: The number format of large matrix products; None takes what the device does
            fast, and never float8. It is no part of what decides a run: one that goes on in
            another precision says so.
        force_float8: Whether float8 is used even where it does not pay.

    Returns:
        The manifest of the last checkpoint, `out/step-{config.steps}`.

    Raises:
        OutputExists: `out` holds a run with another plan.
        OutputBusy: Another run trains into `out`.
        DiskFull: The disk filled up; the last checkpoint is whole.
        BaseNeeded: The stage needs a base.
        RolloutsUnfit: The rewards do not fit the stage or the base.
        NothingToTrainOn: The corpus has no text of this stage's kind.
        CanariesUnfit: The stage takes no canaries, or they find no place in its text.
        TrainingUnstable: Loss or gradients kept growing out of all bounds.
        LayoutUnfit: The processes cannot be laid out so.
        ContextUnfit: So many cannot share the sequences of such a stage.
        TensorUnfit: So many cannot train such a model in such a stage together.
        ExpertParallelUnfit: The experts cannot be shared out among so many.
        AttentionUnfit: The attention kernel that was asked for cannot be used here.
        Float8Unfit: Such a stage cannot be trained in float8, or it does not pay.
        BitsWouldDiffer: A deterministic run would go on otherwise than it began.
        ReplicaUnfit: Replicas that are lost alone cannot train this.
        ReplicaUnlike: Those at the meeting train something else.
        ReplicaOnOtherDevice: They train it on other devices.
        MeetingUnreachable: Nobody answers there.
        MeetingElsewhere: Replicas train into `out` that meet at another place.
    """
    layout = Layout(
        replicas=replicas, context=context, tensor=tensor, expert_parallel=expert_parallel
    )
    address = None if meeting is None else Address.parse(meeting)
    check_layout(
        layout,
        config,
        model_config,
        attention=attention,
        deterministic=deterministic,
        meets=meeting is not None,
    )
    plan = RunPlan(
        folder=out.absolute(),
        recipe=_plain({"train": _what_counts(config), "model": dataclasses.asdict(model_config)}),
        inputs=_inputs(config, corpus, tokenizer, base=base, canaries=canaries),
    )
    with (
        full_disk_said(plan.folder),
        whole_code_only() if compile_wanted else nullcontext(),
        same_bits(wanted=deterministic),
        join_world(**dataclasses.asdict(layout)) as world,
        ExitStack() as held,
    ):
        device = find_device(
            compile_wanted=compile_wanted,
            recomputes=recompute_activations,
            precision=precision,
            deterministic=deterministic,
        )
        check_float8(config, model_config, device, tensor=tensor, forced=force_float8)
        if context == 1:
            case = Case.of(config, model_config, device, tensor=tensor)
            device = with_attention(device, case, world, wanted=attention)
        folder = _open_folder(plan, address)
        world.together(lambda: held.enter_context(folder) if world.is_first else None)
        start = checkpoints.newest(plan, world) if address is None else None
        if start is not None and start[0] == config.steps:
            return Manifest.read(start[1])
        if start is not None and deterministic:
            check_same_bits(start[1], how_computed(device, world, config))
        watchdog = Watchdog(
            plan.folder, world, seconds_max=stalled_after_seconds, compiles=device.compiled
        )
        parts = {"device": device, "world": world, "watchdog": watchdog}
        if address is None:
            loop = Loop(config, model_config, plan, **parts)
        else:
            loop = _open_replica(config, model_config, plan, meeting=address, **parts)
        try:
            return loop.go(start)
        finally:
            loop.close()


def _inputs(
    config: TrainConfig,
    corpus: Path,
    tokenizer: Path,
    *,
    base: Path | None,
    canaries: Path | None,
) -> dict[str, Path]:
    """Return what a stage is trained from, by role, each looked at.

    Raises:
        BaseNeeded: The stage needs a base.
        CanariesUnfit: The stage takes no canaries.
        ManifestMissing, ManifestBroken, WrongInput: Something is not what it should be.
    """
    learned_from = "rewards" if config.stage == "reinforce" else "corpus"
    Manifest.read(corpus, kind=learned_from)
    Manifest.read(tokenizer, kind="tokenizer")
    inputs = {learned_from: corpus, "tokenizer": tokenizer}
    if base is None and (config.stage in {"preference", "reinforce"} or config.adapters):
        raise BaseNeeded(stage=config.stage)
    if base is not None:
        Manifest.read(base, kind="checkpoint")
        inputs["base"] = base
        if config.stage == "reinforce":
            check_rewards(config, corpus, base)
    if canaries is not None:
        if config.stage != "pretrain":
            raise CanariesUnfit(
                reason=f"they go into running text, and the stage is {config.stage}"
            )
        Manifest.read(canaries, kind="canaries")
        inputs["canaries"] = canaries
    return inputs


@contextmanager
def _open_folder(plan: RunPlan, meeting: Address | None) -> Iterator[None]:
    """Hold a run's folder: alone, or with the replicas of the same meeting.

    Raises:
        OutputBusy: Another run holds it.
        MeetingElsewhere: The replicas of another meeting hold it.
        OutputExists: There is a file.
    """
    alone = meeting is None
    with only_one(plan.folder) if alone else one_of_several(plan.folder, meeting=meeting.place):
        if plan.folder.is_file():
            raise OutputExists(out=plan.folder)
        plan.folder.mkdir(exist_ok=True)
        if alone:
            checkpoints.sweep(plan)
        yield


def _open_replica(
    config: TrainConfig,
    model_config: ModelConfig,
    plan: RunPlan,
    *,
    meeting: Address,
    device: Device,
    world: World,
    watchdog: Watchdog,
) -> ReplicaLoop:
    """Return the loop of one replica, with a seat at the meeting.

    Raises:
        MeetingUnreachable: Nobody answers there.
    """
    same = {
        "run": str(plan.folder),
        "recipe": plan.recipe,
        "inputs": {role: manifest_sha256(folder) for role, folder in plan.inputs.items()},
        "processes": [world.size, world.tensor],
        "precision": device.number_format,
    }
    replicas = Replicas(
        meeting,
        plan=hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest(),
        computed_on=" + ".join(dict.fromkeys(world.gather(device.computed_on))),
        world=world,
        compiles=device.compiled,
    )
    try:
        return ReplicaLoop(
            config,
            model_config,
            plan,
            device=device,
            world=world,
            watchdog=watchdog,
            replicas=replicas,
        )
    except BaseException:
        replicas.leave()
        raise


def _what_counts(config: TrainConfig) -> dict[str, object]:
    """Return what decides what a stage learns: how many sequences go at once does not."""
    fields: dict[str, object] = {**dataclasses.asdict(config)}
    return {name: value for name, value in fields.items() if name != "micro_batch_sequences"}


def _plain(value: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(value))
