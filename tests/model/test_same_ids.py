"""Ten thousand lines have the same ids in every form a vocabulary of ours is used in.

The forms are Hugging Face `tokenizers`, transformers, tiktoken (which the bulk encoder runs) and
llama.cpp, which reads the GGUF; the vocabulary is the one that ships with Hunmin.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import xllamacpp
from transformers import AutoTokenizer

from hunmin import model
from hunmin.model import bulk
from hunmin.model.tokenizer import TOKENIZER_NAME
from tests.model.conftest import CODE, ENGLISH, KOREAN
from tests.model.test_llama_cpp import ask

REFERENCE = Path(__file__).parents[2] / "models/reference"
LINES_PER_DOCUMENT = 100

SYLLABLES = [chr(number) for number in range(0xAC00, 0xD7A4, 7)]
NOISE = [
    *" \t\r\u00a0\u3000\u200b\ufeff\u0301",
    *"ㅋㅠᄒᆞᆫ訓民Ωжא",
    *"'’\"()[]{}<>|#=_-.,;:!?~`@$%^&*+/\\€₩°…",
    *"0123456789²½Ⅳ٣",
    "😀",
    "👨‍👩‍👧",
    "🇰🇷",
    "<|im_end|>",
    "'s",
    "'LL",
    "https://",
]


def ten_thousand_lines() -> Iterator[str]:
    """Yield Korean, English, code and noise in turn, the same at every run."""
    draw = random.Random(9)
    korean, english, code = KOREAN.split(), ENGLISH.split(), CODE.splitlines()
    for _ in range(2_500):
        yield " ".join(draw.choices(korean, k=6)) + "".join(draw.choices(SYLLABLES, k=3))
        yield " ".join(draw.choices(english, k=8)).swapcase()[draw.randrange(9) :]
        yield draw.choice(code) + str(draw.randrange(10**9)) + "".join(draw.choices(NOISE, k=2))
        yield "".join(draw.choices([*NOISE, *korean, *SYLLABLES[:40]], k=draw.randrange(1, 20)))


@pytest.fixture(scope="module")
def texts() -> list[str]:
    lines = list(ten_thousand_lines())
    assert len(lines) == 10_000
    starts = range(0, len(lines), LINES_PER_DOCUMENT)
    return ["\n".join(lines[start : start + LINES_PER_DOCUMENT]) for start in starts]


@pytest.fixture(scope="module")
def ids(texts) -> list[list[int]]:
    tokenizer = model.load_tokenizer(REFERENCE)
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def test_tiktoken_cuts_ten_thousand_lines_as_tokenizers_does(texts, ids):
    plain = json.loads((REFERENCE / TOKENIZER_NAME).read_text("utf-8"))
    encoding = bulk._same_in_tiktoken(plain)

    assert encoding is not None
    assert encoding.encode_ordinary_batch(texts) == ids


def test_transformers_cuts_ten_thousand_lines_as_tokenizers_does(texts, ids):
    tokenizer = AutoTokenizer.from_pretrained(REFERENCE)

    encoded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)

    assert encoded["input_ids"] == ids


def test_llama_cpp_cuts_ten_thousand_lines_as_tokenizers_does(texts, ids):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(REFERENCE / "model.gguf")
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)

    for text, expected in zip(texts, ids, strict=True):
        theirs = ask(
            server.listening_address,
            "/tokenize",
            content=text,
            add_special=False,
            parse_special=False,
        )
        assert theirs["tokens"] == expected
