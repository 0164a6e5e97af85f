"""Errors of building a corpus: the sources file, licenses, and files that cannot be read."""

from pathlib import Path

from hunmin.errors.base import HunminError


class SourcesFileBroken(HunminError):
    """The sources file cannot be read or says something it may not."""

    code = "sources_file_broken"
    status = 422

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: {reason}. See docs/reference/sources-file.md for what it may hold.",
            f"{path}: {reason}. 쓸 수 있는 내용은 docs/reference/sources-file.md를 보십시오.",
        )
        self.path = path


class LicenseMissing(HunminError):
    """A source says nothing about its license."""

    code = "license_missing"
    status = 422

    def __init__(self, *, source: str) -> None:
        super().__init__(
            f'Source "{source}" names no license. Add license = "..." with the license of its '
            'text, or license_column = "..." where each document carries its own.',
            f'"{source}" 자료에 라이선스가 없습니다. 본문의 라이선스를 license = "..."로 적거나, '
            '문서마다 다르면 license_column = "..."을 적으십시오.',
        )
        self.source = source


class LicenseRefused(HunminError):
    """A source's license is not on the allow list."""

    code = "license_refused"
    status = 422

    def __init__(self, *, source: str, license_id: str, reason_en: str, reason_ko: str) -> None:
        super().__init__(
            f'Source "{source}" has the license "{license_id}", which {reason_en}. Leave the '
            "source out, or add the license to [licenses] allow if you hold a separate permission.",
            f'"{source}" 자료의 라이선스 "{license_id}"은(는) {reason_ko}. 자료를 빼거나, 따로 '
            "허락을 받았다면 [licenses] allow에 추가하십시오.",
        )
        self.source = source
        self.license_id = license_id


class SourceMissing(HunminError):
    """A source's path or data set leads to no file."""

    code = "source_missing"
    status = 404

    def __init__(self, *, source: str, place: str) -> None:
        super().__init__(
            f'Source "{source}" leads to no file: {place}. Check the path; it counts from the '
            "folder of the sources file.",
            f'"{source}" 자료에 해당하는 파일이 없습니다: {place}. 경로를 확인하십시오. 경로는 '
            "자료 목록 파일이 있는 폴더에서 시작합니다.",
        )
        self.source = source


class SourceUnreadable(HunminError):
    """A source's file is damaged, or of a form that is not read, or mostly not what it claims."""

    code = "source_unreadable"
    status = 422

    def __init__(self, *, source: str, path: str, reason_en: str, reason_ko: str) -> None:
        super().__init__(
            f'Source "{source}" cannot be read: {path}: {reason_en}. Mend or leave out the file '
            "and run the same command again.",
            f'"{source}" 자료를 읽을 수 없습니다: {path}: {reason_ko}. 파일을 고치거나 뺀 뒤 같은 '
            "명령을 다시 실행하십시오.",
        )
        self.source = source


class CompressionBomb(HunminError):
    """A compressed file grows far beyond what text does."""

    code = "compression_bomb"
    status = 422

    def __init__(self, *, source: str, path: str, megabytes: int, ratio: int) -> None:
        super().__init__(
            f'Source "{source}": {path} has already grown to {megabytes} MB, {ratio} times its '
            "compressed size, so it is not read further. Leave the file out, or unpack it "
            "yourself if it is good.",
            f'"{source}" 자료: {path} 파일이 압축 크기의 {ratio}배인 {megabytes}MB까지 커졌습니다. '
            "더 읽지 않습니다. 파일을 빼거나, 올바른 파일이라면 직접 압축을 푸십시오.",
        )
        self.source = source


class NothingLeft(HunminError):
    """Not one document is left."""

    code = "nothing_left"
    status = 422

    def __init__(self, *, reasons: dict[str, int]) -> None:
        listed = ", ".join(f"{name}: {count}" for name, count in reasons.items()) or "-"
        super().__init__(
            f"No document is left to make a corpus of. Dropped: {listed}. Look at the reasons "
            "and at the sources file.",
            f"코퍼스로 만들 문서가 하나도 남지 않았습니다. 빠진 문서: {listed}. "
            "빠진 이유와 자료 목록 파일을 확인하십시오.",
        )
        self.reasons = reasons


class RunnerMissing(HunminError):
    """The runner that was asked for is not installed."""

    code = "runner_missing"
    status = 422

    def __init__(self, *, runner: str) -> None:
        super().__init__(
            f'The runner "{runner}" is not installed. Install hunmin[{runner}], or leave '
            "--runner out to work on this machine.",
            f'실행기 "{runner}"이(가) 설치되어 있지 않습니다. hunmin[{runner}]을 설치하거나, '
            "--runner를 빼고 이 컴퓨터에서 실행하십시오.",
        )
