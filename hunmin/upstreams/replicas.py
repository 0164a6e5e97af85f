"""The engines of an upstream that is launched: a file that says which there are, and where.

The one process that launches them writes it, and every server of the house reads it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hunmin.steps import write_whole


@dataclass(frozen=True, slots=True)
class Replica:
    """An engine that was started."""

    handle: str
    """What its launcher knows it by."""
    address: str = ""
    """Where it is; empty where that is not known yet."""


def name_of(upstream: str, number: int) -> str:
    """Return the name one of an upstream's engines goes by; numbers count from 1."""
    return f"{upstream}-{number}"


def replicas_file(data: Path, upstream: str) -> Path:
    """Return the file of an upstream."""
    return data / "upstreams" / f"{upstream}.replicas.json"


def read(data: Path, upstream: str) -> dict[int, Replica]:
    """Return the engines of an upstream by number; none where the file is not there."""
    try:
        kept = json.loads(replicas_file(data, upstream).read_text("utf-8"))
        return {int(number): Replica(**one) for number, one in kept.items()}
    except FileNotFoundError:
        return {}


def address_of(data: Path, upstream: str, name: str) -> str:
    """Return where one of an upstream's engines is; empty where it is not there."""
    for number, replica in read(data, upstream).items():
        if name_of(upstream, number) == name:
            return replica.address
    return ""


def write(data: Path, upstream: str, replicas: dict[int, Replica]) -> None:
    """Say which engines there are."""
    file = replicas_file(data, upstream)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps({n: asdict(one) for n, one in replicas.items()}).encode())
