"""Compiled layers are kept between runs, and a compiler that was killed at work does no harm.

PyTorch's compiler takes every file it finds among those it made before for a whole one: a library
whose compiler lost its power in the middle would fail each run after it. So whoever compiles says
so in a file of its own, and what stands beside the file of a dead process is thrown away.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_NAME = "TORCHINDUCTOR_CACHE_DIR"
_LOCK, _AT_WORK = "lock", "at-work-"


@contextmanager
def whole_code_only(folder: Path | None = None) -> Iterator[Path]:
    """Have PyTorch keep what it compiles in a folder where everything is whole, while a block runs.

    Whoever has set `TORCHINDUCTOR_CACHE_DIR` keeps that folder, as it is.

    Args:
        folder: By default one of this user, on a disk of this machine, for the code fits its
            processor. Where it cannot be trusted, or others compile beside what is torn, a new one
            is used that is gone afterwards.
    """
    if _NAME in os.environ:
        yield Path(os.environ[_NAME])
        return
    folder = folder or Path(tempfile.gettempdir()) / f"hunmin-compiled-{os.getuid()}"
    with ExitStack() as held:
        if not _is_ours(folder) or not _is_whole(folder):
            name = held.enter_context(tempfile.TemporaryDirectory(prefix="hunmin-compiled-"))
            folder = Path(name)
        held.enter_context(_told_while_compiling(folder))
        os.environ[_NAME] = str(folder)
        held.callback(os.environ.pop, _NAME, None)
        yield folder


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can put code there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    is_private = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and is_private


def _is_whole(folder: Path) -> bool:
    """Empty the folder if someone died compiling; False if others compile there all the same."""
    try:
        with (folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            at_work = list(folder.glob(f"{_AT_WORK}*"))
            dead = [path for path in at_work if not _is_held(path)]
            if dead and len(dead) < len(at_work):
                return False
            if dead:
                _empty(folder)
    except OSError:  # a disk that knows no locks, or takes nothing
        return False
    return True


def _is_held(path: Path) -> bool:
    try:
        with path.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:  # it has just finished
        return True
    except BlockingIOError:
        return True
    return False


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _LOCK:
            path.unlink(missing_ok=True)


@contextmanager
def _told_while_compiling(folder: Path) -> Iterator[None]:
    """Keep a locked file in the folder whenever this process compiles."""
    from torch._dynamo import callback  # noqa: PLC0415 (a second that eager runs save)

    at_work = ExitStack()

    def begin(_what: object) -> None:
        with (folder / _LOCK).open("w") as lock:  # nobody looks before it is locked
            fcntl.flock(lock, fcntl.LOCK_SH)
            told = tempfile.NamedTemporaryFile(prefix=_AT_WORK, dir=folder)  # noqa: SIM115
            fcntl.flock(at_work.enter_context(told), fcntl.LOCK_EX)

    def end(_what: object) -> None:
        at_work.close()

    callback.on_compile_start(begin)
    callback.on_compile_end(end)
    try:
        yield
    finally:
        at_work.close()
        with suppress(ValueError):  # PyTorch was told to forget them all
            callback.callback_handler.remove_start_callback(begin)
            callback.callback_handler.remove_end_callback(end)
