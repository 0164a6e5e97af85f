"""The fallback's cache of keys and values: one row for each running request.

Shapes: B rows, H key heads, T positions, D size of a head, Q new tokens.
"""

import torch
from transformers.cache_utils import Cache, CacheLayerMixin


class _Layer(CacheLayerMixin):
    """Keys and values of one layer, `(rows, H, T, D)`; which rows and where is set per call."""

    is_sliding = False

    def __init__(self, rows: "Rows") -> None:
        super().__init__()
        self._rows = rows

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        del value_states
        _, heads, _, size = key_states.shape
        shape = (self._rows.capacity, heads, self._rows.positions, size)
        self.keys, self.values = key_states.new_zeros(shape), key_states.new_zeros(shape)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        del args, kwargs
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        rows = self._rows
        first, last = rows.rows.start, rows.rows.stop
        at = torch.arange(first, last)[:, None]
        self.keys[at, :, rows.positions_BQ] = key_states.transpose(1, 2)
        self.values[at, :, rows.positions_BQ] = value_states.transpose(1, 2)
        return self.keys[first:last, :, : rows.length], self.values[first:last, :, : rows.length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        del query_length
        return self._rows.length, 0

    def get_seq_length(self) -> int:
        return self._rows.length - self._rows.positions_BQ.shape[1]

    def get_max_length(self) -> int:
        return self._rows.positions


class Rows:
    """Which rows and positions of the cache the next forward pass writes and reads."""

    def __init__(self, *, layers: int, capacity: int, positions: int) -> None:
        self.capacity = capacity
        self.positions = positions
        self.rows = range(0)
        self.positions_BQ = torch.zeros(0, 0, dtype=torch.long)
        self.length = 0
        self._layers = [_Layer(self) for _ in range(layers)]
        self.cache = Cache(layers=list(self._layers))

    def point(self, rows: range, positions_BQ: torch.Tensor) -> torch.Tensor:
        """Set what the next pass touches; return its mask `(B, 1, Q, T)`, true where seen."""
        self.rows, self.positions_BQ = rows, positions_BQ
        self.length = int(positions_BQ.max()) + 1
        return torch.arange(self.length) <= positions_BQ[:, None, :, None]

    def read(self, row: int, start: int, end: int) -> torch.Tensor:
        """Return a copy of what lies between two positions of a row, `(layers, 2, H, T, D)`."""
        return torch.stack(
            [
                torch.stack((layer.keys[row, :, start:end], layer.values[row, :, start:end]))
                for layer in self._layers
                if layer.keys is not None and layer.values is not None
            ]
        )

    def write(self, row: int, start: int, content: torch.Tensor) -> None:
        """Put what `read` gave, in this row or another, at a position."""
        end = start + content.shape[3]
        for layer, (keys, values) in zip(self._layers, content, strict=True):
            assert layer.keys is not None
            assert layer.values is not None
            layer.keys[row, :, start:end] = keys
            layer.values[row, :, start:end] = values

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first positions of one row over another."""
        for layer in self._layers:
            if layer.keys is not None and layer.values is not None:
                layer.keys[target, :, :length] = layer.keys[source, :, :length]
                layer.values[target, :, :length] = layer.values[source, :, :length]
