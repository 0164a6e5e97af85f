"""Errors of the lab steps as such: the output folder, the manifest, the inputs."""

from pathlib import Path

from hunmin.errors.base import HunminError


class OutputExists(HunminError):
    """The output folder is there already and was made from something else."""

    code = "output_exists"
    status = 409

    def __init__(self, *, out: Path) -> None:
        super().__init__(
            f"{out} exists and was made from other inputs or another recipe. "
            "Name another folder, or remove this one first.",
            f"{out} 폴더가 이미 있고 다른 입력이나 레시피로 만들어졌습니다. "
            "다른 폴더를 지정하거나 먼저 이 폴더를 지우십시오.",
        )
        self.out = out


class OutputBusy(HunminError):
    """Another process is writing this output right now."""

    code = "output_busy"
    status = 409

    def __init__(self, *, out: Path) -> None:
        super().__init__(
            f"Another process is making {out} right now. Wait for it to end, or stop it.",
            f"다른 프로세스가 지금 {out} 폴더를 만들고 있습니다. 끝나기를 기다리거나 멈추십시오.",
        )


class ManifestMissing(HunminError):
    """A folder that should be the output of a step has no manifest."""

    code = "manifest_missing"
    status = 422

    def __init__(self, *, folder: Path) -> None:
        super().__init__(
            f"{folder} has no manifest.json, so it is not the finished output of a step. "
            "Check the path, or run the step again: it goes on where it stopped.",
            f"{folder} 폴더에 manifest.json이 없어 완성된 결과물이 아닙니다. "
            "경로를 확인하거나 그 단계를 다시 실행하십시오. 멈춘 곳에서 이어집니다.",
        )


class ManifestBroken(HunminError):
    """A manifest, or a file it names, is not what it was when it was written."""

    code = "manifest_broken"
    status = 422

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is not as it was written: {reason}. Restore it, or make it again.",
            f"{path} 파일이 기록된 내용과 다릅니다({reason}). 되돌리거나 다시 만드십시오.",
        )


class LedgerMissing(HunminError):
    """What a checkpoint has seen cannot be told, for there is no table of its documents."""

    code = "ledger_missing"
    status = 422

    def __init__(self, *, folder: Path, checkpoint: str, table: str = "") -> None:
        if table:
            super().__init__(
                f"The table of documents of {checkpoint} is gone: lineage/{table} is not in "
                f"{folder}. Copy it back from the folder the model was made in.",
                f"{checkpoint}의 문서 목록이 없습니다. {folder} 폴더에 lineage/{table} 파일이 "
                "없습니다. 모델을 처음 만든 폴더에서 다시 복사하십시오.",
            )
        else:
            super().__init__(
                f"{checkpoint}, which {folder} was made from, was trained without a ledger, so "
                "nobody can tell which documents it saw. Train it again to get one; its corpus "
                "tells which documents it could have seen.",
                f"{folder} 폴더의 재료인 {checkpoint}은(는) 원장 없이 학습되어 어떤 문서를 "
                "보았는지 알 수 없습니다. 다시 학습하면 원장이 생깁니다. 볼 수 있었던 문서는 "
                "코퍼스에 있습니다.",
            )


class LedgerBroken(HunminError):
    """The table of a run's documents is not what it was when it was written."""

    code = "ledger_broken"
    status = 422

    def __init__(self, *, path: Path) -> None:
        super().__init__(
            f"{path} was changed after it was made: its SHA-256 is not its name. "
            "Copy it back from the folder the model was made in.",
            f"{path} 파일이 만들어진 뒤에 바뀌었습니다. SHA-256이 이름과 다릅니다. "
            "모델을 처음 만든 폴더에서 다시 복사하십시오.",
        )


class WrongInput(HunminError):
    """A step was given the output of another kind of step than it needs."""

    code = "wrong_input"
    status = 422

    def __init__(self, *, folder: Path, found: str, needed: str) -> None:
        super().__init__(
            f"{folder} holds a {found}, but a {needed} is needed here.",
            f"{folder} 폴더에는 {found}이(가) 있지만 여기에는 {needed}이(가) 필요합니다.",
        )


class DiskFull(HunminError):
    """The disk has no room for what the step writes."""

    code = "disk_full"
    status = 507

    def __init__(self, *, path: Path) -> None:
        super().__init__(
            f"No space is left on the disk that holds {path}. Free some and run the same "
            "command again: it goes on where it stopped.",
            f"{path}이(가) 있는 디스크에 남은 공간이 없습니다. 공간을 비우고 같은 명령을 "
            "다시 실행하십시오. 멈춘 곳에서 이어집니다.",
        )


class OutputUnwritable(HunminError):
    """The output folder cannot be made where it was asked for."""

    code = "output_unwritable"
    status = 403

    def __init__(self, *, out: Path, reason: str) -> None:
        super().__init__(
            f"{out} cannot be written: {reason}. Name a folder in a place you may write to.",
            f"{out} 폴더에 쓸 수 없습니다({reason}). 쓸 수 있는 곳의 폴더를 지정하십시오.",
        )
        self.out = out
