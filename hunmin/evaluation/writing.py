"""Greedy continuations, for tasks that want text. Simple before fast: no cache of keys and values.

Each step reads the whole of every unfinished text again. That is right for a few hundred short
answers of a small model; an engine of `hunmin.inference` is for more.
"""

from collections.abc import Callable, Sequence

from hunmin.evaluation.scoring import Scorer
from hunmin.model import END_OF_TEXT_ID, IM_END_ID

_TEXTS_AT_ONCE = 32


def continue_texts(
    scorer: Scorer,
    prompts: Sequence[Sequence[int]],
    *,
    stop: Sequence[str],
    max_tokens: int,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Return what the model writes after each prompt, the likeliest token each time.

    Args:
        scorer: The model.
        prompts: Token ids. A prompt that leaves no room for `max_tokens` is cut on the left.
        stop: Strings that end a text; they are left out of it.
        max_tokens: The most tokens written.
        on_done: Told after each batch how many more are done.
    """
    texts = [""] * len(prompts)
    by_length = sorted(range(len(prompts)), key=lambda index: -len(prompts[index]))
    for begin in range(0, len(by_length), _TEXTS_AT_ONCE):
        group = by_length[begin : begin + _TEXTS_AT_ONCE]
        written = _continue_group(scorer, [prompts[i] for i in group], stop, max_tokens)
        for index, text in zip(group, written, strict=True):
            texts[index] = text
        on_done(len(group))
    return texts


def _continue_group(
    scorer: Scorer, prompts: list[Sequence[int]], stop: Sequence[str], max_tokens: int
) -> list[str]:
    max_tokens = min(max_tokens, scorer.context_tokens - 1)
    room = scorer.context_tokens - max_tokens
    rows = [list(prompt)[-room:] or [END_OF_TEXT_ID] for prompt in prompts]
    starts = [len(row) for row in rows]
    texts = [""] * len(rows)
    going = list(range(len(rows)))
    for _ in range(max_tokens):
        tokens = _likeliest_next(scorer, [rows[index] for index in going])
        still = []
        for index, token in zip(going, tokens, strict=True):
            if token in (END_OF_TEXT_ID, IM_END_ID):
                continue
            rows[index].append(token)
            whole = scorer.tokenizer.decode(rows[index][starts[index] :])
            ends = [at for text in stop if (at := whole.find(text)) >= 0]
            texts[index] = whole[: min(ends)] if ends else whole
            if not ends:
                still.append(index)
        going = still
        if not going:
            break
    return texts


def _likeliest_next(scorer: Scorer, rows: list[list[int]]) -> list[int]:
    import torch  # noqa: PLC0415 (seconds to import)

    device = next(scorer.model.parameters()).device
    ids_BT = torch.zeros((len(rows), max(map(len, rows))), dtype=torch.int64)
    for place, row in enumerate(rows):
        ids_BT[place, : len(row)] = torch.tensor(row)
    last_B = torch.tensor([len(row) - 1 for row in rows])
    with torch.inference_mode():
        hidden_BTD = scorer.model.hidden(ids_BT.to(device))
        logits_BV = scorer.model.lm_head(hidden_BTD[torch.arange(len(rows)), last_B])
    return logits_BV.argmax(dim=1).tolist()
