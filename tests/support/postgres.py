"""A private PostgreSQL for one test run: in a temporary folder, on a Unix socket, gone after."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

MISSING = "PostgreSQL is not installed here (on Debian: apt-get install postgresql)"


def find_programs() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, where they are installed."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


LOSES_NOTHING = {"synchronous_commit": "on", "full_page_writes": "on"}
"""Options for a cluster that is stopped at once in the middle of its work, as by a crash."""


class Server:
    """A cluster of one's own, which can be stopped and started again."""

    def __init__(self, folder: Path, programs: Path, options: Mapping[str, str]) -> None:
        self._folder = folder
        self._programs = programs
        self._count = 0
        told = {
            "listen_addresses": "''",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            **options,
        }
        self._options = " ".join(f"-c {name}={value}" for name, value in told.items())
        self._prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def make(self) -> None:
        """Make its files."""
        self._run(
            "initdb", "-D", self._data, "-U", "hunmin", "-A", "trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and return when it takes questions."""
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-o", self._options, "start")

    def stop(self) -> None:
        """End it at once, whatever it is doing, as a crash would."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._prefix, str(self._programs / program), *arguments]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self._folder
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")

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
def run_server(programs: Path, **options: str) -> Iterator[Server]:
    """Start a cluster, and stop it when the block ends. PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="hunmin-pg-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    folder.chmod(0o755)
    server = Server(folder, programs, options)
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
