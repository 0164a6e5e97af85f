"""What the preference stage is good for: pairs that a model ranks right, before and after it.

    python benchmarks/preference_gain.py CORPUS BEFORE AFTER [--reviews FILE]

CORPUS holds preference pairs; BEFORE and AFTER are checkpoints, or models. A pair is ranked right
where its chosen answer is likelier than the rejected one. Asked are the held-out pairs and, with
`--reviews`, the items of KoBEST's SentiNeg in the words of the pairs: good or bad, either answer.
Each accuracy stands with its 95% interval (Wilson's), and the gain with the exact p-value of
McNemar's test, for both models answer the same pairs.
One JSON line is printed and appended to `benchmarks/results/preference_gain.jsonl`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from hunmin import model
from hunmin.evaluation.scoring import Scorer, Span, load_scorer
from hunmin.evaluation.uncertainty import mean_with_interval, sign_test

RESULTS = Path(__file__).parent / "results" / "preference_gain.jsonl"

Pair = dict[str, Any]
"""`prompt`, `chosen` and `rejected`, as a corpus has them."""


def heldout_pairs(corpus: Path) -> list[Pair]:
    """Return the pairs of a corpus that nothing was learned from."""
    shards = sorted((corpus / "shards").glob("preference_heldout-*.parquet"))
    return [row for shard in shards for row in pq.read_table(shard).to_pylist()]


def reviews(path: Path) -> list[Pair]:
    """Return the items of SentiNeg as pairs: the right answer, and the other one."""
    pairs = []
    for line in path.read_text("utf-8").splitlines():
        item = json.loads(line)
        question = f"다음 후기는 긍정적인가요, 부정적인가요?\n\n{item['text']}"
        pairs.append(
            {
                "prompt": [{"role": "user", "content": question}],
                "chosen": item["choices"][item["answer"]],
                "rejected": item["choices"][1 - item["answer"]],
            }
        )
    return pairs


def ranked_right(scorer: Scorer, pairs: Sequence[Pair]) -> list[float]:
    """Return 1 for each pair whose chosen answer the model finds likelier, else 0."""
    spans = [
        _span(scorer, pair["prompt"], pair[name])
        for pair in pairs
        for name in ("chosen", "rejected")
    ]
    logs = [score.log_probability for score in scorer.score(spans)]
    return [
        float(chosen > rejected) for chosen, rejected in zip(logs[::2], logs[1::2], strict=True)
    ]


def _span(scorer: Scorer, prompt: list[dict[str, str]], answer: str) -> Span:
    """Return a conversation of which the last answer is scored, up to the end of its turn."""
    asked = model.encode_chat(scorer.tokenizer, prompt, add_generation_prompt=True)
    whole = [*prompt, {"role": "assistant", "content": answer}]
    ids = model.encode_chat(scorer.tokenizer, whole)
    end = len(ids) - ids[::-1].index(model.IM_END_ID)
    return Span(tuple(ids[:end]), scored=end - len(asked))


def compare(pairs: Sequence[Pair], before: Scorer, after: Scorer) -> dict[str, Any]:
    """Return both accuracies with their intervals, and how sure the difference is."""
    answers = [ranked_right(scorer, pairs) for scorer in (before, after)]
    result: dict[str, Any] = {"pairs": len(pairs)}
    for name, right in zip(("before", "after"), answers, strict=True):
        mean, _, low, high = mean_with_interval(right)
        result[name] = {"accuracy": round(mean, 4), "low": round(low, 4), "high": round(high, 4)}
    won = sum(new > old for old, new in zip(*answers, strict=True))
    lost = sum(new < old for old, new in zip(*answers, strict=True))
    return result | {"won": won, "lost": lost, "p": sign_test(won, lost)}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--reviews", type=Path)
    given = parser.parse_args()
    before, after = load_scorer(given.before), load_scorer(given.after)
    result = {"held out": compare(heldout_pairs(given.corpus), before, after)}
    if given.reviews is not None:
        result["KoBEST SentiNeg dev"] = compare(reviews(given.reviews), before, after)
    line = json.dumps(result)
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")


if __name__ == "__main__":
    main()
