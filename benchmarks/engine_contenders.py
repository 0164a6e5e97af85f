"""The contenders of `engine_speed.py`, each in a process of its own: ours and the peers.

`generate` is what most people write first, `model.generate` on a batch in PyTorch; `llama.cpp` is
its own server, as the wheel `xllamacpp` brings it.
"""

import asyncio
import json
import os
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
from typing_extensions import override

from hunmin.model import PAD_ID
from hunmin.plugins import Generation, Sampling

NEW_TOKENS = 100
SAMPLING = Sampling(max_tokens=NEW_TOKENS, temperature=0.7, top_p=0.9)
GREEDY = Sampling(max_tokens=NEW_TOKENS, temperature=0.0, top_p=1.0)
"""For random weights, where all tokens are about as probable: to draw from the nucleus would be to
sort a whole vocabulary for each token."""
AT_ONCE_MAX = 16
_SLOT_TOKENS = 512

Answer = tuple[float, int]
"""Seconds to the first text, 0 where there is no stream, and tokens."""


class Contender(ABC):
    """Answers prompts given as tokens, as many at once as there are."""

    process_id: int = 0
    """The process that generates."""

    @abstractmethod
    async def open(self) -> dict[str, Any]:
        """Load the model; return what is worth knowing of how it runs."""

    @abstractmethod
    async def answer(self, prompts: Sequence[list[int]], stop_ids: list[int]) -> list[Answer]:
        """Answer all prompts at once."""

    @abstractmethod
    async def close(self) -> None:
        """End the process."""

    async def measure(self, prompts: Sequence[list[int]], stop_ids: list[int]) -> dict[str, float]:
        """Return tokens a second of wall time, and of the process's own time on processors."""
        began, cpu = time.perf_counter(), _cpu_seconds(self.process_id)
        answers = await self.answer(prompts, stop_ids)
        seconds = time.perf_counter() - began
        spent = _cpu_seconds(self.process_id) - cpu
        tokens = sum(count for _, count in answers)
        return {
            "tokens": tokens,
            "tokens_per_second": round(tokens / seconds, 1),
            "tokens_per_cpu_second": round(tokens / spent, 1),
            "first_text_seconds": round(statistics.median(first for first, _ in answers), 4),
        }


class Ours(Contender):
    """One of Hunmin's engines."""

    def __init__(
        self,
        maker: ModuleType,
        folder: Path,
        *,
        sampling: Sampling,
        cache: Path,
        threads: int,
    ) -> None:
        self._sampling = sampling
        self._engine = maker.open_engine({"m": folder}, cache=cache, threads=threads)

    @override
    async def open(self) -> dict[str, Any]:
        await self._engine.start()
        host = self._engine.host("m")
        self.process_id = host.process_id
        return dict(host.facts)

    @override
    async def answer(self, prompts: Sequence[list[int]], stop_ids: list[int]) -> list[Answer]:
        del stop_ids  # the engine knows them
        return await asyncio.gather(*(self._ask(n, prompt) for n, prompt in enumerate(prompts)))

    async def _ask(self, seed: int, prompt: list[int]) -> Answer:
        sampling = replace(self._sampling, seed=seed)
        began = time.perf_counter()
        first, tokens = 0.0, 0
        asked = Generation("r", "m", sampling, prompt_ids=tuple(prompt))
        async for delta in self._engine.stream(asked):
            first = first or time.perf_counter() - began
            tokens = delta.completion_tokens
        return first, tokens

    @override
    async def close(self) -> None:
        await self._engine.close()


class _Spoken(Contender):
    """A program at the other end of a pipe, which says something when it is ready."""

    def __init__(
        self,
        program: Any,  # noqa: ANN401
        folder: Path,
        *,
        sampling: Sampling,
        threads: int,
    ) -> None:
        self._sampling = sampling
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=program, args=(folder, threads, theirs), daemon=True)

    @override
    async def open(self) -> dict[str, Any]:
        began = time.perf_counter()
        self._process.start()
        self.process_id = self._process.pid or 0
        self.said = await asyncio.to_thread(self._pipe.recv)
        return {"ready_seconds": round(time.perf_counter() - began, 3)}

    @override
    async def close(self) -> None:
        self._pipe.send(None)
        await asyncio.to_thread(self._process.join)


class Generate(_Spoken):
    """`model.generate` of Transformers on a batch."""

    def __init__(self, folder: Path, *, sampling: Sampling, threads: int) -> None:
        super().__init__(_generate, folder, sampling=sampling, threads=threads)

    @override
    async def answer(self, prompts: Sequence[list[int]], stop_ids: list[int]) -> list[Answer]:
        self._pipe.send((prompts, stop_ids, self._sampling))
        return [(0.0, tokens) for tokens in await asyncio.to_thread(self._pipe.recv)]


class LlamaCpp(_Spoken):
    """llama.cpp's server, spoken to over HTTP on loopback."""

    def __init__(self, folder: Path, *, sampling: Sampling, threads: int) -> None:
        super().__init__(_llama_cpp, folder, sampling=sampling, threads=threads)

    @override
    async def answer(self, prompts: Sequence[list[int]], stop_ids: list[int]) -> list[Answer]:
        del stop_ids  # the file names them
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            asked = (self._ask(session, n, prompt) for n, prompt in enumerate(prompts))
            return await asyncio.gather(*asked)

    async def _ask(self, session: aiohttp.ClientSession, seed: int, prompt: list[int]) -> Answer:
        body = {
            "prompt": prompt,
            "n_predict": NEW_TOKENS,
            "temperature": self._sampling.temperature,
            "top_p": self._sampling.top_p,
            "top_k": 0,
            "min_p": 0.0,
            "seed": seed,
            "cache_prompt": False,
            "stream": True,
        }
        began = time.perf_counter()
        first, last = 0.0, b""
        async with session.post(f"{self.said}/completion", json=body) as response:
            response.raise_for_status()
            async for line in response.content:
                if line.startswith(b"data: "):
                    first = first or time.perf_counter() - began
                    last = line
        return first, json.loads(last.removeprefix(b"data: "))["tokens_predicted"]


def _generate(folder: Path, threads: int, pipe: Connection) -> None:
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}  # as ours
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        prompts, stop_ids, sampling = asked
        longest = max(map(len, prompts))
        ids = torch.tensor([[PAD_ID] * (longest - len(row)) + row for row in prompts])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in prompts])
        torch.manual_seed(0)
        output = model.generate(
            ids,
            attention_mask=mask,
            max_new_tokens=NEW_TOKENS,
            do_sample=sampling.temperature > 0,
            temperature=sampling.temperature or None,
            top_p=sampling.top_p,
            top_k=0,
            eos_token_id=stop_ids,
            pad_token_id=PAD_ID,
        )[:, longest:]
        pipe.send([int((row != PAD_ID).sum()) for row in output])


def _llama_cpp(folder: Path, threads: int, pipe: Connection) -> None:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as ours
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(folder / "model.gguf")
    parameters.n_parallel = AT_ONCE_MAX
    parameters.n_ctx = AT_ONCE_MAX * _SLOT_TOKENS
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(parameters)
    pipe.send(server.listening_address)
    pipe.recv()
    os._exit(0)  # its own end takes seconds


def _cpu_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
