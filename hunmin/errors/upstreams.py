"""Errors of engines on other machines, and of several engines behind one gateway.

What another engine says of a request is never repeated: it may quote the prompt.
"""

from hunmin.errors.base import HunminError
from hunmin.errors.inference import EngineError


class ModelNameTaken(HunminError):
    """Two engines would serve a model under the same name."""

    code = "model_name_taken"
    status = 422

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"Two engines serve a model called {name}. Give one of them another name in "
            "inference.models, or in the models of its upstream.",
            f"{name}(이)라는 이름의 모델을 엔진 두 개가 제공합니다. inference.models나 해당 "
            "upstream의 models에서 한쪽의 이름을 바꾸십시오.",
        )
        self.name = name


class UpstreamWrong(HunminError):
    """The settings of an upstream make no sense, or not beside those of another."""

    code = "upstream_wrong"
    status = 422

    def __init__(self, *, name: str, en: str, ko: str) -> None:
        super().__init__(
            f"The upstream {name} cannot be used: {en}. Correct [upstreams.{name}].",
            f"{name} upstream을 쓸 수 없습니다({ko}). [upstreams.{name}] 설정을 고치십시오.",
        )
        self.name = name


class UpstreamUnknown(HunminError):
    """The settings name no upstream of this name."""

    code = "upstream_unknown"
    status = 404

    def __init__(self, *, known: list[str]) -> None:
        there = ", ".join(known)
        super().__init__(
            f"There is no upstream of this name. The settings name: {there or 'none'}.",
            f"그런 이름의 upstream이 없습니다. 설정에 있는 이름: {there or '없음'}.",
        )


class UpstreamUnreachable(EngineError):
    """No engine that has the model can be reached, or has a place free."""

    code = "upstream_unreachable"
    status = 503

    def __init__(self, *, retry_after_seconds: int = 5) -> None:
        super().__init__(
            "No engine that serves this model can be reached at the moment. "
            f"Try again in {retry_after_seconds} s.",
            "지금은 이 모델을 제공하는 엔진에 연결할 수 없습니다. "
            f"{retry_after_seconds}초 뒤에 다시 시도하십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class UpstreamRefused(EngineError):
    """An engine on another machine did not take a request that is in order here."""

    code = "upstream_refused"
    status = 502

    def __init__(self) -> None:
        super().__init__(
            "The engine did not take this request. Ask for less, or tell the operator; the "
            "server's log has the engine's status.",
            "엔진이 이 요청을 받아들이지 않았습니다. 요청을 줄이거나 운영자에게 알리십시오. "
            "서버 로그에 엔진의 응답 상태가 있습니다.",
        )


class UpstreamBrokeOff(EngineError):
    """An engine on another machine stopped in the middle of an answer."""

    code = "upstream_broke_off"
    status = 502

    def __init__(self, *, retry_after_seconds: int = 5) -> None:
        super().__init__(
            "The engine stopped in the middle of the answer. Send the request again in "
            f"{retry_after_seconds} s.",
            f"엔진이 답하던 중에 멈췄습니다. {retry_after_seconds}초 뒤에 다시 보내십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class TokenizerElsewhere(EngineError):
    """What single tokens stand for is asked of a model whose tokenizer is on another machine."""

    code = "tokenizer_elsewhere"
    status = 501

    def __init__(self) -> None:
        super().__init__(
            "The tokenizer of this model is on another machine. Set `tokenizer` of its upstream "
            "to the model's folder.",
            "이 모델의 토크나이저는 다른 컴퓨터에 있습니다. 해당 upstream의 tokenizer에 모델 "
            "폴더를 지정하십시오.",
        )


class LaunchFailed(HunminError):
    """An engine could not be started, asked after or ended by its launcher."""

    code = "launch_failed"
    status = 502

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(
            f"The launcher failed for {name}: {reason}. Correct [upstreams.NAME.launch], or look "
            "after the cluster.",
            f"{name} 엔진을 다루지 못했습니다({reason}). [upstreams.NAME.launch] 설정을 고치거나 "
            "클러스터를 확인하십시오.",
        )
        self.reason = reason
