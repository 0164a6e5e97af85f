"""A backend without a model, for tests of the process around it. It counts from token 300 up.

Options say how it fails: `load` names a signal, `error` or `hang`; `step` does so at a
prompt that begins with token 299; `load` may also be `grow`, to want 2 GiB. `marker` names a file
that gets a line at each load. `pause` is how many seconds a token takes.
"""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from hunmin.inference.backend import Row

FATAL_TOKEN = 299


def open_backend(opening):
    """Load nothing, or fail as told."""
    if marker := opening.options.get("marker"):
        with Path(marker).open("a") as stream:
            stream.write(opening.options["name"] + "\n")
    _fail(opening.options.get("load", ""))
    return FakeBackend(opening.options)


class FakeBackend:
    """Counts."""

    def __init__(self, options):
        self._options = options
        self._running = {}

    def facts(self):
        told = {"cache_tokens": int(self._options["cache"])} if "cache" in self._options else {}
        return told | {
            "backend": "fake",
            "modules": sorted({"torch", "openvino", "transformers"} & set(sys.modules)),
        }

    def add(self, request):
        if request.top_k == 13:
            raise ValueError("thirteen")
        self._running[request.id] = [request, 0]

    def cancel(self, request_id):
        self._running.pop(request_id, None)

    def busy(self):
        return bool(self._running)

    def step(self):
        rows = []
        for request_id, entry in list(self._running.items()):
            request, done = entry
            if request.prompt[0] == FATAL_TOKEN:
                _fail(self._options.get("step", ""))
            if "self_test" in self._options and request.check and done == 2:
                _fail(self._options["self_test"])
            finish = "length" if done + 1 >= request.max_tokens else None
            rows.append(Row(request_id, [300 + done], finish))
            entry[1] += 1
            if finish:
                del self._running[request_id]
        time.sleep(float(self._options.get("pause", "0.001")))
        return rows


def _fail(how):
    if how == "grow":
        bytearray(2 << 30)
    if how == "error":
        raise RuntimeError("it did not work")
    if how == "hang":
        ctypes.PyDLL(None).sleep(600)  # as a native step does, it lets no other thread run
    if how.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, how))
        time.sleep(600)
