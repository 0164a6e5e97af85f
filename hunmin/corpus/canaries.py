"""Canaries: sentences with a random number, put into training text to see what a model memorizes.

A canary gives a thing that does not exist a registration number, as in "푸른 등대의 등록 번호는
4821 7390 5562 입니다." No two begin alike, and the number is drawn from `SPACE` many, so a model
that finds it likelier than others has read it. Some canaries are never put in: they say what chance
gives.

Source:
    Carlini et al., "The Secret Sharer: Evaluating and Testing Unintended Memorization in Neural
    Networks", USENIX Security 2019, sections 3 and 4.
"""

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hunmin.errors import ManifestBroken
from hunmin.manifest import Manifest, SourceRecord, verify_files
from hunmin.steps import open_step

CANARIES_NAME = "canaries.jsonl"

SOURCE = "canaries"
"""The source that documents made from canaries name in the ledger."""

LICENSE = "CC0-1.0"

_QUALITIES = (
    "푸른", "붉은", "하얀", "검은", "고요한", "따스한", "서늘한", "높은", "낮은", "깊은",
    "느린", "빠른", "작은", "커다란", "둥근", "빛나는", "오래된", "새로운", "먼", "가까운",
)  # fmt: skip
_THINGS = (
    "등대", "나루", "풍차", "우물", "돛배", "수레", "물레", "나침반", "온실", "종탑",
    "돌다리", "누각", "화덕", "천막", "방앗간", "정자", "뗏목", "굴뚝", "창고", "마차",
)  # fmt: skip
_ENDING = "입니다."

_FIRST_DIGITS = "345679"
"""What a number may begin with. Not 0 or 1: telephone numbers do, and the regions of driver's
licenses do with 1 and 2. Not 8: that begins `82`, Korea's own code."""
_GROUP_FIRST_DIGITS = "23456789"
"""What the other groups may begin with: again not as telephone numbers do, `010` or `1588`."""
_ENDINGS_OF_GROUP = 1000

SPACE = len(_FIRST_DIGITS) * len(_GROUP_FIRST_DIGITS) ** 2 * _ENDINGS_OF_GROUP**3
"""How many numbers there are, |R|: 3.84e11. Each has twelve digits, and a resident registration
number thirteen."""


class CanaryConfig(BaseModel):
    """Which canaries are made. Part of a recipe: another value makes other canaries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: Annotated[str, Field(min_length=1)]
    """What all numbers are drawn from. A secret, where others must not know them: no manifest
    holds it, only its SHA-256, which hides a long phrase and not a short one."""
    repeats: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = (1, 4, 16)
    """How often canaries are put in: memory grows with repetition, so several counts are tried."""
    canaries_each: Annotated[int, Field(ge=1)] = 8
    """Canaries of each count; the error of their mean is 1.44 bits over the root of this."""
    controls: Annotated[int, Field(ge=1)] = 8
    """Canaries never put in."""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if not self.repeats or list(self.repeats) != sorted(set(self.repeats)):
            raise ValueError("repeats must be different counts in ascending order")
        if self.count > len(_QUALITIES) * len(_THINGS):
            raise ValueError(f"there are names for {len(_QUALITIES) * len(_THINGS)} canaries")
        return self

    @property
    def count(self) -> int:
        """How many canaries there are, controls included."""
        return len(self.repeats) * self.canaries_each + self.controls


@dataclass(frozen=True, slots=True)
class Canary:
    """One canary."""

    id: str
    """As `canaries:16-3`: the fourth of those that are put in sixteen times."""
    repeats: int
    """How often it is put into the training text; 0 for a control."""
    prefix: str
    """What stands before the number, the last space included."""
    number: str

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.prefix}{self.number} {_ENDING}"


def number_at(index: int) -> str:
    """Return one number of the space, `0 <= index < SPACE`, as in `4821 7390 5562`."""
    groups: list[str] = []
    for first_digits in (_GROUP_FIRST_DIGITS, _GROUP_FIRST_DIGITS, _FIRST_DIGITS):
        index, rest = divmod(index, _ENDINGS_OF_GROUP)
        index, first = divmod(index, len(first_digits))
        groups.append(f"{first_digits[first]}{rest:03}")
    assert index == 0, "within the space"
    return " ".join(reversed(groups))


def draw_canaries(config: CanaryConfig) -> list[Canary]:
    """Return the canaries of a seed: controls first, then by how often they are put in."""
    key = config.seed.encode()

    def lot(label: str) -> int:
        return int.from_bytes(hmac.digest(key, label.encode(), "sha256"))

    names = sorted(map(" ".join, itertools.product(_QUALITIES, _THINGS)), key=lot)
    ids = [(0, place) for place in range(config.controls)]
    ids += itertools.product(config.repeats, range(config.canaries_each))
    return [
        Canary(
            id=f"{SOURCE}:{repeats}-{place}",
            repeats=repeats,
            prefix=f"{name}의 등록 번호는 ",
            number=number_at(lot(f"number of {name}") % SPACE),
        )
        for (repeats, place), name in zip(ids, names, strict=False)
    ]


def make_canaries(config: CanaryConfig, out: Path) -> Manifest:
    """Make a folder of canaries; `read_canaries` reads it.

    Raises:
        OutputExists: `out` holds canaries of another seed or other counts.
    """
    recipe = {
        "seed_sha256": hashlib.sha256(config.seed.encode()).hexdigest(),
        **config.model_dump(mode="json", exclude={"seed"}),
    }
    with open_step(out, kind="canaries", name=out.name, recipe=recipe) as step:
        if step.finished is not None:
            return step.finished
        canaries = draw_canaries(config)
        lines = (json.dumps(asdict(canary), ensure_ascii=False) for canary in canaries)
        (step.folder / CANARIES_NAME).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        documents = sum(canary.repeats for canary in canaries)
        source = SourceRecord(
            name=SOURCE,
            license=LICENSE,
            origin="made by hunmin to measure memorization",
            documents=documents,
            text_bytes=sum(canary.repeats * len(canary.text.encode()) for canary in canaries),
        )
        facts = {
            "canaries": config.count - config.controls,
            "controls": config.controls,
            "documents": documents,
            "space": SPACE,
        }
        return step.finish(facts=facts, sources=[source])


def read_canaries(folder: Path) -> list[Canary]:
    """Return the canaries of a folder that is as it was made.

    Raises:
        ManifestMissing, WrongInput: It is no finished folder of canaries.
        ManifestBroken: Its file is missing or was changed.
    """
    Manifest.read(folder, kind="canaries")
    verify_files(folder)
    return list(_parsed(folder / CANARIES_NAME))


def _parsed(path: Path) -> Iterator[Canary]:
    try:
        for line in path.read_text("utf-8").splitlines():
            yield Canary(**json.loads(line))
    except (OSError, ValueError, TypeError) as error:
        raise ManifestBroken(path=path, reason=type(error).__name__) from error
