"""Models of a few hundred thousand weights, in folders an engine opens.

`write_random` answers with random bytes, the hardest text there is for keeping characters whole.
`write_parrot` has a table in its weights: after each token comes one certain other, so that a test
knows what is said next.
"""

import json
import random
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import Qwen3Config, Qwen3ForCausalLM

from hunmin.inference.text import byte_of_character
from hunmin.model import IM_END_ID
from hunmin.model.gguf_writer import GgufDescription, write_gguf
from hunmin.model.tokenizer import added_specials, blank_tokenizer, write_tokenizer_files
from tests.inference.parrot import CONTEXT_TOKENS, ENDS_AT_ONCE, PARROT_SAYS

_Q8 = gguf.GGMLQuantizationType.Q8_0


def write_random(folder: Path, **shape: int) -> Path:
    """Write a model with random weights."""
    model = _model(**shape)
    _write(folder, model, _tokenizer(model.config.vocab_size))
    return folder


def write_parrot(folder: Path) -> Path:
    """Write a model that says `PARROT_SAYS` for ever, and ends after `ENDS_AT_ONCE`."""
    model = _model(tie_word_embeddings=False)
    tokenizer = Tokenizer.from_str(_tokenizer(model.config.vocab_size))
    character_of = {byte: character for character, byte in byte_of_character().items()}
    loop = [tokenizer.token_to_id(character_of[byte]) for byte in PARROT_SAYS.encode()]
    follower = dict(zip(loop, [*loop[1:], loop[0]], strict=True))
    rest = [token for token in range(model.config.vocab_size) if token not in follower]
    follower |= dict.fromkeys(rest, loop[0])
    follower[tokenizer.token_to_id(ENDS_AT_ONCE)] = IM_END_ID
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        places = torch.nn.functional.normalize(torch.randn(len(follower), 128), dim=-1)
        places[rest] = places[rest[0]].clone()
        places[tokenizer.token_to_id(ENDS_AT_ONCE)] = -places[loop[0]]
        model.model.embed_tokens.weight.copy_(places)
        model.lm_head.weight.normal_(std=0.02)
        for token in [*loop, rest[0], tokenizer.token_to_id(ENDS_AT_ONCE)]:
            model.lm_head.weight[follower[token]] += 2 * places[token]
    _write(folder, model, tokenizer.to_str())
    return folder


def write_vectors(folder: Path) -> Path:
    """Write a model that turns texts into vectors, as sentence-transformers lays one out."""
    model = _model()
    folder.mkdir(parents=True)
    model.model.save_pretrained(folder)
    tokenizer = _tokenizer(model.config.vocab_size).encode()
    write_tokenizer_files(folder, tokenizer, context_tokens=CONTEXT_TOKENS)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 128, "pooling_mode_mean_tokens": True})
    )
    return folder


def _model(
    *,
    vocab_size: int = 1024,
    hidden_size: int = 128,
    layers: int = 2,
    heads: int = 2,
    key_heads: int = 1,
    context_tokens: int = CONTEXT_TOKENS,
    tie_word_embeddings: bool = True,
) -> Qwen3ForCausalLM:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        head_dim=64,
        intermediate_size=3 * hidden_size,
        max_position_embeddings=context_tokens,
        tie_word_embeddings=tie_word_embeddings,
        initializer_range=0.08,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=3,
    )
    return Qwen3ForCausalLM(config).float()


def _tokenizer(vocab_size: int) -> str:
    dice = random.Random(0)
    words = ["".join(chr(0xAC00 + dice.randrange(11172)) for _ in range(3)) for _ in range(4000)]
    tokenizer = blank_tokenizer()
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=added_specials(),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(words, trainer)
    assert tokenizer.get_vocab_size() == vocab_size
    return tokenizer.to_str()


def _write(folder: Path, model: Qwen3ForCausalLM, tokenizer: str) -> None:
    """Write the folder; its weights are exactly what 8 bits hold, so that all engines agree."""
    folder.mkdir(parents=True)
    context_tokens = model.config.max_position_embeddings
    write_tokenizer_files(folder, tokenizer.encode(), context_tokens=context_tokens)
    with torch.no_grad():
        for weight in model.state_dict().values():
            if weight.ndim == 2:
                stored = gguf.quants.quantize(weight.numpy(), _Q8)
                weight.copy_(torch.from_numpy(gguf.quants.dequantize(stored, _Q8)))
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": [2, 0], "pad_token_id": 3, "temperature": 0.6, "top_p": 0.8})
    )
    _write_gguf(folder, model)


def _write_gguf(folder: Path, model: Qwen3ForCausalLM) -> None:
    config = json.loads((folder / "config.json").read_text())
    write_gguf(
        folder / "model.gguf",
        weights={
            name: tensor.numpy().astype(np.float32)
            for name, tensor in model.state_dict().items()
            if name != "lm_head.weight" or not model.config.tie_word_embeddings
        },
        config=config | {"rope_theta": model.config.rope_parameters["rope_theta"]},
        tokenizer=json.loads((folder / "tokenizer.json").read_text()),
        chat_template=(folder / "chat_template.jinja").read_text(),
        description=GgufDescription(
            name=folder.name,
            license="own",
            languages=("ko",),
            parameters=model.num_parameters(),
            checkpoint_sha256="0" * 64,
            sampling={},
        ),
        quantization="Q8_0",
    )
