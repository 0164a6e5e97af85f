"""Which store of blobs an address means."""

from pathlib import Path

from hunmin.blobs.disk import DiskBlobs
from hunmin.blobs.store import Blobs


def open_blobs(
    url: str,
    *,
    s3_endpoint: str = "",
    s3_region: str = "us-east-1",
    s3_access_key_id: str = "",
    s3_secret_access_key: str = "",
) -> Blobs:
    """Return the store at `url`: `s3://bucket/prefix`, or a folder."""
    if url.startswith("s3://"):
        from hunmin.blobs.s3 import open_s3  # noqa: PLC0415 (an extra that few install)

        return open_s3(
            url,
            endpoint=s3_endpoint,
            region=s3_region,
            access_key_id=s3_access_key_id,
            secret_access_key=s3_secret_access_key,
        )
    return DiskBlobs(Path(url))
