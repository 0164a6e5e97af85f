"""The peer of `corpus_speed.py`: what FineWeb2 does to Korean, as datatrove does it.

    PEER_PYTHON benchmarks/corpus_speed_peer.py INPUT_DIR OUT_DIR kiwi|spaces

Runs in an environment of its own that has datatrove and not Hunmin. The steps, their order and the
thresholds are those published for FineWeb2's `kor_Hang`; `spaces` replaces the Korean word
tokenizer by cutting at spaces. Language identification is left out, since its model is a download.
"""

import os
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.pipeline.filters import (
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.formatters import FTFYFormatter, PIIFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils import word_tokenizers
from datatrove.utils.hashing import HashConfig

KOREAN = "kor_Hang"
STOP_WORDS = [*"의다이는에을한년하은를했고가있인월로되", "에서", "으로"]


def main() -> None:
    source, out, words = sys.argv[1:]
    if words == "spaces":
        cut_at_spaces()
    root = Path(out)
    config = MinhashConfig(
        hash_config=HashConfig(hash_fc="xxhash", precision=64),
        num_buckets=14,
        hashes_per_bucket=8,
        n_grams=5,
    )
    signatures = [
        JsonlReader(source),
        MinhashDedupSignature(str(root / "signatures"), config=config, language=KOREAN),
    ]
    buckets = [MinhashDedupBuckets(str(root / "signatures"), str(root / "buckets"), config=config)]
    clusters = [MinhashDedupCluster(str(root / "buckets"), str(root / "remove"), config=config)]
    rest = [
        JsonlReader(source),
        MinhashDedupFilter(str(root / "remove")),
        GopherRepetitionFilter(
            language=KOREAN,
            dup_para_frac=0,
            dup_line_char_frac=0,
            dup_para_char_frac=0,
            dup_line_frac=0.374,
            top_n_grams=((2, 0.282), (3, 0.228), (4, 0.185)),
            dup_n_grams=((5, 0.201), (6, 0.184), (7, 0.168), (8, 0.154), (9, 0.14), (10, 0.127)),
        ),
        FineWebQualityFilter(
            language=KOREAN,
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=0.062,
            new_line_ratio=0.196,
        ),
        GopherQualityFilter(
            language=KOREAN,
            max_avg_word_length=6,
            min_avg_word_length=1,
            stop_words=STOP_WORDS,
            max_non_alpha_words_ratio=0.791,
            min_stop_words=2,
        ),
        FTFYFormatter(),
        PIIFormatter(),
        JsonlWriter(str(root / "output")),
    ]
    files = len(list(Path(source).iterdir()))
    cores = len(os.sched_getaffinity(0))
    for number, (steps, tasks) in enumerate(
        ((signatures, files), (buckets, config.num_buckets), (clusters, 1), (rest, files))
    ):
        LocalPipelineExecutor(
            pipeline=steps,
            tasks=tasks,
            workers=min(cores, tasks),
            logging_dir=str(root / "logs" / str(number)),
        ).run()


def cut_at_spaces() -> None:
    """Let datatrove take for words what stands between two spaces."""

    class Spaces(word_tokenizers.WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return text.split("\n")

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    spaces = Spaces()

    def load(_: object) -> word_tokenizers.WordTokenizer:
        return spaces

    for name, module in list(sys.modules.items()):
        if name.startswith("datatrove") and hasattr(module, "load_word_tokenizer"):
            module.load_word_tokenizer = load


if __name__ == "__main__":
    main()
