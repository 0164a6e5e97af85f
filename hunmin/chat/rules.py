"""What a message, a title and a tree of messages may be. Pure: no clock, no database, no web.

A conversation is a tree. A question hangs below the answer it follows (the first ones below
nothing) and an answer below its question. Editing a question, or asking for another answer,
grows a sibling; nothing written is changed.
"""

import hashlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from hunmin.chat import hangul
from hunmin.errors import (
    ConversationFull,
    FeedbackUnfit,
    MessageEmpty,
    MessageTooLong,
    PreferenceUnfit,
    TitleUnfit,
    WrongTurn,
)

Role = Literal["user", "assistant"]

State = Literal["whole", "writing", "stopped", "interrupted", "failed"]
"""Of an answer: ended by itself, still being written, ended by its reader, cut off by the end of
the server, ended by an error. A question is always whole."""

Verdict = Literal["good", "bad"]

Reason = Literal[
    "right", "clear", "complete", "wrong", "unclear", "incomplete", "off_topic", "harmful",
    "awkward",
]  # fmt: skip
"""Why an answer was good, or bad; of the last, that its Korean reads as if translated."""

_GOOD_REASONS: frozenset[Reason] = frozenset({"right", "clear", "complete"})

REMARK_CHARACTERS_MAX = 2_000
"""Length of what one may say of an answer in one's own words."""

TITLE_CHARACTERS_MAX = 120
"""Length of a title a person may give."""

SEARCH_CHARACTERS_MAX = 200

INITIALS_LETTERS_MAX = 4_000
"""How far into a message initial consonants are looked for."""

FOLDERS_MAX = 200

SYSTEM_PROMPT_CHARACTERS_MAX = 4_000
"""Length of what a person may have said to the model before a conversation."""

TEMPERATURE_MAX = 2.0

SECRET_BYTES = 32
"""Random bytes in the address of a share."""

ALIVE_SECONDS = 8.0
"""An answer in writing that was not saved for this long has lost its writer."""

ENGINE_WAIT_SECONDS = 300.0
"""How long a question waits for an engine that is being started."""

ENGINE_ASK_AGAIN_SECONDS = 1.0
"""How often it asks whether the engine is there."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Node:
    """A message as the tree sees it."""

    id: str
    parent_id: str | None
    role: Role


def tidy(text: str) -> str:
    """Return text as it is kept: NFC, plain line ends, nothing a database refuses."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SURROGATES.sub("�", _CONTROLS.sub("", text))
    return unicodedata.normalize("NFC", text).strip("\n").rstrip()


def check_message(text: str, *, characters_max: int) -> str:
    """Return a message fit to be sent, tidied.

    Raises:
        MessageEmpty: Nothing but blanks.
        MessageTooLong: More than `characters_max` characters.
    """
    tidied = tidy(text)
    if not tidied.strip():
        raise MessageEmpty
    if len(tidied) > characters_max:
        raise MessageTooLong(characters=len(tidied), characters_max=characters_max)
    return tidied


def check_turns(
    turns: Sequence[tuple[Role, str]], *, characters_max: int, messages_max: int
) -> list[tuple[Role, str]]:
    """Return the messages of a chat of which nothing is kept, tidied; the last is the question.

    Raises:
        WrongTurn: They are not question and answer in turn, from a question to a question.
        ConversationFull: There are more than `messages_max` with the answer to come.
        MessageEmpty, MessageTooLong: A question is unfit.
    """
    if len(turns) % 2 == 0 or any(
        role != ("assistant" if at % 2 else "user") for at, (role, _) in enumerate(turns)
    ):
        raise WrongTurn(needed="a chat that ends with a question", needed_ko="질문으로 끝나는 대화")
    if len(turns) + 1 > messages_max:
        raise ConversationFull(messages_max=messages_max)
    return [
        (role, check_message(text, characters_max=characters_max) if role == "user" else tidy(text))
        for role, text in turns
    ]


def check_title(title: str) -> str:
    """Return a title on one line, or raise `TitleUnfit`."""
    tidied = " ".join(tidy(title).split())
    if not 1 <= len(tidied) <= TITLE_CHARACTERS_MAX:
        raise TitleUnfit(characters_max=TITLE_CHARACTERS_MAX)
    return tidied


def check_system_prompt(text: str) -> str:
    """Return what is to be said to the model before a conversation, or raise `PreferenceUnfit`."""
    tidied = tidy(text).strip()
    if len(tidied) > SYSTEM_PROMPT_CHARACTERS_MAX:
        raise PreferenceUnfit(
            needed=f"Instructions have at most {SYSTEM_PROMPT_CHARACTERS_MAX:,} characters",
            needed_ko=f"지시문은 {SYSTEM_PROMPT_CHARACTERS_MAX:,}자까지입니다",
        )
    return tidied


def check_temperature(temperature: float | None) -> float | None:
    """Return a temperature; None leaves it to the model. Raises `PreferenceUnfit`."""
    if temperature is not None and not 0 <= temperature <= TEMPERATURE_MAX:
        raise PreferenceUnfit(
            needed=f"A temperature lies between 0 and {TEMPERATURE_MAX:g}",
            needed_ko=f"온도는 0에서 {TEMPERATURE_MAX:g} 사이입니다",
        )
    return temperature


