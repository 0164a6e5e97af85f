"""Who is to get no more requests: a file for each, so that every server of the house sees it."""

from pathlib import Path


def drain_file(data: Path, name: str) -> Path:
    """Return the file that stands while an upstream is drained."""
    return data / "upstreams" / f"{name}.drain"


def drain(data: Path, name: str) -> None:
    """Give an upstream no more requests; what it writes now goes on to its end."""
    file = drain_file(data, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def resume(data: Path, name: str) -> None:
    """Give an upstream requests again."""
    drain_file(data, name).unlink(missing_ok=True)
