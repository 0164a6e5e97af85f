"""Which attention kernel a run computes with: the fastest here, measured once and remembered.

What was measured is kept for a device, a version of PyTorch and a shape in `hunmin/attention.json`
in the user's cache folder. It can be removed at any time: it is measured again.
"""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from hunmin.errors import AttentionUnfit
from hunmin.model.attention_names import KERNEL_NAMES, KernelName
from hunmin.steps import write_whole
from hunmin.train.attention_timing import Case, Timing, measure, trouble_with
from hunmin.train.device import Device
from hunmin.train.world import World

Measure = Callable[[Sequence[KernelName], Case, torch.device], list[Timing]]

_DEFAULT: KernelName = "sdpa"
"""What is left where none of the others works; on a CPU the only one worth having."""

_ON_GPU: tuple[KernelName, ...] = ("flash", "varlen", "cudnn", "efficient", "flex")
"""Those worth measuring."""


def choose(
    case: Case,
    device: torch.device,
    *,
    wanted: KernelName | None = None,
    cache: Path | None = None,
    measure: Measure = measure,
) -> KernelName:
    """Return the kernel for a case: the one that is wanted, else the fastest that is right.

    Args:
        case: What is to be computed.
        device: Where.
        wanted: The kernel asked for by name.
        cache: The file of what was measured before; by default the user's.
        measure: Measures kernels.

    Raises:
        AttentionUnfit: The one that is wanted cannot be used.
    """
    if wanted is not None:
        trouble = trouble_with(wanted, case, device)
        if trouble:
            raise AttentionUnfit(kernel=wanted, reason=trouble)
        return wanted
    if device.type != "cuda":
        return _DEFAULT
    cache = cache or cache_path()
    known = _read(cache).get(_key(case))
    if known in KERNEL_NAMES:
        return known
    fastest = fastest_of(measure(_ON_GPU, case, device)) or _DEFAULT
    remember(case, fastest, cache=cache)
    return fastest


def with_attention(
    device: Device, case: Case, world: World, *, wanted: KernelName | None
) -> Device:
    """Return a device with the kernel that the first process chose for all; all must ask.

    Raises:
        AttentionUnfit: The one that is wanted cannot be used.
    """

    def choose_it() -> KernelName | None:
        if not world.is_first:
            return None
        return choose(case, device.device, wanted=wanted)

    chosen = world.gather(world.together(choose_it))[0]
    assert chosen is not None, "the first process has chosen"
    return replace(device, attention=chosen)


def fastest_of(timings: Sequence[Timing]) -> KernelName | None:
    """Return the kernel that took least; None where none works."""
    working = [one for one in timings if one.milliseconds is not None]
    return min(working, key=lambda one: one.milliseconds or 0.0).kernel if working else None


def remember(case: Case, kernel: KernelName, *, cache: Path | None = None) -> None:
    """Write down the kernel for a case; where that cannot be, it is measured again next time."""
    cache = cache or cache_path()
    known = _read(cache) | {_key(case): kernel}
    with suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_whole(cache, json.dumps(known, indent=1, sort_keys=True).encode())


def cache_path() -> Path:
    """Return the file of what was measured.

    Source:
        XDG Base Directory Specification 0.8: a relative `XDG_CACHE_HOME` is to be ignored.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not folder.is_absolute():
        folder = Path("~/.cache").expanduser()
    return folder / "hunmin" / "attention.json"


def _read(cache: Path) -> dict[str, Any]:
    """Return what is known; nothing where the file is missing or broken."""
    try:
        known = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _key(case: Case) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(case).items())
