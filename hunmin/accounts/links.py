"""Where sign-in links lead: the address people reach this service at."""

from pathlib import Path
from urllib.parse import urlsplit

from hunmin.settings import Settings

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
    if urlsplit(running).scheme == "http":
        return running
    return local_address(settings.web.host, settings.web.port)


def local_address(host: str, port: int) -> str:
    """Return the address a browser on this machine finds the service at."""
    name = "127.0.0.1" if host in ANY_ADDRESS else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def sign_in_address(settings: Settings, secret: str) -> str:
    """Return the address that a sign-in link's secret makes."""
    return f"{address_of(settings)}/sign-in/{secret}"
