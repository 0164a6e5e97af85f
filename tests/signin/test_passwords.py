"""Passwords: which may be, how they are kept, and how long it takes to be told no."""

import threading
import time
import unicodedata

import pytest

from hunmin.errors import PasswordUnfit, TooManyAttempts
from hunmin.signin import passwords
from hunmin.signin.passwords import Passwords

GOOD = "여름밤 자전거 도토리묵 우체통"


@pytest.fixture
def cheap() -> Passwords:
    return Passwords(memory_kib=8, rounds=1)


def test_a_password_is_kept_as_argon2id_and_opens_again(cheap):
    kept = cheap.hash(GOOD, name="dana")

    assert kept.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert GOOD not in kept
    assert cheap.is_right(GOOD, kept)
    assert not cheap.is_right(GOOD + " ", kept)
    assert not cheap.is_right(GOOD[:-1], kept)


def test_the_same_password_from_another_keyboard_is_the_same(cheap):
    kept = cheap.hash(GOOD, name="dana")
    assert cheap.is_right(unicodedata.normalize("NFD", GOOD), kept)


def test_the_hash_is_no_password(cheap):
    """GHSA-69x8: a stolen hash must open nothing by being typed in."""
    kept = cheap.hash(GOOD, name="dana")
    assert not cheap.is_right(kept, kept)


def test_nothing_is_cut_off(cheap):
    long = GOOD * 20
    kept = cheap.hash(long, name="dana")
    assert cheap.is_right(long, kept)
    assert not cheap.is_right(long[:-1], kept)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "짧다",
        "aaaaaaaaaaaaaaaa",
        "password1234",
        "qwertyuiop12",
        "123456789012",
        "dkssudgktpdy1",  # 안녕하세요 on Latin keys
        "qlalfqjsgh12",  # 비밀번호 on Latin keys
        "안녕하세요안녕하세요안녕",
        "다나다나다나다나다나다나",
        "hunminhunmin",
        "x" * 1_001,
    ],
)
def test_what_is_easily_guessed_is_refused(cheap, password):
    with pytest.raises(PasswordUnfit):
        cheap.hash(password, name="다나")


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$", "$2b$12$abc", None])
def test_what_is_no_hash_opens_nothing(cheap, kept):
    assert not cheap.is_right(GOOD, kept)


def test_a_password_kept_at_another_cost_is_hashed_again(cheap):
    dearer = Passwords(memory_kib=16, rounds=1)
    kept = cheap.hash(GOOD, name="dana")

    anew = dearer.hash_again(GOOD, kept)

    assert cheap.hash_again(GOOD, kept) is None
    assert anew is not None
    assert dearer.is_right(GOOD, anew)


def test_a_name_that_is_not_there_takes_as_long_as_one_that_is():
    """By the time the processor works, within a fifth."""
    real = Passwords(memory_kib=19_456, rounds=2)
    kept = real.hash(GOOD, name="dana")

    def seconds(hashed: str | None) -> float:
        began = time.thread_time()
        for _ in range(4):
            assert not real.is_right("wrong", hashed)
        return time.thread_time() - began

    seconds(kept)
    known = min(seconds(kept) for _ in range(4))
    unknown = min(seconds(None) for _ in range(4))
    assert 0.8 < unknown / known < 1.25


def test_a_flood_is_refused_before_it_takes_every_thread(cheap, monkeypatch):
    going_on, done = threading.Semaphore(0), threading.Event()

    def verify(_hash: str, _password: str) -> bool:
        going_on.release()
        done.wait(30)
        return True

    monkeypatch.setattr(cheap, "_hasher", type("Slow", (), {"verify": staticmethod(verify)})())
    threads = [threading.Thread(target=cheap.is_right, args=("x", "y")) for _ in range(10)]
    for thread in threads:
        thread.start()
    for _ in range(passwords.AT_ONCE):
        assert going_on.acquire(timeout=30)
    deadline = time.monotonic() + 30
    while cheap._places._value and time.monotonic() < deadline:
        time.sleep(0.001)

    with pytest.raises(TooManyAttempts):
        cheap.is_right("x", "y")
    assert not going_on.acquire(blocking=False)
    done.set()
    for thread in threads:
        thread.join(30)
