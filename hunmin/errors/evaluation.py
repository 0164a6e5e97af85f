"""Errors of evaluations: tasks, their data, and results."""

from collections.abc import Sequence
from pathlib import Path

from hunmin.errors.base import HunminError


class TaskUnknown(HunminError):
    """No pack or task has that name."""

    code = "task_unknown"
    status = 404

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        listed = ", ".join(known)
        super().__init__(
            f"There is no task, pack or pack folder called {name}. Known are: {listed}. "
            "`hunmin eval --list` tells of each.",
            f"{name}이라는 과제나 과제 묶음, 과제 폴더가 없습니다. 쓸 수 있는 이름: {listed}. "
            "`hunmin eval --list`로 자세히 볼 수 있습니다.",
        )


class TaskDataMissing(HunminError):
    """The data of a task that was asked for by name is not on this machine."""

    code = "task_data_missing"
    status = 422

    def __init__(self, *, task: str, file: str, looked_in: Sequence[Path]) -> None:
        folders = ", ".join(map(str, looked_in)) or "-"
        super().__init__(
            f"The data of {task}, {file}, is not in {folders}. "
            "Name the folder that has it with --data.",
            f"{task}의 데이터 {file}이(가) {folders}에 없습니다. "
            "--data로 데이터가 있는 폴더를 지정하십시오.",
        )


class TaskBroken(HunminError):
    """A task file or its data cannot be used."""

    code = "task_broken"
    status = 422

    def __init__(self, *, task: str, reason: str) -> None:
        super().__init__(
            f"The task {task} cannot be run: {reason}. Correct its file or its data; "
            "docs/guides/evaluate-a-model.md shows a task that works.",
            f"과제 {task}을(를) 실행할 수 없습니다({reason}). 과제 파일이나 데이터를 고치십시오. "
            "동작하는 예는 docs/guides/evaluate-a-model.ko.md에 있습니다.",
        )


class HeldoutMissing(HunminError):
    """The corpus holds no text out of training."""

    code = "heldout_missing"
    status = 422

    def __init__(self, *, corpus: Path) -> None:
        super().__init__(
            f"{corpus} has no held-out text (shards/heldout-*.parquet), so bits per byte cannot "
            "be measured. Build the corpus from more documents, or leave --corpus out.",
            f"{corpus}에 따로 떼어 둔 텍스트(shards/heldout-*.parquet)가 없어 바이트당 비트를 "
            "잴 수 없습니다. 더 많은 문서로 코퍼스를 만들거나 --corpus를 빼십시오.",
        )


class NothingToEvaluate(HunminError):
    """Neither a task with data nor held-out text was found."""

    code = "nothing_to_evaluate"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "There is nothing to evaluate: no task has its data on this machine, and no corpus "
            "was named. Name a folder with --data, or a corpus with --corpus.",
            "평가할 것이 없습니다. 데이터가 있는 과제도, 지정된 코퍼스도 없습니다. "
            "--data로 데이터 폴더를, 또는 --corpus로 코퍼스를 지정하십시오.",
        )


class EvaluationBroken(HunminError):
    """A folder does not hold a finished evaluation."""

    code = "evaluation_broken"
    status = 422

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is not the result of an evaluation: {reason}. "
            "Make one with `hunmin eval CHECKPOINT --out FOLDER`.",
            f"{path}은(는) 평가 결과가 아닙니다({reason}). "
            "`hunmin eval 체크포인트 --out 폴더`로 만드십시오.",
        )


class NothingToCompare(HunminError):
    """Two evaluations have no task and no held-out text in common."""

    code = "nothing_to_compare"
    status = 422

    def __init__(self, *, first: Path, second: Path) -> None:
        super().__init__(
            f"{first} and {second} have no task with the same wording and data in common. "
            "Evaluate both models with the same --tasks and --data.",
            f"{first}과(와) {second}에는 문구와 데이터가 같은 과제가 없습니다. "
            "두 모델을 같은 --tasks와 --data로 평가하십시오.",
        )


class CanariesOfAnother(HunminError):
    """A model was not trained with the canaries it is asked about."""

    code = "canaries_of_another"
    status = 422

    def __init__(self, *, canaries: Path, checkpoint: Path) -> None:
        super().__init__(
            f"{checkpoint} was not trained with the canaries in {canaries}: its lineage does not "
            "name them, so they can tell nothing of it. Name the folder that was given to "
            "`hunmin train --canaries`.",
            f"{checkpoint}은(는) {canaries}의 카나리아로 학습되지 않았습니다. 계보에 없으므로 이 "
            "카나리아로는 아무것도 알 수 없습니다. `hunmin train --canaries`에 준 폴더를 "
            "지정하십시오.",
        )
