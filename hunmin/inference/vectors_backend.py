"""A model of vectors in the child process: Transformers, and the mean of its last layer.

Shapes: B texts, T positions, H hidden size.
"""

from collections import deque
from typing import Any

import torch
import transformers

from hunmin.inference.backend import Opening, Request, Row


def open_backend(opening: Opening) -> "VectorsBackend":
    """Load the model from the files of its folder alone."""
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(opening.threads)
    model = transformers.AutoModel.from_pretrained(
        opening.folder,
        dtype=torch.float32,
        attn_implementation="sdpa",
        local_files_only=True,
        trust_remote_code=False,
    ).eval()
    return VectorsBackend(model, opening)


class VectorsBackend:
    """A model that turns each text into one vector of length 1."""

    def __init__(self, model: Any, opening: Opening) -> None:  # noqa: ANN401 (any architecture)
        self._model = model
        self._context_tokens = opening.context_tokens
        self._batch_tokens_max = opening.limits.batch_tokens_max
        self._waiting: deque[Request] = deque()

    def facts(self) -> dict[str, Any]:
        """Return the versions and the number format."""
        return {
            "backend": "transformers",
            "version": transformers.__version__,
            "torch": torch.__version__,
            "dtype": "float32",
        }

    def add(self, request: Request) -> None:
        """Take a text."""
        if len(request.prompt) > self._context_tokens:
            raise ValueError("it is longer than the context")
        self._waiting.append(request)

    def cancel(self, request_id: int) -> None:
        """Give up a text that is not yet worked on."""
        self._waiting = deque(request for request in self._waiting if request.id != request_id)

    def busy(self) -> bool:
        """Return whether a text is waiting."""
        return bool(self._waiting)

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Turn as many of the oldest texts into vectors as a step has room for, at least one."""
        longest = 0
        together: list[Request] = []
        for request in self._waiting:
            longest = max(longest, len(request.prompt))
            if together and longest * (len(together) + 1) > self._batch_tokens_max:
                break
            together.append(request)
        for _ in together:
            self._waiting.popleft()
        vectors_BH = self._vectors([request.prompt for request in together])
        return [
            Row(request.id, [], finish="stop", vector=vector_H.tolist())
            if bool(torch.isfinite(vector_H).all())
            else Row(request.id, [], refused="its vector is no number")
            for request, vector_H in zip(together, vectors_BH, strict=True)
        ]

    def _vectors(self, texts: list[list[int]]) -> torch.Tensor:
        """Return the mean of the last layer over the tokens of each text, of length 1, `(B, H)`."""
        tokens_BT = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(text) for text in texts], batch_first=True
        )
        lengths_B = torch.tensor([len(text) for text in texts])
        there_BT = torch.arange(tokens_BT.shape[1]) < lengths_B[:, None]
        hidden_BTH = self._model(
            input_ids=tokens_BT, attention_mask=there_BT.long(), use_cache=False
        ).last_hidden_state
        means_BH = (hidden_BTH * there_BT[..., None]).sum(dim=1) / lengths_B[:, None]
        return torch.nn.functional.normalize(means_BH, dim=-1)
