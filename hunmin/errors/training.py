"""Errors of checkpoints, recipes and training runs."""

from collections.abc import Mapping
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


class BaseNeeded(HunminError):
    """A stage that goes on from a trained model was given none."""

    code = "base_needed"
    status = 422

    def __init__(self, *, stage: str) -> None:
        super().__init__(
            f"The {stage} stage goes on from a trained model, and none was named. "
            "Give a checkpoint with --base.",
            f"{stage} 단계는 학습된 모델에서 이어가는데 모델을 지정하지 않았습니다. "
            "--base로 체크포인트를 지정하십시오.",
        )


class CanariesUnfit(HunminError):
    """Canaries cannot be put into the text of a training stage."""

    code = "canaries_unfit"
    status = 422

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            f"The canaries cannot be put in: {reason}. Give them to the pretrain stage, with "
            "sequences longer than they are and many more documents than copies, or leave them "
            "out.",
            f"카나리아를 넣을 수 없습니다({reason}). 카나리아보다 시퀀스가 길고 문서가 "
            "사본보다 훨씬 많은 사전 학습 단계에 넣거나 빼십시오.",
        )


class TrainingUnstable(HunminError):
    """Steps kept having a loss or gradient out of all bounds."""

    code = "training_unstable"
    status = 500

    def __init__(self, *, step: int, last_good: Path | None) -> None:
        where = f"{last_good}" if last_good else "none"
        super().__init__(
            f"Too many steps up to {step} had a loss or gradient that is no number or far too "
            f"large; none of them was learned from. Last good checkpoint: {where}. "
            "Look at the data, or lower the learning rate and start again from there.",
            f"{step}번째 스텝까지 손실이나 기울기가 수가 아니거나 지나치게 큰 스텝이 "
            f"너무 많았습니다. 그 스텝들은 학습하지 않았습니다. 마지막 정상 체크포인트: {where}. "
            "자료를 살펴보거나 학습률을 낮추고 그곳에서 다시 시작하십시오.",
        )
        self.last_good = last_good


class LayoutUnfit(HunminError):
    """The processes of a run cannot be laid out as asked."""

    code = "layout_unfit"
    status = 422

    def __init__(
        self, *, processes: int, replicas: int, context: int, tensor: int, expert_parallel: int
    ) -> None:
        super().__init__(
            f"{processes} processes cannot be parted into {replicas} replicas of the same size, "
            f"with {context} x {tensor} processes to a sequence and {expert_parallel} to the "
            "experts. The product of --replicas, --context and --tensor must divide the number of "
            "processes, and so must that of --replicas and --expert-parallel.",
            f"프로세스 {processes}개를 같은 크기의 복제본 {replicas}개로, 시퀀스마다 프로세스 "
            f"{context} x {tensor}개씩, 전문가를 프로세스 {expert_parallel}개에 나눌 수 없습니다. "
            "--replicas, --context, --tensor의 곱과 --replicas, --expert-parallel의 곱이 모두 "
            "프로세스 수를 나누어떨어지게 고르십시오.",
        )


class ContextUnfit(HunminError):
    """So many processes cannot share the sequences of such a stage."""

    code = "context_unfit"
    status = 422

    def __init__(self, *, context: int, what: str, value: int | str | None) -> None:
        super().__init__(
            f"{context} processes cannot share each sequence: {what} = {value}. "
            "Twice --context must divide sequence_tokens, and --tensor what of it is left to each; "
            "it is for the pretrain and the chat stage, and computes attention its own way.",
            f"프로세스 {context}개가 시퀀스 하나를 나누어 맡을 수 없습니다({what} = {value}). "
            "sequence_tokens는 --context의 두 배로 나누어떨어져야 하고, --context로 나눈 몫은 "
            "--tensor로 나누어떨어져야 합니다. pretrain 단계와 chat 단계에만 쓰며, "
            "어텐션 계산 방식은 따로 고를 수 없습니다.",
        )


class TensorUnfit(HunminError):
    """So many processes cannot train such a model in such a stage together."""

    code = "tensor_unfit"
    status = 422

    def __init__(self, *, tensor: int, what: str, value: int | str) -> None:
        super().__init__(
            f"{tensor} processes cannot compute this model together: {what} = {value}. "
            "--tensor must divide key_value_heads, feed_forward_width, vocab_size and "
            "sequence_tokens; it is for models without experts or adapters, and not for the "
            "preference and reinforce stages.",
            f"프로세스 {tensor}개가 이 모델을 함께 계산할 수 없습니다({what} = {value}). "
            "--tensor는 key_value_heads, feed_forward_width, vocab_size, sequence_tokens를 "
            "나누어떨어지게 해야 하며, 전문가와 어댑터가 없는 모델에만, 선호 학습과 강화 학습이 "
            "아닌 단계에만 씁니다.",
        )


