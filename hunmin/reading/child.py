"""The program of the child process: read one file from stdin, write its text to stdout, end.

    python -P -m hunmin.reading.child

The first line of stdin is the task as JSON, the rest is the file. The reply is one JSON object: a
reading, or the code and facts of a refusal. Whatever libraries print goes nowhere.
"""

import json
import logging
import sys
import warnings
from typing import Any

from hunmin.errors import FileTooLarge, FileUnreadable, HunminError
from hunmin.reading import confine
from hunmin.reading.kinds import parse
from hunmin.reading.limits import Limits


def main() -> None:
    """Read as stdin says."""
    logging.disable()
    warnings.simplefilter("ignore")
    task = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    limits = Limits(**task["limits"])
    confine.confine(memory_bytes=limits.memory_bytes_max, cpu_seconds=limits.cpu_seconds_max)
    reply = reply_to(content, task["name"], limits)
    # Lone surrogates, which a PDF may give, are no text that could be written.
    sys.stdout.buffer.write(json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace"))


def reply_to(content: bytes, name: str, limits: Limits) -> dict[str, Any]:
    """Return what is said of a file: its pages, or why they are refused."""
    try:
        reading = parse(content, name, limits)
    except MemoryError:
        return _refusal(FileTooLarge(measure="memory_bytes", limit=limits.memory_bytes_max))
    except HunminError as refusal:
        return _refusal(refusal)
    except Exception:  # noqa: BLE001 (what libraries raise at a damaged file has no end)
        return _refusal(FileUnreadable(reason="damaged"))
    return {
        "kind": reading.kind,
        "pages": [[page.number, page.text] for page in reading.pages],
        "problems": list(reading.problems),
    }


def _refusal(error: HunminError) -> dict[str, Any]:
    """Return the code of an error and what it was made with."""
    facts = {name: value for name, value in vars(error).items() if name not in {"en", "ko"}}
    return {"refused": error.code, "facts": facts}


if __name__ == "__main__":
    main()
