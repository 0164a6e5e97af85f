"""Every setting: its type, its limits, its default and its reason. One section for each room."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """The settings of one room: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class WebSettings(Section):
    """Where the pages and the API are served."""

    host: str = "127.0.0.1"
    """The address to listen at. The default serves this machine only; `0.0.0.0` serves all."""
    port: Port = 8700
    """The port to listen at; 0 takes any that is free."""
    public_url: str = ""
    """How people reach the service from outside, where a proxy stands before it. Links in
    messages begin with it; empty, the default, takes the address listened at."""
    hosts: tuple[str, ...] = ()
    """Further names the service goes by, as in `chat.example.kr`. A request for any other name
    is refused, so that no page elsewhere can reach the service under a name of its own."""
    allow_plain_http: bool = False
    """Whether other machines may be served without encryption: true only on a network that is
    nobody else's. False, the default, asks for an https `public_url` first."""
    installable: bool = True
    """Whether browsers may install the service as an app. Where this is false, what an app that
    was installed earlier kept in the browser is removed when it is next opened."""
    request_bytes_max: Annotated[int, Field(ge=1024)] = 1024 * 1024
    """The longest request body a page reads. The API has a limit of its own in `gateway`."""
    servers: Annotated[int, Field(ge=0, le=256)] = 0
    """Server processes side by side under a supervisor, which SIGHUP replaces without a gap. 0,
    the default, serves in one process that cannot be replaced so."""
    drain_seconds: Annotated[float, Field(ge=0, le=86_400)] = 600
    """How long answers under way may go on after SIGTERM, before they are ended and kept."""
    metrics_port: Port = 0
    """The port for the numbers that Prometheus collects, under `/metrics`; 0, the default, serves
    none. They tell how busy the service is, so they are never at the public port."""
    metrics_host: str = "127.0.0.1"
    """The address to listen at for them. The default serves this machine only."""


class DatabaseSettings(Section):
    """Where accounts, conversations, events and jobs are kept."""

    url: SecretStr = SecretStr("")
    """`postgresql://user:password@host/name`, or `sqlite:///folder/file.db`. Empty, the default,
    is the SQLite file `hunmin.db` in the data folder."""


class FilesSettings(Section):
    """Where large files are kept."""

    url: str = ""
    """`s3://bucket/prefix`, or a folder. Empty, the default, is `files` in the data folder."""
    s3_endpoint: str = ""
    """The address of an S3 service other than the one of AWS, such as a MinIO of your own."""
    s3_region: str = "us-east-1"
    """The region of the bucket; most services of one's own take any."""
    s3_access_key_id: str = ""
    """Who Hunmin is to the S3 service."""
    s3_secret_access_key: SecretStr = SecretStr("")
    """The key that proves it. Better given by the environment than in a file."""


class ProviderSettings(Section):
    """An OpenID provider that people may sign in with, as `[accounts.providers.NAME]`."""

    issuer: str
    """Its address, exactly as it says it itself; https, or of this machine."""
    client_id: str
    """What this service is called there."""
    client_secret: SecretStr = SecretStr("")
    """What proves it. Better given by the environment than in a file. Empty, the default, is for
    a provider that takes PKCE alone."""
    title: str = ""
    """What people know it by; empty, the default, takes NAME."""
    scopes: tuple[str, ...] = ("profile",)
    """What is asked for beside `openid`."""
    name_claim: str = "name"
    """The claim that holds what somebody is called."""
    groups_claim: str = "groups"
    """The claim that holds somebody's groups."""
    groups: dict[str, str] = {}
    """What a group makes somebody, as `GROUP = "ID:ROLE"`: the id of an organization, and owner,
    manager, billing or member. Who leaves the group loses at the next sign-in what it gave."""
    create: bool = False
    """Whether who comes for the first time is given an account. False, the default, lets in only
    people who linked the provider to an account they had."""
    second_factor: bool = False
    """Whether to believe the provider where it says (`amr`: `mfa`) that it asked for a second
    factor; none is then asked for here."""


class AccountsSettings(Section):
    """People, sign-in and keys."""

    guests: bool = True
    """Whether people may chat without an account. True, unless `web.host` serves other
    machines and this is not said: then false."""
    session_days: Annotated[int, Field(ge=1, le=400)] = 30
    """How long a sign-in lasts without being used."""
    sign_in_link_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    """How long a sign-in link can be used, once."""
    second_factor: Literal["optional", "administrators", "everyone"] = "administrators"
    """Who has to show a second factor. Administrators and auditors by default; where only this
    machine is served, without a `public_url`, and this is not said, nobody has to."""
    key_overlap_hours_max: Annotated[int, Field(ge=0, le=8_760)] = 168
    """How long a key that was replaced may go on working beside the one that took its place."""
    providers: dict[str, ProviderSettings] = {}
    """OpenID providers that people may sign in with, by a name of your choice, as
    `[accounts.providers.NAME]`: `issuer`, `client_id`, `client_secret`, `title`, `scopes`,
    `name_claim`, `groups_claim`, `groups`, `create` and `second_factor`, as the guide "Sign-in"
    tells."""


