"""Whether rewards are such as the reinforce stage can learn from. Reads manifests alone."""

from pathlib import Path

from hunmin.errors import RolloutsUnfit
from hunmin.manifest import InputRecord, Manifest, ancestor, ancestors, manifest_sha256
from hunmin.train.recipe import TrainConfig


def check_rewards(config: TrainConfig, rewards: Path, base: Path) -> None:
    """Check that rewards fit a stage and the model it starts from.

    The model that answered must be the base, or one the base went on from, for how likely it found
    its answers is what the model that learns is compared with.

    Raises:
        WrongInput: The folder holds no rewards.
        RolloutsUnfit: They do not fit; it says why.
    """
    judged = Manifest.read(rewards, kind="rewards")
    rollouts = ancestor(rewards, _input(judged, "rollouts").sha256)
    draw = rollouts.recipe["draw"]
    problem: tuple[str, str] | None = None
    if draw["split"] != "prompt":
        problem = "its prompts are held out", "떼어 둔 질문에 대한 답입니다"
    elif draw["greedy"]:
        problem = "its answers are greedy", "확률이 가장 높은 답만 담겨 있습니다"
    elif draw["answers"] != config.group_answers:
        found, wanted = draw["answers"], config.group_answers
        problem = (
            f"a group has {found} answers, and group_answers is {wanted}",
            f"질문마다 답이 {found}개인데 group_answers는 {wanted}입니다",
        )
    elif config.reinforce_kl > 0 and not any(one.role == "reference" for one in rollouts.inputs):
        problem = (
            "reinforce_kl is above 0, and no reference model was asked",
            "reinforce_kl이 0보다 큰데 기준 모델에 물은 값이 없습니다",
        )
    elif not _weights_of(rewards, rollouts) & _lineage(base):
        problem = (
            "the base is neither the model that answered nor one that went on from it",
            "기준 체크포인트가 답한 모델도, 그 모델을 이어받은 모델도 아닙니다",
        )
    elif not judged.facts["groups_with_spread"]:
        problem = (
            "all answers to each prompt are worth the same, so none is better than another",
            "질문마다 모든 답의 보상이 같아서 더 나은 답이 없습니다",
        )
    if problem is not None:
        raise RolloutsUnfit(folder=rewards, reason_en=problem[0], reason_ko=problem[1])


def _input(manifest: Manifest, role: str) -> InputRecord:
    return next(one for one in manifest.inputs if one.role == role)


def _weights_of(rewards: Path, rollouts: Manifest) -> set[str]:
    """Return the hash of the model that answered and, of an exported one, of its checkpoint."""
    policy = _input(rollouts, "policy")
    if policy.kind != "model":
        return {policy.sha256}
    exported = ancestor(rewards, policy.sha256)
    return {policy.sha256} | {one.sha256 for one in exported.inputs if one.kind == "checkpoint"}


def _lineage(base: Path) -> set[str]:
    """Return the hashes of a checkpoint and of all it was made from."""
    return {manifest_sha256(base)} | {record.sha256 for record, _ in ancestors(base)}
