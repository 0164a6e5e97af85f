"""What rounds of judged answers are good for: how often a model answers right, before and after.

    python benchmarks/reinforce_gain.py PROMPTS BEFORE AFTER [--reviews FILE] [--rounds FOLDER]

PROMPTS is a corpus of prompts as `samples/reinforce.toml` has them; BEFORE and AFTER are
checkpoints, or models. Both answer the held-out prompts and, with `--reviews`, items of KoBEST's
SentiNeg in the words of the prompts. An answer is right where of the two labels it says the right
one alone. Greedy answers are counted with 95% intervals (Wilson's), and the gain with the exact
p-value of McNemar's test, for both models answer the same prompts; four answers drawn to each
prompt are averaged beside. `--rounds`, the folder of the rounds, adds what each of them came to.
One JSON line is printed and appended to `benchmarks/results/reinforce_gain.jsonl`.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hunmin.build.rounds import Round
from hunmin.evaluation.uncertainty import mean_with_interval, sign_test
from hunmin.manifest import Manifest
from hunmin.rollouts import RolloutsConfig, VerifierConfig, generate, score
from hunmin.rollouts.files import rows_of
from hunmin.steps import open_step

RESULTS = Path(__file__).parent / "results" / "reinforce_gain.jsonl"

LABELS = VerifierConfig(name="label", options={"labels": ["긍정", "부정"]})

ASKED = RolloutsConfig(
    rounds=1,
    prompts=1_000_000,
    heldout_prompts=1_000_000,  # all there are
    answers=4,
    answer_tokens_max=8,
    verifiers=(LABELS,),
)


def reviews(path: Path, out: Path) -> Path:
    """Write the items of SentiNeg as a corpus of held-out prompts."""
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows = [
        {
            "id": item["id"],
            "prompt": [
                {
                    "role": "user",
                    "content": f"다음 후기는 긍정적인가요, 부정적인가요?\n\n{item['text']}",
                }
            ],
            "answer": item["choices"][item["answer"]],
            "source": item["task"],
            "license": item["license"],
            "consent": "",
        }
        for item in items
    ]
    with open_step(out, kind="corpus", name=out.name, recipe={"made": "by a benchmark"}) as step:
        (step.folder / "shards").mkdir()
        path = step.folder / "shards" / "prompt_heldout-00000.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        step.finish(facts={"heldout_prompts": len(rows)})
    return out


def answers(prompts: Path, model: Path, out: Path, *, greedy: bool) -> list[float]:
    """Return of each held-out prompt the share of its answers that are right."""
    draw = ASKED.heldout_draw()
    if not greedy:
        draw = dataclasses.replace(draw, greedy=False, answers=ASKED.answers)
    generate(prompts, model, out / "rollouts", draw=draw)
    score(out / "rollouts", out / "rewards", verifiers=ASKED.verifiers)
    return [sum(row["rewards"]) / draw.answers for row in rows_of(out / "rewards", "rewards")]


def compare(prompts: Path, before: Path, after: Path, work: Path) -> dict[str, Any]:
    """Return both accuracies with their intervals, and how sure the difference is."""
    result: dict[str, Any] = {}
    greedy = []
    for name, model in (("before", before), ("after", after)):
        right = answers(prompts, model, work / f"{name}-greedy", greedy=True)
        drawn = answers(prompts, model, work / f"{name}-drawn", greedy=False)
        mean, _, low, high = mean_with_interval(right)
        greedy.append(right)
        result |= {
            "prompts": len(right),
            name: {
                "greedy": round(mean, 4),
                "low": round(low, 4),
                "high": round(high, 4),
                "drawn": round(sum(drawn) / len(drawn), 4),
            },
        }
    won = sum(new > old for old, new in zip(*greedy, strict=True))
    lost = sum(new < old for old, new in zip(*greedy, strict=True))
    return result | {"won": won, "lost": lost, "p": sign_test(won, lost)}


def course(folder: Path) -> list[dict[str, float]]:
    """Return what each round came to: mean reward of its answers, and of held-out ones after it."""
    found = []
    number = 0
    while (here := Round(folder, number)).heldout_rewards.is_dir():
        facts = Manifest.read(here.heldout_rewards).facts
        line = {"round": number, "heldout_label": round(facts["scores"]["label"], 4)}
        if here.rewards.is_dir():
            facts = Manifest.read(here.rewards).facts
            line["label"] = round(facts["scores"]["label"], 4)
            line["spread"] = round(facts["groups_with_spread"] / facts["prompts"], 4)
        found.append(line)
        number += 1
    return found


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--reviews", type=Path)
    parser.add_argument("--rounds", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        result = {"held out": compare(given.prompts, given.before, given.after, work / "own")}
        if given.reviews is not None:
            items = reviews(given.reviews, work / "items")
            result["KoBEST SentiNeg dev"] = compare(items, given.before, given.after, work / "dev")
    if given.rounds is not None:
        result["rounds"] = course(given.rounds)
    line = json.dumps(result, ensure_ascii=False)
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")


if __name__ == "__main__":
    main()