class OrganizationsSettings(Section):
    """Organizations, their members and projects."""

    people_may_create: bool = False
    """Whether everybody who is signed in may make organizations. False, the default, leaves that
    to administrators, who know whom they serve."""


class GatewaySettings(Section):
    """The OpenAI-compatible API, and the answers of the chat page."""

    requests_per_minute_max: Annotated[int, Field(ge=1)] = 600
    """Requests of one key or signed-in account in any minute; more are refused with the time
    to wait."""
    guest_requests_per_minute_max: Annotated[int, Field(ge=1)] = 30
    """The same for one guest: more than anyone reads."""
    concurrent_per_key_max: Annotated[int, Field(ge=1)] = 16
    """Answers of one key or signed-in account written at the same time."""
    concurrent_per_guest_max: Annotated[int, Field(ge=1)] = 2
    """Answers of one guest written at the same time: two open pages."""
    concurrent_requests_max: Annotated[int, Field(ge=1)] = 64
    """Answers written at the same time, of all accounts; more are refused for the moment."""
    wait_seconds_max: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """How long a new answer may be expected to wait until it begins; where it would be longer,
    requests are refused with a time to come again: guests' first, everybody's at last."""
    memory_bytes_max: Annotated[int, Field(ge=0)] = 0
    """The memory this process may hold before requests are refused in the same way; 0, the
    default, sets no limit. Models in child processes are not counted."""
    completion_tokens_max: Annotated[int, Field(ge=1)] = 4096
    """Tokens one answer may have, whatever the request asks for."""
    answer_seconds_max: Annotated[int, Field(ge=1, le=86_400)] = 600
    """How long one answer may take; then it is stopped and its place freed."""
    request_bytes_max: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    """The longest request body that is read: a book fits, an attack on memory does not."""
    request_seconds_max: Annotated[int, Field(ge=1, le=3600)] = 30
    """How long a request body may take to arrive, so that slow clients hold no connection."""
    records_synced: bool = False
    """Whether each record of an answer waits until the disk has it. False, the default, lets it
    follow within a second: a record outlives the server whatever ends it, but a loss of power may
    take the last second's. On SQLite; PostgreSQL has `synchronous_commit`."""
    write_seconds_max: Annotated[int, Field(ge=1, le=3600)] = 60
    """How long a connection may take nothing of what is sent; then it is closed, so that readers
    who stop reading hold neither a connection nor memory."""


class ChatSettings(Section):
    """Conversations and the chat page."""

    message_characters_max: Annotated[int, Field(ge=1)] = 20_000
    """The longest message a person may send."""
    conversation_messages_max: Annotated[int, Field(ge=2)] = 2_000
    """Messages in one conversation, all branches counted."""
    answer_tokens_max: Annotated[int, Field(ge=1)] = 1_024
    """Tokens of one answer on the chat page; a model with a short context gives fewer."""
    system_prompt: str = ""
    """Said to the model before every conversation. Empty, the default, says nothing."""
    shares: bool = False
    """Whether people who are signed in may make an address that shows a copy of a conversation
    to anyone. Off by default: what is shown there leaves the house."""
    temporary: bool = True
    """Whether one may chat without anything being kept. Where conversations have to be kept by
    law, switch it off."""
    training_consent: bool = True
    """Whether people who are signed in and rate an answer are asked if it may be used for
    training. Without their consent it never is; switch it off where nobody trains."""


class DocumentsSettings(Section):
    """Files people bring into their conversations."""

    file_bytes_max: Annotated[int, Field(ge=1024, le=20_000_000)] = 20_000_000
    """The largest file that is taken."""


class InferenceSettings(Section):
    """The engine that turns models into answers."""

    engine: str = "openvino"
    """Which installed engine to use: `openvino` is the fastest for many, `llama.cpp` (the extra
    `llama-cpp`) for one reader; `transformers` runs everywhere and is slower."""
    models: dict[str, Path] = {}
    """Model folders by the name they are served under. Empty, the default, serves the
    reference model that ships with Hunmin."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Processor threads for generating; 0 takes one for each core."""
    prefix_cache: Literal["off", "tenant", "shared"] = "tenant"
    """Who gains by what was computed of a prompt, when another one begins alike: `off` nobody,
    `tenant` whose organization, or account, is the same, `shared` everybody. Whoever gains may
    notice, by measuring, what others asked. Where only this machine is served and this is not said:
    `shared`."""


