"""`hunmin serve` as a process of its own that can be hurt: killed, cut off, left without a disk.

Its engine is one of `tests.support.demo`. Programs ask it with the key of a project that has a
budget, so that whatever happens shows in the books (`tests.support.books`).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from hunmin import accounts, billing, organizations
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.db import Database, open_database

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 120
BUDGET_TOKENS = 10_000_000


class Disk:
    """A small disk in place of a folder, which only the processes that enter it see so.

    Nobody need be root for it, and when whoever holds it ends, it is gone.
    """

    def __init__(self, place: Path, *, bytes_max: int) -> None:
        """Make it, or raise `OSError` where this machine lets nobody."""
        mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo && exec cat'
        self._place = place
        self._holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount",
             "sh", "-c", mount, "sh", str(bytes_max), str(place)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            self.close()
            raise OSError("no disk")

    @property
    def entering(self) -> list[str]:
        """What stands before a command that sees it."""
        target = f"--target={self._holder.pid}"
        return ["nsenter", target, "--user", "--mount", "--preserve-credentials", "--"]

    @property
    def folder(self) -> Path:
        """It, as it is reached from outside. SQLite finds no way to it: copy the file."""
        return Path(f"/proc/{self._holder.pid}/root{self._place}")

    def fill(self) -> None:
        """Leave no byte."""
        with suppress(OSError), (self.folder / "ballast").open("ab", buffering=0) as stream:
            while True:
                stream.write(bytes(4096))

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "ballast").unlink()

    def close(self) -> None:
        """Let it go."""
        self._holder.communicate()


class Service:
    """One `hunmin serve`, and how it is asked."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str = "",
        engine: str = "scripted",
        model: Path | None = None,
        disk: Disk | None = None,
        pause_seconds: float = 0.0,
    ) -> None:
        """Prepare it: its database has every table, and a project with a budget and a key.

        Args:
            folder: For its settings and its data.
            database_url: Its database; by default a file of SQLite in its data.
            engine: Which engine of `tests.support.demo`.
            model: The model's folder, where the engine wants a real one.
            disk: What its data is on, if not the disk of this machine.
            pause_seconds: How long a token takes.
        """
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        self._folder = folder
        self._database_url = database_url
        self._disk = disk
        self._pause_seconds = pause_seconds
        if model is None:
            model = folder / "tiny"
            model.mkdir(exist_ok=True)
            (model / "config.json").write_text("{}")
        self.model = model.name
        (folder / "hunmin.toml").write_text(
            f'[database]\nurl = "{database_url}"\n[inference]\nengine = "{engine}"\n'
            "[gateway]\nconcurrent_per_key_max = 64\n[worker]\npoll_seconds = 0.2\n"
        )
        self._command = [
            sys.executable, "-m", "tests.support.demo", "serve", "--port=0",
            f"--config={folder / 'hunmin.toml'}", f"--data={self.data}", f"--model={model}",
        ]  # fmt: skip
        self.process: subprocess.Popen[str] | None = None
        self.address = ""
        with self.database() as database:
            database.migrate()
            self.key = _make_key(database)
        if disk is not None:
            shutil.copyfile(self.data / "hunmin.db", disk.folder / "hunmin.db")

    def start(self) -> None:
        """Start it, and return when its model answers."""
        entering = self._disk.entering if self._disk is not None else []
        environment = {"PYTHONPATH": str(ROOT), "PAUSE_SECONDS": str(self._pause_seconds)}
        with (self._folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [*entering, *self._command],
                cwd=self._folder,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found, self.log()
        self.address = found[0]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while httpx2.get(f"{self.address}/healthz", timeout=60).status_code != 200:
            assert time.monotonic() < deadline, "the model was not ready in time"
            time.sleep(0.05)

    def log(self) -> str:
        """Return what it said."""
        return (self._folder / "log").read_text()

    def end(self) -> None:
        """Have it end what is under way, and end."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_SECONDS) == 0

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=PATIENCE_SECONDS)  # closes the pipe, too

    def children(self) -> list[int]:
        """Return the processes it has started."""
        assert self.process is not None
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for path in tasks for pid in path.read_text().split()]

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Open its database beside it; of a disk of its own, a copy."""
        if self._disk is not None and self.process is not None:
            for file in self._disk.folder.glob("hunmin.db*"):
                shutil.copyfile(file, self.data / file.name)
        database = open_database(self._database_url or f"sqlite:///{self.data / 'hunmin.db'}")
        try:
            yield database
        finally:
            database.close()

    def client(self, **options: Any) -> httpx2.AsyncClient:
        """Return who asks it with the key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        return httpx2.AsyncClient(
            base_url=self.address, headers=headers, timeout=60, limits=limits, **options
        )


def _make_key(database: Database) -> str:
    """Make a project with a budget, and return the key of a program of it."""
    with open_act(database, SYSTEM) as act:
        dana = accounts.create_user(act, name="dana")
        made = organizations.create_organization(act, name="Sejong", owner_id=dana.id)
    owner = Actor(user_id=dana.id, roles=frozenset({"person"}), kind="person")
    with open_act(database, owner) as act:
        project = organizations.create_project(act, made.id, name="clerks")
        billing.set_budget(
            act,
            made.id,
            project_id=project.id,
            unit="tokens",
            amount=BUDGET_TOKENS,
            period="total",
            hard=True,
        )
        _, key = organizations.create_service_account(act, made.id, project.id, name="program")
    return key.secret


@contextmanager
def serving(folder: Path, **options: Any) -> Iterator[Service]:
    """Give a service that runs, and is gone when the block ends."""
    service = Service(folder, **options)
    try:
        service.start()
        yield service
    finally:
        service.kill()


@dataclass
class End:
    """What a request came to."""

    status: int
    code: str | None = None
    """Of the error, where it was refused or broke off."""
    text: str = ""
    done: bool = False
    """Whether it was answered to its end."""


async def ask(client: httpx2.AsyncClient, model: str, *, begun: Any = None, **body: Any) -> End:
    """Ask for a streamed answer and read it to its end; `begun` is set with its first line."""
    said = [{"role": "user", "content": "안녕"}]
    asked = {"model": model, "stream": True, "messages": said, **body}
    async with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
        if answer.status_code != 200:
            error = json.loads(await answer.aread())["error"]
            return End(answer.status_code, code=error["code"])
        end = End(200)
        async for line in answer.aiter_lines():
            if begun is not None:
                begun.set()
            if line == "data: [DONE]":
                end.done = True
            elif line.startswith("data: "):
                chunk = json.loads(line[6:])
                end.code = chunk.get("error", {}).get("code", end.code)
                end.text += "".join(
                    choice["delta"].get("content") or "" for choice in chunk.get("choices", ())
                )
        return end
