"""How a vLLM server calls tools, and what it refuses of them; see `vllm`.

The model behind it is a rule: it asks for every function it is offered, with "서울" for each
argument, and speaks once it is told what they came to.
"""

import json
from typing import Any

from tests.support.vllm_rules import Refused


def check_tools(body: dict[str, Any], *, reads_calls: bool) -> None:
    """Refuse what vLLM refuses of tools."""
    names = {tool["function"]["name"] for tool in body.get("tools") or []}
    choice = body.get("tool_choice")
    if choice is not None and not names:
        raise Refused("When using `tool_choice`, `tools` must be set.")
    if choice == "auto" and not reads_calls:
        raise Refused(
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        )
    if isinstance(choice, dict) and choice["function"]["name"] not in names:
        raise Refused("The tool specified in `tool_choice` does not match any of the `tools`")
    for message in body.get("messages") or []:
        for call in message.get("tool_calls") or []:
            json.loads(call["function"]["arguments"])  # its templates want objects


def calls_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the deltas in which a model calls tools; none where it speaks."""
    functions = [tool["function"] for tool in body.get("tools") or []]
    choice = body.get("tool_choice")
    if choice == "none" or (choice == "auto" and body["messages"][-1]["role"] == "tool"):
        return []
    if isinstance(choice, dict):
        functions = [one for one in functions if one["name"] == choice["function"]["name"]]
    if body.get("parallel_tool_calls") is False:
        functions = functions[:1]
    return [delta for place, one in enumerate(functions) for delta in _call(place, one)]


def _call(place: int, function: dict[str, Any]) -> list[dict[str, Any]]:
    arguments = dict.fromkeys(function["parameters"].get("properties", {}), "서울")
    first = {
        "id": f"chatcmpl-tool-{place}",
        "type": "function",
        "index": place,
        "function": {"name": function["name"], "arguments": ""},
    }
    text = json.dumps(arguments, ensure_ascii=False)
    pieces = [text[start : start + 3] for start in range(0, len(text), 3)]
    more = [{"index": place, "function": {"arguments": piece}} for piece in pieces]
    return [{"tool_calls": [one]} for one in (first, *more)]
