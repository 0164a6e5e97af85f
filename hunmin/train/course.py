"""Where a run is: the steps done, its place in the data, what it learned. Plain JSON.

Beside weights and optimizers this is all that a checkpoint needs. Step and place in the data are
the same number until a run takes back bad steps: then it goes on behind the data that spoiled it.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hunmin.manifest import StretchRecord
from hunmin.train.guard import Guard

COURSE_NAME = "course.json"


@dataclass
class Course:
    """The course of one run up to a step."""

    step: int = 0
    """Steps done."""
    data_step: int = 0
    """The next step of the data's order."""
    stretches: list[StretchRecord] = field(default_factory=list)
    """What was learned: steps, and the steps of the data they took, without those skipped."""
    loss: float | None = None
    """Of the last step that was learned from."""
    guard: Guard = field(default_factory=Guard)

    @property
    def steps_learned(self) -> int:
        """How many steps were learned from, and not skipped or taken back."""
        return sum(one.steps for one in self.stretches)

    def advance(self, *, learned: bool) -> None:
        """Count one step, learned from or skipped."""
        if learned:
            last = self.stretches[-1] if self.stretches else None
            if last is not None and last.goes_on_with(self.step, self.data_step):
                self.stretches[-1] = last.model_copy(update={"steps": last.steps + 1})
            else:
                self.stretches.append(
                    StretchRecord(step=self.step, data_step=self.data_step, steps=1)
                )
        self.step += 1
        self.data_step += 1

    def jump(self, data_step: int) -> None:
        """Go on with a later step of the data; what lies between is never learned."""
        assert data_step >= self.data_step
        self.data_step = data_step
        self.guard.skipped.clear()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "step": self.step,
            "data_step": self.data_step,
            "stretches": [stretch.model_dump() for stretch in self.stretches],
            "loss": self.loss,
            "guard": self.guard.to_json(),
        }

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read `course.json` of a checkpoint whose files were verified."""
        return cls.from_json(json.loads((folder / COURSE_NAME).read_text("utf-8")))

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Return what `to_json` gave."""
        return cls(
            step=saved["step"],
            data_step=saved["data_step"],
            stretches=[StretchRecord(**one) for one in saved["stretches"]],
            loss=saved["loss"],
            guard=Guard.from_json(saved["guard"]),
        )
