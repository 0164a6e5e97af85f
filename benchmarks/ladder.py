"""Whether a ladder of small runs foresees the loss of the next size: the largest from the others.

    python benchmarks/ladder.py CORPUS TOKENIZER RUNS [--depths 1,2,3,4]

Climbs the ladder in the folder RUNS as `hunmin train ladder` does, and goes on there when it was
interrupted; then every run from the fourth up is predicted from those below it, and each prediction
is set beside what that run measured. One JSON line is printed and appended to
`benchmarks/results/ladder.jsonl`.
"""

import argparse
import json
from pathlib import Path

from hunmin.train.ladder import LADDER_NAME, Ladder, climb
from hunmin.train.rungs import Climbed, Rung
from hunmin.train.scaling import LAW_PARAMETERS

RESULTS = Path(__file__).parent / "results" / "ladder.jsonl"


def checks(runs: list[dict]) -> list[dict]:
    """Return the prediction of each run from those below it, beside the truth."""
    rungs = [Rung(**{name: run[name] for name in Rung.__dataclass_fields__}) for run in runs]
    losses = [run["loss"] for run in runs]
    bytes_a_token = Climbed(rungs, losses, 1.0).bits_per_byte(losses[0]) / runs[0]["bits_per_byte"]
    found = []
    for count in range(LAW_PARAMETERS + 1, len(runs) + 1):
        said = Climbed(rungs[:count], losses[:count], bytes_a_token).self_check()
        assert said is not None
        kept = ("size", "loss", "low", "high", "measured", "within", "times_the_largest_run")
        found.append({name: said[name] for name in kept})
    return found


def main() -> None:
    """Climb, look back, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--depths", default="1,2,3,4")
    parser.add_argument("--tokens-per-parameter", type=float, default=0.1)
    parser.add_argument("--sequence", type=int, default=256)
    asked = parser.parse_args()
    ladder = Ladder(
        corpus=asked.corpus,
        tokenizer=asked.tokenizer,
        out=asked.runs,
        sequence_tokens=asked.sequence,
        tokens_per_parameter=asked.tokens_per_parameter,
    )
    folder = climb(ladder, [int(depth) for depth in asked.depths.split(",")])
    facts = json.loads((folder / LADDER_NAME).read_text("utf-8"))
    line = json.dumps(
        {
            "question": "the largest run of a ladder, from the smaller ones",
            "tokens_per_parameter": asked.tokens_per_parameter,
            "sequence_tokens": asked.sequence,
            **{name: facts[name] for name in ("runs", "left_out", "law", "prediction")},
            "checks": checks(facts["runs"]),
        }
    )
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
