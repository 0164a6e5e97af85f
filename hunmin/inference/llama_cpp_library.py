"""llama.cpp's own functions, called in the library that the wheel `xllamacpp` brings.

The wheel's Python classes open a server that speaks in text, and of a syllable made of three tokens
it tells the last one alone. These functions give and take tokens. Into llama.cpp's structures only
the first four numbers are written, which have stood there for years; afterwards it is asked what
they are, so that a version that arranges them otherwise fails its start.
"""

import codecs
import ctypes
from collections.abc import Sequence
from ctypes import POINTER, c_bool, c_byte, c_char_p, c_float, c_int8, c_int32, c_uint32, c_void_p
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from hunmin.inference.sampling import Grammar, Logits

PACKAGE = "xllamacpp"

_DEFAULTS_BYTES = 1024
"""More than any structure of defaults has. They are passed on the stack, and what lies behind the
end of the real one is not read."""


_PIECE_BYTES = 4096
"""More than any token stands for."""


class _ModelDefaults(ctypes.Structure):
    """`llama_model_params`, taken as they come."""

    _fields_ = (("rest", c_byte * _DEFAULTS_BYTES),)


class _ContextDefaults(ctypes.Structure):
    """`llama_context_params`."""

    _fields_ = (
        ("tokens", c_uint32),
        ("batch_tokens", c_uint32),
        ("pass_tokens", c_uint32),
        ("sequences", c_uint32),
        ("rest", c_byte * (_DEFAULTS_BYTES - 16)),
    )


class _Batch(ctypes.Structure):
    """`llama_batch`: tokens, each with its position, its sequence, and whether logits are kept."""

    _fields_ = (
        ("count", c_int32),
        ("tokens", POINTER(c_int32)),
        ("embeddings", POINTER(c_float)),
        ("positions", POINTER(c_int32)),
        ("sequence_counts", POINTER(c_int32)),
        ("sequences", POINTER(POINTER(c_int32))),
        ("kept", POINTER(c_int8)),
    )


class _Choices(ctypes.Structure):
    """`llama_token_data_array`."""

    _fields_ = (
        ("data", c_void_p),
        ("count", ctypes.c_size_t),
        ("selected", ctypes.c_int64),
        ("sorted", c_bool),
    )


_CHOICE = np.dtype([("token", np.int32), ("logit", np.float32), ("chance", np.float32)])
"""`llama_token_data`."""

