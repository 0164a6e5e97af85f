"""What keeps one tenant's prompts apart from another's in the memory of a server.

Whoever measures how soon an answer begins can tell that a prompt was seen before. With a salt of
their own, tenants see only what they asked themselves. It is made of a secret of this house, so
that who reads a server's log cannot tell whose it is.
"""

import hmac
import secrets
from pathlib import Path

from hunmin.steps import write_whole

SECRET_BYTES = 32


def read_secret(data: Path) -> bytes:
    """Return the secret of a data folder, made when first asked for."""
    path = data / "keys" / "cache-salt"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, secrets.token_bytes(SECRET_BYTES))
    return path.read_bytes()


def salt_of(tenant: str, secret: bytes) -> str:
    """Return the salt of a tenant: the same at all times, and no way back to whose it is."""
    return hmac.new(secret, tenant.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
