"""A certified OpenID provider on loopback: npm's oidc-provider, in a process of its own."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CLIENT = "hunmin"
SECRET = "a secret of the tests: nobody else's"
PROGRAM = Path(__file__).parent / "provider.mjs"
PACKAGES = Path(__file__).parents[1] / "clients" / "node_modules"


@contextmanager
def run_provider(name: str = "gov") -> Iterator[str]:
    """Give a provider's issuer as long as the block, or skip where it is not installed.

    It sends browsers back to a service on this machine, at any port, that calls it by `name`.
    """
    node = shutil.which("node")
    if node is None or not (PACKAGES / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not installed: apt-get install npm; npm ci in tests/clients")
    back = f"http://127.0.0.1/sign-in/back/{name}"
    with subprocess.Popen(
        [node, str(PROGRAM), back],
        stdin=subprocess.PIPE,  # it ends when this is closed, whatever became of us
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, "the provider did not start"
        try:
            yield json.loads(said)["issuer"]
        finally:
            process.kill()
