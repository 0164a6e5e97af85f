"""Errors of checkpoints, recipes and training runs."""

from pathlib import Path

from hunmin.errors.base import HunminError


class CheckpointBroken(HunminError):
    """A folder that should hold a model does not hold a whole one."""

    code = "checkpoint_broken"
    status = 422

    def __init__(self, *, folder: Path, reason: str) -> None:
        super().__init__(
            f"{folder} does not hold a usable model: {reason}. "
            "Use an earlier checkpoint of the run, or make this one again.",
            f"{folder} 폴더의 모델을 쓸 수 없습니다({reason}). "
            "같은 실행의 이전 체크포인트를 쓰거나 다시 만드십시오.",
        )


class RecipeBroken(HunminError):
    """A recipe file cannot be used."""

    code = "recipe_broken"
    status = 422

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"The recipe {path} cannot be used: {reason}. "
            "See recipes/laptop.py for one that works.",
            f"레시피 {path}을(를) 쓸 수 없습니다({reason}). "
            "동작하는 예는 recipes/laptop.py를 보십시오.",
        )


class NothingToTrainOn(HunminError):
    """The corpus has no text of the kind the stage needs, or less than one sequence of it."""

    code = "nothing_to_train_on"
    status = 422

    def __init__(self, *, corpus: Path, needed: str) -> None:
        super().__init__(
            f"{corpus} has too little {needed} to fill one training sequence. "
            "Add a source of that kind to the sources file and build the corpus again.",
            f"{corpus}에 학습할 {needed} 자료가 한 시퀀스 분량도 없습니다. "
            "자료 목록에 해당 자료를 더하고 코퍼스를 다시 만드십시오.",
        )


class LossNotFinite(HunminError):
    """The loss became infinite or not a number."""

    code = "loss_not_finite"
    status = 500

    def __init__(self, *, step: int, last_good: Path | None) -> None:
        where = f"{last_good}" if last_good else "none"
        super().__init__(
            f"The loss was not a finite number at step {step}, so nothing was learned from it. "
            f"Last good checkpoint: {where}. Lower the learning rate and start again from there.",
            f"{step}번째 단계에서 손실이 유한한 수가 아니어서 학습을 멈췄습니다. "
            f"마지막 정상 체크포인트: {where}. 학습률을 낮추고 다시 시작하십시오.",
        )
