"""What a run starts with: its data as sequences, and the weights of its model."""

from hunmin.errors import NothingToTrainOn, WrongInput
from hunmin.model import ModelConfig
from hunmin.model.adapters import draw_adapters
from hunmin.model.checkpoint import load_config
from hunmin.train.base import start_from
from hunmin.train.checkpoints import RunPlan
from hunmin.train.learner import Learner, initialize, put_weight
from hunmin.train.recipe import TrainConfig
from hunmin.train.sharing import one_after_another
from hunmin.train.tokens import Kind, Sequences, prepare
from hunmin.train.world import World


def open_sequences(
    plan: RunPlan, config: TrainConfig, kind: Kind, world: World, *, needed: bool
) -> Sequences | None:
    """Open the sequences of a kind, which the first process makes while others wait.

    Returns:
        None where there is too little such text for one, and none is needed.

    Raises:
        NothingToTrainOn: There is too little, and it is needed.
    """

    def open_them(*, make: bool) -> Sequences | None:
        try:
            return prepare(
                plan.data,
                plan.inputs["tokenizer"],
                plan.folder / "tokens" / kind,
                kind=kind,
                sequence_tokens=config.sequence_tokens,
                chats_joined_max=config.chats_joined_max if kind == "chat" else 1,
                canaries=plan.inputs.get("canaries") if kind == "text" else None,
                group_answers=config.group_answers,
                make=make,
            )
        except NothingToTrainOn:
            if needed:
                raise
            return None

    def make_them() -> Sequences | None:
        with one_after_another(plan.folder / "tokens"):  # other replicas may come to it too
            return open_them(make=True)

    made = world.together(lambda: make_them() if world.is_first else None)
    there = world.gather(made is not None)[0]
    return made if world.is_first or not there else open_them(make=False)


def set_weights(
    learner: Learner, plan: RunPlan, config: TrainConfig, model: ModelConfig, world: World
) -> None:
    """Set the weights: those of the base, with new adapters where there are any; or new ones.

    Raises:
        WrongInput: The base is a model of another shape.
        CheckpointBroken: Its weights are missing or torn.
    """
    base = plan.inputs.get("base")
    if base is None:
        initialize(learner, config.seed)
        return
    if load_config(base) != model:
        raise WrongInput(folder=base, found="model of another shape", needed="base model")
    start_from(base, learner, world)
    for name, weight in draw_adapters(learner.transformer, config.seed):
        put_weight(learner.transformer.get_parameter(name), weight)
