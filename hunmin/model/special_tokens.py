"""The 256 special tokens every tokenizer of the house begins with, at ids 0 to 255.

They are reserved from the start so that later training stages (chat, tools, reasoning, code
infilling) never resize the embedding table. Text never becomes one of them: see `chat`.
"""

END_OF_TEXT = "<|end_of_text|>"
"""Stands after every document in pretraining, and ends a continuation."""
IM_START = "<|im_start|>"
"""Opens a turn of a conversation; the role follows."""
IM_END = "<|im_end|>"
"""Ends a turn of a conversation."""
PAD = "<|pad|>"
"""Fills a batch; never learned from."""

END_OF_TEXT_ID = 0
IM_START_ID = 1
IM_END_ID = 2
PAD_ID = 3

_NAMED = (
    END_OF_TEXT,
    IM_START,
    IM_END,
    PAD,
    "<think>",
    "</think>",
    "<tools>",
    "</tools>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<|source|>",
    "<|license|>",
)

SPECIAL_COUNT = 256

SPECIAL_TOKENS: tuple[str, ...] = _NAMED + tuple(
    f"<|reserved_{number}|>" for number in range(len(_NAMED), SPECIAL_COUNT)
)
"""All of them; the index is the id."""
