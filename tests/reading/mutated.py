"""A program that reads many damaged files of one kind, confined as the child is.

    python -m tests.reading.mutated KIND COUNT

It writes how often each reply came; that it ends at all, and well, is what the test looks at.
"""

import collections
import io
import json
import logging
import random
import sys
import zipfile

from hunmin.reading import Limits
from hunmin.reading.child import reply_to
from hunmin.reading.confine import confine
from tests.support import office_files


def main() -> None:
    """Read as many mutations as asked for."""
    logging.disable()
    kind, count = sys.argv[1], int(sys.argv[2])
    whole = office_files.hwp(flags=0) if kind == "hwp" else getattr(office_files, kind)()
    chance = random.Random(kind)
    limits = Limits()
    reply_to(whole, "", limits)  # what is loaded when a kind comes is loaded now
    confine(memory_bytes=limits.memory_bytes_max, cpu_seconds=limits.cpu_seconds_max)
    replies = collections.Counter()
    for number in range(count):
        packed = zipfile.is_zipfile(io.BytesIO(whole)) and number % 3 != 0
        damaged = _part_damaged(whole, chance) if packed else _damaged(whole, chance)
        reply = reply_to(damaged, "", limits)
        replies[reply.get("refused", "read")] += 1
    sys.stdout.write(json.dumps(replies))


def _part_damaged(whole: bytes, chance: random.Random) -> bytes:
    """Damage one part of a packed file, and pack it soundly again."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = chance.choice([name for name, part in parts.items() if part])
    return office_files.zipped(parts | {name: _damaged(parts[name], chance)})


def _damaged(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes, take some out, put some in twice, or cut the end off."""
    damaged = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        at = chance.randrange(len(damaged))
        end = min(len(damaged), at + chance.choice([1, 2, 4, 50]))
        match chance.randrange(5):
            case 0:
                damaged[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            case 1:
                damaged[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
            case 2 if len(damaged) > 100:
                del damaged[at:end]
            case 3:
                damaged[at:at] = damaged[at:end] * chance.choice([1, 2, 50])
            case _ if chance.random() < 0.2 and at > 50:
                del damaged[at:]
    return bytes(damaged)


if __name__ == "__main__":
    main()