class AttentionUnfit(HunminError):
    """The attention kernel that was asked for cannot be used here."""

    code = "attention_unfit"
    status = 422

    def __init__(self, *, kernel: str, reason: str) -> None:
        super().__init__(
            f"The attention kernel {kernel} cannot be used for this run: {reason}. "
            "Leave --attention out for the fastest that can; `hunmin train attention` lists them.",
            f"어텐션 커널 {kernel}을(를) 이 실행에 쓸 수 없습니다({reason}). "
            "--attention을 빼면 쓸 수 있는 것 가운데 가장 빠른 것을 씁니다. "
            "목록은 `hunmin train attention`에 있습니다.",
        )


class BitsWouldDiffer(HunminError):
    """A deterministic run would go on otherwise than it was computed before."""

    code = "bits_would_differ"
    status = 409

    def __init__(
        self, *, checkpoint: Path, what: str, before: str | float | None, now: str | float | None
    ) -> None:
        super().__init__(
            f"{checkpoint} was computed with {what} = {before}, and the run would go on with "
            f"{now}: its bits would not be those of a run without a break. Go on as it was "
            "begun, or without --deterministic.",
            f"{checkpoint}은(는) {what} = {before}(으)로 계산되었는데 이제 {now}(으)로 이어가려 "
            "합니다. 그러면 중단 없이 끝낸 실행과 비트가 달라집니다. 시작할 때와 똑같이 "
            "이어가거나 --deterministic 없이 이어가십시오.",
        )
        self.what = what


class ExpertParallelUnfit(HunminError):
    """The experts of a model cannot lie whole on so many processes."""

    code = "expert_parallel_unfit"
    status = 422

    def __init__(self, *, expert_parallel: int, what: str, value: int) -> None:
        super().__init__(
            f"The experts of this model cannot be shared out among {expert_parallel} processes: "
            f"{what} = {value}. --expert-parallel is for models with experts, must divide their "
            "number, and cannot be used together with --tensor.",
            f"이 모델의 전문가를 프로세스 {expert_parallel}개에 나눌 수 없습니다"
            f"({what} = {value}). --expert-parallel은 전문가가 있는 모델에만 쓰고, 전문가 수를 "
            "나누어떨어지게 해야 하며, --tensor와 함께 쓸 수 없습니다.",
        )


class ReplicaUnfit(HunminError):
    """Replicas that are lost alone cannot train this."""

    code = "replica_unfit"
    status = 422

    def __init__(self, *, what: str, value: float | str) -> None:
        super().__init__(
            f"Replicas that meet cannot train this: {what} = {value}. --meeting is for the "
            "pretrain and chat stages, and for mixtures of experts without balance_loss. It goes "
            "without --context, --expert-parallel and --deterministic; in the place of "
            "--replicas start this command several times.",
            f"따로 모이는 복제본들로는 학습할 수 없습니다({what} = {value}). --meeting은 사전 "
            "학습과 대화 학습 단계에 쓰고, 전문가 혼합 모델은 balance_loss가 0일 때만 됩니다. "
            "--context, --expert-parallel, --deterministic과 함께 쓸 수 없으며, --replicas 대신 "
            "이 명령을 여러 번 시작하십시오.",
        )


class ReplicaUnlike(HunminError):
    """The replicas at a meeting train something else, or are laid out in another way."""

    code = "replica_unlike"
    status = 409

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"The replicas that meet at {address} train something else. Start all of them with the "
            "same recipe, folders, number of processes, --tensor and --precision, or open another "
            "meeting.",
            f"{address}에 모인 복제본들은 다른 것을 학습하고 있습니다. 모두 같은 레시피, 폴더, "
            "프로세스 수, --tensor, --precision으로 시작하거나 다른 모임을 여십시오.",
        )


class ReplicaOnOtherDevice(HunminError):
    """The replicas at a meeting compute on other devices, or with another version of PyTorch."""

    code = "replica_on_other_device"
    status = 409

    def __init__(self, *, address: str, here: str, there: str) -> None:
        super().__init__(
            f"The replicas that meet at {address} compute on {there}, and this one on {here}. From "
            "the same gradients their weights would drift apart. Start it where devices and "
            "version of PyTorch are the same, or open another meeting for another run.",
            f"{address}에 모인 복제본들은 {there}에서 계산하고 이 복제본은 {here}에서 계산합니다. "
            "같은 기울기로도 가중치가 조금씩 달라집니다. 장치와 PyTorch 버전이 같은 곳에서 "
            "시작하거나 다른 실행을 위한 모임을 따로 여십시오.",
        )


