"""What can be swapped: protocols, and how their makers are found by entry point.

An engine turns messages into text. The gateway knows engines only through this file, so the
office never imports torch and an engine may live in another package or on another machine. A
verifier says what an answer is worth; models learn from that.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

ENGINE_GROUP = "hunmin.engines"

UPSTREAMS_GROUP = "hunmin.upstreams"

LAUNCHER_GROUP = "hunmin.launchers"

VERIFIER_GROUP = "hunmin.verifiers"

FinishReason = Literal["stop", "length", "tool_calls"]

PrefixCache = Literal["off", "tenant", "shared"]
"""Who gains by what an engine computed of a prompt, when another one begins alike: nobody, the same
tenant, or everybody."""

ModelState = Literal["ready", "starting", "failed"]
"""Of a model: it can answer now; it is being loaded, or not reached yet; it cannot answer, and is
tried again."""

Capability = Literal[
    "chat",
    "completion",
    "seed",
    "stop",
    "penalties",
    "logprobs",
    "top_logprobs",
    "prompt_logprobs",
    "logit_bias",
    "grammar",
    "tools",
    "embedding",
    "dimensions",
]
"""What an engine may be able to do. `logprobs` are those of the answer's tokens, `top_logprobs`
those of the most probable ones beside them, and `prompt_logprobs` the same of the prompt.
`dimensions` means that the beginning of an embedding is one, too."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that a model asks its client to call."""

    id: str
    """What the client answers it by."""
    name: str
    arguments: str
    """As the model wrote them: JSON, where it was able to."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """What the assistant asked for, beside what it said."""
    tool_call_id: str = ""
    """Of a tool's message: which call it answers."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a model may ask for."""

    name: str
    description: str
    parameters: Mapping[str, Any] | None
    """A JSON Schema of its arguments; None where it has none."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The functions a model may ask for, and how freely."""

    functions: tuple[Function, ...]
    choice: Literal["auto", "none", "required"] = "auto"
    """Whether it asks for one as it likes, for none, or for one at least."""
    only: str = ""
    """The name of the one function it is to ask for, with `required`."""
    parallel: bool = True
    """Whether it may ask for several at once."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen, and when to stop."""

    max_tokens: int
    temperature: float = 0.7
    """0 is greedy."""
    top_p: float = 0.9
    top_k: int = 0
    """0 is no limit."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    """What is added to the logits of certain tokens, by id, before anything else."""
    grammar: str = ""
    """A grammar in EBNF the answer obeys, as `hunmin.grammars` writes it; empty is any text."""
    logprobs: int | None = None
    """Of how many most probable tokens the log-probability is told at each place, beside that of
    the token that came; None tells nothing. They are the model's own, before penalties, bias and
    temperature."""
    prompt_logprobs: bool = False
    """Whether the same is told of the prompt's tokens."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One thing to generate: a conversation to answer, or a text to continue."""

    request_id: str
    model: str
    sampling: Sampling
    tenant: str = ""
    """For whom, as an opaque word: an engine may keep what it computed of a prompt apart by it."""
    messages: tuple[Message, ...] = ()
    """A conversation; rendered by the model's own chat template."""
    prompt: str | None = None
    """A text to continue, instead of `messages`."""
    prompt_ids: tuple[int, ...] = ()
    """Tokens to continue, instead of `messages` and `prompt`."""
    tools: Tools | None = None
    """What the model may ask for while it answers `messages`."""
    embed: tuple[str | tuple[int, ...], ...] = ()
    """Texts, or tokens, each to become a vector: nothing is written then, and the stream is one
    piece that has them all."""

    @property
    def with_tools(self) -> bool:
        """Return whether tools are offered, or were called earlier in the conversation."""
        return self.tools is not None or any(
            turn.tool_calls or turn.role == "tool" for turn in self.messages
        )


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token and how probable it was where it stands."""

    token: int
    text: bytes
    """What it stands for: often a part of a character. Of a special token, its name."""
    logprob: float | None
    """Natural logarithm of its probability; None for the first token of a prompt."""
    top: tuple["TokenScore", ...] = ()
    """The most probable tokens of the place, in order; the token itself need not be one."""


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a tool call. The first one of a call has its id and its name."""

    index: int
    """Which of an answer's calls it belongs to, counted from 0."""
    id: str = ""
    name: str = ""
    arguments: str = ""
    """What comes after the arguments so far, in whole characters."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer. The last one of a stream has a `finish_reason`."""

    text: str
    """Whole characters only: a Hangul syllable never arrives in two pieces."""
    finish_reason: FinishReason | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """Tokens generated so far."""
    cached_tokens: int = 0
    choice: int = 0
    """Which of several answers to one request it is a piece of."""
    scores: tuple[TokenScore, ...] = ()
    """Of the tokens since the piece before, where `Sampling.logprobs` asks for them."""
    prompt_scores: tuple[TokenScore, ...] = ()
    """Of the prompt's tokens, with the first piece, where `Sampling.prompt_logprobs` asks."""
    vectors: tuple[tuple[float, ...], ...] = ()
    """Of length 1, one for each of `Generation.embed`."""
    calls: tuple[CallPiece, ...] = ()
    """Pieces of the calls the model asks for, where `Generation.tools` offers some."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model an engine serves."""

    id: str
    folder: Path | None
    """Its Transformers folder with `manifest.json`, where it is on this machine."""
    context_tokens: int
    created_at: int
    """Unix seconds."""
    capabilities: frozenset[Capability]
    defaults: Mapping[str, float] = field(default_factory=dict)
    """Sampling values of its `generation_config.json`: temperature, top_p, ..."""
    state: ModelState = "ready"
    parent: str | None = None
    """The model an adapter belongs to."""


