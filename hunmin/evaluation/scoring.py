"""How likely a model finds given tokens: the one number all of evaluation is made from.

Works on token ids and text, and knows neither tasks nor files of results. Sequences are bucketed by
length and padded on the right, which a causal model cannot see; a sequence that begins another one
is read from it, so the answers "yes" and "no" to one question cost one pass, not two.

Letters in tensor names: B sequences, T positions, D model width, V vocabulary, N scored tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hunmin.errors import CheckpointBroken

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

    from hunmin.model import Transformer

_BATCH_TOKENS = 4096
"""Padded tokens in one forward pass: full matrix products, and little memory."""

_HEAD_ROWS = 1024
"""Positions whose logits are held at once; 64 MiB at a vocabulary of 16,384."""


@dataclass(frozen=True, slots=True)
class Span:
    """A token sequence of which the last `scored` tokens are to be predicted from all before."""

    tokens: tuple[int, ...]
    scored: int

    def __post_init__(self) -> None:
        if not 1 <= self.scored < len(self.tokens):
            raise ValueError("at least one token is scored, and one stands before it")


@dataclass(frozen=True, slots=True)
class Score:
    """What the model thinks of a span."""

    log_probability: float
    """Natural logarithm, summed over the scored tokens."""
    greedy: bool
    """Whether each scored token is the one the model finds likeliest."""


def windows(
    tokens: Sequence[int], *, prefix: int, context_tokens: int, stride: int
) -> Iterator[Span]:
    """Cut a document into spans that score each of its tokens exactly once.

    The first span scores a whole context. Each later one scores the next `stride` tokens and sees
    as many before them as fit, at least `context_tokens - stride`.

    Args:
        tokens: The document.
        prefix: The token its first token is predicted from.
        context_tokens: How many tokens the model reads at once.
        stride: Newly scored tokens a span; `context_tokens` is fastest, less gives each token
            more to be predicted from.

    Raises:
        ValueError: `stride` is not between 1 and `context_tokens`.
    """
    if not 1 <= stride <= context_tokens:
        raise ValueError("stride is between 1 and the context")
    whole = (prefix, *tokens)
    done = 0
    while done < len(tokens):
        end = min(done + (stride if done else context_tokens), len(tokens))
        begin = max(0, end - context_tokens)
        yield Span(whole[begin : end + 1], scored=end - done)
        done = end


class Scorer:
    """A model with its tokenizer, ready to score. Made by `load_scorer`."""

    def __init__(self, model: "Transformer", tokenizer: "Tokenizer", *, folder: Path) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.folder = folder

    @property
    def context_tokens(self) -> int:
        """How many tokens the model reads at once."""
        return self.model.config.context_tokens

    def encode(self, text: str, *, rendered: bool = False) -> list[int]:
        """Return the tokens of a text, with no token added.

        Args:
            text: What to encode.
            rendered: Whether it is a chat as the template renders it, in which `<|im_end|>` is
                the special token. Anywhere else it is just these ten characters.
        """
        self.tokenizer.encode_special_tokens = not rendered
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def score(
        self, spans: Sequence[Span], *, on_done: Callable[[int], None] = lambda _: None
    ) -> list[Score]:
        """Score spans, in the order given, whatever order they are computed in.

        Args:
            spans: What to score. A span longer than the context is cut on the left.
            on_done: Told after each batch how many more are done.

        Raises:
            ValueError: A span scores more tokens than the context holds.
        """
        import torch  # noqa: PLC0415 (seconds to import)

        scores: list[Score | None] = [None] * len(spans)
        with torch.inference_mode():
            for batch in _batches(_carriers(spans, self.context_tokens)):
                members = [index for carrier in batch for index in carrier.members]
                for index, score in zip(members, self._score_batch(batch, spans), strict=True):
                    scores[index] = score
                on_done(len(members))
        return [score for score in scores if score is not None]

    def _score_batch(self, batch: "list[_Carrier]", spans: Sequence[Span]) -> list[Score]:
        import torch  # noqa: PLC0415

        device = next(self.model.parameters()).device
        ids_BT = torch.zeros((len(batch), len(batch[0].tokens)), dtype=torch.int64)
        rows: list[int] = []
        columns: list[int] = []
        targets: list[int] = []
        counts: list[int] = []
        for row, carrier in enumerate(batch):
            ids_BT[row, : len(carrier.tokens)] = torch.tensor(carrier.tokens)
            for index in carrier.members:
                span = spans[index]
                last = min(len(span.tokens) - 1, self.context_tokens)
                rows += [row] * span.scored
                columns += range(last - span.scored, last)
                targets += span.tokens[-span.scored :]
                counts.append(span.scored)
        hidden_ND = self.model.hidden(ids_BT.to(device))[rows, columns]
        log_N, greedy_N = self._read(hidden_ND, torch.tensor(targets, device=device))
        return [
            Score(float(log.sum()), bool(greedy.all()))
            for log, greedy in zip(log_N.split(counts), greedy_N.split(counts), strict=True)
        ]

    def _read(
        self, hidden_ND: "torch.Tensor", target_N: "torch.Tensor"
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """Return the log-probability of each target (float64), and whether it is the likeliest."""
        import torch  # noqa: PLC0415

        logs: list[torch.Tensor] = []
        greedy: list[torch.Tensor] = []
        for rows_ND, part_N in zip(
            hidden_ND.split(_HEAD_ROWS), target_N.split(_HEAD_ROWS), strict=True
        ):
            logits_NV = self.model.lm_head(rows_ND).float()
            chosen_N = logits_NV.gather(1, part_N.unsqueeze(1)).squeeze(1)
            logs.append((chosen_N - logits_NV.logsumexp(dim=1)).double())
            greedy.append(logits_NV.argmax(dim=1) == part_N)
        return torch.cat(logs).cpu(), torch.cat(greedy).cpu()


@dataclass(slots=True)
class _Carrier:
    """One sequence to run the model on, and the spans that are read from it."""

    tokens: tuple[int, ...]
    members: list[int]


def _carriers(spans: Sequence[Span], context_tokens: int) -> list[_Carrier]:
    """Return the fewest sequences that the spans can be read from, longest first.

    In lexicographic order a sequence stands right before those it begins, so going backwards each
    is either the beginning of the last carrier or a new one.
    """
    inputs = []
    for index, span in enumerate(spans):
        if span.scored > context_tokens:
            raise ValueError(f"{span.scored} tokens to score do not fit {context_tokens}")
        inputs.append((span.tokens[-(context_tokens + 1) : -1], index))
    carriers: list[_Carrier] = []
    for tokens, index in sorted(inputs, reverse=True):
        if carriers and carriers[-1].tokens[: len(tokens)] == tokens:
            carriers[-1].members.append(index)
        else:
            carriers.append(_Carrier(tokens, [index]))
    carriers.sort(key=lambda carrier: -len(carrier.tokens))
    return carriers


def _batches(carriers: list[_Carrier]) -> Iterator[list[_Carrier]]:
    """Yield neighbors in length together, as many as fill a batch."""
    batch: list[_Carrier] = []
    for carrier in carriers:
        if batch and len(batch[0].tokens) * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(carrier)
    if batch:
        yield batch


def load_scorer(folder: Path) -> Scorer:
    """Load a checkpoint, or an exported model, with its tokenizer. On a GPU where one is.

    Raises:
        CheckpointBroken: A file is missing or torn, or the parts do not fit each other.
        TokenizerBroken: The tokenizer is not one of ours.
    """
    import torch  # noqa: PLC0415

    from hunmin.model import load_checkpoint, load_tokenizer  # noqa: PLC0415

    model = load_checkpoint(folder)
    tokenizer = load_tokenizer(folder)
    if tokenizer.get_vocab_size() > model.config.vocab_size:
        raise CheckpointBroken(folder=folder, reason="its tokenizer has more tokens than the model")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Scorer(model.to(device), tokenizer, folder=folder)
