"""Task packs: folders of lm-evaluation-harness task files, and the local data they ask about.

A task file names its data under `dataset_kwargs: data_files:` as a JSON-lines file. It is looked
for beside the task file, then in the data folder. What a pack's `!function` names is Python and is
run: take packs only from people whose code you would run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hunmin.errors import TaskBroken, TaskDataMissing, TaskUnknown
from hunmin.evaluation.harness import broken_as, quiet
from hunmin.manifest import file_sha256

if TYPE_CHECKING:
    from lm_eval.api.task import Task
    from lm_eval.tasks import TaskManager

PACKS = Path(__file__).parent / "packs"
DEFAULT_PACKS = ("kobest", "klue", "kornlu", "kobbq")
"""What is run where no task is named: everything shipped but the slow translations."""

_SAMPLE_DATA = Path("samples/korean/eval")


@dataclass(frozen=True, slots=True)
class TaskFile:
    """One task of a pack, not yet loaded."""

    name: str
    pack: str
    path: Path
    config: Mapping[str, Any]
    """The file as written."""
    data: Mapping[str, Path]
    """Split to data file, found on this machine."""
    missing: str | None
    """The data file that was not found."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What a task file says of itself: titles, primary metric, license, version."""
        said = self.config.get("metadata")
        return said if isinstance(said, dict) else {}

    def tell(self, name: str, otherwise: str = "") -> str:
        """Return one thing a task file says of itself, as text."""
        return str(self.metadata.get(name) or otherwise)

    @property
    def scored_data(self) -> Path:
        """The file the scored items come from."""
        split = self.config.get("test_split") or self.config.get("validation_split") or ""
        return self.data.get(split) or next(iter(self.data.values()))

    def data_sha256(self) -> str:
        """Return the hash of the file the scored items come from."""
        return file_sha256(self.scored_data)

    def items(self) -> list[dict[str, Any]]:
        """Return the items of that file.

        Raises:
            TaskBroken: A line is not a JSON object, or there is none.
        """
        return list(_rows(self.name, self.scored_data))


def default_data_folder() -> Path | None:
    """Return the evaluation data of the sample corpus, in the current folder or the repository."""
    for root in (Path.cwd(), Path(__file__).parents[2]):
        if (root / _SAMPLE_DATA).is_dir():
            return root / _SAMPLE_DATA
    return None


def all_tasks(data: Path | None) -> list[TaskFile]:
    """Return every task of every shipped pack."""
    packs = sorted(path for path in PACKS.iterdir() if path.is_dir())
    return [task for pack in packs for task in read_pack(pack, data)]


def choose_tasks(names: Sequence[str], data: Path | None) -> tuple[list[TaskFile], dict[str, str]]:
    """Return the tasks to run, and those left out for want of data, with the reason.

    Args:
        names: Packs, tasks or pack folders. Without any, the default packs, of which tasks
            without data are left out; a task that is asked for must have its data.
        data: The data folder.

    Raises:
        TaskUnknown: A name stands for nothing.
        TaskDataMissing: A task that was asked for has no data here.
        TaskBroken: A task file cannot be read.
    """
    chosen: dict[str, TaskFile] = {}
    for name in names or DEFAULT_PACKS:
        for task in _find(name, data):
            chosen[task.name] = task
    left_out = {task.name: f"{task.missing} not found" for task in chosen.values() if task.missing}
    if names:
        for task in chosen.values():
            if task.missing:
                folders = [task.path.parent, *([data] if data else [])]
                raise TaskDataMissing(task=task.name, file=task.missing, looked_in=folders)
    return [task for task in chosen.values() if not task.missing], left_out


def check_tasks(names: Sequence[str], data: Path | None) -> None:
    """Refuse now the tasks that `run` would refuse later.

    Raises:
        TaskUnknown, TaskDataMissing, TaskBroken: As `choose_tasks` does.
    """
    choose_tasks(names, data or default_data_folder())


