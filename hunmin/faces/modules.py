"""Which scripts a script needs before it runs: what its imports name, and what theirs do.

A browser learns of an import only when it has read the file that holds it, and on a slow line each
such step costs a round trip. A page that names them all at once has them fetched side by side.
"""

import re
from functools import cache
from posixpath import normpath

from hunmin.faces.templates import static_folders

_IMPORTED = re.compile(r'\b(?:from|import)\s*"(\.[^"]+)"')
"""A static import or export of another file. `import("…")` is for later and not meant."""


@cache
def first_modules(*names: str) -> tuple[str, ...]:
    """Return scripts, `room/path`, and everything they import before they run, each once.

    Raises:
        FileNotFoundError: One of them is not there.
    """
    found: dict[str, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            waiting += [_address(name, imported) for imported in _IMPORTED.findall(_read(name))]
    return tuple(found)


def _read(name: str) -> str:
    room, _, file = name.partition("/")
    folder = static_folders().get(room)
    if folder is None or not (folder / file).is_file():
        raise FileNotFoundError(name)
    return (folder / file).read_text("utf-8")


def _address(name: str, imported: str) -> str:
    return normpath(f"{name}/../{imported}")
