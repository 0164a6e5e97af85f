"""What a thousand streams that stay open cost the service in memory.

    python benchmarks/open_streams.py [--streams 1000]

The whole application on an engine of paper, in a process of its own (`gateway_contenders.py`):
each stream has spoken and goes on. One JSON line: the memory of the process before and with them
(RSS), and with them what is its alone or its share of what several processes have (PSS), in MiB.
"""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

import aiohttp
from gateway_contenders import Contender, allow_files
from gateway_overhead import streams_mib


async def measure(contender: Contender, *, streams: int) -> dict[str, float]:
    """Return the memory of a server before and with so many streams."""
    connector = aiohttp.TCPConnector(limit=0)
    patience = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=patience) as session:
        await contender.ready(session)
        return await streams_mib(contender, session, streams=streams)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=1000)
    options = parser.parse_args()
    allow_files()
    with tempfile.TemporaryDirectory() as folder:
        contender = Contender("hunmin", Path(folder))
        try:
            found = asyncio.run(measure(contender, streams=options.streams))
        finally:
            contender.end()
    mib = {name: round(one, 1) for name, one in found.items()}
    print(json.dumps({"streams": options.streams, **mib}))


if __name__ == "__main__":
    main()
