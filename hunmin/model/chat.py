"""Conversations as text and as token ids, by the one chat template of the house.

`render_chat` gives the text other engines make of the template. Token ids are made turn by turn
instead: `<|im_start|>` and `<|im_end|>` are put in by id, and everything between them is encoded as
plain text. So nobody can end their turn, or speak as another role, by typing a special token.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from hunmin.errors import ChatMessageWrong, TokenizerBroken
from hunmin.model.special_tokens import IM_END_ID, IM_START_ID
from hunmin.model.tokenizer import CHAT_TEMPLATE_NAME, chat_template

ROLES = frozenset({"system", "user", "assistant"})

ChatMessage = Mapping[str, str]
"""A `role` and a `content`."""


def render_chat(
    template_in: Path | Tokenizer,
    messages: Sequence[ChatMessage],
    *,
    add_generation_prompt: bool = False,
) -> str:
    """Return a conversation as one text, special tokens written out.

    Made for other engines and for people to read. Encoding this text would let special tokens
    typed by a user count as such; `encode_chat` does not.

    Args:
        template_in: A folder with `chat_template.jinja`, or a tokenizer of ours.
        messages: The turns, oldest first.
        add_generation_prompt: Whether to open the assistant's next turn.

    Raises:
        ChatMessageWrong: A message has no known role or no text.
        TokenizerBroken: The folder has no template, or one that cannot be rendered.
    """
    _check_messages(messages)
    if isinstance(template_in, Tokenizer):
        return _compiled(chat_template()).render(
            messages=messages, add_generation_prompt=add_generation_prompt
        )
    path = template_in / CHAT_TEMPLATE_NAME
    try:
        return _compiled(path.read_text("utf-8")).render(
            messages=messages, add_generation_prompt=add_generation_prompt
        )
    except (OSError, UnicodeDecodeError, TemplateError) as error:
        raise TokenizerBroken(path=path, reason=type(error).__name__) from error


def encode_chat(
    tokenizer: Tokenizer, messages: Sequence[ChatMessage], *, add_generation_prompt: bool = False
) -> list[int]:
    """Return the token ids of a conversation; no text in it can become a special token.

    Raises:
        ChatMessageWrong: A message has no known role or no text.
    """
    return encode_chat_with_mask(tokenizer, messages, add_generation_prompt=add_generation_prompt)[
        0
    ]


def encode_chat_with_mask(
    tokenizer: Tokenizer, messages: Sequence[ChatMessage], *, add_generation_prompt: bool = False
) -> tuple[list[int], list[bool]]:
    """Return the token ids of a conversation, and which of them an assistant is to say.

    The mask is true for the text of assistant turns and for the `<|im_end|>` that ends them: what
    the model must learn to produce. It is false for the line break after it.

    Raises:
        ChatMessageWrong: A message has no known role or no text.
    """
    _check_messages(messages)
    tokenizer.encode_special_tokens = True
    ids: list[int] = []
    mask: list[bool] = []
    for message in messages:
        header = message["role"] + "\n"
        turn = tokenizer.encode(header + message["content"], add_special_tokens=False)
        spoken = message["role"] == "assistant"
        ids += [IM_START_ID, *turn.ids, IM_END_ID]
        mask += [False, *(spoken and start >= len(header) for start, _ in turn.offsets), spoken]
        line_break = tokenizer.encode("\n", add_special_tokens=False).ids
        ids += line_break
        mask += [False] * len(line_break)
    if add_generation_prompt:
        opening = tokenizer.encode("assistant\n", add_special_tokens=False).ids
        ids += [IM_START_ID, *opening]
        mask += [False] * (1 + len(opening))
    return ids, mask


def _check_messages(messages: Sequence[ChatMessage]) -> None:
    for index, message in enumerate(messages):
        if message.get("role") not in ROLES:
            raise ChatMessageWrong(
                index=index, reason_en="has no known role", reason_ko="역할을 알 수 없습니다"
            )
        if not isinstance(message.get("content"), str):
            raise ChatMessageWrong(
                index=index, reason_en="has no text", reason_ko="텍스트가 없습니다"
            )


@cache
def _compiled(template: str) -> Template:
    """Compile a template as transformers does: sandboxed, blocks trimmed."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template)
