"""A server with a slow, scripted engine, to be killed: `python served.py DATA_FOLDER`.

Prints its address when it listens. Loads nothing of the tests' fixtures.
"""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn

from hunmin.settings import Settings
from hunmin.web import create_app
from tests.fakes import ScriptedEngine

SLOW_ANSWER = "천천히 씁니다. " * 200


async def main(data: Path) -> None:
    settings = Settings.load(config=None, data=data, web__port=0)
    app = create_app(settings, engine=ScriptedEngine(answer=SLOW_ANSWER, pause_seconds=0.05))
    app.state.database.migrate()
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)  # noqa: T201
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    await server.serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
