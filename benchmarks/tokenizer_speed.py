"""How fast text becomes tokens: ours, `tokenizers` and `tiktoken`, all with our vocabulary.

    python benchmarks/tokenizer_speed.py [--tokenizer models/reference] [--text samples/korean/text]

All run in turn, round by round, on the same documents; the median of the rounds counts. Speeds are
given by the clock and by processor time, which other programs on the machine disturb less. The
result is printed and kept as JSON under `benchmarks/results/`.
"""

import argparse
import io
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import tiktoken
import zstandard
from tokenizers import Tokenizer

from hunmin import model
from hunmin.model.bulk import byte_alphabet
from hunmin.model.special_tokens import SPECIAL_COUNT
from hunmin.model.tokenizer import SPLIT_EXPRESSION

ROUNDS = 5
HERE = Path(__file__).parent

Ids = list[list[int]]
Encode = Callable[[list[str]], Ids]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=Path, default=HERE.parent / "models/reference")
    parser.add_argument("--text", type=Path, default=HERE.parent / "samples/korean/text")
    parser.add_argument("--mb", type=float, default=4.0, help="Text to encode, in megabytes.")
    parser.add_argument("--out", type=Path, default=HERE / "results/tokenizer_speed.json")
    asked = parser.parse_args()

    texts = read_texts(asked.text, limit_bytes=int(asked.mb * 1e6))
    size_mb = sum(len(text.encode()) for text in texts) / 1e6
    tokenizer = model.load_tokenizer(asked.tokenizer)
    contenders = contenders_for(tokenizer)
    ids = {name: encode(texts) for name, encode in contenders.items()}  # also warms up
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    processor: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, encode in contenders.items():
            wall_started, processor_started = time.perf_counter(), time.process_time()
            encode(texts)
            wall[name].append(size_mb / (time.perf_counter() - wall_started))
            processor[name].append(size_mb / (time.process_time() - processor_started))

    first = next(iter(ids.values()))
    result = {
        "machine": machine(),
        "versions": {name: version(name) for name in ("tokenizers", "tiktoken")},
        "vocab_size": tokenizer.get_vocab_size(),
        "documents": len(texts),
        "text_mb": round(size_mb, 3),
        "rounds": ROUNDS,
        "contenders": {
            name: {
                "median_mb_per_second": round(statistics.median(wall[name]), 3),
                "median_mb_per_cpu_second": round(statistics.median(processor[name]), 3),
                "mb_per_second": [round(speed, 3) for speed in wall[name]],
                "mb_per_cpu_second": [round(speed, 3) for speed in processor[name]],
                "tokens": sum(map(len, ids[name])),
                "documents_with_our_ids": sum(
                    a == b for a, b in zip(ids[name], first, strict=True)
                ),
            }
            for name in contenders
        },
    }
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", "utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=2))


def read_texts(folder: Path, *, limit_bytes: int) -> list[str]:
    """Return documents of every file in turn, so that each source has its part."""
    by_file = []
    for path in sorted(folder.glob("*.jsonl.zst")):
        with path.open("rb") as stream:
            reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(stream)
            lines = io.TextIOWrapper(reader, "utf-8")
            by_file.append([json.loads(line)["text"] for line in lines])
    texts: list[str] = []
    size = 0
    for turn in range(max(map(len, by_file), default=0)):
        for documents in by_file:
            if turn < len(documents) and size < limit_bytes:
                texts.append(documents[turn])
                size += len(documents[turn].encode())
    if not texts:
        raise SystemExit(f"No *.jsonl.zst with text in {folder}.")
    return texts


def contenders_for(tokenizer: Tokenizer) -> dict[str, Encode]:
    """Return every way to encode: ours for training text first, then the libraries alone."""
    contenders: dict[str, Encode] = {
        "hunmin, bulk encoder": model.bulk_encoder(tokenizer),
        "tokenizers, batch": lambda texts: [
            each.ids for each in tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ],
        "tokenizers, one by one": lambda texts: [
            tokenizer.encode(text, add_special_tokens=False).ids for text in texts
        ],
    }
    letters = byte_alphabet()
    ranks = {
        bytes(letters[letter] for letter in tokenizer.id_to_token(token_id)): token_id
        for token_id in range(SPECIAL_COUNT, tokenizer.get_vocab_size())
    }
    alone = tiktoken.Encoding(
        "alone", pat_str=SPLIT_EXPRESSION, mergeable_ranks=ranks, special_tokens={}
    )
    threads = os.cpu_count() or 1
    contenders["tiktoken, batch"] = lambda texts: alone.encode_ordinary_batch(
        texts, num_threads=threads
    )
    contenders["tiktoken, one by one"] = lambda texts: [
        alone.encode_ordinary(text) for text in texts
    ]
    return contenders


def machine() -> dict[str, object]:
    """Return what the numbers depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "load_average_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
