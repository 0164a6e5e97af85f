"""How the processes of a run are laid out, and whether what they train can be laid out so."""

from dataclasses import dataclass

from hunmin.model import ModelConfig
from hunmin.model.attention_names import KernelName
from hunmin.train.context_parallel import check_context_size
from hunmin.train.expert_parallel import check_expert_parallel
from hunmin.train.recipe import TrainConfig
from hunmin.train.replicas import check_replicas_fit
from hunmin.train.tensor_parallel import check_tensor_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How many processes do what together; see `join_world`."""

    replicas: int = 1
    context: int = 1
    tensor: int = 1
    expert_parallel: int = 1


def check_layout(
    layout: Layout,
    config: TrainConfig,
    model_config: ModelConfig,
    *,
    attention: KernelName | None,
    deterministic: bool,
    meets: bool,
) -> None:
    """Check that a stage can be trained so.

    Args:
        layout: How the processes shall be laid out.
        config: The stage.
        model_config: The shape of the model.
        attention: The attention kernel that was asked for, if any.
        deterministic: Whether the same bits shall come out again.
        meets: Whether these processes are one of several replicas that may be lost alone.

    Raises:
        ReplicaUnfit, ExpertParallelUnfit, ContextUnfit, TensorUnfit: It cannot.
    """
    context, tensor = layout.context, layout.tensor
    if meets:
        check_replicas_fit(
            config,
            model_config,
            layout={
                "--replicas": layout.replicas,
                "--context": context,
                "--expert-parallel": layout.expert_parallel,
            },
            deterministic=deterministic,
        )
    check_expert_parallel(model_config, expert_parallel=layout.expert_parallel, tensor=tensor)
    check_context_size(config, context=context, tensor=tensor, attention=attention)
    check_tensor_size(config, model_config, tensor=tensor)
