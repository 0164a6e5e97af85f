"""A model that answers prompts, many at once, and tells how likely it found each token.

The transformers library runs the model with a cache of keys and values: each prompt is read once,
and its answers go on from there side by side. Answers that have ended are computed along until the
longest one of their batch has.

Letters in tensor names: P prompts, R rows (P times the answers to each), L prompt positions,
T answer tokens, V vocabulary.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import DynamicCache

from hunmin.errors import CheckpointBroken
from hunmin.model import END_OF_TEXT_ID, IM_END_ID, PAD_ID, load_tokenizer
from hunmin.model.checkpoint import WEIGHTS_NAME


@dataclass(frozen=True, slots=True)
class Rollout:
    """One answer, token by token."""

    ids: list[int]
    """With the token that ended it."""
    log_probabilities: list[float]
    """Of each token, in nats."""
    finished: bool
    """Whether it ended by itself."""

    @property
    def spoken(self) -> list[int]:
        """The tokens of its text."""
        return self.ids[:-1] if self.finished else self.ids


class Policy:
    """A checkpoint or model folder, ready to answer; on a GPU where one is."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            CheckpointBroken: It is not whole, as the checkpoints of a run that has not ended.
            TokenizerBroken: The tokenizer is not one of ours.
        """
        if not (folder / WEIGHTS_NAME).is_file():
            reason = "it has no weights of its own, for its run has not ended; the last one has"
            raise CheckpointBroken(folder=folder, reason=reason)
        self.tokenizer = load_tokenizer(folder)
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._model = transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.float32,
                attn_implementation="sdpa",
                local_files_only=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, RuntimeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise CheckpointBroken(folder=folder, reason=reason) from error
        self._model = self._model.eval().to(self.device)

    @property
    def context_tokens(self) -> int:
        """How many tokens the model reads at once."""
        return self._model.config.max_position_embeddings

    @torch.inference_mode()
    def answer(
        self, prompts: list[list[int]], dice_PAT: NDArray[np.float64] | None, *, tokens_max: int
    ) -> list[list[Rollout]]:
        """Return the answers to each prompt.

        Args:
            prompts: Token ids, each up to where the answer begins.
            dice_PAT: For each of A answers to each prompt and each token a number from 0 to 1:
                the token is the one in whose part of the summed probabilities it falls. None gives
                one greedy answer to each prompt.
            tokens_max: T, the most tokens of an answer.
        """
        answers = 1 if dice_PAT is None else dice_PAT.shape[1]
        dice_RT = None
        if dice_PAT is not None:
            dice_RT = torch.from_numpy(dice_PAT.reshape(-1, tokens_max)).to(self.device)
        ids_RT, log_RT = self._draw(prompts, answers, dice_RT, tokens_max)
        rows = zip(ids_RT.tolist(), log_RT.tolist(), strict=True)
        rollouts = [_until_its_end(ids, logs) for ids, logs in rows]
        return [rollouts[first : first + answers] for first in range(0, len(rollouts), answers)]

    def _draw(
        self, prompts: list[list[int]], answers: int, dice_RT: Tensor | None, tokens_max: int
    ) -> tuple[Tensor, Tensor]:
        """Return the tokens of all answers and their log-probabilities, until all have ended."""
        ids_PL, mask_PL = self._padded_left(prompts)
        cache = DynamicCache()
        logits_PV = self._read(ids_PL, mask_PL, mask_PL.cumsum(1) - 1, cache)[:, -1]
        log_RV = logits_PV.float().log_softmax(dim=-1).repeat_interleave(answers, dim=0)
        cache.batch_repeat_interleave(answers)
        mask = mask_PL.repeat_interleave(answers, dim=0)
        positions_R1 = mask.sum(dim=1, keepdim=True)
        ended_R = torch.zeros(len(mask), dtype=torch.bool, device=self.device)
        chosen: list[Tensor] = []
        logs: list[Tensor] = []
        while True:
            dice_R = None if dice_RT is None else dice_RT[:, len(chosen)]
            token_R = log_RV.argmax(dim=-1) if dice_R is None else _pick(log_RV, dice_R)
            chosen.append(token_R)
            logs.append(log_RV.gather(1, token_R.unsqueeze(1)).squeeze(1))
            ended_R |= (token_R == IM_END_ID) | (token_R == END_OF_TEXT_ID)
            if len(chosen) == tokens_max or bool(ended_R.all()):
                return torch.stack(chosen, dim=1), torch.stack(logs, dim=1)
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
            logits_RV = self._read(token_R.unsqueeze(1), mask, positions_R1, cache)[:, -1]
            log_RV = logits_RV.float().log_softmax(dim=-1)
            positions_R1 = positions_R1 + 1

    @torch.inference_mode()
    def log_probabilities(
        self, prompts: list[list[int]], answers: list[list[int]]
    ) -> list[list[float]]:
        """Return the log-probability of each token of one answer to each prompt, in nats."""
        ids_PL, mask_PL = self._padded_left(prompts)
        longest = max(map(len, answers))
        filled = [ids + [PAD_ID] * (longest - len(ids)) for ids in answers]
        ids_PT = torch.tensor(filled, device=self.device)
        mask = torch.cat([mask_PL, torch.ones_like(ids_PT)], dim=1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        ids = torch.cat([ids_PL, ids_PT], dim=1)
        logits_PTV = self._read(ids, mask, positions, None, keep=longest + 1)[:, :-1].float()
        log_PT = logits_PTV.log_softmax(dim=-1).gather(2, ids_PT.unsqueeze(2)).squeeze(2).tolist()
        return [log[: len(ids)] for log, ids in zip(log_PT, answers, strict=True)]

    def _padded_left(self, prompts: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Return ids and mask, `(P, L)`: every prompt ends at the last position."""
        longest = max(map(len, prompts))
        missing = [longest - len(ids) for ids in prompts]
        ids = [[PAD_ID] * gap + ids for gap, ids in zip(missing, prompts, strict=True)]
        mask = [[0] * gap + [1] * (longest - gap) for gap in missing]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)

    def _read(
        self,
        ids: Tensor,
        mask: Tensor,
        positions: Tensor,
        cache: DynamicCache | None,
        *,
        keep: int = 1,
    ) -> Tensor:
        """Return the logits after each of the last `keep` tokens."""
        return self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions.clamp(min=0),
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=keep,
        ).logits


def _pick(log_RV: Tensor, dice_R: Tensor) -> Tensor:
    """Return the token of each row in whose part of the summed probabilities its number falls.

    In double precision: the sums of a large vocabulary's probabilities need it.
    """
    sums_RV = log_RV.double().exp().cumsum(dim=-1)
    wanted_R1 = (dice_R * sums_RV[:, -1]).unsqueeze(1)
    return (
        torch.searchsorted(sums_RV, wanted_R1, right=True).squeeze(1).clamp(max=log_RV.shape[1] - 1)
    )


def _until_its_end(ids: list[int], logs: list[float]) -> Rollout:
    ends = [place for place, token in enumerate(ids) if token in {IM_END_ID, END_OF_TEXT_ID}]
    length = ends[0] + 1 if ends else len(ids)
    return Rollout(ids[:length], logs[:length], finished=bool(ends))
