"""A private PostgreSQL for one test run: in a temporary folder, on a Unix socket, gone after."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

MISSING = "PostgreSQL is not installed here (on Debian: apt-get install postgresql)"


def find_programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, where they are installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


class Server:
    """A running cluster."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def url(self, name: str) -> str:
        return f"postgresql://hunmin@/{name}?host={self._folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, *, template: str = "template1") -> str:
        """Make a database like `template` and return its name."""
        self._count += 1
        name = f"test_{os.getpid()}_{self._count}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    @contextlib.contextmanager
    def database(self, *, template: str = "template1") -> Iterator[str]:
        """Give the address of a database that is gone when the block ends."""
        name = self.create(template=template)
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def run_server(programs: Path) -> Iterator[Server]:
    """Start a cluster, and stop it when the block ends. PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="hunmin-pg-", dir="/tmp"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    folder.chmod(0o755)
    data = folder / "data"

    def run(*command: str) -> None:
        done = subprocess.run(
            [*prefix, *command], check=False, capture_output=True, text=True, cwd=folder
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")

    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    options += " -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w"]
    try:
        run(
            str(programs / "initdb"), "-D", str(data), "-U", "hunmin", "-A", "trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        run(*control, "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
