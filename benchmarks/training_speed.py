"""Training tokens a second: ours beside the Hugging Face Trainer. Same model, data, optimizer.

    python benchmarks/training_speed.py CORPUS TOKENIZER [--steps 12] [--rounds 2]

Needs `accelerate` beside what Hunmin installs (`pip install accelerate`), which is the Trainer's.
Both train the same Qwen3 shape from the same token file with AdamW, in bfloat16 where the machine
has it; ours compiles its layers as `hunmin train` does, the Trainer runs once as it comes and once
with `torch_compile=True`, its own best. Each runs in a process of its own, in turn, for the given
rounds; the first four steps (compilation) are left out. One JSON line is printed and appended to
`benchmarks/results/training_speed.jsonl`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "training_speed.jsonl"
SHAPE = {
    "context_tokens": 512,
    "layers": 6,
    "width": 320,
    "heads": 5,
    "key_value_heads": 5,
    "head_width": 64,
    "feed_forward_width": 896,
}
BATCH, TOKENS, WARM = 16, 512, 4


def ours(corpus: Path, tokenizer: Path, steps: int, folder: Path) -> list[float]:
    """Return the seconds of each step of `hunmin train`."""
    from hunmin import model, train
    from hunmin.train.stepping import Outcome, Stepper

    seconds = []
    learn = Stepper.step

    def timed(stepper: Stepper, *data: object, **flags: object) -> Outcome:
        started = time.perf_counter()
        outcome = learn(stepper, *data, **flags)
        seconds.append(time.perf_counter() - started)
        return outcome

    Stepper.step = timed
    shape = model.ModelConfig(vocab_size=vocab_size(tokenizer), **SHAPE)
    stage = train.TrainConfig(
        stage="pretrain",
        steps=steps,
        batch_sequences=BATCH,
        sequence_tokens=TOKENS,
        learning_rate=1e-3,
        checkpoint_every_steps=10**9,
        heldout_sequences=0,
    )
    train.run(stage, shape, corpus=corpus, tokenizer=tokenizer, out=folder)
    return seconds


def trainer(corpus: Path, tokenizer: Path, steps: int, folder: Path, *, compiled: bool) -> list:
    """Return the seconds of each step of the Hugging Face Trainer."""
    import numpy as np
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM, Trainer, TrainerCallback
    from transformers import TrainingArguments as Arguments

    from hunmin.model.checkpoint import to_hub_config
    from hunmin.model.transformer import ModelConfig
    from hunmin.train.device import find_device
    from hunmin.train.tokens import prepare

    shape = ModelConfig(vocab_size=vocab_size(tokenizer), **SHAPE)
    config = Qwen3Config(**to_hub_config(shape, eos_id=0, pad_id=3, dtype="float32"))
    rows = prepare(corpus, tokenizer, folder / "t", kind="text", sequence_tokens=TOKENS).ids_ST
    dataset = [
        {"input_ids": ids, "labels": ids}
        for ids in (torch.from_numpy(row[:-1].astype(np.int64)) for row in rows[: steps * BATCH])
    ]
    seconds, started = [], [0.0]

    class Clock(TrainerCallback):
        """Times each step."""

        def on_step_begin(self, *_args: object, **_more: object) -> None:
            started[0] = time.perf_counter()

        def on_step_end(self, *_args: object, **_more: object) -> None:
            seconds.append(time.perf_counter() - started[0])

    Trainer(
        model=Qwen3ForCausalLM(config),
        args=Arguments(
            output_dir=str(folder / "hf"),
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=1e-3,
            weight_decay=0.1,
            bf16=find_device().bfloat16,
            optim="adamw_torch_fused",
            torch_compile=compiled,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        ),
        train_dataset=dataset,
        callbacks=[Clock()],
    ).train()
    return seconds


def vocab_size(tokenizer: Path) -> int:
    return json.loads((tokenizer / "manifest.json").read_text("utf-8"))["facts"]["vocab_size"]


def one(who: str, corpus: Path, tokenizer: Path, steps: int) -> None:
    """Time one of them in this process and print its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        if who == "hunmin":
            seconds = ours(corpus, tokenizer, steps, Path(folder))
        else:
            compiled = who.endswith("compiled")
            seconds = trainer(corpus, tokenizer, steps, Path(folder), compiled=compiled)
    print(json.dumps(seconds[WARM:]))


def main() -> None:
    """Run each in turn and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        one(asked.only, asked.corpus, asked.tokenizer, asked.steps)
        return
    seconds: dict[str, list[float]] = {}
    for _ in range(asked.rounds):
        for who in ("hunmin", "trainer", "trainer compiled"):
            command = [sys.executable, __file__, str(asked.corpus), str(asked.tokenizer)]
            done = subprocess.run(
                [*command, "--steps", str(asked.steps), "--only", who],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
            )
            seconds.setdefault(who, []).extend(json.loads(done.stdout.splitlines()[-1]))
    rates = {who: BATCH * TOKENS / statistics.median(found) for who, found in seconds.items()}
    line = json.dumps(
        {
            "question": "training tokens a second",
            "shape": SHAPE,
            "tokens_per_second": {who: round(rate) for who, rate in rates.items()},
            "ours_over_trainer": round(rates["hunmin"] / rates["trainer"], 2),
            "ours_over_trainer_compiled": round(rates["hunmin"] / rates["trainer compiled"], 2),
            "steps_measured": {who: len(found) for who, found in seconds.items()},
        }
    )
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    print(line)


if __name__ == "__main__":
    main()