def _find(name: str, data: Path | None) -> list[TaskFile]:
    shipped = all_tasks(data)
    found = [task for task in shipped if name in (task.pack, task.name)]
    if found:
        return found
    if Path(name).is_dir() and (tasks := read_pack(Path(name), data)):
        return tasks
    known = {task.pack for task in shipped} | {task.name for task in shipped}
    raise TaskUnknown(name=name, known=sorted(known))


def read_pack(folder: Path, data: Path | None) -> list[TaskFile]:
    """Return the tasks of one pack folder, by name.

    Raises:
        TaskBroken: A file is not a task file, or names no local JSON-lines data.
    """
    index = _manager(folder).task_index
    by_path = {entry.yaml_path: entry for entry in index.values() if entry.yaml_path}
    tasks = []
    for path in sorted(folder.rglob("*.yaml")):
        entry = by_path.get(path)
        if entry is None:
            reason = "it is not a task file of lm-evaluation-harness"
            raise TaskBroken(task=str(path), reason=reason)
        config = entry.cfg or {}
        if isinstance(config.get("task"), str):  # a group names a list of tasks
            tasks.append(_task_file(folder.resolve().name, path, config, data))
    return sorted(tasks, key=lambda task: task.name)


def _task_file(pack: str, path: Path, config: Mapping[str, Any], data: Path | None) -> TaskFile:
    named = (config.get("dataset_kwargs") or {}).get("data_files")
    if isinstance(named, str):
        named = {config.get("test_split") or config.get("validation_split") or "train": named}
    if config.get("dataset_path") != "json" or not isinstance(named, dict) or not named:
        reason = "it names no local JSON-lines file (dataset_path: json, and data_files)"
        raise TaskBroken(task=str(path), reason=reason)
    _check_metrics(path, config)
    folders = [path.parent, *([data] if data else [])]
    found: dict[str, Path] = {}
    missing = None
    for split, file in named.items():
        here = [folder / file for folder in folders if (folder / file).is_file()]
        if here:
            found[split] = here[0]
        else:
            missing = str(file)
    return TaskFile(config["task"], pack, path, config, found, missing)


def _check_metrics(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse a metric the harness would go and fetch by name."""
    from lm_eval.api import metrics, registry  # noqa: F401, PLC0415 (metrics fills the registry)

    for metric in config.get("metric_list") or []:
        name = metric.get("metric")
        known = config.get("process_results") or name in registry.metric_registry
        if not known or metric.get("hf_evaluate"):
            reason = f"the metric {name} is not built in, and nothing is fetched"
            raise TaskBroken(task=str(path), reason=reason)


def load_task(task: TaskFile) -> "Task":
    """Return a task ready for the harness, with its data read from the files found.

    The data set is built in memory: the usual loader would count a download over the network and
    leave a cache in the home folder.

    Raises:
        TaskBroken: The task file or its data cannot be used.
    """
    changes = {"task": task.name, "custom_dataset": partial(_datasets, task)}
    with quiet(), broken_as(task.name):
        loaded = _manager(task.path.parent).load([{"group": "hunmin", "task": [changes]}])
    return loaded["tasks"][task.name]


def _manager(folder: Path) -> "TaskManager":
    from lm_eval.tasks import TaskManager  # noqa: PLC0415

    with quiet():
        return TaskManager(include_path=[folder], include_defaults=False)


def _datasets(task: TaskFile, **_: object) -> dict[str, Any]:
    import datasets  # noqa: PLC0415

    return {
        split: datasets.Dataset.from_list(list(_rows(task.name, path)))
        for split, path in task.data.items()
    }


def _rows(task: str, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the items of a JSON-lines file.

    Raises:
        TaskBroken: A line is not a JSON object, or there is none.
    """
    count = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                reason = f"{path.name} line {number} is not JSON"
                raise TaskBroken(task=task, reason=reason) from error
            if not isinstance(row, dict):
                raise TaskBroken(task=task, reason=f"{path.name} line {number} is not an object")
            count += 1
            yield row
    if not count:
        raise TaskBroken(task=task, reason=f"{path.name} is empty")
