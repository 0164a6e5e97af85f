"""The parent's side of reading: start the child, hand it the file, and judge what comes back."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from hunmin.errors import (
    FileKindUnknown,
    FileLocked,
    FileTooLarge,
    FileUnreadable,
    HunminError,
    NoTextLayer,
)
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Reading

_CHILD_MODULE = "hunmin.reading.child"

_REFUSALS: dict[str, type[HunminError]] = {
    kind.code: kind
    for kind in (FileKindUnknown, FileLocked, FileTooLarge, FileUnreadable, NoTextLayer)
}


def read(content: bytes, *, name: str = "", limits: Limits | None = None) -> Reading:
    """Return the text of a file.

    It blocks until the child process has ended; an event loop calls it in a thread.

    Args:
        content: The whole file.
        name: What it is called. Its kind is told by its content; the name only tells a text with
            commas from a table.
        limits: What it may use.

    Raises:
        FileKindUnknown: It is of no kind that is read.
        FileTooLarge: It is larger than the limits, or took more time or memory.
        FileLocked: It needs a password.
        FileUnreadable: It is damaged.
        NoTextLayer: It is a PDF of pictures.
    """
    limits = limits or Limits()
    if len(content) > limits.bytes_max:
        raise FileTooLarge(measure="bytes", limit=limits.bytes_max)
    task = json.dumps({"name": name, "limits": dataclasses.asdict(limits)}).encode()
    try:
        ended = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-P", "-m", _CHILD_MODULE],
            input=task + b"\n" + content,
            capture_output=True,
            timeout=limits.wall_seconds_max,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FileTooLarge(measure="seconds", limit=limits.cpu_seconds_max) from error
    if ended.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise FileTooLarge(measure="seconds", limit=limits.cpu_seconds_max)
    return _judged(_said(ended.stdout) if ended.returncode == 0 else {})


def read_file(path: Path, *, limits: Limits | None = None) -> Reading:
    """Return the text of a file on this disk; no more of it is read than `limits` allow.

    Raises:
        OSError: It cannot be opened.
        HunminError: As `read`.
    """
    limits = limits or Limits()
    with path.open("rb") as stream:
        content = stream.read(limits.bytes_max + 1)
    return read(content, name=path.name, limits=limits)


def _environment() -> dict[str, str]:
    """Return what the child may know of this one: paths and language, but no setting or secret."""
    kept = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONDONTWRITEBYTECODE": "1"
    }


def _said(written: bytes) -> dict[str, Any]:
    try:
        said = json.loads(written)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _judged(said: dict[str, Any]) -> Reading:
    """Return the reading a child has told of, or raise its refusal."""
    try:
        if "refused" in said:
            refusal = _REFUSALS[said["refused"]](**said["facts"])
        else:
            pages = tuple(Page(int(number), str(text)) for number, text in said["pages"])
            return Reading(said["kind"], pages, tuple(said["problems"]))
    except (KeyError, TypeError, ValueError):
        refusal = FileUnreadable(reason="crashed")
    raise refusal
