"""Errors of answers drawn from a model, and of what judges them."""

from collections.abc import Sequence
from pathlib import Path

from hunmin.errors.base import HunminError


class PromptsMissing(HunminError):
    """A corpus has no prompts to be answered, or none that fits the model's context."""

    code = "prompts_missing"
    status = 422

    def __init__(self, *, corpus: Path, split: str) -> None:
        super().__init__(
            f"{corpus} has no {split} that fits the model's context with its answer. Add a source "
            'of kind = "prompt" to the sources file, or allow shorter answers.',
            f"{corpus}에 답까지 모델의 문맥에 들어가는 {split} 자료가 없습니다. 자료 목록에 "
            'kind = "prompt"인 자료를 더하거나 답의 최대 길이를 줄이십시오.',
        )


class VerifierUnknown(HunminError):
    """A recipe names a verifier that is not there."""

    code = "verifier_unknown"
    status = 422

    def __init__(self, *, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f'There is no verifier "{name}". There are: {", ".join(known)}. Choose one of them, or '
            "install the package that brings it.",
            f'"{name}" 검증기가 없습니다. 있는 검증기: {", ".join(known)}. 이 가운데 고르거나 '
            "해당 검증기가 든 패키지를 설치하십시오.",
        )


class VerifierWrong(HunminError):
    """A verifier cannot be made with its options, or has failed at an answer."""

    code = "verifier_wrong"
    status = 422

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(
            f'The verifier "{name}" cannot be used: {reason}. Mend its options in the recipe.',
            f'"{name}" 검증기를 쓸 수 없습니다({reason}). 레시피에서 옵션을 고치십시오.',
        )


class RolloutsUnfit(HunminError):
    """Answers with their rewards are not such as this stage can learn from."""

    code = "rollouts_unfit"
    status = 422

    def __init__(self, *, folder: Path, reason_en: str, reason_ko: str) -> None:
        super().__init__(
            f"The stage cannot learn from {folder}: {reason_en}. Draw and score answers that fit "
            "the recipe and the base.",
            f"{folder}에서 배울 수 없습니다({reason_ko}). 레시피와 기준 체크포인트에 맞게 답을 "
            "다시 생성하고 채점하십시오.",
        )
