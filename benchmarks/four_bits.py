"""What storing a model in eight or four bits costs: bits a byte on text it never saw.

    python benchmarks/four_bits.py --model models/reference --corpus var/laptop/corpus > result.json

The weights are rounded as `hunmin export --quantization` rounds them, taken back to 32 bits, and
measured as `hunmin eval` measures held-out text. So this is the price of the stored weights alone;
an engine's own arithmetic is not in it. The peer is the same model as it was trained. Data goes to
stdout.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import gguf
import torch

from hunmin.evaluation.heldout import HeldoutPlan, choose, measure, summarize
from hunmin.evaluation.scoring import load_scorer
from hunmin.model.gguf_writer import Quantization, gguf_name, tensor_type

if TYPE_CHECKING:
    from hunmin.model.transformer import Transformer


def round_weights(model: "Transformer", quantization: Quantization) -> None:
    """Store every weight as the GGUF would, and read it back."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            kind = tensor_type(gguf_name(name), tuple(weight.shape), quantization)
            stored = gguf.quants.quantize(weight.numpy(), kind)
            weight.copy_(torch.from_numpy(gguf.quants.dequantize(stored, kind)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/reference"))
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=100_000, help="Of each source at most.")
    arguments = parser.parse_args()
    plan = HeldoutPlan(bytes_per_source=arguments.bytes)
    texts, _ = choose(arguments.corpus, plan)
    found = {}
    for quantization in (None, *get_args(Quantization)):
        scorer = load_scorer(arguments.model)
        if quantization is not None:
            round_weights(scorer.model, quantization)
        result = summarize(measure(scorer, texts, plan))
        found[quantization or "as trained"] = round(result.bits_per_byte, 4)
    about = {"model": arguments.model.name, "text_bytes": result.text_bytes}
    print(json.dumps({"about": about, "bits_per_byte": found}, indent=1))


if __name__ == "__main__":
    main()
