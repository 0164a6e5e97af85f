"""A stand-in for a vLLM server: its protocol over real connections, with a model that is a rule.

It speaks as vLLM's sources say (`entrypoints/openai/completion`, `chat_completion`, `serve`), which
were read and not copied: paths, fields it refuses, frames of its streams, the order of its last
chunks, error bodies, and that a client who goes away ends its request. It streams only. How it
fails is set on it by a test.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Self

from aiohttp import web

from tests.support.scripted_model import Babbler, Parrot, spoken
from tests.support.vllm_rules import Refused, Text, check, prompt_of, scores_of, usage_of
from tests.support.vllm_tools import calls_of, check_tools

OK = 200


@dataclass
class Faults:
    """How the server fails."""

    status: int = OK
    """What it answers to every request to generate."""
    unwell: bool = False
    """Whether `/health` says 503."""
    first_token_seconds: float = 0.0
    token_seconds: float = 0.0005
    cuts_after: int | None = None
    """Tokens after which the connection is cut."""
    errs_after: int | None = None
    """Tokens after which an event says that the engine failed."""
    hangs_after: int | None = None
    """Tokens after which nothing comes any more."""
    says: bytes = b""
    """What it says in place of an answer."""
    without_ids: bool = False
    """Whether it is so old that it tells no tokens by number."""


@dataclass
class VllmStandIn:
    """One server. Use it as an asynchronous context; `url` is where it is."""

    models: Mapping[str, Parrot | Babbler]
    key: str = ""
    faults: Faults = field(default_factory=Faults)
    max_model_len: int = 0
    """By default that of the model."""
    socket: str = ""
    """A file to listen at, in place of a port."""
    reads_calls: bool = True
    """Whether it was started with a parser of tool calls."""

    def __post_init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        """The body of every request to generate."""
        self.running = 0
        self.aborted = 0
        """Requests whose client went away."""
        self.adapters: dict[str, str] = {}
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._open: list[web.BaseRequest] = []

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    @property
    def url(self) -> str:
        return f"unix:{self.socket}" if self.socket else f"http://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Begin to listen, where it did before."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/version", self._version),
                web.get("/load", self._load),
                web.get("/metrics", self._metrics),
                web.get("/v1/models", self._models),
                web.post("/tokenize", self._tokenize),
                web.post("/detokenize", self._detokenize),
                web.post("/v1/completions", self._complete),
                web.post("/v1/chat/completions", self._complete),
                web.post("/v1/embeddings", self._embed),
                web.post("/v1/load_lora_adapter", self._load_adapter),
                web.post("/v1/unload_lora_adapter", self._unload_adapter),
            ]
        )
        app.middlewares.append(_refusals)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        if self.socket:
            await web.UnixSite(self._runner, self.socket).start()
            return
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def kill(self) -> None:
        """End as a killed process does: every connection is cut."""
        for request in list(self._open):
            if request.transport is not None:
                request.transport.abort()
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=503 if self.faults.unwell else OK)

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "0.0.0-stand-in"})

    async def _load(self, _: web.Request) -> web.Response:
        return web.json_response({"server_load": self.running})

    async def _metrics(self, _: web.Request) -> web.Response:
        lines = [
            "# TYPE vllm:num_requests_running gauge",
            f'vllm:num_requests_running{{engine="0",model_name="m"}} {float(self.running)}',
            'vllm:num_requests_waiting{engine="0",model_name="m"} 0.0',
            'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25',
        ]
        return web.Response(text="\n".join(lines) + "\n")

    async def _models(self, request: web.Request) -> web.Response:
        self._check_key(request)
        base = next(iter(self.models))
        cards = [self._card(name, parent=None) for name in self.models]
        cards += [self._card(name, parent=base) for name in self.adapters]
        return web.json_response({"object": "list", "data": cards})

    def _card(self, name: str, *, parent: str | None) -> dict[str, Any]:
        return {
            "id": name,
            "object": "model",
            "created": int(time.time()),
            "owned_by": "vllm",
            "root": self.adapters.get(name, name),
            "parent": parent,
            "max_model_len": None if parent else self._context(self._model(name)),
            "permission": [],
        }

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        model = self._model(body.get("model"))
        tokens = prompt_of(model, body)
        reply = {"count": len(tokens), "max_model_len": self._context(model), "tokens": tokens}
        return web.json_response({**reply, "token_strs": None})

    async def _detokenize(self, request: web.Request) -> web.Response:
        body = await request.json()
        pieces = self._model(body.get("model")).folder.decode(body["tokens"])
        return web.json_response({"prompt": b"".join(pieces).decode("utf-8", "replace")})

    async def _load_adapter(self, request: web.Request) -> web.Response:
        self._check_key(request)
        body = await request.json()
        name, path = body.get("lora_name"), body.get("lora_path")
        if not name or not path:
            raise Refused("Both 'lora_name' and 'lora_path' must be provided.")
        if name in self.adapters and not body.get("load_inplace"):
            raise Refused(f"The lora adapter '{name}' has already been loaded.")
        self.adapters[name] = path
        return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload_adapter(self, request: web.Request) -> web.Response:
        self._check_key(request)
        name = (await request.json()).get("lora_name")
        if self.adapters.pop(name, None) is None:
            raise Refused(
                f"The lora adapter '{name}' cannot be found.",
                status=404,
                kind="NotFoundError",
            )
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")

    async def _embed(self, request: web.Request) -> web.Response:
        """Turn texts into vectors, as a model would that is served with `--runner pooling`."""
        self._check_key(request)
        body = await request.json()
        self.asked.append(body)
        if self.faults.status != OK:
            raise Refused("as told", status=self.faults.status, kind="InternalServerError")
        if self.faults.says:
            return web.Response(body=self.faults.says)
        await asyncio.sleep(self.faults.first_token_seconds)
        model = self._model(body.get("model"))
        prompts = [prompt_of(model, {"prompt": one}) for one in body["input"]]
        if max(map(len, prompts)) > self._context(model):
            raise Refused("This model's maximum context length is exceeded.")
        data = [
            {"object": "embedding", "index": place, "embedding": [3.0, 4.0 * len(prompt), 0]}
            for place, prompt in enumerate(prompts)
        ]
        tokens = sum(map(len, prompts))
        usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
        return web.json_response(
            {"id": "embd-1", "object": "list", "model": body["model"], "data": data, "usage": usage}
        )

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self._check_key(request)
        body = await request.json()
        self.asked.append(body)
        if self.faults.status != OK:
            raise Refused("as told", status=self.faults.status, kind="InternalServerError")
        model = self._model(body.get("model"))
        prompt = prompt_of(model, body)
        check(body, prompt, self._context(model))
        check_tools(body, reads_calls=self.reads_calls)
        self.running += 1
        self._open.append(request)
        try:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await asyncio.sleep(self.faults.first_token_seconds)
            await response.prepare(request)
            if self.faults.says:
                await response.write(self.faults.says)
                return response
            calls = calls_of(body)
            chunks = (
                _calling(calls, prompt, body)
                if calls
                else self._chunks(model, prompt, body, request)
            )
            async for chunk in chunks:
                await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            await response.write(b"data: [DONE]\n\n")
        except (asyncio.CancelledError, ConnectionResetError):
            self.aborted += 1
            raise
        else:
            return response
        finally:
            self._open.remove(request)
            self.running -= 1

    async def _chunks(
        self, model: Parrot | Babbler, prompt: list[int], body: dict[str, Any], request: web.Request
    ) -> AsyncIterator[dict[str, Any]]:
        chat = "messages" in body
        kind = "chat.completion.chunk" if chat else "text_completion"
        frame = {"id": "cmpl-1", "object": kind, "created": 1, "model": body["model"]}
        options = body.get("stream_options") or {}
        ends = {*model.folder.stop_ids, *(body.get("stop_token_ids") or [])}
        text = Text(body.get("stop") or [])
        said: list[int] = []
        if chat:
            delta = {"role": "assistant", "content": ""}
            yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for token, logprobs_V in islice(spoken(model, prompt, body), body["max_tokens"]):
            await self._fail_at(len(said), request)
            await asyncio.sleep(self.faults.token_seconds)
            if len(said) == self.faults.errs_after:
                yield {"error": {"message": "EngineDeadError", "type": "InternalServerError"}}
                return
            said.append(token)
            shown = text.push(b"" if token in ends else model.folder.token_bytes[token])
            finish = "stop" if token in ends or text.stopped else None
            if finish is None and len(said) == body["max_tokens"]:
                finish = "length"
            shown += text.rest() if finish else ""
            choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "logprobs": None}
            choice |= {"delta": {"content": shown}} if chat else {"text": shown}
            if body.get("logprobs") is not None and not chat:
                choice["logprobs"] = scores_of(
                    model, prompt, said, logprobs_V, body["logprobs"], echo=body.get("echo")
                )
            if body.get("return_token_ids") and not self.faults.without_ids:
                choice["token_ids"] = [token]
                choice["prompt_token_ids"] = prompt if len(said) == 1 else None
            usage = usage_of(prompt, said)
            more = {"usage": usage} if options.get("continuous_usage_stats") else {}
            yield {**frame, "choices": [choice], **more}
            if finish:
                break
        if options.get("include_usage"):
            yield {**frame, "choices": [], "usage": usage_of(prompt, said)}

    async def _fail_at(self, said: int, request: web.Request) -> None:
        if said == self.faults.hangs_after:
            await asyncio.sleep(3600)
        if said == self.faults.cuts_after:
            with suppress(AttributeError):
                request.transport.abort()
            await asyncio.sleep(3600)  # until the handler is canceled

    def _check_key(self, request: web.Request) -> None:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            raise Refused("Unauthorized", status=401, kind="Unauthorized")

    def _model(self, name: object) -> Parrot | Babbler:
        if name in self.adapters:
            return next(iter(self.models.values()))
        if name not in self.models:
            message = f"The model `{name}` does not exist."
            raise Refused(message, status=404, kind="NotFoundError")
        return self.models[str(name)]

    def _context(self, model: Parrot | Babbler) -> int:
        return self.max_model_len or model.folder.context_tokens


async def _calling(
    calls: list[dict[str, Any]], prompt: list[int], body: dict[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    for delta, finish in [*((call, None) for call in calls), ({}, "tool_calls")]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        yield {**frame, "choices": [choice]}
    yield {**frame, "choices": [], "usage": usage_of(prompt, calls)}


@web.middleware
async def _refusals(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refusal:
        error = {
            "message": str(refusal), "type": refusal.kind, "param": None, "code": refusal.status
        }  # fmt: skip
        return web.json_response({"error": error}, status=refusal.status)
