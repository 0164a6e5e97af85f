"""What is sent to a server: an allow-list of fields, and nothing else. Pure.

Never a chat template, media, a priority, or several answers at once: nothing a person writes
chooses what a server does.
"""

from typing import Any

from hunmin.inference.folder import whole_text
from hunmin.plugins import Generation, Message, Sampling, Tools
from hunmin.upstreams.dialects import Dialect

FIELDS = frozenset(
    {
        "cache_salt",
        "ebnf",
        "echo",
        "frequency_penalty",
        "grammar",
        "logit_bias",
        "logprobs",
        "max_tokens",
        "messages",
        "min_p",
        "model",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt",
        "repeat_penalty",
        "repetition_penalty",
        "return_token_ids",
        "return_tokens_as_token_ids",
        "seed",
        "stop",
        "stop_token_ids",
        "stream",
        "stream_options",
        "structured_outputs",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
"""Everything that can be in a body, whatever was asked."""

SEEDS = 1 << 63


def body(
    generation: Generation,
    dialect: Dialect,
    *,
    model: str,
    prompt: list[int] | None,
    max_tokens: int,
    stop_ids: list[int],
    salt: str,
) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        generation: What is asked.
        dialect: How the server speaks.
        model: What the server calls the model.
        prompt: The tokens of the prompt, where the tokenizer is here; the answer's are asked for.
        max_tokens: How many tokens the answer may have.
        stop_ids: Tokens that end an answer, where the tokenizer is here.
        salt: What keeps this tenant's prompts apart from those of others.
    """
    sent: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "stream": True}
    sent["stream_options"] = {"include_usage": True}
    sent |= _what(generation, prompt)
    sent |= _sampling(generation.sampling, dialect)
    if generation.tools is not None and prompt is None:
        sent |= _tools(generation.tools)
    if dialect.salted:
        sent["cache_salt"] = salt
    if prompt is not None and dialect.token_ids:
        sent |= {"return_token_ids": True, "stop_token_ids": stop_ids}
        sent |= _scores(generation.sampling)
    elif dialect.token_ids:
        sent["stream_options"]["continuous_usage_stats"] = True
    assert sent.keys() <= FIELDS
    return sent


def question(generation: Generation, *, model: str) -> dict[str, Any]:
    """Return the body that asks a server for the tokens of a prompt."""
    asked: dict[str, Any] = {"model": model, **_what(generation, None)}
    if generation.tools is not None:
        asked["tools"] = _functions(generation.tools)
    return asked | {"add_generation_prompt": True} if generation.messages else asked


def is_chat(sent: dict[str, Any]) -> bool:
    """Return whether the server is to render a conversation by itself."""
    return "messages" in sent


def _what(generation: Generation, prompt: list[int] | None) -> dict[str, Any]:
    if prompt is not None:
        return {"prompt": prompt}
    if generation.messages:
        return {"messages": [_message(one) for one in generation.messages]}
    return {"prompt": list(generation.prompt_ids) or whole_text(generation.prompt or "")}


def _message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": whole_text(message.content)}
    if message.role == "tool":
        sent["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        sent["content"] = sent["content"] or None
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": whole_text(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return sent


def _functions(tools: Tools) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": one.name,
                "description": whole_text(one.description),
                "parameters": one.parameters or {"type": "object", "properties": {}},
            },
        }
        for one in tools.functions
    ]


def _tools(tools: Tools) -> dict[str, Any]:
    only = {"type": "function", "function": {"name": tools.only}}
    return {
        "tools": _functions(tools),
        "tool_choice": only if tools.only else tools.choice,
        "parallel_tool_calls": tools.parallel,
    }


def _sampling(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    temperature, top_p = sampling.temperature, sampling.top_p
    if top_p == 0:  # no probability at all leaves only the most probable token
        temperature, top_p = 0.0, 1.0
    sent: dict[str, Any] = {
        "temperature": temperature,
        "top_p": top_p,
        **_said(sampling, dialect),
    }
    if stops := list(dict.fromkeys(stop for stop in sampling.stop if stop)):
        sent["stop"] = stops
    if sampling.seed is not None and "seed" in dialect.capabilities:
        sent["seed"] = sampling.seed % SEEDS
    if sampling.logit_bias:
        sent["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias}
    if sampling.grammar and "grammar" in dialect.capabilities:
        within = dialect.grammar == "structured_outputs"
        sent[dialect.grammar] = {"grammar": sampling.grammar} if within else sampling.grammar
    return sent


def _said(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    """Return what a server has defaults of its own for, and must therefore be told."""
    said = {
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "top_k": sampling.top_k or -1,  # what all kinds take for "no limit"
    }
    if not dialect.defaults:  # it may know nothing but OpenAI's fields
        return {name: value for name, value in said.items() if value not in {0, -1}}
    return said | {dialect.repetition: sampling.repetition_penalty, "min_p": 0.0}


def _scores(sampling: Sampling) -> dict[str, Any]:
    if sampling.logprobs is None:
        return {}
    return {
        "logprobs": sampling.logprobs,
        "return_tokens_as_token_ids": True,
        "echo": sampling.prompt_logprobs,
    }
