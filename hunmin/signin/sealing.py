"""Secrets that have to be read again, sealed at rest; and names that need only be compared.

The key is a file of the data folder, made at first use, readable by the service alone. A copy of
the database without it opens no second factor. Several servers need the same file.
"""

import hmac
import os
import secrets
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class Seal:
    """One key, for one house."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def close(self, secret: bytes, *, owner: str) -> bytes:
        """Return `secret` sealed, such that it opens for the same owner alone."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, owner.encode())

    def open(self, sealed: bytes, *, owner: str) -> bytes:
        """Return what was sealed.

        Raises:
            cryptography.exceptions.InvalidTag: Another key sealed it, for another owner, or it
                was changed.
        """
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return self._cipher.decrypt(nonce, rest, owner.encode())

    def fingerprint(self, *words: str) -> str:
        """Return what stands for these words where they are only compared."""
        return hmac.digest(self._key, "\0".join(words).encode(), "sha256").hex()


@cache
def open_seal(data: Path) -> Seal:
    """Return the seal of a data folder; its key is made where there is none yet."""
    path = data / "keys" / "signin.key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Seal(_read(path))
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return Seal(_read(path))


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    assert len(key) == KEY_BYTES, f"{path} is no key"
    return key
