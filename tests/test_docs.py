"""The documentation says what is: fresh references, links that lead somewhere, real commands."""

import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from hunmin.__main__ import COMMANDS, load_command

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").glob("*.md")]
)
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def _name(page):
    return str(page.relative_to(ROOT))


def _generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says():
    """Run `make docs` when this fails."""
    generator = _generator()

    written = generator.pages()
    kept = {
        page.name: page.read_text("utf-8")
        for page in generator.FOLDER.glob("*.md")
        if "docs/generate.py" in page.read_text("utf-8")
    }
    assert kept == written


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", page.read_text("utf-8"))
    lost = [
        link
        for link in LINK.findall(text)
        if not re.match(r"[a-z]+:", link)
        and not link.startswith("#")
        and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_python_in_the_documentation_is_python(page):
    for language, code in FENCE.findall(page.read_text("utf-8")):
        if language == "python":
            ast.parse(code)


def _command_lines(page):
    """Yield every command line that calls `hunmin`: in shell blocks and in inline code."""
    text = page.read_text("utf-8")
    for language, code in FENCE.findall(text):
        if language in {"", "sh", "bash", "console", "shell"}:
            for line in code.replace("\\\n", " ").splitlines():
                yield line.strip().removeprefix("$ ")
    plain = re.sub(r" *\\\n *", " ", FENCE.sub("", text))
    yield from re.findall(r"^ {4,}(?:\$ )?(hunmin .+)$", plain, re.MULTILINE)
    yield from re.findall(r"`(hunmin [^`\n]+)`", plain)


def _faults(line):
    words = shlex.split(line.partition(" # ")[0].partition(" | ")[0].partition(" > ")[0])
    words = words[1:]
    if not words or words[0].startswith("-") or not words[0].islower():
        return []
    if words[0] not in COMMANDS:
        return [f"no command {words[0]}"]
    command = load_command(words[0])
    rest = words[1:]
    while getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        if not re.fullmatch(r"[a-z-]+", rest[0]):
            return []
        if rest[0] not in command.commands:
            return [f"no command {rest[0]}"]
        command, rest = command.commands[rest[0]], rest[1:]
    command = getattr(command, "commands", {}).get("run", command)  # the one that may go unsaid
    known = {
        name for option in command.params for name in [*option.opts, *option.secondary_opts]
    } | {"--help", "-h"}
    given = [word.strip("[],.").partition("=")[0] for word in rest]
    return [f"no option {word}" for word in given if word.startswith("-") and word not in known]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_in_the_documentation_exist(page):
    faults = {}
    for line in _command_lines(page):
        if line.startswith("hunmin ") and "…" not in line and (found := _faults(line)):
            faults[line] = found
    assert faults == {}


def test_guides_and_tutorials_are_in_korean_too():
    english = {
        page
        for folder in ("guides", "tutorials")
        for page in (ROOT / "docs" / folder).glob("*.md")
        if not page.name.endswith(".ko.md")
    }
    alone = [_name(page) for page in english if not page.with_suffix(".ko.md").exists()]

    assert alone == []


def test_decisions_are_numbered_and_short():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages if page.name[0].isdigit()]

    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert [page.name for page in pages if len(page.read_text("utf-8").splitlines()) > 80] == []


def test_the_readme_tells_the_two_commands_and_every_room():
    readme = (ROOT / "README.md").read_text("utf-8")
    rooms = [
        path.name
        for path in (ROOT / "hunmin").iterdir()
        if path.is_dir() and (path / "__init__.py").exists()
    ]

    assert "make demo" in readme
    assert "make test" in readme
    assert [room for room in rooms if not re.search(rf"\b{room}\b", readme)] == []
