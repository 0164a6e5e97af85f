"""Errors of files and batches of the API."""

from hunmin.errors.base import HunminError


class BatchNotFound(HunminError):
    """There is no batch of this id, or it is another's."""

    code = "batch_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no such batch. GET /v1/batches lists those of your project.",
            "배치가 없습니다. GET /v1/batches가 프로젝트의 배치를 알려 줍니다.",
        )


class BatchEnded(HunminError):
    """A batch is to be canceled that has ended, or whose answers are being put together."""

    code = "batch_ended"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The batch has ended, or its answers are being put together. Get it again to see "
            "its files.",
            "배치가 이미 끝났거나 답을 파일에 담는 중입니다. 배치를 다시 조회하여 파일을 "
            "확인하십시오.",
        )


class TooManyBatches(HunminError):
    """A project or an account has as many open batches as it may."""

    code = "too_many_batches"
    status = 409

    def __init__(self, *, open_max: int) -> None:
        super().__init__(
            f"At most {open_max} batches may be open. Wait until one has ended, or cancel one.",
            f"끝나지 않은 배치는 {open_max}개까지 둘 수 있습니다. 하나가 끝날 때까지 기다리거나 "
            "취소하십시오.",
        )
        self.open_max = open_max


class BatchFull(HunminError):
    """The answers of a batch are as long as they may be altogether; this line has none any more."""

    code = "batch_full"
    status = 413

    def __init__(self, *, answers_bytes_max: int) -> None:
        super().__init__(
            f"The answers of one batch may have {answers_bytes_max} bytes altogether. Hand the "
            "rest in as another batch.",
            f"배치 하나의 답은 모두 합하여 {answers_bytes_max}바이트까지입니다. 나머지는 다른 "
            "배치로 제출하십시오.",
        )
        self.answers_bytes_max = answers_bytes_max


class FileInUse(HunminError):
    """A file is to be deleted that a batch still asks."""

    code = "file_in_use"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "A batch that has not ended needs this file. Cancel the batch, or wait for its end.",
            "끝나지 않은 배치가 이 파일을 쓰고 있습니다. 배치를 취소하거나 끝나기를 기다리십시오.",
        )
