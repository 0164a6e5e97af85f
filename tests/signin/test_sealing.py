"""The seal: what it opens, for whom, and how its key is kept."""

import errno
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidTag

from hunmin.signin.sealing import Seal, open_seal


def test_a_secret_opens_for_its_owner_alone_and_not_when_changed():
    seal = Seal(b"k" * 32)
    sealed = seal.close(b"secret", owner="dana")

    assert seal.open(sealed, owner="dana") == b"secret"
    assert b"secret" not in sealed
    assert seal.close(b"secret", owner="dana") != sealed
    for key, changed, owner in (
        (b"k" * 32, sealed, "minji"),
        (b"l" * 32, sealed, "dana"),
        (b"k" * 32, sealed[:-1] + bytes([sealed[-1] ^ 1]), "dana"),
    ):
        with pytest.raises(InvalidTag):
            Seal(key).open(changed, owner=owner)


def test_the_key_is_made_once_and_is_the_services_alone(tmp_path):
    seal = open_seal(tmp_path)
    open_seal.cache_clear()
    file = tmp_path / "keys" / "signin.key"

    assert file.stat().st_mode & 0o777 == 0o600
    assert open_seal(tmp_path).fingerprint("a", "b") == seal.fingerprint("a", "b")
    assert seal.fingerprint("a", "b") != seal.fingerprint("ab")


def test_what_broke_off_while_a_key_was_made_leaves_none_that_is_half(tmp_path, monkeypatch):
    def full(_count: int) -> bytes:
        raise OSError(errno.ENOSPC, "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(secrets, "token_bytes", full)
        with pytest.raises(OSError, match="full"):
            open_seal(tmp_path)

    assert open_seal(tmp_path).fingerprint("a")


def test_servers_that_start_together_have_one_key(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        seals = list(pool.map(open_seal.__wrapped__, [tmp_path] * 64))

    assert len({seal.fingerprint("a") for seal in seals}) == 1
    assert [one.name for one in (tmp_path / "keys").iterdir()] == ["signin.key"]
