"""Filling in the objects and events of the Responses API from an answer's pieces. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hunmin.gateway.replies import ErrorReply
from hunmin.gateway.response_replies import (
    IncompleteDetails,
    InputTokensDetails,
    OutputCall,
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
from hunmin.plugins import CallPiece, Delta, Sampling


@dataclass
class _Item:
    """A part of an answer: the message, or a call."""

    place: int
    """Which of the items it is, counted from 0."""
    call: CallPiece | None
    """The first piece of a call, which has its id and its name."""
    text: str = ""
    """What has come so far: of a call, its arguments."""


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
        self._items: dict[int | None, _Item] = {}
        """What has come, in order: the message under None, calls under their index."""
        self._events = 0

    def whole(self, pieces: Sequence[Delta], last: Delta) -> str:
        """Return the whole answer."""
        for piece in pieces:
            self._take(piece)
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
        ]

    def piece(self, delta: Delta, *, with_usage: bool) -> list[str]:
        """Return the events of one piece: of items that begin, and of what is new in them."""
        del with_usage
        events: list[str] = []
        for item, new, begins in self._take(delta):
            if begins:
                events += self._beginning(item)
            if new and item.call is None:
                events.append(
                    self._of_part(item, "response.output_text.delta", delta=new, logprobs=[])
                )
            elif new:
                events.append(
                    self._of_item(item, "response.function_call_arguments.delta", delta=new)
                )
        return events

    def closing(self, last: Delta, *, with_usage: bool) -> list[str]:
        """Return the events of the end; the last one has the whole answer and its token counts."""
        del with_usage
        status = _status_of(last)
        events: list[str] = []
        if not self._items:
            events += self._beginning(self._extend(None, "")[0])
        for item in self._items.values():
            events += self._end(item, status)
        events.append(self._event(f"response.{status}", response=self._response(status, last)))
        return events

    def failure(self, reply: ErrorReply) -> list[str]:
        """Return the event that ends an answer that failed on the way."""
        error = ResponseError(code=reply.error.code, message=reply.error.message)
        failed = self._response("failed", None, error=error)
        return [self._event("response.failed", response=failed)]

    def _event(self, kind: str, **fields: Any) -> str:  # noqa: ANN401 (each type has its own)
        number = self._events
        self._events += 1
        return ResponseEvent(type=kind, sequence_number=number, **fields).to_json()

    def _of_item(self, item: _Item, kind: str, **fields: Any) -> str:  # noqa: ANN401 (as above)
        return self._event(kind, item_id=self._id_of(item), output_index=item.place, **fields)

    def _of_part(self, item: _Item, kind: str, **fields: Any) -> str:  # noqa: ANN401 (as above)
        return self._of_item(item, kind, content_index=0, **fields)

    def _take(self, delta: Delta) -> list[tuple[_Item, str, bool]]:
        """Add a piece to the items; return each with what is new of it, and whether it begins."""
        said = [self._extend(None, delta.text)] if delta.text else []
        return said + [self._extend(call.index, call.arguments, call) for call in delta.calls]

    def _extend(
        self, key: int | None, new: str, call: CallPiece | None = None
    ) -> tuple[_Item, str, bool]:
        begins = key not in self._items
        if begins:
            self._items[key] = _Item(len(self._items), call)
        self._items[key].text += new
        return self._items[key], new, begins

    def _beginning(self, item: _Item) -> list[str]:
        """Return the events before the first piece of an item."""
        shown = self._show(item, "in_progress")
        added = self._event("response.output_item.added", output_index=item.place, item=shown)
        if item.call is not None:
            return [added]
        return [added, self._of_part(item, "response.content_part.added", part=_part(""))]

    def _end(self, item: _Item, status: Literal["completed", "incomplete"]) -> list[str]:
        """Return the events after the last piece of an item."""
        if item.call is None:
            events = [
                self._of_part(item, "response.output_text.done", text=item.text, logprobs=[]),
                self._of_part(item, "response.content_part.done", part=_part(item.text)),
            ]
        else:
            events = [
                self._of_item(
                    item,
                    "response.function_call_arguments.done",
                    name=item.call.name,
                    arguments=item.text,
                )
            ]
        shown = self._show(item, status)
        done = self._event("response.output_item.done", output_index=item.place, item=shown)
        return [*events, done]

    def _id_of(self, item: _Item) -> str:
        if item.call is None:
            return f"msg_{self._answer_id}"
        return f"fc_{self._answer_id}_{item.call.index}"

    def _show(
        self, item: _Item, status: Literal["in_progress", "completed", "incomplete"]
    ) -> OutputMessage | OutputCall:
        begins = status == "in_progress"
        if item.call is not None:
            return OutputCall(
                id=self._id_of(item),
                type="function_call",
                status=status,
                arguments="" if begins else item.text,
                call_id=item.call.id,
                name=item.call.name,
            )
        return OutputMessage(
            id=self._id_of(item),
            type="message",
            role="assistant",
            status=status,
            content=[] if begins else [_part(item.text)],
        )

    def _output(self, status: Status) -> list[OutputMessage | OutputCall]:
        """Return what an answer consists of when it has ended: a message at least."""
        if status == "in_progress" or status == "failed":  # noqa: PLR1714 (types are narrowed)
            return []
        items = list(self._items.values()) or [_Item(0, None)]
        return [self._show(item, status) for item in items]

    def _response(
        self, status: Status, last: Delta | None, *, error: ResponseError | None = None
    ) -> ResponseReply:
        asked = self._asked
        form = asked.text.format if asked.text is not None else None
        chosen = asked.tool_choice or "auto"
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
            output=self._output(status),
            parallel_tool_calls=asked.parallel_tool_calls is not False,
            previous_response_id=None,
            reasoning=Reasoning(effort=None, summary=None),
            service_tier="default",
            store=False,
            temperature=self._sampling.temperature,
            text={"format": form.model_dump(by_alias=True) if form else {"type": "text"}},
            tool_choice=chosen if isinstance(chosen, str) else chosen.model_dump(),
            tools=[tool.model_dump() | {"strict": False} for tool in asked.tools or []],
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
