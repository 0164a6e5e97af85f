"""What a run says of itself in words, Korean and English, for the terminal and for pages."""

from collections.abc import Mapping
from typing import Any, Literal

from hunmin.journal.log import HELDOUT
from hunmin.journal.rules import State
from hunmin.journal.values import Event, Straggler

Language = Literal["ko", "en"]

_STATES: Mapping[State, Mapping[Language, str]] = {
    "running": {"ko": "진행 중", "en": "running"},
    "finished": {"ko": "완료", "en": "finished"},
    "stopped": {"ko": "멈춤", "en": "stopped"},
    "failed": {"ko": "실패", "en": "failed"},
    "stalled": {"ko": "응답 없음", "en": "no sign of life"},
}

_STAGES: Mapping[str, Mapping[Language, str]] = {
    "pretrain": {"ko": "사전 학습", "en": "pretraining"},
    "chat": {"ko": "대화 학습", "en": "fine-tuning on chats"},
    "preference": {"ko": "선호 학습", "en": "preference optimization"},
    "reinforce": {"ko": "강화 학습", "en": "reinforcement learning"},
}

_EVENTS: Mapping[str, Mapping[Language, str]] = {
    "started": {"ko": "시작", "en": "Started"},
    "finished": {"ko": "완료", "en": "Finished"},
    "stopped": {"ko": "멈춤", "en": "Stopped"},
    "failed": {"ko": "실패", "en": "Failed"},
    "skipped": {"ko": "건너뛴 스텝", "en": "A step was skipped"},
    "rollback": {"ko": "체크포인트로 되돌아감", "en": "Went back to a checkpoint"},
    "checkpoint_left_out": {"ko": "체크포인트 생략", "en": "A checkpoint was left out"},
    "checkpoint_failed": {"ko": "체크포인트 실패", "en": "A checkpoint failed"},
    "precision_changed": {"ko": "정밀도 변경", "en": "Goes on in another precision"},
    "straggler": {"ko": "느린 프로세스", "en": "A process holds up the others"},
    "straggler_keeps_up": {"ko": "다시 따라온 프로세스", "en": "A process keeps up again"},
    "replica_lost": {"ko": "복제본을 잃음", "en": "A replica was lost"},
    "replica_joined": {"ko": "복제본이 들어옴", "en": "A replica joined"},
}

_NAMES: Mapping[str, Mapping[Language, str]] = {
    "run": {"ko": "실행", "en": "Run"},
    "state": {"ko": "상태", "en": "State"},
    "step": {"ko": "스텝", "en": "Step"},
    "from_step": {"ko": "되돌아가기 전 스텝", "en": "From step"},
    "loss": {"ko": "손실", "en": "Loss"},
    "heldout_loss": {"ko": "떼어 둔 글의 손실", "en": "Held-out loss"},
    "skipped_loss": {"ko": "손실", "en": "Loss"},
    "gradient_norm": {"ko": "기울기 크기", "en": "Gradient norm"},
    "learning_rate": {"ko": "학습률", "en": "Learning rate"},
    "tokens_seen": {"ko": "학습한 토큰", "en": "Tokens seen"},
    "tokens_per_second": {"ko": "초당 토큰", "en": "Tokens a second"},
    "mfu": {"ko": "MFU", "en": "MFU"},
    "seconds_left": {"ko": "남은 시간", "en": "Time left"},
    "seconds_over": {"ko": "스텝마다 더 걸린 초", "en": "Seconds longer a step"},
    "device": {"ko": "장치", "en": "Device"},
    "host": {"ko": "컴퓨터", "en": "Machine"},
    "layout": {"ko": "프로세스 배치", "en": "Layout"},
    "process": {"ko": "프로세스", "en": "Process"},
    "processes": {"ko": "프로세스", "en": "Processes"},
    "replica": {"ko": "복제본", "en": "Replica"},
    "replicas": {"ko": "복제본 수", "en": "Replicas"},
    "precision": {"ko": "정밀도", "en": "Precision"},
    "precision_before": {"ko": "이전 정밀도", "en": "Before"},
    "phase": {"ko": "구간", "en": "Phase"},
    "reason": {"ko": "이유", "en": "Reason"},
    "filling": {"ko": "토큰", "en": "Tokens"},
    "samples": {"ko": "표본", "en": "Samples"},
    "skipped": {"ko": "건너뛴 스텝", "en": "Steps skipped"},
    "data_steps_left_out": {"ko": "뺀 자료 스텝", "en": "Data steps left out"},
    "stragglers": {"ko": "느린 프로세스", "en": "Stragglers"},
    "checkpoints": {"ko": "체크포인트", "en": "Checkpoints"},
    "head": {"ko": "원장 봉인값", "en": "Ledger head"},
    "mix": {"ko": "자료 구성", "en": "Data mix"},
    "events": {"ko": "기록", "en": "Events"},
    "reward": {"ko": "보상", "en": "Reward"},
    "clip_share": {"ko": "잘린 토큰의 비율", "en": "Share of tokens clipped"},
    "sampling_kl": {"ko": "답한 모델에서 멀어진 정도", "en": "Away from the model that answered"},
    "reference_kl": {"ko": "기준 모델에서 멀어진 정도", "en": "Away from the reference model"},
    "entropy": {"ko": "엔트로피", "en": "Entropy"},
    "reward_margin": {"ko": "보상 차이", "en": "Reward margin"},
    "chosen_reward": {"ko": "고른 답의 보상", "en": "Reward of chosen answers"},
    "chosen_loss": {"ko": "고른 답의 손실", "en": "Loss of chosen answers"},
    "preference_accuracy": {"ko": "보상으로 옳게 가린 쌍", "en": "Pairs ranked right by reward"},
    "ranking_accuracy": {
        "ko": "확률로 옳게 가린 쌍",
        "en": "Pairs ranked right by probability",
    },
}
"""What the log of a run, and who reads it, has values of."""

