"""Large files: kept once, whole or absent, found by their hash; on disk and on S3."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hunmin.blobs import CHUNK_BYTES, DiskBlobs, open_blobs
from hunmin.errors import BlobBroken, BlobMissing, BlobsNotWritable, BlobsUnreachable, DiskFull
from tests.support.s3 import BUCKET, run_s3

NOBODY = "0" * 64


@pytest.fixture(scope="module")
def s3():
    with run_s3() as (address, service):
        yield address, service


@pytest.fixture(params=["disk", "s3"])
def blobs(request, tmp_path):
    if request.param == "disk":
        return open_blobs(str(tmp_path / "files"))
    address, service = request.getfixturevalue("s3")
    service.objects.clear()
    return open_blobs(
        f"s3://{BUCKET}/some/prefix",
        s3_endpoint=address,
        s3_access_key_id="a",
        s3_secret_access_key="b",
    )


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 20 * CHUNK_BYTES + 1])
def test_what_is_put_is_read_back(blobs, size):
    content = os.urandom(size)

    blob = blobs.put(io.BytesIO(content))

    assert (blob.sha256, blob.size_bytes) == (_sha256(content), size)
    assert b"".join(blobs.read(blob.sha256, verify=True)) == content
    assert blobs.size_bytes(blob.sha256) == size
    assert blobs.has(blob.sha256)
    assert list(blobs.hashes()) == [blob.sha256]


def test_content_that_is_there_is_not_kept_twice(blobs):
    first = blobs.put(io.BytesIO("훈민".encode()))
    second = blobs.put(io.BytesIO("훈민".encode()))

    assert first == second
    assert list(blobs.hashes()) == [first.sha256]


def test_content_with_another_hash_than_promised_is_refused_and_not_kept(blobs):
    with pytest.raises(BlobBroken):
        blobs.put(io.BytesIO(b"other"), sha256=NOBODY)

    assert list(blobs.hashes()) == []


def test_a_deleted_file_is_gone(blobs):
    blob = blobs.put(io.BytesIO(b"text"))

    assert blobs.delete(blob.sha256)
    assert not blobs.delete(blob.sha256)
    assert not blobs.has(blob.sha256)
    with pytest.raises(BlobMissing):
        b"".join(blobs.read(blob.sha256))


@pytest.mark.parametrize(
    "name", [NOBODY, "", "../../etc/passwd", "a" * 63, "A" * 64, "..", f"{'a' * 63}/", "가" * 64]
)
def test_an_unknown_or_impossible_hash_is_a_file_nobody_has(blobs, name):
    assert not blobs.has(name)
    assert not blobs.delete(name)
    for read in (blobs.size_bytes, blobs.read):
        with pytest.raises(BlobMissing):
            read(name)


@given(name=st.text(max_size=80))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_name_reaches_outside_the_folder(tmp_path, name):
    (tmp_path / "secret").write_bytes(b"secret")
    blobs = DiskBlobs(tmp_path / "files")

    assert not blobs.has(name)


def test_damage_on_the_disk_is_noticed_when_asked(tmp_path):
    blobs = DiskBlobs(tmp_path)
    blob = blobs.put(io.BytesIO(b"as it was"))
    path = blobs.path(blob.sha256)
    path.chmod(0o644)
    path.write_bytes(b"as it is.")

    assert b"".join(blobs.read(blob.sha256)) == b"as it is."
    with pytest.raises(BlobBroken):
        b"".join(blobs.read(blob.sha256, verify=True))


def test_a_file_cut_short_on_the_disk_is_replaced_when_put_again(tmp_path):
    blobs = DiskBlobs(tmp_path)
    blob = blobs.put(io.BytesIO(b"whole"))
    path = blobs.path(blob.sha256)
    path.unlink()
    path.write_bytes(b"wh")

    blobs.put(io.BytesIO(b"whole"))

    assert b"".join(blobs.read(blob.sha256, verify=True)) == b"whole"


def test_memory_does_not_grow_with_the_file(tmp_path):
    blobs = DiskBlobs(tmp_path)
    tracemalloc.start()
    try:
        with open("/dev/zero", "rb") as zeros:  # noqa: PTH123 (a device)
            blob = blobs.put(_Head(zeros, 64 * CHUNK_BYTES))
        for _ in blobs.read(blob.sha256, verify=True):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert blob.size_bytes == 64 * CHUNK_BYTES
    assert peak < 8 * CHUNK_BYTES


class _Head(io.RawIOBase):
    """The first bytes of an endless stream."""

    def __init__(self, stream, size):
        self.stream = stream
        self.left = size

    def read(self, size=-1):
        piece = self.stream.read(min(size, self.left))
        self.left -= len(piece)
        return piece


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    class Full(io.RawIOBase):
        def read(self, _size=-1):
            raise OSError(28, "No space left on device")

    blobs = DiskBlobs(tmp_path)
    with pytest.raises(DiskFull):
        blobs.put(Full())

    assert list(blobs.hashes()) == []
    assert not list((tmp_path / ".partial").iterdir())


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(BlobsNotWritable):
        DiskBlobs(tmp_path / "file" / "blobs").put(io.BytesIO(b"text"))


_KILLED = """
import io, os, signal, sys
from pathlib import Path
from hunmin.blobs import DiskBlobs

class Killing(io.RawIOBase):
    pieces = [b"a" * 1000, b"b" * 1000]
    def read(self, size=-1):
        if not self.pieces:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.pieces.pop()

DiskBlobs(Path(sys.argv[1])).put(Killing())
"""


def test_a_process_killed_while_writing_leaves_no_file_and_its_rest_is_swept(tmp_path):
    ended = subprocess.run([sys.executable, "-c", _KILLED, tmp_path], check=False)

    assert ended.returncode == -signal.SIGKILL
    (partial,) = (tmp_path / ".partial").iterdir()
    assert list(DiskBlobs(tmp_path).hashes()) == []
    assert partial.exists()
    long_ago = time.time() - 2 * 86_400
    os.utime(partial, (long_ago, long_ago))
    DiskBlobs(tmp_path)
    assert not partial.exists()


def test_an_s3_service_that_is_away_or_refuses_is_said(s3):
    address, service = s3
    refused = open_blobs(
        f"s3://{BUCKET}", s3_endpoint=address,
        s3_access_key_id="a", s3_secret_access_key="b",
    )  # fmt: skip
    service.refuse = True
    try:
        with pytest.raises(BlobsUnreachable):
            refused.put(io.BytesIO(b"text"))
    finally:
        service.refuse = False


def test_a_second_put_sends_nothing_to_s3(s3):
    address, service = s3
    service.objects.clear()
    blobs = open_blobs(
        f"s3://{BUCKET}", s3_endpoint=address,
        s3_access_key_id="a", s3_secret_access_key="b",
    )  # fmt: skip
    blobs.put(io.BytesIO(b"text"))
    before = service.puts

    blobs.put(io.BytesIO(b"text"))

    assert service.puts == before
