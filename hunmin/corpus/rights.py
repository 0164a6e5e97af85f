"""Rights: which licenses are allowed by separate permission, and which ids were withdrawn.

The office writes this file from consents and contracts; the lab reads it and knows no more.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from hunmin.errors import SourcesFileBroken


@dataclass(frozen=True)
class Rights:
    """What the rights file says."""

    licenses: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()


def read_rights(path: Path | None) -> Rights:
    """Read a rights file: JSON Lines of `{"license": ID}` and `{"withdrawn": ID}`.

    A withdrawn id is a document's id in its source, or `source:id`, or that of a consent.

    Raises:
        SourcesFileBroken: It cannot be read, or a line is something else.
    """
    if path is None:
        return Rights()
    licenses: set[str] = set()
    withdrawn: set[str] = set()
    try:
        for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), start=1):
            if not line.strip():
                continue
            match _parse(line):
                case {"license": str(license_id)}:
                    licenses.add(license_id)
                case {"withdrawn": str(doc_id)}:
                    withdrawn.add(doc_id)
                case _:
                    reason = f'line {number} is neither {{"license": ID}} nor {{"withdrawn": ID}}'
                    raise SourcesFileBroken(path=path, reason=reason)
    except (OSError, UnicodeDecodeError) as error:
        raise SourcesFileBroken(path=path, reason=str(error)) from error
    return Rights(frozenset(licenses), frozenset(withdrawn))


def _parse(line: str) -> dict[str, object]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
