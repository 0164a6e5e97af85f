"""The shape of the package: who may import whom, checked on the real import graph."""

import ast
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

import hunmin

PACKAGE = Path(hunmin.__file__).parent

ROOMS = {
    "accounts",
    "audit",
    "billing",
    "batches",
    "chat",
    "documents",
    "gateway",
    "organizations",
    "signin",
    "worker",
}
"""Rooms with tables of their own: entered by the front door alone."""

ACTIONS = [
    *sorted(PACKAGE.glob("*/*actions.py")),
    PACKAGE / "chat" / "arranging.py",
    PACKAGE / "chat" / "feedback.py",
    PACKAGE / "chat" / "history.py",
    PACKAGE / "chat" / "shares.py",
]
"""What changes something; where a room has too many actions for one file, the others by name."""

QUERIES = [*sorted(PACKAGE.glob("*/*queries.py")), PACKAGE / "chat" / "listing.py"]

SHELLS = {
    "invoice_pages",
    "pages",
    "passkey_routes",
    "people_pages",
    "project_pages",
    "provider_pages",
    "provider_routes",
    "routes",
    "security_pages",
    "usage_pages",
    "usage_routes",
    "commands",
    "jobs",
}

COLLECTORS = {"hunmin.__main__", "hunmin.web"}
"""Who puts the rooms together may take their shells."""

IMPURE = ("sqlalchemy", "fastapi", "aiohttp", "httpx", "hunmin.db", "hunmin.act", "hunmin.settings")
"""What rules never reach."""


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("hunmin", include_external_packages=True)


def test_rooms_enter_each_other_by_the_front_door(graph):
    """A room imports another as `from hunmin import chat`, never `hunmin.chat.tables`."""
    burglaries = []
    for module in graph.modules:
        if module.startswith("hunmin.migrations"):
            continue  # it knows every table, and no room knows it
        for imported in graph.find_modules_directly_imported_by(module):
            _, room, *inner = [*imported.split("."), "", ""][:3]
            if room not in ROOMS or not any(inner) or module.split(".")[1:2] == [room]:
                continue
            collects = any(module.startswith(collector) for collector in COLLECTORS)
            if not (collects and inner[0] in SHELLS):
                burglaries.append(f"{module} -> {imported}")
    assert sorted(burglaries) == []


def test_nobody_imports_the_tables_of_another_room(graph):
    for room in ROOMS:
        tables = f"hunmin.{room}.tables"
        if tables in graph.modules:
            strangers = {
                module
                for module in graph.find_modules_that_directly_import(tables)
                if not module.startswith(f"hunmin.{room}")
            }
            assert strangers == set()


def _functions(path):
    return {
        node.name: node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


def _parameters(node):
    """Return the names of the types of a function's parameters."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [a.annotation.id if isinstance(a.annotation, ast.Name) else "" for a in arguments]


def test_every_action_leaves_an_audit_event():
    """Each public function of an `actions` module records, or calls one that does."""
    silent = []
    for path in ACTIONS:
        functions = _functions(path)
        names = {
            name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            for name, node in functions.items()
        }
        silent += [
            f"{path}: {name}"
            for name, node in functions.items()
            if not name.startswith("_")
            and "Act" in _parameters(node)
            and path.parent.name != "audit"
            and not _records(name, names)
        ]
    assert silent == []


def _records(name, names, seen=frozenset()):
    """Return whether a function uses another room, or calls one of its file that does."""
    used = names[name]
    if used & ROOMS:
        return True
    return any(
        _records(other, names, seen | {name})
        for other in used & names.keys()
        if other not in seen | {name}
    )


def test_every_action_and_query_takes_the_act_first():
    """What takes none cannot reach the database, so it is a helper and changes nothing."""
    wrong = []
    for path in [*ACTIONS, *QUERIES]:
        for name, node in _functions(path).items():
            types = _parameters(node)
            if "Act" in types[1:] or {"Session", "Database", "Connection"} & set(types):
                wrong.append(f"{path}: {name}")
    assert wrong == []


def test_no_action_or_query_asks_for_the_time():
    """`act.now` is the only clock, so that a test can say it is noon."""
    wrong = [
        f"{path}:{node.lineno}"
        for path in [*ACTIONS, *QUERIES]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "time", "monotonic"}
        and not (isinstance(node.value, ast.Name) and node.value.id == "act")
    ]  # fmt: skip
    assert wrong == []


def test_rules_are_pure(graph):
    for path in sorted(PACKAGE.glob("*/rules.py")):
        rules = f"hunmin.{path.parent.name}.rules"
        reached = {
            module
            for module in graph.find_upstream_modules(rules)
            if any(f"{module}.".startswith(f"{other}.") for other in IMPURE)
        }
        assert reached == set(), rules


@pytest.mark.parametrize(
    "room",
    [
        "audit",
        "accounts",
        "organizations",
        "signin",
        "billing",
        "gateway",
        "batches",
        "documents",
        "chat",
        "runs",
        "web",
        "worker",
    ],
)
def test_the_office_runs_without_the_lab(room):
    program = (
        f"import sys, hunmin.{room}\n"
        "lab = {'torch', 'transformers', 'daft', 'openvino', 'hunmin.corpus', 'hunmin.model',\n"
        "       'hunmin.rollouts', 'hunmin.train', 'hunmin.inference', 'hunmin.upstreams',\n"
        "       'hunmin.evaluation'}\n"
        "assert not lab & set(sys.modules), lab & set(sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert said.returncode == 0, said.stderr


def test_the_lab_runs_without_a_database():
    program = (
        "import sys, hunmin.corpus, hunmin.evaluation, hunmin.indexing.step, hunmin.inference\n"
        "import hunmin.model, hunmin.rollouts.generating, hunmin.rollouts.scoring\n"
        "import hunmin.upstreams.engine\n"
        "office = {'sqlalchemy', 'fastapi', 'hunmin.db', 'hunmin.act'}\n"
        "assert not office & set(sys.modules), office & set(sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert said.returncode == 0, said.stderr


def test_every_room_has_its_page_one():
    """The docstring of a room's front door says what it is for."""
    for path in sorted(PACKAGE.glob("*/__init__.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
        assert docstring, path
        assert len(docstring) > 40, path


def test_there_are_no_empty_rooms():
    for folder in sorted(path for path in PACKAGE.iterdir() if path.is_dir()):
        if folder.name != "__pycache__":
            assert any(len(path.read_text("utf-8")) > 200 for path in folder.rglob("*.py")), folder
