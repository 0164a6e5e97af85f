"""The seal: what it opens, for whom, and how its key is kept."""

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
