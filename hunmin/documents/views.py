"""What the room shows of files, collections and passages."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from hunmin.documents.rules import FileState, SeenBy


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class FileFault(_Shown):
    """Why a file was refused."""

    code: str
    message: str


class FileView(_Shown):
    """A file as its owner sees it."""

    id: str
    name: str
    state: FileState
    """`coming`, `waiting` to be read, `read`, or `failed`."""
    size_bytes: int
    kind: str | None
    """By its content: pdf, hwp, hwpx, docx, csv or text."""
    pages: int | None
    characters: int | None
    error: FileFault | None
    made_at: datetime


class CollectionView(_Shown):
    """A collection as a reader sees it."""

    id: str
    name: str
    seen_by: SeenBy
    documents: int
    passages: int
    published_at: datetime


class CollectionList(_Shown):
    """The collections one may look things up in."""

    collections: list[CollectionView]


class PassageFound(_Shown):
    """A passage, and where it stands."""

    collection_id: str | None
    """The collection it is of; None for one of a file."""
    file_id: str | None
    key: str
    """Names it in its collection; in a file it is its place, counted from 1."""
    source: str
    """What the collection or the file is called."""
    citation: str
    heading: str
    page: int
    """0 where there are no pages."""
    text: str
    license: str = ""
    """Of its document, in a collection."""
    cited: bool = False
    """Whether a question named it, by law and article."""

    @property
    def address(self) -> str:
        """Return where it is shown."""
        if self.collection_id is not None:
            return f"/collections/{self.collection_id}/passages/{self.key}"
        return f"/files/{self.file_id}/passages/{self.key}"
