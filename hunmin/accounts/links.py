"""Where sign-in links lead: the address people reach this service at."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from hunmin.settings import Settings

CONNECT_SECONDS = 1

ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared with, not listened at)


def address_file(settings: Settings) -> Path:
    """Return the file in which a running service keeps the address it listens at."""
    return settings.data / "address"


def address_of(settings: Settings) -> str:
    """Return the address of the service: as set, as running now, or as it would be started."""
    if settings.web.public_url:
        return settings.web.public_url.rstrip("/")
    try:
        running = address_file(settings).read_text("utf-8").strip()
    except OSError:
        running = ""
    return running if _answers(running) else local_address(settings.web.host, settings.web.port)


def _answers(address: str) -> bool:
    """Return whether anything listens there: a service that was killed leaves its address."""
    try:
        there = urlsplit(address)
        with socket.create_connection((there.hostname or "", there.port or 0), CONNECT_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def local_address(host: str, port: int) -> str:
    """Return the address a browser on this machine finds the service at."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def sign_in_address(settings: Settings, secret: str) -> str:
    """Return the address that a sign-in link's secret makes."""
    return f"{address_of(settings)}/sign-in/{secret}"
