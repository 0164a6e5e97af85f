"""Files brought to a started application, and the job that reads them."""

from fastapi import FastAPI
from starlette.testclient import TestClient

from hunmin.worker import Worker, find_handlers

FILES = "/chat/api/files"


def bring(client: TestClient, name: str, content: bytes, **options):
    """Bring a file and return the answer; nothing has read it yet."""
    return client.post(FILES, files={"file": (name, content)}, **options)


def read_waiting(app: FastAPI) -> None:
    """Do every job that is due."""
    hand = Worker(app.state.database, find_handlers(), settings=app.state.settings)
    while hand.run_once():
        pass


def bring_and_read(client: TestClient, name: str, content: bytes, **options) -> dict:
    """Bring a file, have it read, and return what became of it."""
    brought = bring(client, name, content, **options)
    assert brought.status_code == 201, brought.text
    read_waiting(client.app)
    return client.get(f"{FILES}/{brought.json()['id']}", **options).json()