def check_reasons(verdict: Verdict, reasons: Sequence[Reason]) -> list[Reason]:
    """Return reasons that fit a verdict, each once, or raise `FeedbackUnfit`."""
    if any((reason in _GOOD_REASONS) != (verdict == "good") for reason in reasons):
        raise FeedbackUnfit(
            needed="The reasons have to fit whether the answer was good or bad",
            needed_ko="이유는 답변이 좋았는지 나빴는지에 맞아야 합니다",
        )
    return list(dict.fromkeys(reasons))


def check_remark(text: str) -> str:
    """Return what is said of an answer in words, or raise `FeedbackUnfit`."""
    tidied = tidy(text).strip()
    if len(tidied) > REMARK_CHARACTERS_MAX:
        raise FeedbackUnfit(
            needed=f"What is said of an answer has at most {REMARK_CHARACTERS_MAX:,} characters",
            needed_ko=f"평가에 덧붙이는 말은 {REMARK_CHARACTERS_MAX:,}자까지입니다",
        )
    return tidied


def join_system_prompts(*prompts: str) -> str:
    """Return all that is said to the model before a conversation, the first to be said first."""
    return "\n\n".join(prompt for prompt in prompts if prompt)


def hash_secret(secret: str) -> str:
    """Return what is kept of a secret of 256 random bits, which nobody can guess from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def initials(text: str) -> str:
    """Return the initial consonants of a text as they are kept to be searched."""
    return hangul.initials(text, letters_max=INITIALS_LETTERS_MAX)


def stands_in(text: str, words: str) -> bool:
    """Say whether a text has the words that were searched, or their initial consonants."""
    return _place(" ".join(text.split()), words) is not None


def excerpt(text: str, words: str, *, characters: int = 60) -> str | None:
    """Return what stands around the first place where a text has the words, on one line."""
    line = " ".join(text.split())
    at = _place(line, words)
    if at is None:
        return None
    start = max(0, at - characters // 3)
    end = min(len(line), start + characters)
    return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")


def _place(line: str, words: str) -> int | None:
    words = " ".join(words.split())
    if hangul.asks_for_initials(words):
        found = hangul.find(line, words)
        return None if found is None else found[0]
    at = line.casefold().find(words.casefold())
    return None if at < 0 else at


def check_follows(parent: Node | None) -> None:
    """Raise `WrongTurn` where a question may not hang below this message."""
    if parent is not None and parent.role != "assistant":
        raise WrongTurn(needed="an answer", needed_ko="답변")


def path_to(nodes: Mapping[str, Node], leaf_id: str | None) -> list[str]:
    """Return the ids from the first message down to `leaf_id`, or nothing for an unknown leaf."""
    path: list[str] = []
    at = leaf_id
    while at is not None and at in nodes and len(path) <= len(nodes):
        path.append(at)
        at = nodes[at].parent_id
    return path[::-1]


def newest_leaf(nodes: Sequence[Node], below: str | None = None) -> str | None:
    """Return the leaf reached by taking the newest message at each fork, below a message.

    Args:
        nodes: Every message of the conversation, oldest first.
        below: Where to start; None is the whole tree.
    """
    newest_child = {node.parent_id: node.id for node in nodes}
    leaf = below
    while leaf in newest_child:
        leaf = newest_child[leaf]
    return leaf


def state_now(state: State, *, saved_at: datetime, now: datetime, written_here: bool) -> State:
    """Return the state of an answer as a reader should see it.

    An answer whose writer died is still marked `writing` in the database. It is `interrupted`
    when no writer of this process holds it and its last sign of life is old. One that lies as
    far ahead is of a clock that has been put right since, and tells nothing.
    """
    if state != "writing" or written_here:
        return state
    alive = abs(now - saved_at) <= timedelta(seconds=ALIVE_SECONDS)
    return "writing" if alive else "interrupted"


async def turns_left_out(
    turns: int, *, count_from: Callable[[int], Awaitable[int]], tokens_max: int
) -> int:
    """Return how many of the oldest messages must be left out for the rest to fit.

    Whole rounds are left out, a question with its answer, so what is left begins with a
    question. The last question always stays: whether it fits alone is the gateway's to say.

    Args:
        turns: Messages from the first on, question and answer in turn, the last a question.
        count_from: Tokens that the messages from an index on take, chat template included.
        tokens_max: What they may take.
    """
    low, high = 0, (turns - 1) // 2
    if low == high or await count_from(0) <= tokens_max:
        return 0
    low = 1
    while low < high:
        middle = (low + high) // 2
        if await count_from(2 * middle) <= tokens_max:
            high = middle
        else:
            low = middle + 1
    return 2 * low


def prompt_tokens_max(*, context_tokens: int, answer_tokens_max: int) -> int:
    """Return how much of a context a conversation may fill, so that an answer has room.

    A third of the context is kept for the answer, or less where answers are shorter.
    """
    return context_tokens - min(answer_tokens_max, context_tokens // 3)
