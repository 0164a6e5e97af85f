"""One upstream: where it is, what it serves, how it is, and how much it does for us."""

import contextlib
import json
import re
import time
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from hunmin import logs
from hunmin.errors import UpstreamWrong
from hunmin.inference.folder import ModelFolder
from hunmin.plugins import Capability
from hunmin.settings import UpstreamSettings
from hunmin.telemetry import UpstreamState
from hunmin.upstreams.breaker import Breaker
from hunmin.upstreams.client import Client
from hunmin.upstreams.dialects import DIALECTS
from hunmin.upstreams.routing import Place

log = logs.get(__name__)

TOOLS: frozenset[Capability] = frozenset({"tools"})
EMBEDS: frozenset[Capability] = frozenset({"embedding"})
SHORTENS: frozenset[Capability] = frozenset({"dimensions"})
"""What the settings may say of its models."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
"""Names under which a model that is not named in the settings is served: records can hold them."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as a server lists it."""

    context_tokens: int
    """0 where it does not say."""
    created_at: int
    """Unix seconds."""
    parent: str
    """The model an adapter belongs to; empty for what is none."""


class Upstream:
    """A server and all that is known of it now."""

    def __init__(
        self, name: str, settings: UpstreamSettings, *, folder: ModelFolder | None, of: str = ""
    ) -> None:
        """Note the settings; nothing is opened.

        Args:
            name: What it is called.
            settings: What is said of it.
            folder: The tokenizer of its models, where it is on this machine.
            of: Where it is launched: the name in the settings, which several may share.

        Raises:
            UpstreamWrong: They make no sense.
        """
        self.name = name
        self.of = of or name
        """Its name in the settings, which engines that are launched share."""
        self.settings = settings
        self.dialect = DIALECTS[settings.kind]
        self.folder = folder
        """Its tokenizer, where it is on this machine."""
        if settings.launch is None:
            check_address(name, settings)
        elif settings.url or settings.launch.replicas_min > settings.launch.replicas_max:
            raise UpstreamWrong(
                name=name,
                en="beside `launch` it has no url, and replicas_min is at most replicas_max",
                ko="launch와 url은 함께 쓸 수 없고, replicas_min은 replicas_max를 넘을 수 없습니다",
            )
        if folder is None and not (self.dialect.counts or settings.embeds):
            raise UpstreamWrong(
                name=name,
                en=f"servers of the kind {settings.kind} cannot count the tokens of a prompt for "
                "us, so `tokenizer` must name the model's folder",
                ko=f"{settings.kind} 종류의 서버는 질문의 토큰을 대신 세지 못하므로 tokenizer에 "
                "모델 폴더를 지정해야 합니다",
            )
        if settings.adapters and (settings.kind != "vllm" or len(settings.models) != 1):
            raise UpstreamWrong(
                name=name,
                en="adapters are loaded into a vLLM whose one model is named in `models`",
                ko="adapters는 models에 모델 하나를 적은 vLLM에만 올릴 수 있습니다",
            )
        self.url = settings.url
        """Where it is now; empty for one that is launched and not there."""
        self.client = Client(settings.url, key=settings.key.get_secret_value())
        self.breaker = Breaker()
        self.models = settings.names
        """Our names of its models and adapters, and its own."""
        self.listed: dict[str, Listed] = {}
        """What it says it serves, by its own names."""
        self.load = 0
        """Answers it writes for us."""
        self.pressure = 0.0
        """What it says of itself: requests there, its own and those of others, and its cache."""
        self.well: bool | None = None
        """How it was found when last looked at; None before that."""
        self.reached = False
        """Whether it was ever seen well."""
        self.drained = False
        """Whether it is to get no more requests."""

    async def move_to(self, url: str) -> None:
        """Take it as a new server at another address; what the old one wrote is broken off."""
        if url == self.url:
            return
        old, self.url = self.client, url
        self.client = Client(url, key=self.settings.key.get_secret_value())
        self.client.open()
        self.breaker = Breaker()
        self.listed = {}
        self.well, self.reached, self.pressure = None, False, 0.0
        await old.close()

    def can_take(self, model: str) -> bool:
        """Return whether a request for a model of ours may be sent now, were there room."""
        theirs = self.models.get(model)
        known = theirs in self.listed
        return known and not self.drained and self.breaker.may_try(time.monotonic())

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Return what it can do: what its kind can, and what the settings say of its models."""
        if self.settings.embeds:
            return EMBEDS | (SHORTENS if self.settings.matryoshka else frozenset())
        return self.dialect.capabilities | (TOOLS if self.settings.tools else frozenset())

    @property
    def state(self) -> UpstreamState:
        """Return how it is, for whoever watches the service."""
        if self.drained:
            return "drained"
        if not self.well:
            return "failed"
        return "ok" if self.breaker.may_try(time.monotonic()) else "resting"

    @property
    def is_full(self) -> bool:
        """Return whether it writes as many answers as it may."""
        return self.load >= self.settings.concurrent_max

    def place(self) -> Place:
        """Return what routing needs to know of it."""
        return Place(self.name, self.load, self.pressure)

    def take_list(self, reply: bytes) -> None:
        """Take what the server lists under `/v1/models`.

        Raises:
            ValueError: It is no such list.
        """
        listed = _listed(reply)
        self.listed = {name: self.listed.get(name, model) for name, model in listed.items()}
        if not self.settings.models:
            self.models = {name: name for name in listed if _NAME.fullmatch(name)}
        unnamed = {name for name in listed if not self.settings.models and name not in self.models}
        missing = set(self.models.values()) - listed.keys()
        if unnamed or missing:
            log.warning(
                "upstream lacks models",
                upstream=self.name,
                missing=sorted(missing),
                unnamed=sorted(unnamed),
            )

    def missing_adapters(self) -> dict[str, str]:
        """Return the adapters of the settings that it does not list: their names and folders."""
        adapters = self.settings.adapters
        return {name: path for name, path in adapters.items() if name not in self.listed}

    def take_metrics(self, reply: bytes) -> None:
        """Take what the server says of itself under `/metrics`, in the format of Prometheus."""
        dialect = self.dialect
        self.pressure = sum_metrics(reply, {dialect.running, dialect.waiting, dialect.cache_used})


def sum_metrics(reply: bytes, names: set[str]) -> float:
    """Return the sum of some metrics in what Prometheus would be told."""
    total = 0.0
    for line in reply.decode("utf-8", "replace").splitlines():
        name, _, value = line.rpartition(" ")
        if name.partition("{")[0] in names - {""}:
            with contextlib.suppress(ValueError):
                total += float(value)
    return total


def _listed(reply: bytes) -> dict[str, Listed]:
    """Return the models of a list; an adapter has the context of what it belongs to."""
    try:
        entries = {
            one["id"]: one for one in json.loads(reply)["data"] if isinstance(one["id"], str)
        }
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no list of models") from error
    return {
        name: Listed(
            context_tokens=_whole(one.get("max_model_len"))
            or _whole(entries.get(str(one.get("parent")), {}).get("max_model_len")),
            created_at=_whole(one.get("created")),
            parent=str(one.get("parent") or ""),
        )
        for name, one in entries.items()
    }


def _whole(value: object) -> int:
    return value if type(value) is int else 0


def check_address(name: str, settings: UpstreamSettings) -> None:
    """Raise `UpstreamWrong` where prompts would go over a network anybody may read."""
    try:
        parts = urlsplit(settings.url)
        scheme, host, path = parts.scheme, parts.hostname, parts.path
    except ValueError:
        scheme, host, path = "", None, ""
    if scheme == "unix" and path:
        return
    if scheme not in {"http", "https"} or not host:
        raise UpstreamWrong(
            name=name,
            en="its url is neither http://HOST:PORT nor https://HOST nor unix:PATH",
            ko="url이 http://HOST:PORT, https://HOST, unix:PATH 가운데 어느 형식도 아닙니다",
        )
    if scheme == "http" and not (settings.private or _is_loopback(host)):
        raise UpstreamWrong(
            name=name,
            en="prompts would go to another machine without encryption. Take https, or set "
            "`private = true` where the network between is nobody else's",
            ko="질문이 암호화되지 않은 채 다른 컴퓨터로 갑니다. https를 쓰거나, 그 사이의 "
            "네트워크가 전용이면 private = true로 설정해야 합니다",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
