"""The stand-in of vLLM as a program: `python -m tests.support.vllm_process FOLDER PORT`."""

import asyncio
import sys
from pathlib import Path

from hunmin.inference.folder import ModelFolder
from tests.support.scripted_model import Parrot
from tests.support.vllm import Faults, VllmStandIn


async def main(folder: Path, port: int) -> None:
    server = VllmStandIn(
        {"parrot": Parrot(ModelFolder("parrot", folder))}, faults=Faults(token_seconds=0.02)
    )
    server.port = port
    async with server:
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
