"""Which attention kernel a run computes with: the fastest here, measured once and remembered.

What was measured is kept for a device, a version of PyTorch and a shape in `hunmin/attention.json`
in the user's cache folder. It can be removed at any time: it is measured again.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from hunmin.errors import AttentionUnfit
from hunmin.model.attention_names import DETERMINISTIC, KERNEL_NAMES, KernelName
from hunmin.steps import write_whole
from hunmin.train.attention_timing import Case, Timing, measure, trouble_with
from hunmin.train.device import Device
from hunmin.train.world import World

Measure = Callable[[Sequence[KernelName], Case, torch.device], list[Timing]]

_DEFAULT: KernelName = "sdpa"
"""What is left where none of the others works, and on a CPU nearly always."""

_TILED_TOKENS_MAX = 512
"""The longest sequences that a CPU computes faster in tiles, where it multiplies bfloat16 itself:
1.4 times as fast at 256 and 512 tokens, alike at 1,024 (`hunmin train attention`)."""

_ON_GPU: tuple[KernelName, ...] = ("flash", "varlen", "cudnn", "efficient", "flex")
"""Those worth measuring. Without measuring the first that works is taken: on a row with documents
apart the first one is not to be had, and the second computes least."""


def choose(
    case: Case,
    device: torch.device,
    *,
    wanted: KernelName | None = None,
    deterministic: bool = False,
    compiled: bool = False,
    cache: Path | None = None,
    measure: Measure = measure,
) -> KernelName:
    """Return the kernel for a case: the one that is wanted, else the fastest that is right.

    Where no time may decide, because the run is to be deterministic, it is the first that works. On
    a CPU nothing is measured either: there it goes by the number format and the length.

    Args:
        case: What is to be computed.
        device: Where.
        wanted: The kernel asked for by name.
        deterministic: Whether it has to give the same bits again.
        compiled: Whether the layers are compiled, and attention with them.
        cache: The file of what was measured before; by default the user's.
        measure: Measures kernels.

    Raises:
        AttentionUnfit: The one that is wanted cannot be used.
    """
    if wanted is not None:
        if deterministic and wanted not in DETERMINISTIC:
            trouble = "it does not give the same bits again, and --deterministic was given"
        else:
            trouble = trouble_with(wanted, case, device)
        if trouble:
            raise AttentionUnfit(kernel=wanted, reason=trouble)
        return wanted
    if device.type != "cuda":
        is_short = case.sequence_tokens <= _TILED_TOKENS_MAX
        return "tiles" if compiled and case.bfloat16 and is_short else _DEFAULT
    if deterministic:
        candidates = (kernel for kernel in _ON_GPU if kernel in DETERMINISTIC)
        works = (kernel for kernel in candidates if not trouble_with(kernel, case, device))
        return next(works, _DEFAULT)
    cache = cache or cache_path()
    known = _read(cache).get(_key(case))
    if known in KERNEL_NAMES:
        return known
    fastest = fastest_of(measure(_ON_GPU, case, device))
    if fastest is None:
        return _DEFAULT
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
        return choose(
            case,
            device.device,
            wanted=wanted,
            deterministic=device.deterministic,
            compiled=device.compiled,
        )

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
    """Return the file of what was measured; without a home it is in the folder for passing things.

    Source:
        XDG Base Directory Specification 0.8: a relative `XDG_CACHE_HOME` is to be ignored.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not folder.is_absolute():
        try:
            folder = Path.home() / ".cache"
        except RuntimeError:  # as in a container whose user has no name
            folder = Path(tempfile.gettempdir())
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
