"""Cut the sample corpus in `samples/korean/` out of the Korean data folder.

    python samples/make_sample.py DATA_FOLDER

Documents are chosen by a hash of their id within the filters and budgets below, so the same data
folder gives the same bytes. Licenses with conditions that a small sample could not carry along
well (GPL, GFDL, MPL) are left out. It leaves the license texts and README, written by hand, alone.
"""

import argparse
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

Row = dict[str, Any]

HERE = Path(__file__).parent / "korean"
_WINDOW_BYTES = 1 << 27
_KEPT_FIELDS = ("id", "text", "messages", "source", "subset", "license", "title", "url", "ref")


@dataclass(frozen=True)
class Cut:
    """One file of the sample: which rows of which file, and how much of them."""

    name: str
    origin: str
    bytes_max: int
    """Of text, before compression."""
    wanted: Callable[[Row], bool] = lambda _: True
    chars_min: int = 0
    chars_max: int = 1 << 30


def _from(source: str, *subsets: str) -> Callable[[Row], bool]:
    return lambda row: row["source"] == source and (not subsets or row.get("subset") in subsets)


BEST = "pretrain/best-45.jsonl.zst"
KOBEST = "instruct/kobest_train_chat.jsonl.zst"

CHATS = [
    Cut("chatbot-data", "instruct/chatbot_data.jsonl.zst", 1 << 30),
    Cut("wiki-lead-qa", "instruct/wiki_lead_qa_templated.jsonl.zst", 900_000, chars_max=260),
    Cut("statute-qa", "instruct/statute_qa_templated.jsonl.zst", 150_000, chars_max=300),
    Cut("kobest-train", KOBEST, 250_000, chars_max=260),
    Cut("parakqc-paraphrase", "instruct/parakqc_paraphrase.jsonl.zst", 120_000),
    Cut("jhe-translation", "instruct/jhe_translation.jsonl.zst", 60_000),
]

TEXTS = [
    Cut("kowiki", BEST, 3_600_000, _from("kowiki"), 300, 2_500),
    Cut("wikinews", BEST, 600_000, _from("open-prose-ko", "wikinews"), 200, 4_000),
    Cut("book-reviews", BEST, 500_000, _from("open-prose-ko", "nanet-book-review"), 200, 6_000),
    Cut("fairy-tales", BEST, 400_000, _from("open-prose-ko", "fairytale")),
    Cut("pd-stories", BEST, 400_000, _from("pd-stories")),
    Cut("nsmc-reviews", BEST, 600_000, _from("nsmc-reviews"), 500, 2_500),
    Cut("kr-statutes", BEST, 600_000, _from("kr-statutes"), 1_000, 6_000),
    Cut("kr-constitutional-court", BEST, 250_000, _from("kr-constitutional-court"), 800, 4_000),
    Cut("open-docs-ko", BEST, 300_000, _from("open-docs-ko", "react", "kubernetes")),
]

OTHER_FEELING = {"긍정": "부정", "부정": "긍정"}
"""The wrong answer to each right one of KoBEST's questions about the feeling of a review."""

EVALUATION = (
    "kobest_boolq.dev", "kobest_copa.dev", "kobest_hellaswag.test", "kobest_sentineg.dev",
    "kobest_wic.dev",
)  # fmt: skip
EVALUATION_ITEMS = 100


def main() -> None:
    """Write the sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the Korean data folder")
    data: Path = parser.parse_args().data
    for folder, cuts in (("chat", CHATS), ("text", TEXTS)):
        (HERE / folder).mkdir(parents=True, exist_ok=True)
        for cut in cuts:
            rows = list(_choose(cut, data))
            size = write_rows(HERE / folder / f"{cut.name}.jsonl.zst", rows)
            print(f"{folder}/{cut.name}: {len(rows)} rows, {size / 1e3:.0f} kB")  # noqa: T201
    (HERE / "preference").mkdir(exist_ok=True)
    pairs = list(_feelings(data))
    size = write_rows(HERE / "preference/kobest-sentineg.jsonl.zst", pairs)
    print(f"preference/kobest-sentineg: {len(pairs)} rows, {size / 1e3:.0f} kB")  # noqa: T201
    (HERE / "eval").mkdir(exist_ok=True)
    for name in EVALUATION:
        lines = (data / "eval" / f"{name}.jsonl").read_text("utf-8").splitlines()
        chosen = sorted(lines, key=lambda line: luck_of(json.loads(line)["id"]))[:EVALUATION_ITEMS]
        (HERE / "eval" / f"{name}.jsonl").write_text("\n".join(sorted(chosen)) + "\n", "utf-8")


def _choose(cut: Cut, data: Path) -> Iterator[Row]:
    """Yield rows in order of the hash of their id until the budget is used up."""
    rows = [row for row in read_rows(data / cut.origin) if cut.wanted(row)]
    left = cut.bytes_max
    for row in sorted(rows, key=lambda row: luck_of(row["id"])):
        spoken = row.get("text") or "\n".join(turn["content"] for turn in row["messages"])
        if not cut.chars_min <= len(spoken) <= cut.chars_max:
            continue
        left -= len(spoken.encode())
        if left < 0:
            return
        yield {key: row[key] for key in _KEPT_FIELDS if key in row}


def _feelings(data: Path) -> Iterator[Row]:
    """Yield the right and the wrong answer on reviews that no chat of the sample is about."""
    taken = {row["id"] for row in read_rows(HERE / "chat/kobest-train.jsonl.zst")}
    for row in read_rows(data / KOBEST):
        if row["task"] == "kobest_sentineg" and row["id"] not in taken:
            asked, answered = (turn["content"] for turn in row["messages"])
            yield {
                "id": row["id"],
                "prompt": asked,
                "chosen": answered,
                "rejected": OTHER_FEELING[answered],
                "source": row["source"],
                "license": row["license"],
            }


def luck_of(text: str) -> bytes:
    """Return what texts are put in order by, the same everywhere."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a packed file."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    with path.open("rb") as raw, decompressor.stream_reader(raw) as stream:
        for line in io.TextIOWrapper(stream, "utf-8"):
            yield json.loads(line)


def write_rows(path: Path, rows: list[Row]) -> int:
    """Write rows into a packed file, and return its bytes."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    packed = zstandard.ZstdCompressor(level=19).compress(lines.encode())
    path.write_bytes(packed)
    return len(packed)


if __name__ == "__main__":
    main()
