"""Errors of the engines: a model that cannot be served, a request that does not fit, a crash.

`retry_after_seconds` is set where coming again later helps. What a person wrote never appears.
"""

from pathlib import Path

from hunmin.errors.base import HunminError


class EngineError(HunminError):
    """An error of an engine that may name a time to come again."""

    def __init__(self, en: str, ko: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(en, ko)
        self.retry_after_seconds = retry_after_seconds


class ModelFolderBroken(EngineError):
    """A model folder cannot be served: a file is missing or is not what it should be."""

    code = "model_folder_broken"
    status = 422

    def __init__(self, *, folder: Path, reason: str) -> None:
        super().__init__(
            f"The model in {folder} cannot be served: {reason}. "
            "`hunmin export` makes a folder that can.",
            f"{folder} 폴더의 모델을 제공할 수 없습니다({reason}). "
            "`hunmin export` 명령으로 제공할 수 있는 폴더를 만드십시오.",
        )
        self.folder = folder


class ModelNotServed(EngineError):
    """The engine does not serve a model of this name."""

    code = "model_not_served"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "The engine serves no model of this name. The setting inference.models names them.",
            "그런 이름의 모델은 제공하지 않습니다. inference.models 설정에 모델 이름이 있습니다.",
        )


class ContextTooLong(EngineError):
    """The prompt leaves no room for even one token of an answer."""

    code = "context_too_long"
    status = 400

    def __init__(self, *, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(
            f"The prompt has {prompt_tokens} tokens, and the model's context holds "
            f"{context_tokens}; at least one must be left for the answer. Shorten the prompt.",
            f"입력이 {prompt_tokens}토큰인데 이 모델은 {context_tokens}토큰까지 다루므로 "
            "답할 자리가 없습니다. 입력을 줄이십시오.",
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class SamplingWrong(EngineError):
    """A sampling value is out of its range."""

    code = "sampling_wrong"
    status = 400

    def __init__(self, *, name: str, allowed: str) -> None:
        super().__init__(
            f"{name} must be {allowed}. Correct it and send the request again.",
            f"{name} 값은 {allowed} 범위여야 합니다. 고쳐서 다시 보내십시오.",
        )
        self.name = name


class TokenUnknown(EngineError):
    """The model has no token of that number."""

    code = "token_unknown"
    status = 400

    def __init__(self, *, vocab_size: int, param: str) -> None:
        super().__init__(
            f"This model's tokens are numbered from 0 to {vocab_size - 1}. "
            "Send tokens of this model; POST /tokenize makes them.",
            f"이 모델의 토큰 번호는 0부터 {vocab_size - 1}까지입니다. "
            "이 모델의 토큰을 보내십시오. POST /tokenize로 만들 수 있습니다.",
        )
        self.param = param
        """The field of the request that has the number."""


class EngineFull(EngineError):
    """As many requests are running and waiting as the engine takes."""

    code = "engine_full"
    status = 503

    def __init__(self, *, requests_max: int, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"The engine is working on {requests_max} requests, which is all it takes. "
            f"Try again in {retry_after_seconds} s.",
            f"엔진이 받을 수 있는 요청 {requests_max}개를 이미 처리하고 있습니다. "
            f"{retry_after_seconds}초 뒤에 다시 시도하십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class EngineNotReady(EngineError):
    """The engine is loading the model, for the first time or after a crash, or is closed."""

    code = "engine_not_ready"
    status = 503

    def __init__(self, *, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"The model is not loaded at the moment. Try again in {retry_after_seconds} s.",
            f"지금은 모델이 올라와 있지 않습니다. {retry_after_seconds}초 뒤에 다시 시도하십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class EngineCrashed(EngineError):
    """The engine's process died, or hung and was ended, while it was answering."""

    code = "engine_crashed"
    status = 503

    def __init__(self, *, reason: str, retry_after_seconds: int = 5) -> None:
        super().__init__(
            "The engine stopped while answering and is being started again. "
            f"Send the request again in {retry_after_seconds} s.",
            "엔진이 답하던 중에 멈춰 다시 시작하고 있습니다. "
            f"{retry_after_seconds}초 뒤에 다시 보내십시오.",
            retry_after_seconds=retry_after_seconds,
        )
        self.reason = reason
        """For the log: it may name a signal or what a library said."""


class EngineRefused(EngineError):
    """The engine could not work on this one request; the others go on."""

    code = "engine_refused"
    status = 500

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            "The engine could not work on this request. "
            "Ask for fewer tokens, or change the sampling values.",
            "엔진이 이 요청을 처리하지 못했습니다. 토큰 수를 줄이거나 생성 설정을 바꿔 보십시오.",
        )
        self.reason = reason
        """For the log: it may name a signal or what a library said."""


class EngineFailed(EngineError):
    """No way of running the model worked on this machine."""

    code = "engine_failed"
    status = 503

    def __init__(self, *, model: str, reasons: list[str]) -> None:
        tried = "; ".join(reasons)
        super().__init__(
            f"The model {model} could not be started. Tried: {tried}. "
            "The engine's log in the cache folder says more.",
            f"{model} 모델을 시작하지 못했습니다. 시도한 방법: {tried}. "
            "캐시 폴더에 있는 엔진 로그에 자세한 내용이 있습니다.",
        )
        self.reasons = reasons
