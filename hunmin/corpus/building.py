"""From a sources file to a corpus: the stages in their order, resumed where they stopped."""

import functools
import shutil
from collections.abc import Sequence
from pathlib import Path

from hunmin.corpus import summing
from hunmin.corpus.config import CorpusConfig, Runner
from hunmin.corpus.contamination import read_passages
from hunmin.corpus.drops import write_drops
from hunmin.corpus.engine import map_units, open_daft, works_here
from hunmin.corpus.partfile import PARTIAL
from hunmin.corpus.placing import SPLITS
from hunmin.corpus.planning import Plan, make_plan
from hunmin.corpus.stage_clean import CleanOptions, CleanUnit, clean_part
from hunmin.corpus.stage_dedup import Repeats, find_repeats
from hunmin.corpus.stage_read import ReadCounts, ReadOptions, ReadUnit, read_counts, read_unit
from hunmin.corpus.stage_shards import (
    RunCounts,
    RunUnit,
    ShardUnit,
    merge_shard,
    sort_run,
    total,
)
from hunmin.errors import NothingLeft
from hunmin.manifest import Manifest
from hunmin.progress import bar
from hunmin.steps import Step, open_step

_MB = 1e6
_SMALL_BYTES = 64 * 2**20
"""Reading less than this is not worth the start of other processes."""
_SMALL_CHARS = 12 * 2**20
"""Likewise of cleaning."""
_RUN_CHARS = 64 * 2**20
"""Text in one sorted run, and in the memory of whoever sorts it."""


def build(
    sources: Path,
    out: Path,
    *,
    config: CorpusConfig | None = None,
    runner: Runner = "local",
    rights: Path | None = None,
) -> Manifest:
    """Build a corpus from the sources a file names.

    Killed at any moment and called again, it goes on where it was; the result is the same bytes
    on any machine, with any number of threads and with either runner.

    Args:
        sources: The sources file, in TOML.
        out: The folder to make.
        config: How to build; the default is for Korean.
        runner: `local` for this machine, `ray` for a Ray cluster that shares its file system.
        rights: JSON Lines of licenses allowed and ids withdrawn.

    Raises:
        SourcesFileBroken, LicenseMissing, LicenseRefused, SourceMissing: Before any work.
        SourceUnreadable, CompressionBomb: A file is damaged or hostile.
        NothingLeft: Every document was dropped.
        RunnerMissing: Ray was asked for and is not installed.
    """
    config = config or CorpusConfig()
    plan = make_plan(sources, rights)
    recipe = {
        "sources": plan.file.model_dump(mode="json"),
        "config": config.model_dump(mode="json"),
        "sha256": plan.hashes,
    }
    with open_step(out, kind="corpus", name=out.name, recipe=recipe) as step:
        if step.finished is not None:
            return step.finished
        return _Building(step, plan, config, runner).run()


