"""Writes docs/reference/ from the code: settings, errors, audit events, commands, the API.

`make docs` runs it; `tests/test_docs.py` fails where a page is not what it would write.
"""

import importlib
import inspect
import pkgutil
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from typer.core import TyperGroup

from hunmin import errors
from hunmin.__main__ import COMMANDS, load_command
from hunmin.audit import KINDS
from hunmin.errors import HunminError
from hunmin.plugins import Engine
from hunmin.settings import Settings
from hunmin.web import create_app, openapi

FOLDER = Path(__file__).parent / "reference"

_NOTE = "<!-- Written by docs/generate.py. Change the code, then run `make docs`. -->"

_SETTINGS = """# Settings

Defaults, then `hunmin.toml`, then the environment, then the command line: the last that speaks
is right. `hunmin settings` prints every value and where it was said.

기본값, `hunmin.toml`, 환경 변수, 명령행 순서로 나중 것이 앞의 것을 대신합니다.
`hunmin settings`로 모든 값과 그 출처를 볼 수 있습니다.

`hunmin.toml` is looked for in the working folder; `--config` or `HUNMIN_CONFIG` names another.
Relative paths in it are counted from the folder it is in."""

_ERRORS = """# Errors

Every error a person or program is meant to see, by its stable code. The API answers with the
code and the HTTP status; a command writes one line on stderr and ends with status 1.

사람이나 프로그램에 알리는 모든 오류입니다. API는 코드와 HTTP 상태로 답하고, 명령은 표준
오류에 한 줄을 쓰고 상태 1로 끝납니다."""

_EVENTS = """# Audit events

What the audit log has words for. Each event also has the moment, the actor, the request, the id
of what it was done to, and details: ids and numbers, never anyone's words.

감사 기록에 남는 일의 종류입니다. 각 기록에는 시각, 행위자, 요청, 대상의 식별자와 세부
사항(식별자와 숫자)이 함께 남고, 누가 쓴 글은 남지 않습니다."""

_COMMANDS = """# Commands

Data goes to stdout, everything else to stderr. Status 0 is done, 1 is an error one can put
right, 2 a command line that cannot be understood, 130 Ctrl-C.

결과는 표준 출력으로, 나머지는 모두 표준 오류로 나갑니다. 종료 상태 0은 완료, 1은 고칠 수
있는 오류, 2는 이해할 수 없는 명령행, 130은 Ctrl-C입니다."""


def pages() -> dict[str, str]:
    """Return every reference page by file name."""
    return {
        "settings.md": _settings(),
        "errors.md": _errors(),
        "audit-events.md": _events(),
        "commands.md": _commands(),
        "api.md": _api(),
    }


def _settings() -> str:
    settings = Settings()
    out = [_SETTINGS, _NOTE]
    section = ""
    for view in settings.views():
        room, _, field = view.key.partition(".")
        if field and room != section:
            section = room
            out.append(f"## {section}\n\n{inspect.getdoc(type(getattr(settings, section)))}")
        out.append(
            f"### `{view.key}`\n\n{_one_line(view.reason)}\n\n"
            f"Default `{_toml(view.value)}`, in the environment `{view.variable}`."
        )
    return _join(out)


def _errors() -> str:
    rows = [
        f"| `{kind.code}` | {kind.status} | {_first_sentence(kind)} |" for kind in every_error()
    ]
    return _join([_ERRORS, _NOTE, _table("Code", "Status", "When", rows=rows)])


def every_error() -> list[type[HunminError]]:
    """Return every error with a code of its own, by code."""
    found: set[type[HunminError]] = set()
    for module in pkgutil.iter_modules(errors.__path__, "hunmin.errors."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(value) and issubclass(value, HunminError) and "code" in vars(value):
                found.add(value)
    return sorted(found - {HunminError}, key=lambda kind: (kind.code, kind.__name__))


def _events() -> str:
    rows = [f"| `{kind.value}` | {kind.en} | {kind.ko} |" for _, kind in sorted(KINDS.items())]
    return _join([_EVENTS, _NOTE, _table("Kind", "What happened", "한 일", rows=rows)])


def _commands() -> str:
    out = [_COMMANDS, _NOTE]
    for name in COMMANDS:
        out += _command(load_command(name), f"hunmin {name}", depth=2)
    return _join(out)


def _command(command: Any, path: str, *, depth: int) -> Iterator[str]:  # noqa: ANN401 (Typer's)
    yield f"{'#' * depth} `{path}`\n\n{_paragraphs(command.help)}"
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        yield _table("", "", rows=rows)
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _command(inner, f"{path} {name}", depth=depth + 1)


def _parameter(parameter: Any) -> str:  # noqa: ANN401 (Typer's own class)
    if parameter.param_type_name == "argument":
        shown = f"`{parameter.name.upper()}`"
    else:
        shown = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    return f"| {shown} | {_one_line(parameter.help or '').replace('|', '/')} |"


def _table(*heads: str, rows: list[str]) -> str:
    head = f"| {' | '.join(heads)} |".replace("  ", " ")
    return "\n".join([head, "|" + " --- |" * len(heads), *rows])


_CREDENTIALS = {"key": "an API key (`Authorization: Bearer hm-…`)", "session": "a browser session"}


def _api() -> str:
    """Describe the API as OpenAPI does; no engine is started and nothing is opened."""
    with tempfile.TemporaryDirectory() as data:
        settings = Settings.load(config=None, data=Path(data))
        app = create_app(settings, engine=cast("Engine", SimpleNamespace()))
        sections = openapi.sections(app)
    english = (
        "What a running server says of itself at `/docs` and `/openapi.json`. Under `/v1` it "
        "speaks OpenAI's protocol, and errors have OpenAI's envelope; elsewhere errors are "
        "problem+json with a stable `code` ([errors](errors.md))."
    )
    korean = (
        "실행 중인 서버의 `/docs`와 `/openapi.json`에서도 볼 수 있습니다. `/v1` 아래는 OpenAI "
        "규격을 따르고, 그 밖의 오류는 `code`가 있는 problem+json입니다."
    )
    out = ["# The API", _NOTE, english, korean]
    for section in sections:
        out.append(f"## {section.tag}")
        for operation in section.operations:
            out += _operation(operation)
    return _join(out)


def _operation(operation: openapi.Operation) -> Iterator[str]:
    yield f"### `{operation.method} {operation.path}`"
    yield operation.meaning or operation.summary
    if operation.credentials:
        yield f"Needs {' or '.join(_CREDENTIALS.get(n, n) for n in operation.credentials)}."
    for title, fields in (("Parameters", operation.parameters), ("Body", operation.body)):
        if fields:
            yield f"| {title} | Type | Meaning |\n| --- | --- | --- |\n" + "\n".join(
                f"| {'· ' * field.depth}`{field.name}`{' (required)' if field.required else ''} "
                f"| {_cell(field.kind)} | {_cell(field.meaning)} |"
                for field in fields
            )
    answers = ", ".join(f"{one.status} {one.meaning}".strip() for one in operation.answers)
    yield f"Answers: {answers}."


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _first_sentence(kind: type[HunminError]) -> str:
    return re.split(r"(?<=[.])\s", _one_line(kind.__doc__ or ""), maxsplit=1)[0]


def _paragraphs(text: str) -> str:
    return "\n\n".join(_one_line(part) for part in re.split(r"\n\s*\n", text.strip()))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _join(parts: list[str]) -> str:
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
