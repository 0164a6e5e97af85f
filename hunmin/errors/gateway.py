"""Errors of the OpenAI-compatible API: what a request may not ask, and when to come again.

`param` names the request field at fault, as OpenAI's error envelope does; `retry_after_seconds`
becomes the `Retry-After` header. What a person wrote never appears in a message.
"""

from typing import Literal

from hunmin.errors.base import HunminError


class ApiError(HunminError):
    """An error of the API that may name a request field or a time to come again."""

    def __init__(
        self, en: str, ko: str, *, param: str | None = None, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(en, ko)
        self.param = param
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(ApiError):
    """A field of the request is missing, of the wrong type or out of range."""

    code = "invalid_value"
    status = 400

    def __init__(self, *, param: str | None, reason_en: str, reason_ko: str) -> None:
        where = f"'{param}'" if param else "The request body"
        where_ko = f"'{param}' 값" if param else "요청 본문"
        super().__init__(
            f"{where} is not valid: {reason_en}. Correct it and send the request again.",
            f"{where_ko}이 올바르지 않습니다({reason_ko}). 고쳐서 다시 보내십시오.",
            param=param,
        )


class UnknownParameter(ApiError):
    """The request has a field that OpenAI's API does not have."""

    code = "unknown_parameter"
    status = 400

    def __init__(self, *, param: str) -> None:
        super().__init__(
            f"Unknown parameter: '{param}'. Remove it, or check its spelling; /docs lists "
            "every parameter.",
            f"알 수 없는 매개변수입니다: '{param}'. 지우거나 철자를 확인하십시오. "
            "모든 매개변수는 /docs에 있습니다.",
            param=param,
        )


class UnsupportedParameter(ApiError):
    """The request asks for something this server cannot do. It is refused, never ignored."""

    code = "unsupported_parameter"
    status = 400

    def __init__(self, *, param: str) -> None:
        super().__init__(
            f"This server does not support '{param}' with this value. Leave it out.",
            f"이 서버는 이 값의 '{param}'을(를) 지원하지 않습니다. 빼고 보내십시오.",
            param=param,
        )


class SchemaUnsupported(ApiError):
    """The JSON Schema says something that answers cannot be held to here."""

    code = "unsupported_schema"
    status = 400

    def __init__(self, *, keyword: str | None, param: str = "response_format") -> None:
        en = f"'{keyword}' as it is used in it" if keyword else "a part of it, or its size,"
        ko = f"'{keyword}'의 쓰임" if keyword else "일부나 그 크기"
        super().__init__(
            f"The JSON Schema cannot be kept to: {en} is not supported. Leave that out or write "
            "it otherwise; the guide to the API lists what is supported.",
            f"JSON 스키마를 지킬 수 없습니다. {ko}를 지원하지 않습니다. 빼거나 다르게 쓰십시오. "
            "지원하는 것은 API 안내서에 있습니다.",
            param=param,
        )
        self.keyword = keyword


class ModelLacksCapability(ApiError):
    """The model cannot do what this endpoint or parameter needs."""

    code = "unsupported_parameter"
    status = 400

    def __init__(self, *, model: str, capability: str, param: str) -> None:
        super().__init__(
            f"The model '{model}' does not support {capability}. Leave '{param}' out or choose "
            "another model; GET /v1/models lists them.",
            f"모델 '{model}'은(는) {capability} 기능을 지원하지 않습니다. '{param}'을(를) 빼거나 "
            "다른 모델을 고르십시오. 모델 목록은 GET /v1/models에 있습니다.",
            param=param,
        )


class ContextLengthExceeded(ApiError):
    """The prompt leaves no room for an answer in the model's context."""

    code = "context_length_exceeded"
    status = 400

    def __init__(self, *, prompt_tokens: int, context_tokens: int, param: str) -> None:
        super().__init__(
            f"This model's context holds {context_tokens} tokens, and the prompt has "
            f"{prompt_tokens}; at least one must be left for the answer. Shorten the prompt.",
            f"이 모델은 한 번에 {context_tokens}토큰까지 다루는데 입력이 {prompt_tokens}토큰이라 "
            "답할 자리가 없습니다. 입력을 줄이십시오.",
            param=param,
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class RequestTooLarge(ApiError):
    """The body of the request is larger than the server reads."""

    code = "request_too_large"
    status = 413

    def __init__(self, *, bytes_max: int) -> None:
        super().__init__(
            f"The request body is larger than {bytes_max} bytes. Send a shorter prompt.",
            f"요청 본문이 {bytes_max}바이트보다 큽니다. 더 짧은 입력을 보내십시오.",
        )


class RequestTooSlow(ApiError):
    """The body of the request did not arrive in time."""

    code = "request_timeout"
    status = 408

    def __init__(self, *, seconds: int) -> None:
        super().__init__(
            f"The request body did not arrive within {seconds} seconds. Send it again.",
            f"요청 본문이 {seconds}초 안에 도착하지 않았습니다. 다시 보내십시오.",
        )


class UnsupportedMediaType(ApiError):
    """The body is not JSON."""

    code = "unsupported_media_type"
    status = 415

    def __init__(self) -> None:
        super().__init__(
            "The body must be JSON. Send the header 'Content-Type: application/json' and no "
            "'Content-Encoding'.",
            "본문은 JSON이어야 합니다. 'Content-Type: application/json' 헤더를 붙이고 "
            "'Content-Encoding' 없이 보내십시오.",
        )


class InvalidApiKey(ApiError):
    """No API key, or one that is unknown, expired or revoked."""

    code = "invalid_api_key"
    status = 401

    def __init__(self) -> None:
        super().__init__(
            "A valid API key is needed. Send 'Authorization: Bearer hm-...'; "
            "`hunmin key create NAME` makes a key.",
            "유효한 API 키가 필요합니다. 'Authorization: Bearer hm-...' 헤더를 보내십시오. "
            "키는 `hunmin key create 이름` 명령으로 만듭니다.",
        )


class ModelNotFound(ApiError):
    """No model of this name is served here."""

    code = "model_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "No model of this name is served here. GET /v1/models lists those that are.",
            "그런 이름의 모델이 없습니다. 제공하는 모델은 GET /v1/models에서 볼 수 있습니다.",
            param="model",
        )


class MethodNotAllowed(ApiError):
    """The address exists, but not with this HTTP method."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, *, allow: str) -> None:
        super().__init__(
            f"This address answers to {allow} only. Send the request with that method.",
            f"이 주소는 {allow} 요청만 받습니다. 그 방식으로 다시 보내십시오.",
        )
        self.allow = allow


Holder = Literal["key", "project", "organization", "user"]
"""Whose a limit or a budget can be."""

_HOLDERS: dict[Holder, tuple[str, str]] = {
    "key": ("this key", "이 키"),
    "project": ("this project", "이 프로젝트"),
    "organization": ("this organization", "이 기관"),
    "user": ("this account", "이 계정"),
}
"""Whose a limit is, in words; the other is for those of the settings, which hold for everybody."""


def say_holder(holder: Holder) -> tuple[str, str]:
    """Return whose a limit or a budget is, in English and Korean."""
    return _HOLDERS[holder]


def _whose(holder: Holder | None) -> tuple[str, str]:
    """Return whose a limit is as a sentence says it, in English and Korean."""
    if holder is None:
        return "", ""
    en, ko = say_holder(holder)
    return f" for {en}", f"{ko}에서는 "


class RateLimitExceeded(ApiError):
    """Too many requests in the last minute."""

    code = "rate_limit_exceeded"
    status = 429

    def __init__(
        self,
        *,
        requests_per_minute_max: int,
        retry_after_seconds: int,
        holder: Holder | None = None,
    ) -> None:
        en, ko = _whose(holder)
        super().__init__(
            f"At most {requests_per_minute_max} requests a minute are allowed{en}. "
            f"Try again in {retry_after_seconds} s.",
            f"{ko}1분에 {requests_per_minute_max}번까지 요청할 수 있습니다. "
            f"{retry_after_seconds}초 뒤에 다시 보내십시오.",
            retry_after_seconds=retry_after_seconds,
        )
        self.holder = holder


class TokensLimitExceeded(ApiError):
    """Too many tokens in the last minute, with those that answers underway may still have."""

    code = "tokens_limit_exceeded"
    status = 429

    def __init__(
        self,
        *,
        tokens_per_minute_max: int,
        tokens: int,
        retry_after_seconds: int | None,
        holder: Holder,
    ) -> None:
        en, ko = _whose(holder)
        then_en, then_ko = (
            ("Lower max_tokens or shorten the prompt.", "max_tokens를 줄이거나 입력을 줄이십시오.")
            if retry_after_seconds is None
            else (
                f"Try again in {retry_after_seconds} s, or lower max_tokens.",
                f"{retry_after_seconds}초 뒤에 다시 보내거나 max_tokens를 줄이십시오.",
            )
        )
        super().__init__(
            f"At most {tokens_per_minute_max} tokens a minute are allowed{en}, and this request "
            f"may come to {tokens}. {then_en}",
            f"{ko}1분에 {tokens_per_minute_max}토큰까지 쓸 수 있는데 이 요청은 {tokens}토큰에 이를 "
            f"수 있습니다. {then_ko}",
            retry_after_seconds=retry_after_seconds,
        )
        self.holder = holder


class TooManyAtOnce(ApiError):
    """Too many answers of one key, account, project or organization run at the same time."""

    code = "concurrency_limit_exceeded"
    status = 429

    def __init__(
        self, *, concurrent_max: int, retry_after_seconds: int = 1, holder: Holder | None = None
    ) -> None:
        en, ko = _whose(holder)
        super().__init__(
            f"At most {concurrent_max} answers may run at the same time{en}. "
            "Wait for one to end, or stop it.",
            f"{ko}동시에 {concurrent_max}개까지 답을 받을 수 있습니다. "
            "하나가 끝나기를 기다리거나 멈추십시오.",
            retry_after_seconds=retry_after_seconds,
        )
        self.holder = holder


class EngineStarting(ApiError):
    """The engine is still loading its models."""

    code = "engine_starting"
    status = 503

    def __init__(self, *, retry_after_seconds: int = 5) -> None:
        super().__init__(
            f"The model is still being loaded. Try again in {retry_after_seconds} s.",
            f"모델을 불러오는 중입니다. {retry_after_seconds}초 뒤에 다시 시도하십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class EngineBusy(ApiError):
    """As many answers are being written as this server writes at once."""

    code = "engine_busy"
    status = 503

    def __init__(self, *, retry_after_seconds: int = 2) -> None:
        super().__init__(
            f"The server is busy with other answers. Try again in {retry_after_seconds} s.",
            f"서버가 다른 답을 쓰고 있습니다. {retry_after_seconds}초 뒤에 다시 시도하십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class Overloaded(ApiError):
    """The service has more to do than it can; some are refused so that others are served."""

    code = "overloaded"
    status = 503

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__(
            f"The service has more to do than it can now. Try again in {retry_after_seconds} s.",
            f"지금은 요청이 너무 많습니다. {retry_after_seconds}초 뒤에 다시 시도하십시오.",
            retry_after_seconds=retry_after_seconds,
        )


class EngineUnavailable(ApiError):
    """The engine cannot take a request: it did not start, it failed, or it is shutting down."""

    code = "engine_unavailable"
    status = 503

    def __init__(self, *, retry_after_seconds: int = 30) -> None:
        super().__init__(
            f"The model cannot answer now. Try again in {retry_after_seconds} s; if that does "
            "not help, the server's log says why.",
            f"지금은 모델이 답할 수 없습니다. {retry_after_seconds}초 뒤에 다시 시도하십시오. "
            "계속되면 서버 로그에 이유가 있습니다.",
            retry_after_seconds=retry_after_seconds,
        )


class AnswerTimedOut(ApiError):
    """The answer took longer than the server allows."""

    code = "answer_timed_out"
    status = 504

    def __init__(self, *, seconds: int) -> None:
        super().__init__(
            f"The answer took longer than {seconds} s and was stopped. "
            "Ask for fewer tokens with max_tokens.",
            f"답이 {seconds}초 안에 끝나지 않아 멈췄습니다. max_tokens를 줄여 보십시오.",
        )


class InternalError(ApiError):
    """A fault of the server. The request's id finds it in the log."""

    code = "internal_error"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "The server made a mistake. Try again; if it happens again, give the "
            "x-request-id header to whoever runs the server.",
            "서버에 오류가 났습니다. 다시 시도하고, 또 나면 x-request-id 헤더의 값을 "
            "서버 운영자에게 알려 주십시오.",
        )
