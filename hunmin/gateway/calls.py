"""Tool calls out of an answer's pieces, in the shapes of OpenAI's API. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from hunmin.gateway.replies import CallDelta, CallOfFunction, CallReply, FunctionDelta
from hunmin.plugins import CallPiece, Delta


def merged(pieces: Iterable[Delta]) -> list[CallPiece]:
    """Return the whole calls of one answer, in their order."""
    calls: dict[int, CallPiece] = {}
    for call in (call for piece in pieces for call in piece.calls):
        known = calls.get(call.index)
        if known is None:
            calls[call.index] = call
        else:
            calls[call.index] = replace(known, arguments=known.arguments + call.arguments)
    return [calls[index] for index in sorted(calls)]


def calls_of(pieces: Iterable[Delta]) -> list[CallReply]:
    """Return the calls of one answer as a chat shows them."""
    return [
        CallReply(
            id=call.id,
            type="function",
            function=CallOfFunction(name=call.name, arguments=call.arguments),
        )
        for call in merged(pieces)
    ]


def call_delta(call: CallPiece) -> CallDelta:
    """Return a piece of a call as a stream shows it."""
    if not call.id:
        return CallDelta(index=call.index, function=FunctionDelta(arguments=call.arguments))
    return CallDelta(
        index=call.index,
        id=call.id,
        type="function",
        function=FunctionDelta(name=call.name, arguments=call.arguments),
    )