_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "llama_model_default_params": (_ModelDefaults, ()),
    "llama_model_load_from_file": (c_void_p, (c_char_p, _ModelDefaults)),
    "llama_model_get_vocab": (c_void_p, (c_void_p,)),
    "llama_vocab_n_tokens": (c_int32, (c_void_p,)),
    "llama_vocab_is_eog": (c_bool, (c_void_p, c_int32)),
    "llama_token_to_piece": (c_int32, (c_void_p, c_int32, c_char_p, c_int32, c_int32, c_bool)),
    "llama_context_default_params": (_ContextDefaults, ()),
    "llama_init_from_model": (c_void_p, (c_void_p, _ContextDefaults)),
    "llama_n_ctx_seq": (c_uint32, (c_void_p,)),
    "llama_n_batch": (c_uint32, (c_void_p,)),
    "llama_n_ubatch": (c_uint32, (c_void_p,)),
    "llama_n_seq_max": (c_uint32, (c_void_p,)),
    "llama_set_n_threads": (None, (c_void_p, c_int32, c_int32)),
    "llama_get_memory": (c_void_p, (c_void_p,)),
    "llama_memory_seq_rm": (c_bool, (c_void_p, c_int32, c_int32, c_int32)),
    "llama_batch_init": (_Batch, (c_int32, c_int32, c_int32)),
    "llama_decode": (c_int32, (c_void_p, _Batch)),
    "llama_get_logits_ith": (POINTER(c_float), (c_void_p, c_int32)),
    "llama_sampler_init_grammar": (c_void_p, (c_void_p, c_char_p, c_char_p)),
    "llama_sampler_apply": (None, (c_void_p, POINTER(_Choices))),
    "llama_sampler_accept": (None, (c_void_p, c_int32)),
    "llama_sampler_free": (None, (c_void_p,)),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token to compute."""

    id: int
    position: int
    sequence: int
    kept: bool
    """Whether the logits behind it are wanted."""


class LlamaCpp:
    """A model and its cache in llama.cpp."""

    def __init__(
        self, path: Path, *, sequences: int, sequence_tokens: int, batch_tokens: int, threads: int
    ) -> None:
        """Load a GGUF file.

        Args:
            path: The file.
            sequences: How many texts are kept apart, numbered from 0.
            sequence_tokens: How long each may be.
            batch_tokens: Tokens computed in one call at most.
            threads: Processor threads.

        Raises:
            RuntimeError: The library is another one than expected, or cannot load the file.
        """
        self._library = _load_library()
        model = self._library.llama_model_load_from_file(
            bytes(path), self._library.llama_model_default_params()
        )
        if not model:
            raise RuntimeError("llama.cpp cannot load the file")
        asked = self._library.llama_context_default_params()
        asked.tokens = sequences * sequence_tokens
        asked.batch_tokens = asked.pass_tokens = batch_tokens
        asked.sequences = sequences
        self._context = self._library.llama_init_from_model(model, asked)
        if not self._context:
            raise RuntimeError("llama.cpp has no memory for the cache")
        given = (
            self._library.llama_n_batch(self._context),
            self._library.llama_n_ubatch(self._context),
            self._library.llama_n_seq_max(self._context),
        )
        if (
            given != (batch_tokens, batch_tokens, sequences)
            or self._library.llama_n_ctx_seq(self._context) < sequence_tokens
        ):
            raise RuntimeError("this version of llama.cpp is arranged otherwise")
        self._library.llama_set_n_threads(self._context, threads, threads)
        self._memory = self._library.llama_get_memory(self._context)
        self._batch = self._library.llama_batch_init(batch_tokens, 0, 1)
        self._vocabulary = self._library.llama_model_get_vocab(model)
        self.vocab_size: int = self._library.llama_vocab_n_tokens(self._vocabulary)
        is_end = self._library.llama_vocab_is_eog
        self._ends = [n for n in range(self.vocab_size) if is_end(self._vocabulary, n)]

    def forget(self, sequence: int, *, after: int) -> None:
        """Drop what a sequence holds behind its first tokens."""
        self._library.llama_memory_seq_rm(self._memory, sequence, after, -1)

    def compute(self, tokens: list[Token]) -> None:
        """Work on tokens; `logits` then tells what follows those that are `kept`.

        Raises:
            RuntimeError: It failed.
        """
        batch = self._batch
        batch.count = len(tokens)
        for place, token in enumerate(tokens):
            batch.tokens[place] = token.id
            batch.positions[place] = token.position
            batch.sequence_counts[place] = 1
            batch.sequences[place][0] = token.sequence
            batch.kept[place] = token.kept
        status = self._library.llama_decode(self._context, batch)
        if status:
            raise RuntimeError(f"llama.cpp failed a step with status {status}")

    def logits(self, place: int) -> Logits:
        """Return what follows the token at a place of the last batch, shape `(V,)`.

        It is llama.cpp's own memory: the next step writes over it.
        """
        values = self._library.llama_get_logits_ith(self._context, place)
        return np.ctypeslib.as_array(values, (self.vocab_size,))

    def grammar(self, text: str, stop_ids: Sequence[int]) -> "LlamaGrammar":
        """Return a grammar at its beginning, behind which one of some tokens ends the answer.

        Raises:
            ValueError: It cannot be read.
        """
        sampler = self._library.llama_sampler_init_grammar(self._vocabulary, text.encode(), b"root")
        if not sampler:
            raise ValueError("llama.cpp cannot read the grammar")
        return LlamaGrammar(self, sampler, ends=self._ends, stop_ids=stop_ids)

    def text(self, token: int) -> bytes:
        """Return what a token stands for; nothing for a special one."""
        room = ctypes.create_string_buffer(_PIECE_BYTES)
        size = self._library.llama_token_to_piece(
            self._vocabulary,
            token,
            room,
            _PIECE_BYTES,
            0,
            False,  # noqa: FBT003 (C has no names)
        )
        return room.raw[: max(0, size)]

    def apply(self, sampler: int, choices: NDArray[np.void]) -> None:
        """Let a sampler of llama.cpp change the logits of some tokens."""
        array = _Choices(data=choices.ctypes.data, count=len(choices), selected=-1, sorted=False)
        self._library.llama_sampler_apply(sampler, ctypes.byref(array))

    def accept(self, sampler: int, token: int) -> None:
        """Let a sampler of llama.cpp go on behind a token."""
        self._library.llama_sampler_accept(sampler, token)

    def free(self, sampler: int) -> None:
        """Free a sampler's memory."""
        self._library.llama_sampler_free(sampler)


class LlamaGrammar(Grammar):
    """A grammar as llama.cpp follows it, but for the end of an answer.

    There llama.cpp lets every token pass that ends one in some model, and also in the middle of a
    character, where the grammar could have ended before it.
    """

    def __init__(
        self, model: LlamaCpp, sampler: int, *, ends: Sequence[int], stop_ids: Sequence[int]
    ) -> None:
        self._model = model
        self._sampler = sampler
        self._ends = np.array(ends, dtype=np.int64)
        self._others_ends = np.setdiff1d(self._ends, np.array(stop_ids, dtype=np.int64))
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")

    @override
    def allows(self, token: int) -> bool:
        return bool(np.isfinite(self._apply(np.array([token]), np.zeros(1, np.float32)))[0])

    @override
    def mask(self, logits_V: Logits) -> Logits:
        return self._apply(np.arange(len(logits_V)), logits_V)

    @override
    def accept(self, token: int) -> None:
        self._model.accept(self._sampler, token)
        self._characters.decode(self._model.text(token))

    def close(self) -> None:
        """Free its memory."""
        self._model.free(self._sampler)

    def _apply(self, tokens: NDArray[np.int64], logits: Logits) -> Logits:
        choices = np.zeros(len(tokens), _CHOICE)
        choices["token"], choices["logit"] = tokens, logits
        self._model.apply(self._sampler, choices)
        in_a_character = bool(self._characters.getstate()[0])
        forbidden = self._ends if in_a_character else self._others_ends
        return np.where(np.isin(tokens, forbidden), np.float32(-np.inf), choices["logit"])


def _load_library() -> ctypes.CDLL:
    spec = find_spec(PACKAGE)
    folders = None if spec is None else spec.submodule_search_locations
    files = [file for folder in folders or () for file in Path(folder).glob(f"{PACKAGE}*.so")]
    if not files:
        raise RuntimeError(f"{PACKAGE} is not installed")
    library = ctypes.CDLL(str(files[0]))
    try:
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as error:
        raise RuntimeError(f"this version of llama.cpp has no such function: {error}") from error
    return library
