"""Which way of running a model worked on this machine, kept in the cache folder.

Only a way that was reached because the ones before it cannot work here is remembered. Another
processor, another version of a library or another file, and everything is tried again.
"""

import contextlib
import json
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from hunmin import __version__
from hunmin.inference.folder import ModelFolder
from hunmin.inference.ways import Way, processor_fingerprint
from hunmin.steps import write_whole

_PACKAGES = ("openvino-genai", "transformers", "torch", "xllamacpp")


class Memory:
    """Remembers one model's way."""

    def __init__(self, cache: Path, model: ModelFolder, ways: Sequence[Way]) -> None:
        self._path = cache / f"{model.file_name}.way.json"
        self._model = model
        self._ways = list(ways)

    def order(self) -> list[Way]:
        """Return the ways to try, the remembered one first and none that stood before it."""
        try:
            kept = json.loads(self._path.read_text("utf-8"))
            if kept["fingerprint"] == self._fingerprint():
                names = [way.name for way in self._ways]
                return self._ways[names.index(kept["way"]) :]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return list(self._ways)

    def remember(self, way: Way) -> None:
        """Keep the way, if the cache folder can be written to."""
        content = json.dumps({"way": way.name, "fingerprint": self._fingerprint()}, indent=1)
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, content.encode())

    def _fingerprint(self) -> dict[str, str]:
        packages = {}
        for package in _PACKAGES:
            try:
                packages[package] = version(package)
            except PackageNotFoundError:
                packages[package] = ""
        return {
            "hunmin": __version__,
            "processor": processor_fingerprint(),
            "weights": self._model.fingerprint(),
            "ways": " ".join(way.name for way in self._ways),
            **packages,
        }
