"""Filling in the objects and events of the Responses API from an answer's pieces. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

from hunmin.gateway.replies import ErrorReply
from hunmin.gateway.response_replies import (
    IncompleteDetails,
    InputTokensDetails,
    OutputMessage,
    OutputText,
    OutputTokensDetails,
    Reasoning,
    ResponseError,
    ResponseEvent,
    ResponseReply,
    ResponseUsage,
    Status,
)
from hunmin.gateway.response_wire import ResponseRequest
from hunmin.plugins import Delta, Sampling


class ResponseWriter:
    """Writes one answer, at once or in events."""

    def __init__(
        self,
        *,
        answer_id: str,
        created: int,
        model: str,
        asked: ResponseRequest,
        sampling: Sampling,
    ) -> None:
        self._answer_id = answer_id
        self._created = created
        self._model = model
        self._asked = asked
        self._sampling = sampling
        self._text = ""
        self._events = 0

    def whole(self, pieces: Sequence[Delta], last: Delta) -> str:
        """Return the whole answer."""
        self._text = "".join([piece.text for piece in pieces])
        return self._response(_status_of(last), last).to_json()

    def frame(self, chunk: str) -> str:
        """Return an event as it is sent, its type before it."""
        kind = chunk.partition('"type":"')[2].partition('"')[0]
        return f"event: {kind}\ndata: {chunk}\n\n"

    def opening(self, *, with_usage: bool) -> list[str]:
        """Return the events before the first text."""
        del with_usage
        begun = self._response("in_progress", None)
        return [
            self._event("response.created", response=begun),
            self._event("response.in_progress", response=begun),
            self._event(
                "response.output_item.added", output_index=0, item=self._message("in_progress")
            ),
            self._of_part("response.content_part.added", part=_part("")),
        ]

    def piece(self, delta: Delta, *, with_usage: bool) -> list[str]:
        """Return the event of one piece, where it has text."""
        del with_usage
        if not delta.text:
            return []
        self._text += delta.text
        return [self._of_part("response.output_text.delta", delta=delta.text, logprobs=[])]

    def closing(self, last: Delta, *, with_usage: bool) -> list[str]:
        """Return the events of the end; the last one has the whole answer and its token counts."""
        del with_usage
        status = _status_of(last)
        return [
            self._of_part("response.output_text.done", text=self._text, logprobs=[]),
            self._of_part("response.content_part.done", part=_part(self._text)),
            self._event("response.output_item.done", output_index=0, item=self._message(status)),
            self._event(f"response.{status}", response=self._response(status, last)),
        ]

    def failure(self, reply: ErrorReply) -> list[str]:
        """Return the event that ends an answer that failed on the way."""
        error = ResponseError(code=reply.error.code, message=reply.error.message)
        failed = self._response("failed", None, error=error)
        return [self._event("response.failed", response=failed)]

    def _event(self, kind: str, **fields: Any) -> str:  # noqa: ANN401 (each type has its own)
        number = self._events
        self._events += 1
        return ResponseEvent(type=kind, sequence_number=number, **fields).to_json()

    def _of_part(self, kind: str, **fields: Any) -> str:  # noqa: ANN401 (each type has its own)
        return self._event(
            kind, item_id=f"msg_{self._answer_id}", output_index=0, content_index=0, **fields
        )

    def _message(self, status: Literal["in_progress", "completed", "incomplete"]) -> OutputMessage:
        return OutputMessage(
            id=f"msg_{self._answer_id}",
            type="message",
            role="assistant",
            status=status,
            content=[] if status == "in_progress" else [_part(self._text)],
        )

    def _response(
        self, status: Status, last: Delta | None, *, error: ResponseError | None = None
    ) -> ResponseReply:
        asked = self._asked
        form = asked.text.format if asked.text is not None else None
        incomplete = IncompleteDetails(reason="max_output_tokens")
        return ResponseReply(
            id=f"resp_{self._answer_id}",
            object="response",
            created_at=self._created,
            status=status,
            background=False,
            error=error,
            incomplete_details=incomplete if status == "incomplete" else None,
            instructions=asked.instructions,
            max_output_tokens=asked.max_output_tokens,
            max_tool_calls=None,
            metadata={},
            model=self._model,
            output=[self._message(status)] if status in {"completed", "incomplete"} else [],
            parallel_tool_calls=asked.parallel_tool_calls is not False,
            previous_response_id=None,
            reasoning=Reasoning(effort=None, summary=None),
            service_tier="default",
            store=False,
            temperature=self._sampling.temperature,
            text={"format": form.model_dump(by_alias=True) if form else {"type": "text"}},
            tool_choice=asked.tool_choice or "auto",
            tools=[],
            top_logprobs=0,
            top_p=self._sampling.top_p,
            truncation="disabled",
            usage=None if last is None else _usage_of(last),
            user=None,
        )


def _part(text: str) -> OutputText:
    return OutputText(type="output_text", text=text, annotations=[], logprobs=[])


def _status_of(last: Delta) -> Literal["completed", "incomplete"]:
    return "incomplete" if last.finish_reason == "length" else "completed"


def _usage_of(last: Delta) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=last.prompt_tokens,
        input_tokens_details=InputTokensDetails(
            cached_tokens=last.cached_tokens, cache_write_tokens=0
        ),
        output_tokens=last.completion_tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
        total_tokens=last.prompt_tokens + last.completion_tokens,
    )
