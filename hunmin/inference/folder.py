"""A model folder as an engine needs it: context, stop tokens, tokenizer, card. No weights."""

import json
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tokenizers import Tokenizer

from hunmin.errors import HunminError, ModelFolderBroken, TokenUnknown
from hunmin.inference.text import vocabulary_bytes
from hunmin.manifest import MANIFEST_NAME, Manifest
from hunmin.model import END_OF_TEXT_ID, IM_END_ID, encode_chat, load_tokenizer
from hunmin.plugins import Capability, Generation, ModelCard

CAPABILITIES: frozenset[Capability] = frozenset({"chat", "completion", "seed", "stop", "penalties"})
"""What every way of running a model can do; a way may add to it."""

_DEFAULTS = ("temperature", "top_p", "top_k", "repetition_penalty")

POOLING_NAME = "1_Pooling/config.json"
"""In the folder of a model that turns texts into vectors, as sentence-transformers writes it."""

_SELF_TEST_TEXT = "안녕하세요"


class ModelFolder:
    """One served model: its card, and the way from messages to token ids."""

    def __init__(self, name: str, folder: Path) -> None:
        """Read everything but the weights.

        Raises:
            ModelFolderBroken: A file is missing or cannot be used.
        """
        self.name = name
        self.file_name = quote(name, safe="")
        """The name as a name of files, whatever is in it."""
        self.path = folder
        config = self._json("config.json")
        generation = self._json("generation_config.json", missing_ok=True)
        self.embeds = self._embeds()
        """Whether it turns texts into vectors, and writes nothing."""
        self.context_tokens = self._whole(config, "max_position_embeddings")
        self.vocab_size = self._whole(config, "vocab_size")
        self._tokenizer = self._load_tokenizer()
        self._special = {
            token_id: token.content.encode()
            for token_id, token in self._tokenizer.get_added_tokens_decoder().items()
            if token.special
        }
        try:
            self.token_bytes = vocabulary_bytes(self._tokenizer.get_vocab(), self._special)
        except ValueError as error:
            raise ModelFolderBroken(folder=folder, reason=str(error)) from error
        self._longest_token_bytes = max(1, *map(len, self.token_bytes))
        if len(self.token_bytes) > self.vocab_size:
            raise ModelFolderBroken(
                folder=folder, reason="the tokenizer has more tokens than the model"
            )
        ends = generation.get("eos_token_id", config.get("eos_token_id"))
        named = ends if isinstance(ends, list) else [ends]
        self.stop_ids = sorted({IM_END_ID, END_OF_TEXT_ID, *(n for n in named if n is not None)})
        self.card = ModelCard(
            id=name,
            folder=folder,
            context_tokens=self.context_tokens,
            created_at=self._created_at(),
            capabilities=frozenset() if self.embeds else CAPABILITIES,
            defaults={
                key: float(generation[key])
                for key in _DEFAULTS
                if isinstance(generation.get(key), int | float)
            },
        )

    def encode(self, generation: Generation) -> list[int]:
        """Return the prompt's token ids. No text in it can become a special token.

        A text to continue is taken as it is; an empty one begins a new document. Tokens are, too,
        special ones included.

        Raises:
            TokenUnknown: The model has no token of a number that is asked for.
        """
        self._check(generation.prompt_ids, param="prompt")
        self._check([token for token, _ in generation.sampling.logit_bias], param="logit_bias")
        if generation.prompt_ids:
            return list(generation.prompt_ids)
        if generation.prompt is not None:
            ids = self._tokenizer.encode(whole_text(generation.prompt), add_special_tokens=False)
            return ids.ids or [END_OF_TEXT_ID]
        messages = [
            {"role": message.role, "content": whole_text(message.content)}
            for message in generation.messages
        ]
        return encode_chat(self._tokenizer, messages, add_generation_prompt=True)

    def decode(self, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            TokenUnknown: The model has no token of that number.
        """
        self._check(tokens, param="tokens")
        return [self.bytes_of(token) for token in tokens]

    def bytes_of(self, token: int) -> bytes:
        """Return what a token of the model's stands for; one without a text has none."""
        if (name := self._special.get(token)) is not None:
            return name
        return self.token_bytes[token] if token < len(self.token_bytes) else b""

    def _check(self, tokens: Sequence[int], *, param: str) -> None:
        if not all(0 <= token < self.vocab_size for token in tokens):
            raise TokenUnknown(vocab_size=self.vocab_size, param=param)

    def tokens_at_least(self, generation: Generation) -> int:
        """Return a number of tokens the prompt surely has, without cutting it into tokens.

        Cutting a few megabytes takes seconds, and no token is longer than the longest one.
        """
        if generation.prompt_ids:
            return len(generation.prompt_ids)
        texts = [generation.prompt or "", *(turn.content for turn in generation.messages)]
        size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        return math.ceil(size / self._longest_token_bytes)

    def self_test_prompt(self) -> list[int]:
        """Return a short prompt to try the model with."""
        turn = [{"role": "user", "content": _SELF_TEST_TEXT}]
        ids = encode_chat(self._tokenizer, turn, add_generation_prompt=True)
        return ids[: max(1, self.context_tokens - 8)]

    def fingerprint(self) -> str:
        """Return what changes when the files change: sizes and times of the weights."""
        parts = [
            f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}"
            for path in sorted(self.path.iterdir())
            if path.suffix in {".gguf", ".safetensors"}
        ]
        return " ".join(parts)

    def _embeds(self) -> bool:
        """Return whether the folder says, as sentence-transformers does, how to make a vector."""
        if not (self.path / POOLING_NAME).exists():
            return False
        said = self._json(POOLING_NAME)
        modes = {name for name in said if name.startswith("pooling_mode_") and said[name] is True}
        if modes != {"pooling_mode_mean_tokens"}:
            reason = f"{POOLING_NAME} asks for another vector than the mean of the last layer"
            raise ModelFolderBroken(folder=self.path, reason=reason)
        return True

    def _load_tokenizer(self) -> Tokenizer:
        try:
            return load_tokenizer(self.path)
        except HunminError as error:
            raise ModelFolderBroken(folder=self.path, reason=error.en) from error

    def _created_at(self) -> int:
        if (self.path / MANIFEST_NAME).is_file():
            try:
                return int(datetime.fromisoformat(Manifest.read(self.path).made_at).timestamp())
            except (HunminError, ValueError) as error:
                raise ModelFolderBroken(folder=self.path, reason=str(error)) from error
        return int((self.path / "config.json").stat().st_mtime)

    def _json(self, name: str, *, missing_ok: bool = False) -> dict[str, Any]:
        path = self.path / name
        if missing_ok and not path.exists():
            return {}
        try:
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            reason = f"{name}: {type(error).__name__}"
            raise ModelFolderBroken(folder=self.path, reason=reason) from error
        if not isinstance(content, dict):
            raise ModelFolderBroken(folder=self.path, reason=f"{name} is not an object")
        return content

    def _whole(self, config: dict[str, Any], key: str) -> int:
        value = config.get(key)
        if not isinstance(value, int) or value < 1:
            raise ModelFolderBroken(folder=self.path, reason=f"config.json has no {key}")
        return value


def whole_text(text: str) -> str:
    """Return the text with halves of surrogate pairs, which no encoding has, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
