"""Errors of tokenizers, chat messages and exported models."""

from pathlib import Path

from hunmin.errors.base import HunminError


class VocabularySizeWrong(HunminError):
    """The vocabulary size asked for is none a tokenizer can have."""

    code = "vocabulary_size_wrong"
    status = 422

    def __init__(self, *, vocab_size: int, smallest: int, multiple: int) -> None:
        super().__init__(
            f"A vocabulary of {vocab_size} is not possible. Take a multiple of {multiple} "
            f"that is at least {smallest}.",
            f"어휘 크기 {vocab_size}은(는) 쓸 수 없습니다. "
            f"{smallest} 이상이면서 {multiple}의 배수인 수를 쓰십시오.",
        )


class SourceBalanceWrong(HunminError):
    """The balance between the sources of a tokenizer is none there can be."""

    code = "source_balance_wrong"
    status = 422

    def __init__(self, *, balance: float) -> None:
        super().__init__(
            f"A balance of {balance:g} between sources is not possible. Take a number from 0 "
            "(every byte counts alike) to 1 (every source counts alike).",
            f"자료 사이의 균형값 {balance:g}은(는) 쓸 수 없습니다. 0(모든 바이트를 같게)부터 "
            "1(모든 자료를 같게) 사이의 수를 쓰십시오.",
        )


class VocabularyTooLarge(HunminError):
    """The text has too few repeated pieces to fill the vocabulary asked for."""

    code = "vocabulary_too_large"
    status = 422

    def __init__(self, *, vocab_size: int, largest: int) -> None:
        super().__init__(
            f"The text gives a vocabulary of at most {largest}, not {vocab_size}. "
            f"Ask for {largest} or fewer, or add text to the corpus.",
            f"이 텍스트로 만들 수 있는 어휘는 최대 {largest}개이며 {vocab_size}개는 안 됩니다. "
            f"{largest} 이하로 줄이거나 코퍼스에 텍스트를 더하십시오.",
        )
        self.largest = largest


class CorpusEmpty(HunminError):
    """A corpus has no training text."""

    code = "corpus_empty"
    status = 422

    def __init__(self, *, corpus: Path) -> None:
        super().__init__(
            f"{corpus} has no text to learn from. See dropped.parquet in it for the reasons "
            "documents were left out, and build the corpus again.",
            f"{corpus}에 배울 텍스트가 없습니다. 문서가 빠진 까닭은 그 폴더의 dropped.parquet에 "
            "있습니다. 확인한 뒤 코퍼스를 다시 만드십시오.",
        )


class ShardBroken(HunminError):
    """A shard of a corpus cannot be read."""

    code = "shard_broken"
    status = 422

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read: {reason}. Build the corpus again, or restore the file.",
            f"{path} 파일을 읽을 수 없습니다({reason}). 코퍼스를 다시 만들거나 되돌리십시오.",
        )


class TokenizerTrainingFailed(HunminError):
    """The process that learns the vocabulary ended early."""

    code = "tokenizer_training_failed"
    status = 500

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            f"Learning the vocabulary ended early: {reason}. If memory ran out, lower "
            "--mb-per-source and run the same command again.",
            f"어휘 학습이 도중에 끝났습니다({reason}). 메모리가 모자랐다면 "
            "--mb-per-source를 줄여 다시 실행하십시오.",
        )


class TokenizerBroken(HunminError):
    """A folder or file that should hold a tokenizer does not hold one of ours."""

    code = "tokenizer_broken"
    status = 422

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} does not hold a usable tokenizer: {reason}. "
            "Make one with `hunmin tokenizer train`.",
            f"{path}의 토크나이저를 쓸 수 없습니다({reason}). "
            "`hunmin tokenizer train`으로 만드십시오.",
        )


class ChatMessageWrong(HunminError):
    """A message of a conversation cannot be put into the chat template."""

    code = "chat_message_wrong"
    status = 422

    def __init__(self, *, index: int, reason_en: str, reason_ko: str) -> None:
        super().__init__(
            f"Message {index} of the conversation {reason_en}. Each message needs a role "
            "(system, user or assistant) and a text.",
            f"대화의 {index}번째 메시지: {reason_ko}. 각 메시지에는 "
            "역할(system, user, assistant)과 텍스트가 있어야 합니다.",
        )


class ModelNameWrong(HunminError):
    """A model cannot have this name."""

    code = "model_name_wrong"
    status = 422

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"{name!r} cannot be the name of a model. Take up to 96 letters, digits, dots, "
            "hyphens and underscores, beginning with a letter or digit.",
            f"{name!r}은(는) 모델 이름으로 쓸 수 없습니다. 영문자나 숫자로 시작하고 영문자, 숫자, "
            "점, 붙임표, 밑줄만 쓰는 96자 이내의 이름을 쓰십시오.",
        )


class EvaluationOfAnother(HunminError):
    """An evaluation was given that measured another checkpoint."""

    code = "evaluation_of_another"
    status = 422

    def __init__(self, *, evaluation: Path, checkpoint: Path) -> None:
        super().__init__(
            f"{evaluation} measured another checkpoint than {checkpoint}, so its scores do not "
            "belong into this card. Run `hunmin eval` on this checkpoint.",
            f"{evaluation}은(는) {checkpoint}이(가) 아닌 다른 체크포인트를 잰 결과라서 이 모델 "
            "카드에 쓸 수 없습니다. 이 체크포인트로 `hunmin eval`을 실행하십시오.",
        )


class VocabularyMismatch(HunminError):
    """A model and its tokenizer have different vocabularies."""

    code = "vocabulary_mismatch"
    status = 422

    def __init__(self, *, folder: Path, model_size: int, tokenizer_size: int) -> None:
        super().__init__(
            f"The model in {folder} has {model_size} tokens, its tokenizer {tokenizer_size}. "
            "Copy the tokenizer it was trained with into the folder.",
            f"{folder}의 모델은 토큰이 {model_size}개인데 토크나이저는 {tokenizer_size}개입니다. "
            "학습에 쓴 토크나이저를 그 폴더에 복사하십시오.",
        )
