"""Files and batches as OpenAI's API shows them. No decisions, no I/O."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hunmin.batches.rules import Status
from hunmin.gateway import WHOLE_ENDPOINTS


class Shape(BaseModel):
    """A JSON object of the API."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FileObject(Shape):
    """A file."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: Literal["batch", "batch_output"]
    status: Literal["processed"] = "processed"


class FileList(Shape):
    """Files, the newest first."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(Shape):
    """A file that is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


NO_NULL = r"^[^\x00]*$"
"""PostgreSQL takes U+0000 for no text."""

Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=64, pattern=NO_NULL)],
        Annotated[str, Field(max_length=512, pattern=NO_NULL)],
    ],
    Field(max_length=16),
]


class NewBatch(Shape):
    """`POST /v1/batches`: answer every line of a file."""

    model_config = ConfigDict(strict=True)

    input_file_id: Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NULL)]
    endpoint: Annotated[
        str, Field(max_length=64, json_schema_extra={"enum": list(WHOLE_ENDPOINTS)})
    ]
    """Where each line asks."""
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    """Kept and given back with the batch."""
    output_expires_after: None = None


class Fault(Shape):
    """What is wrong with a line of the file."""

    code: str
    message: str
    param: str | None
    line: int | None


class Faults(Shape):
    """Why a batch was not begun."""

    object: Literal["list"] = "list"
    data: list[Fault]


class RequestCounts(Shape):
    """How far a batch is."""

    total: int
    completed: int
    failed: int


class BatchObject(Shape):
    """A batch."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    errors: Faults | None
    input_file_id: str
    completion_window: Literal["24h"] = "24h"
    status: Status
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    metadata: dict[str, Any] | None


class BatchList(Shape):
    """Batches, the newest first."""

    object: Literal["list"] = "list"
    data: list[BatchObject]
    first_id: str | None
    last_id: str | None
    has_more: bool
