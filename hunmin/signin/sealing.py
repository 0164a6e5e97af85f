"""Secrets that have to be read again, sealed at rest; and names that need only be compared.

The key is a file of the data folder, made at first use, readable by the service alone. A copy of
the database without it opens no second factor. Several servers need the same file.
"""

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hunmin.steps import sync

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
    if not path.exists():
        _make(path)
    return Seal(_read(path))


def _make(path: Path) -> None:
    """Make a key, whole or not at all; of servers that start together the first one's stays."""
    with NamedTemporaryFile(dir=path.parent) as file:  # which nobody else may read
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
    sync(path.parent)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    assert len(key) == KEY_BYTES, f"{path} is no key"
    return key