@runtime_checkable
class Engine(Protocol):
    """Turns a checkpoint into a stream of tokens. Every engine passes one conformance suite."""

    async def start(self) -> None:
        """Load the models; return when ready to generate.

        It may be called again: what could not be loaded, or was given up, is tried anew.

        Raises:
            HunminError: A model could not be loaded.
        """
        ...

    def models(self) -> Sequence[ModelCard]:
        """Return the models served, also those that cannot answer now."""
        ...

    async def count_prompt_tokens(self, generation: Generation) -> int:
        """Return how many tokens the prompt has, chat template included.

        Raises:
            HunminError: The model is unknown, or has no such token, or cannot be asked.
        """
        ...

    async def encode(self, generation: Generation) -> Sequence[int]:
        """Return the tokens of the prompt, chat template included.

        Raises:
            HunminError: The model is unknown, or has no such token.
        """
        ...

    async def decode(self, model: str, tokens: Sequence[int]) -> list[bytes]:
        """Return what each token stands for: bytes of text, or the name of a special token.

        Raises:
            HunminError: The model is unknown, or has no such token.
        """
        ...

    def stream(self, generation: Generation) -> AsyncIterator[Delta]:
        """Generate. Closing the iterator cancels and frees the place at the next step.

        Raises:
            HunminError: The prompt does not fit, the engine is full or has failed.
        """
        ...

    def healthy(self, model: str | None = None) -> bool:
        """Return whether a model can take a request now; without a name, whether any can."""
        ...

    async def close(self) -> None:
        """Stop every generation and free everything. Safe to call twice."""
        ...


class OpenEngine(Protocol):
    """What an entry point of the group `hunmin.engines` refers to."""

    def __call__(
        self, models: Mapping[str, Path], *, cache: Path, threads: int, prefix_cache: PrefixCache
    ) -> Engine:
        """Return an engine, not yet started, serving model folders by name."""
        ...


def find_engines() -> dict[str, OpenEngine]:
    """Return every installed engine by name, loaded on demand."""
    return {point.name: point.load() for point in entry_points(group=ENGINE_GROUP)}


def find_engine(name: str) -> OpenEngine | None:
    """Return the engine called `name`, or None where none is installed."""
    for point in entry_points(group=ENGINE_GROUP, name=name):
        return point.load()
    return None


def engine_names() -> list[str]:
    """Return the names of the installed engines, without loading any."""
    return sorted(point.name for point in entry_points(group=ENGINE_GROUP))


OpenUpstreams = Callable[..., Engine]
"""What an entry point of the group `hunmin.upstreams` refers to: makes one engine, not yet started,
of the settings `upstreams` and, as `data`, the folder it may keep things in."""


def find_upstreams() -> OpenUpstreams:
    """Return what speaks to engines on other machines; it comes with Hunmin."""
    [point] = entry_points(group=UPSTREAMS_GROUP, name="http")
    return point.load()


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """An engine to be started."""

    name: str
    """What it is called in logs and in the names of files."""
    command: tuple[str, ...]
    """The program and its arguments."""
    options: tuple[str, ...]
    """What the launcher is told beside, such as how many GPUs."""
    log: Path
    """A file that takes what it prints."""


@dataclass(frozen=True, slots=True)
class Launched:
    """How an engine is that was started."""

    phase: Literal["waiting", "running", "ended"]
    """Waiting for a machine; running, also while it loads its model; or gone."""
    host: str = ""
    """The machine it runs on."""


class Launcher(Protocol):
    """Starts engines on machines. What it started it knows by a handle, after a restart too."""

    def start(self, spec: LaunchSpec) -> str:
        """Start an engine and return its handle; it may have to wait for a machine.

        Raises:
            LaunchFailed: It is not taken.
        """
        ...

    def look(self, handle: str) -> Launched:
        """Return how it is.

        Raises:
            LaunchFailed: Nobody can say.
        """
        ...

    def stop(self, handle: str) -> None:
        """End it; nothing where it has ended.

        Raises:
            LaunchFailed: Nobody can end it.
        """
        ...


def find_launcher(name: str) -> Launcher | None:
    """Return the launcher called `name`, or None where none is installed."""
    for point in entry_points(group=LAUNCHER_GROUP, name=name):
        return point.load()()
    return None


def launcher_names() -> list[str]:
    """Return the names of the installed launchers, without loading any."""
    return sorted(point.name for point in entry_points(group=LAUNCHER_GROUP))


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer to be judged."""

    text: str
    expected: str
    """The answer that stands beside the prompt in the corpus; empty where there is none."""
    tokens: int
    finished: bool
    """Whether the model ended it, and not the limit of tokens."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of an answer."""

    score: float
    """From 0, wrong, to 1, right."""
    reason: str
    """Why, in a few words for people; no part of the answer, which may be anybody's."""


class Verifier(Protocol):
    """Judges an answer. A pure function: the same answer has the same verdict, always."""

    def __call__(self, given: GivenAnswer) -> Verdict:
        """Return what the answer is worth, and why."""
        ...


MakeVerifier = Callable[..., Verifier]
"""What an entry point of the group `hunmin.verifiers` refers to: makes a verifier of the options a
recipe gives it, by keyword, and raises TypeError or ValueError where they make no sense."""


def find_verifier(name: str) -> EntryPoint | None:
    """Return the entry point of the verifier called `name`, or None where none is installed."""
    return next(iter(entry_points(group=VERIFIER_GROUP, name=name)), None)


def verifier_names() -> list[str]:
    """Return the names of the verifiers other packages have brought, without loading any."""
    return sorted(point.name for point in entry_points(group=VERIFIER_GROUP))
