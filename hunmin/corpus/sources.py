"""The sources file: what goes into a corpus, from where, under which license.

Reads and checks TOML, finds the files. Every license is checked before any file is opened.
`docs/reference/sources-file.md` describes the format for people.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hunmin.corpus.licenses import is_allowed, why_refused
from hunmin.errors import LicenseMissing, LicenseRefused, SourceMissing, SourcesFileBroken


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Strict):
    """One `[[source]]` of the file."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9가-힣._-]+$")]
    path: str | None = None
    """A file, folder or glob, counted from the folder of the sources file."""
    dataset: str | None = None
    """A Hugging Face data set id, instead of `path`."""
    config: str | None = None
    split: str = "train"
    revision: str | None = None
    """Of a data set: a commit or tag, so that the same file means the same data tomorrow."""
    license: str | None = None
    license_column: str | None = None
    consent_column: str | None = None
    """Column with the id of the consent that each document is used under."""
    origin: str = ""
    attribution: str = ""
    kind: Literal["text", "chat", "preference", "prompt"] = "text"
    """Documents, conversations, pairs of answers to one prompt of which one is preferred, or
    prompts whose answers a program can verify."""
    weight: Annotated[float, Field(gt=0, le=64)] = 1.0
    """Below 1 a share of the documents is drawn; above 1 they are repeated."""
    text_column: str = "text"
    id_column: str = "id"
    messages_column: str = "messages"
    prompt_column: str = "prompt"
    """Of a preference pair, or a prompt: what is asked, a text or a list of messages."""
    chosen_column: str = "chosen"
    rejected_column: str = "rejected"
    answer_column: str = "answer"
    """Of a prompt: the answer that verifiers compare with. Empty where there is none, as for
    prompts of which only the form of an answer is verified."""
    where: dict[str, str] = {}
    """Only rows whose columns have these values."""
    strip_empty_parentheses: bool = False
    """Remove what link and template stripping leaves behind, such as `()` and `(化學, )`."""
    quality: bool = True
    """Whether the quality rules apply. False for text known to be good but unusual, as verse."""

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.path is None) == (self.dataset is None):
            raise ValueError(f'source "{self.name}" needs either path or dataset')
        return self

    @model_validator(mode="after")
    def _has_three_columns(self) -> Self:
        if len({self.prompt_column, self.chosen_column, self.rejected_column}) < 3:  # noqa: PLR2004
            raise ValueError("prompt_column, chosen_column and rejected_column must differ")
        return self


class Decontaminate(_Strict):
    """Evaluation sets whose text must not be trained on."""

    paths: list[str] = []
    """Files, folders or globs of JSON Lines, counted from the folder of the sources file."""
    ngram_eojeols: Annotated[int, Field(ge=3, le=32)] = 8
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """A document is dropped that holds at least this share of an evaluation passage's n-grams."""


class AllowedLicenses(_Strict):
    """Licenses allowed on top of the list."""

    allow: list[str] = []


class SourcesFile(_Strict):
    """A whole sources file."""

    source: Annotated[list[Source], Field(min_length=1)]
    decontaminate: Decontaminate = Decontaminate()
    licenses: AllowedLicenses = AllowedLicenses()


def read_sources(path: Path) -> SourcesFile:
    """Read and check a sources file.

    Raises:
        SourcesFileBroken: It cannot be read, or holds what it may not.
        LicenseMissing: A source says nothing about its license.
        LicenseRefused: A source's license is not on the allow list.
    """
    try:
        plain = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise SourcesFileBroken(path=path, reason=error.strerror or "cannot be opened") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourcesFileBroken(path=path, reason=str(error).rstrip(".")) from error
    try:
        parsed = SourcesFile.model_validate(plain)
    except ValidationError as error:
        raise SourcesFileBroken(path=path, reason=_first_problem(error, plain)) from error
    names = [source.name for source in parsed.source]
    for name in names:
        if names.count(name) > 1:
            raise SourcesFileBroken(path=path, reason=f'two sources are called "{name}"')
    also = frozenset(parsed.licenses.allow)
    for source in parsed.source:
        _check_license(source, also)
    return parsed


def _check_license(source: Source, also: frozenset[str]) -> None:
    if not source.license and not source.license_column:
        raise LicenseMissing(source=source.name)
    if source.license and not is_allowed(source.license, also=also):
        en, ko = why_refused(source.license)
        raise LicenseRefused(
            source=source.name, license_id=source.license, reason_en=en, reason_ko=ko
        )


def _first_problem(error: ValidationError, plain: Mapping[str, Any]) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    match first["loc"]:
        case ("source", int(index), *_) if isinstance(plain["source"][index], dict):
            name = plain["source"][index].get("name")
            place += f' (source "{name}")' if name else ""
    return f"{place}: {first['msg']}" if place else first["msg"]


DATA_SUFFIXES = (
    ".jsonl", ".json", ".ndjson", ".jsonl.zst", ".jsonl.gz", ".json.zst", ".json.gz",
    ".ndjson.zst", ".ndjson.gz", ".parquet", ".txt", ".md", ".txt.zst", ".txt.gz",
)  # fmt: skip
"""How the names of files end that a corpus is made of."""


def find_files(
    base: Path, source: str, pattern: str, *, suffixes: tuple[str, ...] = DATA_SUFFIXES
) -> list[Path]:
    """Return the files a path, folder or glob stands for, in order of their names.

    A folder is searched at every depth for files whose names end as those that are read; hidden
    files and folders are passed over.

    Raises:
        SourceMissing: There is none.
    """
    place = Path(os.path.normpath(base / pattern))
    try:
        found = _found(place, suffixes)
    except (OSError, ValueError) as error:  # a name that is too long; `**` beside other letters
        raise SourceMissing(source=source, place=f"{pattern[:200]} ({error})"[:400]) from error
    if not found:
        raise SourceMissing(source=source, place=pattern)
    return found


def fixed_part(base: Path, pattern: str) -> Path:
    """Return the path or folder that a pattern stands for; of a glob what stands before its signs.

    Ids of text files count from it, so that files of one name in two folders have two ids.
    """
    place = Path(os.path.normpath(base / pattern))
    if place.exists():
        return place
    signs = [n for n, part in enumerate(place.parts) if _GLOB_SIGN.search(part)]
    return Path(*place.parts[: signs[0]]) if signs else place


_GLOB_SIGN = re.compile(r"[*?\[]")


def _found(place: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if place.is_file():
        return [place]
    if place.is_dir():
        return sorted(
            path
            for path in place.rglob("*")
            if path.is_file()
            and path.name.lower().endswith(suffixes)
            and not any(part.startswith(".") for part in path.relative_to(place).parts)
        )
    root = Path(place.anchor)
    return sorted(path for path in root.glob(str(place.relative_to(root))) if path.is_file())
