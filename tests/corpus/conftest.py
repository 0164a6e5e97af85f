"""Small sources of Korean text, and a builder that turns them into a corpus."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hunmin import corpus
from hunmin.manifest import Manifest

_SUBJECTS = ("훈민정음", "한강", "경복궁", "세종대왕", "제주도", "도서관", "기차역", "박물관")
_OBJECTS = ("오래된 이야기를", "새로운 방법을", "사람들의 생활을", "계절의 변화를", "도시의 역사를")
_VERBS = ("설명한다", "보여준다", "기록하고 있다", "만들었다", "바꾸었다", "지키고 있다")


def paragraph(seed: int, sentences: int = 6) -> str:
    """Return ordinary Korean sentences that no other seed gives."""
    made = []
    for index in range(sentences):
        n = seed * 31 + index * 7
        made.append(
            f"{_SUBJECTS[n % len(_SUBJECTS)]}에서 {seed}번째로 만난 {_OBJECTS[n % len(_OBJECTS)]} "
            f"사람은 {index}번 길을 따라 {_SUBJECTS[(n + 5) % len(_SUBJECTS)]}까지 걸으며 "
            f"조용히 {_VERBS[n % len(_VERBS)]}."
        )
    return " ".join(made)


def chat(question: str, answer: str) -> list[dict[str, str]]:
    """Return a conversation of one turn."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


@dataclass
class Built:
    """A finished corpus, easy to ask."""

    folder: Path
    manifest: Manifest

    @classmethod
    def read(cls, folder: Path) -> "Built":
        return cls(folder, Manifest.read(folder))

    def rows(self, split: str) -> list[dict[str, Any]]:
        shards = sorted((self.folder / "shards").glob(f"{split}-*.parquet"))
        return [row for shard in shards for row in pq.read_table(shard).to_pylist()]

    @property
    def texts(self) -> dict[str, str]:
        """Every text by id, held out or not."""
        rows = self.rows("text") + self.rows("heldout")
        return {row["id"]: row["text"] for row in rows}

    @property
    def dropped(self) -> dict[str, str]:
        return {row["id"]: row["reason"] for row in self.drops}

    @property
    def drops(self) -> list[dict[str, str]]:
        return pq.read_table(self.folder / "dropped.parquet").to_pylist()

    def bytes(self) -> dict[str, bytes]:
        """The content of every file but the manifest, which holds the time."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and path.name != "manifest.json"
        }


Build = Callable[..., Built]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder that sources files and sources lie in."""
    made = tmp_path / "sources"
    made.mkdir()
    return made


@pytest.fixture
def jsonl(folder: Path) -> Callable[[str, Sequence[Mapping[str, Any]]], Path]:
    def write(name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        path = folder / name
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text(lines, "utf-8")
        return path

    return write


@pytest.fixture
def build(folder: Path, tmp_path: Path) -> Build:
    """Give a function that builds from the text of a sources file."""

    def build(toml: str, *, out: str = "corpus", **options: Any) -> Built:
        path = folder / "sources.toml"
        path.write_text(toml, "utf-8")
        if isinstance(config := options.get("config"), dict):
            options["config"] = corpus.CorpusConfig(**config)
        manifest = corpus.build(path, tmp_path / out, **options)
        return Built(tmp_path / out, manifest)

    return build


ONE_SOURCE = """
[[source]]
name = "s"
path = "s.jsonl"
license = "CC0-1.0"
"""
