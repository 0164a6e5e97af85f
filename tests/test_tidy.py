"""Properties of the text itself, over every file the project keeps in Git."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LINES_MAX = 500
"""A file longer than this has more than one subject."""

BYTES_MAX = 1_000_000
"""What is larger is data, and stands in one of the folders below."""

LARGE = ("models/", "samples/", "docs/", "benchmarks/")
VENDORED = re.compile(r"/vendor/|\.min\.js$")
GENERATED = ("hunmin/migrations/versions/", "requirements.lock")

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP|NotImplementedError|coming soon)\b")

SECRETS = {
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "AWS key": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "OpenAI key": re.compile(r"\bsk-[A-Za-z0-9]{32,}\b"),
    "Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "Hunmin key": re.compile(r"\bhm-[A-Za-z0-9_-]{32,}\b"),
}

EMOJI = re.compile("[\U0001f300-\U0001faff]")

THIS_MACHINE = re.compile(r"(/work/|/home/[a-z]+/|/root/|/Users/[A-Za-z]+/)")


def _kept():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


KEPT = [path for path in _kept() if path.parts[0] != ".venv"]
SOURCES = [path for path in KEPT if path.suffix == ".py"]
OURS = [
    path
    for path in KEPT
    if path.suffix in {".py", ".js", ".css", ".html", ".jinja", ".md", ".toml", ".yml", ".mako"}
    and not VENDORED.search(str(path))
    and not str(path).startswith(("models/", "samples/"))
    and path != Path(__file__).relative_to(ROOT)
]


def _text(path):
    return (ROOT / path).read_text("utf-8")


def _lines(path):
    return _text(path).splitlines()


def _found(pattern, paths):
    return [
        f"{path}:{number} {line.strip()[:80]}"
        for path in paths
        for number, line in enumerate(_lines(path), start=1)
        if pattern.search(line)
    ]


def test_nothing_that_is_built_is_kept():
    built = {".venv", "var", "site", "dist", "node_modules", "__pycache__"}

    assert {path.parts[0] for path in _kept()} & built == set()


def test_files_are_short():
    long = {
        str(path): len(_lines(path))
        for path in SOURCES
        if len(_lines(path)) > LINES_MAX and not str(path).startswith(GENERATED)
    }
    assert long == {}


def test_the_usual_file_is_short():
    lengths = sorted(len(_lines(path)) for path in SOURCES if path.parts[0] == "hunmin")

    assert lengths[len(lengths) // 2] < 250
    assert lengths[len(lengths) * 9 // 10] < 400


def test_every_file_says_what_it_is_for():
    silent = [
        str(path)
        for path in SOURCES
        if (ROOT / path).stat().st_size and not ast.get_docstring(ast.parse(_text(path)))
    ]
    assert silent == []


def test_every_public_function_of_the_package_says_what_it_does():
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in SOURCES
        if path.parts[0] == "hunmin"
        for node in ast.parse(_text(path)).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_nothing_is_left_unfinished():
    assert _found(UNFINISHED, [path for path in OURS if path.suffix != ".md"]) == []


def test_no_function_is_an_empty_shell():
    """`pass` or `...` alone is for protocols and their overloads, not for work."""
    shells = []
    for path in SOURCES:
        if path.parts[0] != "hunmin":
            continue
        tree = ast.parse(_text(path))
        protocols = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
            for inner in ast.walk(node)
        }
        shells += [
            f"{path}:{node.lineno} {node.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node not in protocols
            and not node.decorator_list
            and not node.name.startswith("__")
            and _is_empty(node)
        ]
    assert shells == []


def _is_empty(node):
    return all(
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in node.body
    )


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_is_kept(name):
    assert _found(SECRETS[name], OURS) == []


def test_there_is_no_emoji():
    """Tests may hold some, to see that they pass through unharmed."""
    assert _found(EMOJI, [path for path in OURS if path.parts[0] != "tests"]) == []


def test_nothing_speaks_of_the_machine_it_was_written_on():
    assert _found(THIS_MACHINE, OURS) == []


def test_only_known_folders_hold_large_files():
    large = [
        str(path)
        for path in KEPT
        if (ROOT / path).stat().st_size > BYTES_MAX and not str(path).startswith(LARGE)
    ]
    assert large == []


def test_text_is_utf_8_in_composed_form_and_ends_with_one_newline():
    wrong = []
    for path in (path for path in OURS if path.suffix != ".jinja"):
        text = (ROOT / path).read_bytes()
        if text and (b"\r" in text or not text.endswith(b"\n") or text.endswith(b"\n\n")):
            wrong.append(str(path))
        text.decode("utf-8")
    assert wrong == []


def test_vendored_files_come_with_their_license():
    for folder in {path.parent for path in KEPT if VENDORED.search(str(path))}:
        names = {path.name.upper() for path in (ROOT / folder).rglob("*")}
        above = {path.name.upper() for path in (ROOT / folder.parent).glob("*")}
        assert any("LICENSE" in name or "VENDOR" in name for name in names | above), folder


def test_every_exception_to_the_linter_has_its_reason():
    """`# noqa: X (why)`: a rule that is set aside says why beside it."""
    bare = re.compile(r"#\s*noqa(?!: [A-Z0-9, ]+ \()(?!: [A-Z0-9, ]+$)")
    unexplained = _found(bare, [path for path in SOURCES if path.parts[0] == "hunmin"])

    assert unexplained == []
