"""One layer of many experts, forward and backward: one product for all beside one after the other.

    python benchmarks/experts_speed.py [--tokens 1024] [--rounds 15] [--dtype float32]

Four ways to compute the same layer of 128 experts, eight for each token, from the same weights:
ours; ours as it was before, with a loop over the experts; and `Qwen3MoeSparseMoeBlock` of
transformers, with its loop and with its grouped products (its default). All run in turn in each
round, and before that each one's output and gradients are compared with ours. One JSON line is
printed and appended to `benchmarks/results/experts_speed.jsonl`: the median seconds of
each, and how many times as long as ours it took in the same round (median).
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen3MoeConfig
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeSparseMoeBlock

from hunmin.model.experts import Experts, choose_experts
from hunmin.model.feed_forward import FeedForward

RESULTS = Path(__file__).parent / "results" / "experts_speed.jsonl"
WIDTH, EXPERT_WIDTH, EXPERTS, EXPERTS_PER_TOKEN = 256, 128, 128, 8
MATRICES = ("gate_proj", "up_proj", "down_proj")


class Looped(nn.Module):
    """Our layer as it was: the experts are modules, computed one after the other."""

    def __init__(self, ours: Experts) -> None:
        super().__init__()
        self.gate = ours.gate
        self.experts = nn.ModuleList(FeedForward(WIDTH, EXPERT_WIDTH) for _ in range(EXPERTS))
        with torch.no_grad():
            for number, expert in enumerate(self.experts):
                for name in MATRICES:
                    expert.get_parameter(f"{name}.weight").copy_(
                        ours.experts.get_parameter(name)[number]
                    )

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the layer's output, `(B, T, D)`."""
        x_ND = x_BTD.flatten(0, 1)
        _, weights_NK, chosen_NK = choose_experts(self.gate(x_ND), EXPERTS_PER_TOKEN)
        tokens, count = chosen_NK.shape
        order_S = chosen_NK.flatten().argsort(stable=True)
        slots_SD = x_ND.unsqueeze(1).expand(-1, count, -1).reshape(tokens * count, -1)
        sizes_E = chosen_NK.flatten().bincount(minlength=EXPERTS).tolist()
        parts = slots_SD[order_S].split(sizes_E)
        outputs_SD = torch.cat(
            [expert(part) for expert, part in zip(self.experts, parts, strict=True)]
        )
        outputs_NKD = outputs_SD[order_S.argsort()].view(tokens, count, -1)
        return (outputs_NKD * weights_NK.unsqueeze(-1)).sum(dim=1).type_as(x_ND).view_as(x_BTD)


def of_transformers(ours: Experts, way: str) -> Qwen3MoeSparseMoeBlock:
    """Return the same layer as transformers has it, computed in one of its ways."""
    config = Qwen3MoeConfig(
        hidden_size=WIDTH,
        moe_intermediate_size=EXPERT_WIDTH,
        num_experts=EXPERTS,
        num_experts_per_tok=EXPERTS_PER_TOKEN,
        norm_topk_prob=True,
    )
    config._experts_implementation = way  # as its own `from_pretrained` does
    block = Qwen3MoeSparseMoeBlock(config)
    with torch.no_grad():
        block.gate.weight.copy_(ours.gate.weight)
        gate_up = torch.cat((ours.experts.gate_proj, ours.experts.up_proj), dim=1)
        block.experts.gate_up_proj.copy_(gate_up)
        block.experts.down_proj.copy_(ours.experts.down_proj)
    return block


def once(layer: nn.Module, x_BTD: Tensor) -> tuple[Tensor, float]:
    """Compute forward and backward; return the output and the seconds both took."""
    layer.zero_grad(set_to_none=True)
    started = time.perf_counter()
    output = layer(x_BTD)
    output = output[0] if isinstance(output, tuple) else output
    (output * x_BTD).sum().backward()
    return output, time.perf_counter() - started


def gate_gradients(layer: nn.Module) -> Tensor:
    """Return the gradients of the experts' `gate_proj`, stacked."""
    if isinstance(layer, Looped):
        return torch.stack([expert.gate_proj.weight.grad for expert in layer.experts])
    if isinstance(layer, Experts):
        return layer.experts.gate_proj.grad.clone()
    return layer.experts.gate_up_proj.grad[:, :EXPERT_WIDTH]


def check(ways: dict[str, nn.Module], x_BTD: Tensor) -> None:
    """Check that all ways give the same outputs and gradients, but for rounding."""
    ours = ways["grouped"]
    expected, gradient = once(ours, x_BTD)[0], gate_gradients(ours)
    for name, layer in ways.items():
        output = once(layer, x_BTD)[0]
        for one, other in ((output, expected), (gate_gradients(layer), gradient)):
            off = functional.mse_loss(one.float(), other.float()).sqrt()
            assert off < 0.02 * other.float().std(), (name, off)


def main() -> None:
    """Run all in turn and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    asked = parser.parse_args()
    torch.manual_seed(1)
    ours = Experts(
        WIDTH, experts=EXPERTS, experts_per_token=EXPERTS_PER_TOKEN, width_each=EXPERT_WIDTH
    )
    for weight in ours.parameters():
        nn.init.normal_(weight, std=WIDTH**-0.5)
    ways = {
        "grouped": ours,
        "loop": Looped(ours),
        "transformers": of_transformers(ours, "grouped_mm"),
        "transformers_loop": of_transformers(ours, "eager"),
    }
    dtype = getattr(torch, asked.dtype)
    ways = {name: layer.to(dtype) for name, layer in ways.items()}
    x_BTD = torch.randn(4, asked.tokens // 4, WIDTH, dtype=dtype)
    check(ways, x_BTD)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, layer in ways.items():
            seconds[name].append(once(layer, x_BTD)[1])
    line = {
        "tokens": asked.tokens,
        "dtype": asked.dtype,
        "rounds": asked.rounds,
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "seconds": {name: round(statistics.median(some), 4) for name, some in seconds.items()},
        "times_ours": {
            name: round(
                statistics.median(a / b for a, b in zip(some, seconds["grouped"], strict=True)),
                2,
            )
            for name, some in seconds.items()
        },
    }
    print(json.dumps(line))
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
