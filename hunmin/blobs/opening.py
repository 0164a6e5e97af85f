"""Which store of blobs an address means."""

from pathlib import Path

from hunmin.blobs.disk import DiskBlobs
from hunmin.blobs.store import Blobs
from hunmin.settings import Settings


def open_folder(settings: Settings, name: str) -> Blobs:
    """Return a room's own part of the store that the settings name."""
    files = settings.files
    return open_blobs(
        f"{settings.files_url.rstrip('/')}/{name}",
        s3_endpoint=files.s3_endpoint,
        s3_region=files.s3_region,
        s3_access_key_id=files.s3_access_key_id,
        s3_secret_access_key=files.s3_secret_access_key.get_secret_value(),
    )


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