class MeetingUnreachable(HunminError):
    """Nobody answers where replicas should meet."""

    code = "meeting_unreachable"
    status = 503

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"No meeting answers at {address}. Start one there with `hunmin train meeting`, and "
            "give its place as --meeting HOST:PORT.",
            f"{address}에서 응답하는 모임이 없습니다. 그곳에서 `hunmin train meeting`으로 모임을 "
            "열고 --meeting 호스트:포트로 알려 주십시오.",
        )


class MeetingElsewhere(HunminError):
    """The replicas that train into a folder meet at another place."""

    code = "meeting_elsewhere"
    status = 409

    def __init__(self, *, out: Path, here: str, there: str) -> None:
        super().__init__(
            f"The replicas that train into {out} meet at {there}, and this one would at {here}. "
            f"Give --meeting {there} to join them, or another --out for another run.",
            f"{out}에 학습하는 복제본들은 {there}에서 모이는데 이 복제본은 {here}(으)로 가려 "
            f"합니다. 함께 학습하려면 --meeting {there}을(를) 주고, 다른 실행이면 --out을 "
            "바꾸십시오.",
        )


class Float8Unfit(HunminError):
    """A stage cannot be trained in float8, or it does not pay."""

    code = "float8_unfit"
    status = 422

    def __init__(self, *, what: str, value: int | str, can_be_forced: bool) -> None:
        if can_be_forced:
            super().__init__(
                f"Training in float8 does not pay here: {what} = {value}. It is for GPUs of "
                "compute capability 8.9 or higher, compiled, and dense models of at least 700 "
                "million parameters in matrix products. Leave out --precision, or insist with "
                "--force-float8.",
                f"여기에서는 float8 학습이 이득이 되지 않습니다({what} = {value}). "
                "연산 능력(compute capability) 8.9 이상인 GPU에서 컴파일하여 학습하는, 행렬곱 "
                "파라미터가 7억 개 이상인 밀집 모델에 씁니다. --precision을 빼거나, 그래도 쓰려면 "
                "--force-float8을 주십시오.",
            )
        else:
            super().__init__(
                f"This stage cannot be trained in float8: {what} = {value}. It needs --tensor 1, a "
                "pretrain or chat stage without adapters, and a width that is at least 128 and a "
                "multiple of 16. Leave out --precision.",
                f"이 단계는 float8로 학습할 수 없습니다({what} = {value}). --tensor가 1이고, "
                "어댑터가 없는 pretrain이나 chat 단계이며, 너비(width)가 128 이상이고 16의 "
                "배수여야 합니다. --precision을 빼십시오.",
            )


class OtherProcessFailed(HunminError):
    """Another process of the same run failed, and told why."""

    code = "other_process_failed"
    status = 500

    def __init__(self, *, rank: int, reason: str) -> None:
        super().__init__(
            f"Process {rank} of this run failed: {reason}. See what it printed itself.",
            f"이 실행의 {rank}번 프로세스가 실패했습니다({reason}). 그 프로세스의 출력을 보십시오.",
        )
        self.rank = rank


class RunMissing(HunminError):
    """A folder is not the folder of a run, or a run is not there."""

    code = "run_missing"
    status = 404

    def __init__(self, *, folder: Path) -> None:
        super().__init__(
            f"{folder} is not the folder of a run: it has no loss.jsonl. "
            "Name the folder that was given to `hunmin train --out`, or a folder of a line, "
            "as in var/laptop/pretrain.",
            f"{folder}은(는) 실행 폴더가 아닙니다. loss.jsonl이 없습니다. "
            "`hunmin train --out`에 준 폴더나 var/laptop/pretrain처럼 공정 폴더 안의 실행을 "
            "지정하십시오.",
        )


class RunNotFound(HunminError):
    """There is no run of that name."""

    code = "run_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no run of that name. See the list at /runs; the setting runs.folder says "
            "where runs are looked for.",
            "그런 이름의 실행이 없습니다. /runs의 목록을 보십시오. "
            "실행을 찾는 폴더는 runs.folder 설정에 있습니다.",
        )


class LadderTooShort(HunminError):
    """Fewer runs of a ladder ended well than its law has unknowns."""

    code = "ladder_too_short"
    status = 422

    def __init__(self, *, runs: int, needed: int, left_out: Mapping[str, str]) -> None:
        named = "; ".join(f"depth {depth}: {reason}" for depth, reason in left_out.items())
        super().__init__(
            f"A scaling law has {needed} unknowns, and there are {runs} runs to find them from"
            + (f" (left out: {named})" if named else "")
            + ". Give more depths; five say much more than three.",
            f"스케일링 법칙의 미지수는 {needed}개인데 쓸 수 있는 실행이 {runs}개입니다"
            + (f"(제외: {named})" if named else "")
            + ". 깊이를 더 주십시오. 다섯 개면 세 개보다 훨씬 정확합니다.",
        )
        self.left_out = dict(left_out)