_PHASES: Mapping[str, Mapping[Language, str]] = {
    "data": {"ko": "자료 읽기", "en": "data"},
    "forward": {"ko": "순전파", "en": "forward"},
    "backward": {"ko": "역전파", "en": "backward"},
    "optimizer": {"ko": "갱신", "en": "optimizer"},
}

_SIDES: Mapping[str, Mapping[Language, str]] = {
    "replicas": {"ko": "복제본 {count}개", "en": "{count} replicas"},
    "context": {"ko": "시퀀스를 나눈 프로세스 {count}개", "en": "each sequence on {count}"},
    "tensor": {"ko": "층을 나눈 프로세스 {count}개", "en": "each layer on {count}"},
    "expert_parallel": {"ko": "전문가를 나눈 프로세스 {count}개", "en": "experts on {count}"},
}

_SHARES: Mapping[str, Mapping[Language, str]] = {
    "drop_share": {"ko": "버림 {share}", "en": "{share} dropped"},
    "pad_share": {"ko": "채움 {share}", "en": "{share} padded"},
}

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def say_state(state: State, language: Language) -> str:
    """Return a state in a word."""
    return _STATES[state][language]


def say_stage(stage: str, language: Language) -> str:
    """Return a stage in a word; one that has none is called as it is written."""
    return _STAGES.get(stage, {}).get(language, stage)


def say_event(event: Event, language: Language) -> str:
    """Return an event in a few words, with what the log says of it."""
    name = say_kind(event.event, language)
    details = ", ".join(
        f"{_say_name_within(key, language)} {_say_value(key, value, language)}"
        for key, value in event.details.items()
        if value is not None
    )
    return f"{name} ({details})" if details else name


def say_kind(event: str, language: Language) -> str:
    """Return a kind of event in a few words; one that has none is called as it is written."""
    return _EVENTS.get(event, {}).get(language, event)


def say_straggler(straggler: Straggler, language: Language) -> str:
    """Return in a line who holds up the others, where, in what, and by how much."""
    who = f"{_say_name_within('process', language)} {straggler.process}"
    parts = [straggler.host, say_phase(straggler.phase, language)]
    if straggler.seconds_over is not None:
        seconds = say_number(straggler.seconds_over)
        parts.append(
            {"ko": f"스텝마다 {seconds}초 더 걸림", "en": f"{seconds} s longer a step"}[language]
        )
    said = ", ".join(part for part in parts if part)
    return f"{who} ({said})" if said else who


def say_name(name: str, language: Language) -> str:
    """Return in a few words what a value is; one that has none is called as it is written.

    What a stage measures of held-out data is called as that of training, with a word more.
    """
    if name not in _NAMES and name.startswith(HELDOUT):
        said = say_name(name.removeprefix(HELDOUT), language)
        return {"ko": f"{said}, 떼어 둔 자료", "en": f"{said}, held out"}[language]
    return _NAMES.get(name, {}).get(language, name)


def _say_name_within(name: str, language: Language) -> str:
    """Return what a value is, as it stands within a sentence."""
    said = say_name(name, language)
    return said[:1].lower() + said[1:]


def say_layout(layout: Mapping[str, int], language: Language) -> str:
    """Return how many processes do what together; nothing where each does all of it."""
    return ", ".join(_SIDES[side][language].format(count=count) for side, count in layout.items())


def say_filling(drop_share: float | None, pad_share: float | None, language: Language) -> str:
    """Return how much of the tokens was dropped, and of the sequences padded, where it is told."""
    shares = {"drop_share": drop_share, "pad_share": pad_share}
    return ", ".join(
        _SHARES[name][language].format(share=f"{100 * share:.3g}%")
        for name, share in shares.items()
        if share is not None
    )


def say_phase(phase: str, language: Language) -> str:
    """Return a phase of a step in a word."""
    return _PHASES.get(phase, {}).get(language, phase)


def _say_value(key: str, value: Any, language: Language) -> str:  # noqa: ANN401 (likewise)
    return say_phase(str(value), language) if key == "phase" else say_number(value)


def say_number(value: Any) -> str:  # noqa: ANN401 (a number or a word)
    """Return a number as people read it; a word stays as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or value == int(value) or abs(value) >= 1000:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.4g}"


def say_share(share: float) -> str:
    """Return a share of one as a percentage."""
    return f"{100 * share:.1f}%"


def say_duration(seconds: float, language: Language) -> str:
    """Return a time in its two largest units: `3시간 20분`, `3 h 20 min`."""
    whole = round(seconds)
    parts = (
        (whole // _DAY, {"ko": "일", "en": " d"}),
        (whole % _DAY // _HOUR, {"ko": "시간", "en": " h"}),
        (whole % _HOUR // _MINUTE, {"ko": "분", "en": " min"}),
        (whole % _MINUTE, {"ko": "초", "en": " s"}),
    )
    first = next((place for place, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    shown = [part for part in parts[first : first + 2] if part[0]] or [parts[-1]]
    return " ".join(f"{amount}{unit[language]}" for amount, unit in shown)


def say_bytes(size: int) -> str:
    """Return a size in the unit that suits it."""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:  # noqa: PLR2004 (SI)
        value /= 1000
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "B" else f"{value:.1f} {units[0]}"