class _Building:
    """One corpus being built."""

    def __init__(self, step: Step, plan: Plan, config: CorpusConfig, runner: Runner) -> None:
        self.step = step
        self.plan = plan
        self.config = config
        self.runner: Runner = runner
        self.scratch = step.scratch
        self.units = [
            ReadUnit(
                index, f.source, f.path, f.base, f.size_bytes, self.scratch / "read" / f"{index:06}"
            )
            for index, f in enumerate(plan.files)
        ]

    def run(self) -> Manifest:
        """Do what is left to do."""
        self._clear_leftovers()
        read = self._read()
        cleaned = self._clean(read)
        parts = [unit.out for unit in cleaned]
        repeats = self._find_repeats(parts)
        runs, counts = self._sort(cleaned)
        rows, sizes = total(counts)
        drops = write_drops(
            self.step.folder / "dropped.parquet",
            [path for unit in self.units for path in sorted(unit.folder.glob("drops-*.parquet"))],
            [run.drops for run in runs],
            repeats=repeats,
            parts=parts,
        )
        if not rows:
            raise NothingLeft(reasons=drops)
        self._merge(runs, counts)
        return self.step.finish(
            facts={
                "rows_read": sum(count.rows for count in read),
                "documents": rows["text"],
                "text_bytes": sizes["text"],
                "heldout_documents": rows["heldout"],
                "heldout_text_bytes": sizes["heldout"],
                "chats": rows["chat"],
                "chat_text_bytes": sizes["chat"],
                "preferences": rows["preference"],
                "preference_text_bytes": sizes["preference"],
                "heldout_preferences": rows["preference_heldout"],
                "prompts": rows["prompt"],
                "prompt_text_bytes": sizes["prompt"],
                "heldout_prompts": rows["prompt_heldout"],
                "dropped": drops,
                **summing.cluster_facts(self.units, repeats),
                "masked": summing.masked(parts, repeats),
                "repaired": summing.repaired(read),
            },
            sources=summing.records(self.plan, self.units, read, counts),
        )

    def _clear_leftovers(self) -> None:
        """Remove what killed runs left unfinished."""
        for path in sorted(self.step.folder.rglob(f"*{PARTIAL}")):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _read(self) -> list[ReadCounts]:
        done = {unit.index: counts for unit in self.units if (counts := read_counts(unit.folder))}
        left = [unit for unit in self.units if unit.index not in done]
        options = ReadOptions(
            self.config.limits,
            frozenset(self.plan.file.licenses.allow) | self.plan.rights.licenses,
            self.plan.rights.withdrawn,
        )
        sizes = {unit.index: unit.size_bytes for unit in self.units}
        with bar("reading", total=sum(sizes.values()) / _MB, unit="MB") as shown:
            shown.start_at(sum(sizes[index] for index in done) / _MB)
            small = sum(unit.size_bytes for unit in left) < _SMALL_BYTES
            here = works_here(self.runner, left, small=small)
            function = functools.partial(
                read_unit,
                options=options,
                advance=(lambda size: shown.advance(int(size) / _MB)) if here else None,
            )
            for unit, counts in map_units(function, left, runner=self.runner, small=small):
                done[unit.index] = counts
                known = sum(sizes[index] for index in done) / _MB
                shown.advance(known - shown.done, note=unit.source.name)
        return [done[unit.index] for unit in self.units]

    def _clean(self, read: list[ReadCounts]) -> list[CleanUnit]:
        folder = self.scratch / "clean"
        folder.mkdir(exist_ok=True)
        options = CleanOptions(self.config, self._passages())
        units = [
            CleanUnit(
                unit.folder / f"part-{part:05}.parquet",
                folder / f"{unit.index:06}-{part:05}.parquet",
                chars,
                unit.source,
            )
            for unit, counts in zip(self.units, read, strict=True)
            for part, chars in enumerate(counts.part_chars)
        ]
        left = [unit for unit in units if not unit.out.is_file()]
        chars_left = sum(unit.chars for unit in left)
        chars = sum(unit.chars for unit in units)
        with bar("cleaning", total=chars / _MB, unit="M characters") as shown:
            shown.start_at((chars - chars_left) / _MB)
            work = functools.partial(clean_part, options=options)
            small = chars_left < _SMALL_CHARS
            for unit, _ in map_units(work, left, runner=self.runner, small=small):
                shown.advance(unit.chars / _MB, note=unit.source.name)
        return units

    def _passages(self) -> Path | None:
        if not self.plan.eval_files:
            return None
        path = self.scratch / "passages.npz"
        if not path.is_file():
            rules = self.plan.file.decontaminate
            passages = read_passages(
                self.plan.eval_files, size=rules.ngram_eojeols, share=rules.share
            )
            passages.save(path)
        return path

    @property
    def _repeats_path(self) -> Path:
        return self.scratch / "repeats.npz"

    def _find_repeats(self, parts: Sequence[Path]) -> Repeats:
        if self._repeats_path.is_file():
            return Repeats.load(self._repeats_path)
        near = self.config.near_duplicates
        turns = 2 + (near.bands if near.enabled else 0)
        with bar("finding duplicates", total=turns, unit="turns") as shown:
            if parts:
                daft = open_daft(self.runner)
                repeats = find_repeats(daft, parts, near, advance=shown.advance)
            else:
                repeats = Repeats.none()
        repeats.save(self._repeats_path)
        return repeats

    def _sort(self, cleaned: list[CleanUnit]) -> tuple[list[RunUnit], list[RunCounts]]:
        folder = self.scratch / "runs"
        folder.mkdir(exist_ok=True)
        groups: list[list[CleanUnit]] = []
        for unit in cleaned:
            if not groups or sum(u.chars for u in groups[-1]) + unit.chars > _RUN_CHARS:
                groups.append([])
            groups[-1].append(unit)
        runs = [
            RunUnit(index, tuple(unit.out for unit in group), folder)
            for index, group in enumerate(groups)
        ]
        chars = {
            run.index: sum(unit.chars for unit in group)
            for run, group in zip(runs, groups, strict=True)
        }
        counts: dict[int, RunCounts] = {}
        with bar("sorting", total=sum(chars.values()) / _MB, unit="M characters") as shown:
            work = functools.partial(sort_run, repeats=self._repeats_path, config=self.config)
            few = len(runs) < 4  # noqa: PLR2004 (seconds of work)
            for run, counted in map_units(work, runs, runner=self.runner, small=few):
                counts[run.index] = counted
                shown.advance(chars[run.index] / _MB)
        return runs, [counts[run.index] for run in runs]

    def _merge(self, runs: list[RunUnit], counts: list[RunCounts]) -> None:
        folder = self.step.folder / "shards"
        folder.mkdir(exist_ok=True)
        units: list[ShardUnit] = []
        _, sizes = total(counts)
        for split in SPLITS:
            shards = -(-sizes[split] // self.config.shard_text_bytes)
            paths = tuple(
                run.run(split)
                for run, count in zip(runs, counts, strict=True)
                if split in count.rows
            )
            units += [
                ShardUnit(split, index, shards, paths, folder / f"{split}-{index:05}.parquet")
                for index in range(shards)
            ]
        with bar("writing shards", total=len(units), unit="shards") as shown:
            few = len(units) < 8  # noqa: PLR2004 (seconds of work)
            for _ in map_units(merge_shard, units, runner=self.runner, small=few):
                shown.advance()
        for leftover in folder.glob(f"*{PARTIAL}"):
            leftover.unlink()
