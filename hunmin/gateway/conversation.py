"""What the messages and tools of a request mean to an engine. Pure.

Left out: which values a model takes, and whether it has learned to call tools at all (`rules`).
"""

import unicodedata
from collections.abc import Sequence

from hunmin.errors import InvalidRequest, UnsupportedParameter
from hunmin.gateway.forms import field_of_form
from hunmin.gateway.message_wire import AnyMessage, CallingMessage, ChatMessage, ToolMessage
from hunmin.gateway.tool_wire import NamedTool
from hunmin.gateway.wire import ChatRequest
from hunmin.plugins import Function, Message, ToolCall, Tools


def compose(text: str) -> str:
    """Return a text in the form models are trained in: Hangul composed, not in pieces."""
    return unicodedata.normalize("NFC", text)


def messages_of(request: ChatRequest) -> tuple[Message, ...]:
    """Return the conversation to be answered."""
    return tuple(_message(message) for message in request.messages)


def tools_of(request: ChatRequest) -> Tools | None:
    """Return what the model may ask for, or None where nothing is offered."""
    if not request.tools:
        return None
    chosen = request.tool_choice
    return Tools(
        functions=tuple(
            Function(
                tool.function.name,
                compose(tool.function.description or ""),
                tool.function.parameters,
            )
            for tool in request.tools
        ),
        choice="required" if isinstance(chosen, NamedTool) else chosen or "auto",
        only=chosen.function.name if isinstance(chosen, NamedTool) else "",
        parallel=request.parallel_tool_calls is not False,
    )


def field_of_tools(request: ChatRequest) -> str | None:
    """Return the field through which tools come into a request, or None where none do."""
    if request.tools:
        return "tools"
    spoken = any(not isinstance(message, ChatMessage) for message in request.messages)
    return "messages" if spoken else None


def check_tools(request: ChatRequest) -> None:
    """Check that what a request says of tools fits together.

    Raises:
        InvalidRequest: Two tools have one name, the tool to call is none of them, or calls and
            their answers do not match.
        UnsupportedParameter: Something is asked for that no engine does where tools are offered.
    """
    names = [tool.function.name for tool in request.tools or []]
    if len(set(names)) < len(names):
        raise InvalidRequest(
            param="tools",
            reason_en="two functions have the same name",
            reason_ko="이름이 같은 함수가 둘 있습니다",
        )
    chosen = request.tool_choice
    if isinstance(chosen, NamedTool) and chosen.function.name not in names:
        raise InvalidRequest(
            param="tool_choice",
            reason_en="'tools' has no function of that name",
            reason_ko="'tools'에 그런 이름의 함수가 없습니다",
        )
    if chosen == "required" and not names:
        raise InvalidRequest(
            param="tool_choice",
            reason_en="there are no 'tools' to choose from",
            reason_ko="고를 'tools'가 없습니다",
        )
    _check_calls(request.messages)
    if field_of_tools(request) is None:
        return
    if (form_field := field_of_form(request)) is not None:
        raise UnsupportedParameter(param=form_field)
    if request.scored:
        raise UnsupportedParameter(param="top_logprobs" if request.top_logprobs else "logprobs")


def _check_calls(messages: Sequence[AnyMessage]) -> None:
    """Raise `InvalidRequest` unless every call is answered once, before anybody else speaks."""
    open_calls: set[str] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                raise InvalidRequest(
                    param="messages",
                    reason_en="a tool message answers no call of the assistant's message before it",
                    reason_ko="앞선 assistant 메시지의 호출에 답하지 않는 tool 메시지가 있습니다",
                )
            open_calls.remove(message.tool_call_id)
            continue
        if open_calls:
            break
        if isinstance(message, CallingMessage):
            open_calls = {call.id for call in message.tool_calls}
            if len(open_calls) < len(message.tool_calls):
                raise InvalidRequest(
                    param="messages",
                    reason_en="two tool calls have the same id",
                    reason_ko="id가 같은 도구 호출이 둘 있습니다",
                )
    if open_calls:
        raise InvalidRequest(
            param="messages",
            reason_en="each tool call must be answered by a tool message right after it",
            reason_ko="도구 호출마다 바로 뒤에 tool 메시지로 답해야 합니다",
        )


def _message(message: AnyMessage) -> Message:
    content = compose(message.text)
    if isinstance(message, ToolMessage):
        return Message("tool", content, tool_call_id=message.tool_call_id)
    if isinstance(message, CallingMessage):
        calls = tuple(
            ToolCall(call.id, call.function.name, call.function.arguments)
            for call in message.tool_calls
        )
        return Message("assistant", content, tool_calls=calls)
    return Message("system" if message.role == "developer" else message.role, content)
