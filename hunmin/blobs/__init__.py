"""Large files, kept by the SHA-256 of their content: on disk by default, or on S3.

A *blob* is whole or absent, never changed, and kept once however often it is put. Who may read
one is for the room that knows what it is; this store knows hashes and bytes only.
"""

from hunmin.blobs.disk import DiskBlobs
from hunmin.blobs.opening import open_blobs, open_folder
from hunmin.blobs.store import CHUNK_BYTES, Blob, Blobs

__all__ = ["CHUNK_BYTES", "Blob", "Blobs", "DiskBlobs", "open_blobs", "open_folder"]
