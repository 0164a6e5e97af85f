"""How fast text becomes a corpus: `hunmin corpus build` beside datatrove, on the same files.

    python -m venv var/peers/datatrove
    var/peers/datatrove/bin/pip install "datatrove[io,processing]" "kiwipiepy<0.21"
    python benchmarks/corpus_speed.py --peer var/peers/datatrove/bin/python [--text DIR] [--mb 4]

The peer is installed apart, so it is no dependency of ours; it asks for a model that later versions
of Kiwi do not bring. It runs what FineWeb2 runs for Korean (`corpus_speed_peer.py`): MinHash, the
Gopher and FineWeb quality filters with FineWeb2's own thresholds, encoding repair and masking. It
runs once with its Korean word tokenizer and once with words cut at spaces, the fastest it can do.
Ours also removes exact duplicates, splits, shuffles and hashes.

All run in processes of their own, in turn, for the given rounds, on the same number of cores. Times
are given by the clock and as processor time of all processes (from /proc, so on Linux), which other
programs on the machine disturb less; starting Python and importing is part of both.
`--speed-of-masking` adds `hunmin.privacy` alone. One JSON line is printed and appended to
`benchmarks/results/corpus_speed.jsonl`.
"""

import argparse
import io
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import zstandard

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "corpus_speed.jsonl"
_POLL_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")
PEER = HERE / "corpus_speed_peer.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, default=HERE.parent / "samples/korean/text")
    parser.add_argument("--mb", type=float, default=4.0, help="Text to use, in megabytes.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", type=Path, help="The Python that has datatrove.")
    parser.add_argument("--limit", type=int, default=900, help="Seconds one run may take.")
    parser.add_argument("--speed-of-masking", action="store_true")
    asked = parser.parse_args()

    texts = read_texts(asked.text, limit_bytes=int(asked.mb * 1e6))
    size_mb = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        contenders = prepare(work, texts, peer=asked.peer)
        runs: dict[str, list[dict[str, float | None]]] = {name: [] for name in contenders}
        for number in range(asked.rounds):
            for name, command in contenders.items():
                if runs[name] and runs[name][-1]["wall_seconds"] is None:
                    continue  # it ran past the limit once, and would again
                place = [part.replace("OUT", str(work / f"{number}")) for part in command]
                runs[name].append(measure(place, limit_seconds=asked.limit))
    result: dict[str, object] = {
        "machine": machine(),
        "versions": {name: version(name) for name in ("hunmin", "daft", "pyarrow")},
        "documents": len(texts),
        "text_mb": round(size_mb, 3),
        "limit_seconds": asked.limit,
        "contenders": {name: summary(each, size_mb) for name, each in runs.items()},
    }
    if asked.speed_of_masking:
        result["masking_mb_per_cpu_second"] = masking_speed(texts, size_mb)
    line = json.dumps(result, ensure_ascii=False)
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as kept:
        kept.write(line + "\n")
    print(line)


def read_texts(folder: Path, *, limit_bytes: int) -> list[str]:
    """Return documents of every `*.jsonl.zst` in a folder, taking turns, up to a size."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27)
    by_file: list[list[str]] = []
    for path in sorted(folder.glob("*.jsonl.zst")):
        with path.open("rb") as raw, decompressor.stream_reader(raw) as stream:
            by_file.append([json.loads(row)["text"] for row in io.TextIOWrapper(stream, "utf-8")])
    if not by_file:
        raise SystemExit(f"No *.jsonl.zst with text in {folder}.")
    texts: list[str] = []
    size = 0
    for turn in range(max(map(len, by_file))):
        for documents in by_file:
            if turn < len(documents) and size < limit_bytes:
                texts.append(documents[turn])
                size += len(documents[turn].encode())
    return texts


def prepare(work: Path, texts: list[str], *, peer: Path | None) -> dict[str, list[str]]:
    """Write the input once for all, and return the command of every contender."""
    (work / "input").mkdir()
    cores = len(os.sched_getaffinity(0))
    for part in range(cores):  # one file is one task of datatrove's
        with (work / "input" / f"{part}.jsonl").open("w", encoding="utf-8") as stream:
            for number in range(part, len(texts), cores):
                row = {"id": f"{number}", "text": texts[number]}
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    sources = work / "sources.toml"
    sources.write_text('[[source]]\nname = "s"\npath = "input/*.jsonl"\nlicense = "Own"\n')
    build = [sys.executable, "-m", "hunmin", "corpus", "build", str(sources), "--out", "OUT-ours"]
    contenders = {"hunmin": build}
    if peer is None:
        print("No --peer: datatrove is left out.", file=sys.stderr)
        return contenders
    for words in ("kiwi", "spaces"):
        command = [str(peer.absolute()), str(PEER), str(work / "input"), f"OUT-{words}", words]
        contenders[f"datatrove, {words}"] = command
    return contenders


def measure(command: list[str], *, limit_seconds: int) -> dict[str, float | None]:
    """Run a command and return its wall and processor seconds; None where it ran too long."""
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, text=True, start_new_session=True
        )
        used: dict[int, float] = {}
        while process.poll() is None:
            used.update(session_seconds(process.pid))
            if time.perf_counter() - started > limit_seconds:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return {"wall_seconds": None, "cpu_seconds": None}
            time.sleep(_POLL_SECONDS)
        wall = time.perf_counter() - started
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read()[-3000:]}")
    return {"wall_seconds": round(wall, 2), "cpu_seconds": round(sum(used.values()), 2)}


def session_seconds(session: int) -> dict[int, float]:
    """Return the processor seconds of every process of a session, whoever its parent is."""
    seconds: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[3]) == session:
            seconds[int(folder.name)] = (int(fields[11]) + int(fields[12])) / _TICKS
    return seconds


def summary(runs: list[dict[str, float | None]], size_mb: float) -> dict[str, object]:
    """Return the median speeds of some runs, and the runs."""
    whole = [run for run in runs if run["wall_seconds"] is not None]
    if not whole:
        return {"runs": runs, "note": "ran past the limit"}
    return {
        "median_mb_per_second": round(size_mb / _median(whole, "wall_seconds"), 3),
        "median_mb_per_cpu_second": round(size_mb / _median(whole, "cpu_seconds"), 3),
        "runs": runs,
    }


def _median(runs: list[dict[str, float | None]], name: str) -> float:
    return statistics.median(float(run[name] or 0) for run in runs)


def masking_speed(texts: list[str], size_mb: float) -> float:
    """Return how many megabytes `hunmin.privacy` masks in a second of processor time."""
    from hunmin import privacy

    started = time.process_time()
    for text in texts:
        privacy.mask(text)
    return round(size_mb / (time.process_time() - started), 1)


def machine() -> dict[str, object]:
    """Return what the numbers depend on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0].split(":", 1)[1].strip() if names else cpu
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "load_average_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main()