class RunsSettings(Section):
    """Training runs that are watched on the page `/runs`."""

    folder: Path = Path("var")
    """Where run folders are looked for, three folders deep. The default is where `hunmin build`
    puts what it makes; on a GPU center it is the shared disk that runs are written to."""


class LogsSettings(Section):
    """What the program says about itself on stderr."""

    format: Literal["auto", "console", "json"] = "auto"
    """`console` is for people, `json` for programs; `auto` looks whether stderr is a terminal."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least serious line that is written."""


def _http_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", value):
        raise PydanticCustomError("http_address", "not the address of an HTTP service")
    return value


def _secret_http_address(value: SecretStr) -> SecretStr:
    _http_address(value.get_secret_value())
    return value


class AlertsSettings(Section):
    """Who else is told that a budget is used up to 50, 80 or 100 percent, beside the pages."""

    webhook_url: Annotated[SecretStr, AfterValidator(_secret_http_address)] = SecretStr("")
    """An address that each alert is posted to as JSON: the id of the budget and the percentage,
    nothing else. Empty, the default, posts nothing."""


class TelemetrySettings(Section):
    """What the service tells a collector of the operator's own."""

    otlp_url: Annotated[str, AfterValidator(_http_address)] = ""
    """Where an OpenTelemetry collector takes spans over HTTP, as `http://127.0.0.1:4318`. They
    tell how long each step of a request took, and nobody's words, name or key. Empty, the default,
    makes none; else the extra `otel` has to be installed."""


class LaunchSettings(Section):
    """How the engines of an upstream are started, as `[upstreams.NAME.launch]`."""

    command: Annotated[list[str], Field(min_length=1)]
    """The program and its arguments; `{port}` in them becomes the port an engine listens at."""
    launcher: str = "local"
    """`local`, processes of this machine; `slurm`, jobs; or one that is installed beside."""
    options: list[str] = []
    """What `sbatch` is told beside: `--gres=gpu:1`, `--partition=...`."""
    port: Annotated[int, Field(ge=1, le=65_000)] = 8001
    """The port of the first engine; the next ones have the next numbers."""
    replicas_min: Annotated[int, Field(ge=1, le=100)] = 1
    """Engines there always are."""
    replicas_max: Annotated[int, Field(ge=1, le=100)] = 1
    """Engines there are at most."""
    requests_each: Annotated[int, Field(ge=1)] = 64
    """What one engine should have to do at a time; with more another is started."""


class UpstreamSettings(Section):
    """An engine on another machine, as `[upstreams.NAME]`."""

    url: str = ""
    """Where it is: `https://HOST`, `http://HOST:PORT` or `unix:PATH`; nothing with `launch`."""
    launch: LaunchSettings | None = None
    """How its engines are started, by `hunmin upstreams launch`."""
    kind: Literal["vllm", "sglang", "llama.cpp", "openai"] = "vllm"
    """What it is; kinds differ in names, and in what they can do."""
    models: dict[str, str] = {}
    """Names they are served under, and the engine's own. Empty, the default, serves all it has."""
    adapters: dict[str, str] = {}
    """LoRA adapters by name, and their folders on the engine's machine: a vLLM is told to load
    them, and serves them as `MODEL:NAME`."""
    key: SecretStr = SecretStr("")
    """The key the engine asks for."""
    tokenizer: Path | None = None
    """The model's folder on this machine: prompts are then cut into tokens here, by the template
    the model was trained with. Without it a vLLM is asked to."""
    embeds: bool = False
    """Whether its models turn texts into vectors, and write nothing."""
    matryoshka: bool = False
    """Whether the beginning of such a vector is one, too, so that clients may ask for fewer
    `dimensions`: models are trained for it, or not."""
    tools: bool = False
    """Whether its models have learned to call tools, and it was started so that it reads their
    calls: a vLLM with `--enable-auto-tool-choice` and a `--tool-call-parser`."""
    private: bool = False
    """Whether the network between is nobody else's, so that `http` to another machine is right."""
    concurrent_max: Annotated[int, Field(ge=1)] = 256
    """Answers it writes at the same time for this server; more go elsewhere, or are refused."""
    first_token_seconds_max: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """How long it may take until an answer begins."""

    @property
    def names(self) -> dict[str, str]:
        """Return the names models and adapters are served under, and the engine's own."""
        adapters = {f"{model}:{name}": name for model in self.models for name in self.adapters}
        return {**self.models, **adapters}


class WorkerSettings(Section):
    """Small background work: sealing the log, deletions, exports."""

    embedded: bool = True
    """Whether `hunmin serve` also does the jobs. False where `hunmin worker` runs beside it."""
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 1.0
    """How often an idle worker looks for jobs."""
    lease_seconds: Annotated[int, Field(ge=5, le=86_400)] = 60
    """How long a job stays with a worker that gives no sign of life; then another takes it."""
