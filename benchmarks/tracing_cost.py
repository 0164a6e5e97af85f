"""What spans cost a server: processor time of an answer with them, without, and with nobody there.

    python benchmarks/tracing_cost.py [--rounds 5] [--seconds 5] > result.json

Three servers on the same paper engine are asked in turns in one run, 32 at a time: `off` makes no
spans, `on` sends them to a collector on this machine, and that of `away` is not there. Data goes to
stdout, progress to stderr.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
from gateway_contenders import Contender
from gateway_overhead import at_most

NOBODY = "http://127.0.0.1:9"


class Collector(BaseHTTPRequestHandler):
    """Takes what comes and forgets it."""

    protocol_version = "HTTP/1.1"
    bytes_taken = 0

    def do_POST(self) -> None:
        """Take spans."""
        Collector.bytes_taken += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


async def measure(
    contenders: dict[str, Contender], *, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Return the milliseconds of processor time of an answer, of each round."""
    found: dict[str, list[float]] = defaultdict(list)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for contender in contenders.values():
            await contender.ready(session)
            await at_most(contender, session, seconds=2)
        for number in range(rounds):
            for name, contender in contenders.items():
                came_to = await at_most(contender, session, seconds=seconds)
                found[name].append(round(came_to["cpu_ms"], 3))
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of each server in a round")
    options = parser.parse_args()
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    urls = {"off": "", "on": f"http://127.0.0.1:{collector.server_port}", "away": NOBODY}
    contenders: dict[str, Contender] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, url in urls.items():
                place = Path(folder) / name
                place.mkdir()
                environment = {"HUNMIN_TELEMETRY__OTLP_URL": url}
                contenders[name] = Contender("hunmin", place, environment=environment)
            measured = measure(contenders, rounds=options.rounds, seconds=options.seconds)
            found = asyncio.run(measured)
        finally:
            for contender in contenders.values():
                contender.end()
    medians = {name: statistics.median(rounds) for name, rounds in found.items()}
    result = {"cpu_ms": medians, "rounds": found, "bytes_collected": Collector.bytes_taken}
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
