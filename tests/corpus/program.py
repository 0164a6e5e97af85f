"""A build in a process of its own, in small units, for tests that kill it or use many processes.

python program.py SOURCES.toml OUT RUNNER [PART_CHARS]
"""

import os
import sys
from pathlib import Path

from hunmin.corpus import building, stage_read
from hunmin.corpus.config import CorpusConfig


def main() -> None:
    """Build, with the sizes that decide how work is divided made small."""
    sources, out, runner, *sizes = sys.argv[1:]
    if sizes:
        stage_read._PART_CHARS = int(sizes[0])
        stage_read._GROUP_CHARS = int(sizes[0]) // 2
        building._RUN_CHARS = int(sizes[0]) * 2
        building._SMALL_CHARS = building._SMALL_BYTES = 0
        os.cpu_count = lambda: 2
    config = CorpusConfig(shard_text_bytes=40_000, heldout_share=0.05)
    building.build(Path(sources), Path(out), config=config, runner=runner)


if __name__ == "__main__":
    main()
