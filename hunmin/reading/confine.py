"""What a process that reads strangers' files gives up before it begins.

The kernel bounds its memory and time and lets it write no file. An audit hook refuses what the
readers never need: other files, connections, programs, foreign libraries. The hook is a second
wall and no prison: code that runs outside Python, in a library with a hole, is not stopped by it.
"""

import os.path
import resource
import sys
import sysconfig
from pathlib import Path

_REFUSED = ("socket.", "subprocess.", "os.", "shutil.", "ctypes.", "ftplib.", "urllib.", "pty.")
_HARMLESS = frozenset({"os.listdir", "os.scandir"})
"""Python's own import looks into folders."""


def confine(*, memory_bytes: int, cpu_seconds: int) -> None:
    """Give up what reading does not need, for the rest of this process' life.

    Args:
        memory_bytes: Address space, all that is loaded already included.
        cpu_seconds: After these the kernel ends the process.
    """
    for kind, limit in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    libraries = {
        sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    own = tuple(f"{folder}{os.sep}" for folder in {*libraries, str(Path(__file__).parents[1])})
    sys.addaudithook(lambda event, arguments: _refuse(event, arguments, own))


def _refuse(event: str, arguments: tuple[object, ...], own: tuple[str, ...]) -> None:
    if event == "open":
        path, mode, _ = arguments
        reads = mode is None or not set(str(mode)) & set("wax+")
        if reads and isinstance(path, str) and os.path.normpath(path).startswith(own):
            return  # a module, or a table of characters, that is first needed now
    elif event in _HARMLESS or not event.startswith(_REFUSED):
        return
    raise PermissionError(f"a reader does not need {event}")
