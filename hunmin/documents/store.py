"""Where the bytes of a file wait until they are read, and that nothing of them is left after.

A blob begins with the id of its file, so no two files share one: what is deleted is gone, and
nobody learns from how fast a file is kept that somebody else brought the same. The store is this
room's own, and a file is noted before its bytes are put there: so whatever lies there that no
file names was left by a deletion or a crash, and is swept away.
"""

import hashlib
import io
from collections.abc import Callable
from contextlib import AbstractContextManager

from hunmin.act import Act
from hunmin.blobs import Blobs, open_folder
from hunmin.db import new_id
from hunmin.documents import actions, queries
from hunmin.documents.actions import Brought
from hunmin.documents.views import FileView
from hunmin.settings import Settings

FOLDER = "documents"


def open_store(settings: Settings) -> Blobs:
    """Return the store of bytes that wait to be read."""
    return open_folder(settings, FOLDER)


def bring(
    open_act: Callable[[], AbstractContextManager[Act]],
    store: Blobs,
    *,
    name: str,
    content: bytes,
    files_max: int,
) -> FileView:
    """Keep a file until a job has read it.

    Args:
        open_act: Opens an act of who brings it; it is opened twice.
        store: Where its bytes wait.
        name: What it is called.
        content: All of it.
        files_max: How many files its owner may have.

    Raises:
        TooManyFiles: Nothing is kept.
        DiskFull, BlobsNotWritable, BlobsUnreachable: Nothing is kept.
    """
    file_id = new_id()
    kept = file_id.encode() + content
    sha256 = hashlib.sha256(kept).hexdigest()
    with open_act() as act:
        actions.bring_file(act, Brought(file_id, name, len(content), sha256), files_max=files_max)
    try:
        store.put(io.BytesIO(kept), sha256=sha256)
    except BaseException:
        with open_act() as act:
            actions.delete_file(act, file_id)
        raise
    with open_act() as act:
        return actions.queue_reading(act, file_id)


def content_of(store: Blobs, file_id: str, sha256: str) -> bytes:
    """Return the bytes of a file that waits, or raise `BlobMissing` or `BlobBroken`."""
    return b"".join(store.read(sha256, verify=True)).removeprefix(file_id.encode())


def sweep(open_act: Callable[[], AbstractContextManager[Act]], store: Blobs) -> None:
    """Delete the bytes that no file names."""
    for sha256 in store.hashes():
        with open_act() as act:
            named = queries.names_blob(act, sha256)
        if not named:
            store.delete(sha256)
