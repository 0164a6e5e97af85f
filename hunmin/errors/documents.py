"""Errors of documents people bring, and of collections of documents."""

from pathlib import Path
from typing import Literal

from hunmin.errors.base import HunminError

Measure = Literal["bytes", "unpacked_bytes", "pages", "characters", "memory_bytes", "seconds"]
"""What a file can have too much of."""

Damage = Literal["damaged", "crashed"]
"""Why a file cannot be read: its content contradicts itself, or the reader died of it."""


class FileKindUnknown(HunminError):
    """A file is of a kind that is not read."""

    code = "file_kind_unknown"
    status = 415

    def __init__(self) -> None:
        super().__init__(
            "This is not a kind of file that is read here: PDF, HWP 5, HWPX, DOCX, text or CSV. "
            "Save it as one of these, and bring it again.",
            "읽을 수 있는 파일 형식이 아닙니다. PDF, HWP 5, HWPX, DOCX, 텍스트, CSV 가운데 하나로 "
            "저장하여 다시 올리십시오.",
        )


class FileTooLarge(HunminError):
    """A file is larger than what is read, takes longer, or grows beyond it when unpacked."""

    code = "file_too_large"
    status = 413

    def __init__(self, *, measure: Measure, limit: int) -> None:
        en, ko = _MEASURES[measure]
        shown = limit // 1_000_000 if measure.endswith("bytes") else limit
        super().__init__(
            f"The file is too large to be read: {en.format(shown)}. Bring a part of it.",
            f"파일이 너무 커서 읽을 수 없습니다({ko.format(shown)}). 필요한 부분만 나누어 "
            "올리십시오.",
        )
        self.measure = measure
        self.limit = limit


_MEASURES: dict[Measure, tuple[str, str]] = {
    "bytes": ("files may have {} MB", "파일은 {}MB까지"),
    "unpacked_bytes": ("unpacked it may have {} MB", "압축을 풀어 {}MB까지"),
    "pages": ("it may have {} pages", "{}쪽까지"),
    "characters": ("it may have {:,} characters", "글자 {:,}자까지"),
    "memory_bytes": ("reading it may take {} MB of memory", "읽는 데 메모리 {}MB까지"),
    "seconds": ("reading it may take {} seconds", "읽는 데 {}초까지"),
}


class FileUnreadable(HunminError):
    """A file is of a kind that is read, but it is damaged."""

    code = "file_unreadable"
    status = 422

    def __init__(self, *, reason: Damage) -> None:
        super().__init__(
            f"The file cannot be read ({reason}). Open it in the program it was made with, save "
            "it again, and bring the new file.",
            f"파일을 읽을 수 없습니다({reason}). 파일을 만든 프로그램에서 열어 다시 저장한 뒤 새 "
            "파일을 올리십시오.",
        )
        self.reason = reason


class NoTextLayer(HunminError):
    """A PDF holds pictures of pages and no text."""

    code = "no_text_layer"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "This PDF holds pictures of its pages and no text. Have its text recognized (OCR) "
            "first, or bring the document it was printed from.",
            "이 PDF에는 쪽의 그림만 있고 글이 없습니다. 먼저 문자 인식(OCR)을 하거나, 인쇄하기 "
            "전의 원본 문서를 올리십시오.",
        )


class FileLocked(HunminError):
    """A file is locked by a password, or made so that it cannot be copied from."""

    code = "file_locked"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "The file is locked by a password, or was saved for distribution only. Save it "
            "without a password, and bring it again.",
            "암호가 걸려 있거나 배포용으로 저장된 파일입니다. 암호 없이 저장하여 다시 올리십시오.",
        )


class CollectionBroken(HunminError):
    """The index of a collection is missing, damaged, or made by another version."""

    code = "collection_broken"
    status = 503

    def __init__(self, *, folder: Path, reason: str) -> None:
        super().__init__(
            f"The collection {folder} cannot be searched: {reason}. Restore the folder, or make it "
            "again with `hunmin documents index`.",
            f"{folder} 자료 모음을 검색할 수 없습니다({reason}). 폴더를 되돌리거나 "
            "`hunmin documents index`로 다시 만드십시오.",
        )


class CollectionEmpty(HunminError):
    """The sources hold no text a collection could be made of."""

    code = "collection_empty"
    status = 422

    def __init__(self, *, dropped: int) -> None:
        super().__init__(
            f"There is no text to make a collection of; {dropped} documents were left out. Look "
            "at the lines above, and at the sources file.",
            f"자료 모음을 만들 글이 없습니다(빠진 문서 {dropped}건). 위에 나온 이유와 자료 목록 "
            "파일을 확인하십시오.",
        )
        self.dropped = dropped


class FileNotFound(HunminError):
    """There is no file of this id, or it is not the actor's."""

    code = "file_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such file; it may have been deleted. Bring it again.",
            "파일이 없습니다. 지워졌을 수 있으니 다시 올리십시오.",
        )


class FileNotReady(HunminError):
    """A question names a file that was not read yet, or was refused."""

    code = "file_not_ready"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A file of this question has not been read yet, or cannot be read. Wait until it has "
            "been, or take it away.",
            "이 질문에 붙인 파일을 아직 읽는 중이거나 읽을 수 없습니다. 다 읽을 때까지 기다리거나 "
            "파일을 빼십시오.",
        )


class TooManyFiles(HunminError):
    """A conversation or an account would have more files than it may."""

    code = "too_many_files"
    status = 409

    def __init__(self, *, files_max: int) -> None:
        super().__init__(
            f"There may be {files_max} files. Delete one that is no longer needed, or the "
            "conversation it is part of.",
            f"파일은 {files_max}개까지 둘 수 있습니다. 더 필요하지 않은 파일이나 그 파일이 든 "
            "대화를 지우십시오.",
        )
        self.files_max = files_max


class CollectionNotFound(HunminError):
    """There is no collection of this id, or it is not published to the actor."""

    code = "collection_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such collection. It may have been withdrawn; /collections, and in the "
            "terminal `hunmin collections list`, name those there are.",
            "자료 모음이 없습니다. 공개가 끝났을 수 있습니다. 지금 있는 것은 /collections에서, "
            "터미널에서는 `hunmin collections list`로 볼 수 있습니다.",
        )


class PassageNotFound(HunminError):
    """A collection or file has no passage of this name."""

    code = "passage_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such passage; the document may have changed. Search for it again.",
            "대목이 없습니다. 문서가 바뀌었을 수 있으니 다시 검색하십시오.",
        )
