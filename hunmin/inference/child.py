"""The program of the child process: load a model, test it, then step as long as there is work.

    python -P -m hunmin.inference.child

Messages come on stdin and go to what was stdout; everything a library prints goes to stderr. The
process ends with its parent, opens no connection, and leaves Ctrl-C to the parent.
"""

import ctypes
import dataclasses
import os
import queue
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Never

from hunmin.inference.backend import Backend, Opening, Request, Row
from hunmin.inference.frames import Message, read_frame, write_frame
from hunmin.inference.ways import Limits

EXIT_BROKEN = 3
"""The model could not be loaded, or a step failed; a `broken` message says why."""

SELF_TEST_TOKENS = 4

_PR_SET_PDEATHSIG = 1

_REASON_CHARACTERS_MAX = 300


def main() -> None:
    """Serve one model until the parent closes stdin or dies."""
    incoming, outgoing = sys.stdin.buffer, _take_stdout()
    _die_with_parent()
    _refuse_connections()
    opening = read_frame(incoming)
    if opening is None:
        return
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, inbox), daemon=True).start()
    try:
        backend, facts = _open(opening)
        write_frame(outgoing, {"op": "ready", "facts": facts})
        _serve(backend, inbox, outgoing)
    except Exception as error:  # noqa: BLE001 (whatever it is, the parent has to hear of it)
        _break(outgoing, error)


def _open(message: Message) -> tuple[Backend, dict[str, Any]]:
    """Load the model and generate a few tokens with it."""
    started = time.monotonic()
    limits = Limits(**message["limits"])
    _bound_memory(Path(message["folder"]), limits)
    module, _, function = message["program"].partition(":")
    backend: Backend = getattr(import_module(module), function)(
        Opening(
            folder=Path(message["folder"]),
            options=message["options"],
            threads=message["threads"],
            context_tokens=message["context_tokens"],
            limits=limits,
            prefix_cache=message["prefix_cache"],
        )
    )
    cache_tokens = backend.facts().get("cache_tokens", message["context_tokens"])
    if cache_tokens < message["context_tokens"]:
        raise RuntimeError(f"the cache holds {cache_tokens} tokens, too few for one answer")
    loaded = time.monotonic()
    tokens = _self_test(backend, message["test_prompt"], vocab_size=message["vocab_size"])
    facts = backend.facts() | {
        "load_seconds": round(loaded - started, 3),
        "test_seconds": round(time.monotonic() - loaded, 3),
        "test_tokens": tokens,
    }
    return backend, facts


def _self_test(backend: Backend, prompt: list[int], *, vocab_size: int) -> list[int]:
    """Generate four tokens, or a vector, so that what kills the process kills it now."""
    backend.add(Request(0, prompt, SELF_TEST_TOKENS, stop_ids=[], seed=0, check=True))
    tokens: list[int] = []
    vector: list[float] | None = None
    while backend.busy():
        for row in backend.step():
            if row.refused:
                raise RuntimeError(row.refused)
            tokens += row.tokens
            vector = row.vector
    if vector is not None:
        return tokens
    if len(tokens) != SELF_TEST_TOKENS or not all(0 <= token < vocab_size for token in tokens):
        raise RuntimeError("the self-test did not give four tokens of the vocabulary")
    return tokens


def _serve(backend: Backend, inbox: queue.SimpleQueue[Message], outgoing: IO[bytes]) -> None:
    """Take requests and step, for ever."""
    while True:
        while not backend.busy() or not inbox.empty():
            _take(backend, inbox.get(), outgoing)
        rows = [dataclasses.asdict(row) for row in backend.step()]
        if rows:
            write_frame(outgoing, {"op": "rows", "rows": rows})


def _take(backend: Backend, message: Message, outgoing: IO[bytes]) -> None:
    """Act on one message of the parent's."""
    if message["op"] == "cancel":
        backend.cancel(message["id"])
        return
    request = Request.of(message)
    try:
        backend.add(request)
    except (RuntimeError, ValueError) as error:
        row = Row(request.id, [], refused=_reason(error))
        write_frame(outgoing, {"op": "rows", "rows": [dataclasses.asdict(row)]})


def _listen(incoming: IO[bytes], inbox: queue.SimpleQueue[Message]) -> Never:
    """Pass messages on; when the parent is gone, or closes, so is this process."""
    while (message := read_frame(incoming)) is not None:
        inbox.put(message)
    os._exit(0)


def _break(outgoing: IO[bytes], error: Exception) -> Never:
    """Tell the parent why, and end without running what may hang in a broken library."""
    print(_reason(error), file=sys.stderr, flush=True)  # noqa: T201 (the log of the child)
    write_frame(outgoing, {"op": "broken", "reason": _reason(error)})
    os._exit(EXIT_BROKEN)


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)}"[:_REASON_CHARACTERS_MAX]


def _take_stdout() -> IO[bytes]:
    """Keep stdout for messages, and let everything else that is printed go to stderr."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def _bound_memory(folder: Path, limits: Limits) -> None:
    """Let the process have no more memory than a model of this size and its cache may need.

    Weights are read in 8 or 16 bits and may be kept in 32. Counted is what it writes to: a file
    that is only mapped is not.
    """
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 (there is none on Windows)

        weights = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        most = 4 * weights + 2 * limits.kv_cache_bytes_max + limits.spare_bytes_max
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _die_with_parent() -> None:
    """Ask the kernel for a SIGKILL when the parent dies: a hung step would not see stdin close."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _refuse_connections() -> None:
    """Let no Python code of this process connect anywhere, whatever a library would like."""

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        del arguments
        if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
            raise PermissionError("the engine's process opens no connections")

    sys.addaudithook(refuse)


if __name__ == "__main__":
    main()
