"""Errors of the office's ground floor: settings, the database, files, jobs, the audit log."""

from pathlib import Path

from hunmin.errors.base import HunminError


class SettingWrong(HunminError):
    """A setting has a value that cannot be used, or is not known."""

    code = "setting_wrong"
    status = 500

    def __init__(self, *, key: str, where: str, reason: tuple[str, str]) -> None:
        reason_en, reason_ko = reason
        where_ko = {"environment": "환경 변수", "command line": "명령행"}.get(where, where)
        super().__init__(
            f"The setting {key} ({where}) {reason_en}. "
            "Correct it there; `hunmin settings` lists every setting.",
            f"설정 {key}({where_ko}): {reason_ko}. "
            "그곳에서 고치십시오. `hunmin settings`로 모든 설정을 볼 수 있습니다.",
        )
        self.key = key
        self.where = where


class SettingsFileWrong(HunminError):
    """The settings file is not there or is not TOML."""

    code = "settings_file_wrong"
    status = 500

    def __init__(self, *, path: Path, reason: str) -> None:
        super().__init__(
            f"The settings file {path} cannot be read: {reason}. Correct it or name another.",
            f"설정 파일 {path}을(를) 읽을 수 없습니다({reason}). "
            "고치거나 다른 파일을 지정하십시오.",
        )
        self.path = path


class DatabaseUrlWrong(HunminError):
    """The address of the database cannot be understood."""

    code = "database_url_wrong"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "The database address (database.url) is not one Hunmin can use. "
            "Write sqlite:///folder/file.db or postgresql://user:password@host/name.",
            "데이터베이스 주소(database.url)를 쓸 수 없습니다. "
            "sqlite:///폴더/파일.db 또는 postgresql://사용자:암호@호스트/이름 형식으로 쓰십시오.",
        )


class DatabaseUnreachable(HunminError):
    """The database does not answer, or refuses who we say we are."""

    code = "database_unreachable"
    status = 503

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"The database at {address} cannot be reached. "
            "Check that it runs and that database.url names the right host, user and password.",
            f"데이터베이스({address})에 연결할 수 없습니다. 실행 중인지, database.url의 호스트, "
            "사용자, 암호가 맞는지 확인하십시오.",
        )


class DatabaseFull(HunminError):
    """The disk under the database has no room."""

    code = "database_full"
    status = 507

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"The disk that holds the database {address} is full; nothing was changed. "
            "Free some space and try again.",
            f"데이터베이스({address})가 있는 디스크가 가득 찼습니다. 바뀐 것은 없습니다. "
            "공간을 비우고 다시 시도하십시오.",
        )


class DatabaseNotWritable(HunminError):
    """The database can be read but not written, or its folder cannot."""

    code = "database_not_writable"
    status = 503

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"The database {address} cannot be written. "
            "Give the user who runs Hunmin the right to write it and the folder it is in.",
            f"데이터베이스({address})에 쓸 수 없습니다. Hunmin을 실행하는 사용자에게 "
            "파일과 그 폴더의 쓰기 권한을 주십시오.",
        )


class DatabaseBusy(HunminError):
    """Another process has held the database for too long."""

    code = "database_busy"
    status = 503

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"The database {address} was kept busy by others for too long; nothing was changed. "
            "Try again.",
            f"데이터베이스({address})를 다른 작업이 너무 오래 쓰고 있습니다. 바뀐 것은 없습니다. "
            "다시 시도하십시오.",
        )


class DatabaseBroken(HunminError):
    """The file is not a database, or is damaged."""

    code = "database_broken"
    status = 500

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"The file {address} is not a database or is damaged. "
            "Restore it from a backup, or name another in database.url.",
            f"{address} 파일이 데이터베이스가 아니거나 손상되었습니다. "
            "백업에서 되돌리거나 database.url에 다른 파일을 지정하십시오.",
        )


class DatabaseTooNew(HunminError):
    """The schema was written by a newer Hunmin."""

    code = "database_too_new"
    status = 500

    def __init__(self, *, revision: str) -> None:
        super().__init__(
            f"The database has schema {revision}, which this version of Hunmin does not know. "
            "Start the newer version that wrote it.",
            f"데이터베이스의 스키마({revision})를 이 버전의 Hunmin이 알지 못합니다. "
            "이 스키마를 만든 더 새로운 버전을 실행하십시오.",
        )
        self.revision = revision


class UnknownEventKind(HunminError):
    """An action tried to record something the audit log has no word for."""

    code = "unknown_event_kind"
    status = 500

    def __init__(self, *, kind: str) -> None:
        super().__init__(
            f"The audit log has no kind of event called {kind}; nothing was changed. "
            "Add it to hunmin/audit/kinds_of_people.py or kinds_of_work.py.",
            f"감사 기록에 {kind}(이)라는 종류가 없습니다. 바뀐 것은 없습니다. "
            "hunmin/audit/kinds_of_people.py나 kinds_of_work.py에 추가하십시오.",
        )


class EventHoldsContent(HunminError):
    """An action tried to record a value that could be somebody's words."""

    code = "event_holds_content"
    status = 500

    def __init__(self, *, kind: str, name: str) -> None:
        super().__init__(
            f"The value {name} of the event {kind} could hold what somebody wrote; nothing was "
            "changed. Record an id, a number or a short word of the program instead.",
            f"기록 {kind}의 값 {name}에는 누군가 쓴 내용이 담길 수 있습니다. 바뀐 것은 없습니다. "
            "식별자, 숫자, 또는 프로그램의 짧은 낱말을 기록하십시오.",
        )


class BlobMissing(HunminError):
    """No file of that hash is kept."""

    code = "blob_missing"
    status = 404

    def __init__(self, *, sha256: str) -> None:
        super().__init__(
            f"No file with the SHA-256 {sha256[:12]}… is kept here. "
            "Check the hash, or send the file again.",
            f"SHA-256이 {sha256[:12]}…인 파일이 없습니다. "
            "해시를 확인하거나 파일을 다시 보내십시오.",
        )
        self.sha256 = sha256


class BlobBroken(HunminError):
    """A file does not have the hash it should have."""

    code = "blob_broken"
    status = 422

    def __init__(self, *, sha256: str) -> None:
        super().__init__(
            f"The file with the SHA-256 {sha256[:12]}… is not what it should be: it was damaged "
            "on its way or on the disk. Send it again, or restore it from a backup.",
            f"SHA-256이 {sha256[:12]}…이어야 할 파일의 내용이 다릅니다. 전송 중에 또는 디스크에서 "
            "손상되었습니다. 다시 보내거나 백업에서 되돌리십시오.",
        )
        self.sha256 = sha256


class BlobsNotWritable(HunminError):
    """The folder of large files cannot be written."""

    code = "blobs_not_writable"
    status = 503

    def __init__(self, *, where: str) -> None:
        super().__init__(
            f"Files cannot be kept in {where}. "
            "Give the user who runs Hunmin the right to write there, or set files.url.",
            f"{where}에 파일을 저장할 수 없습니다. Hunmin을 실행하는 사용자에게 쓰기 권한을 "
            "주거나 files.url을 바꾸십시오.",
        )


class BlobsUnreachable(HunminError):
    """The S3 service does not answer, or refuses who we say we are."""

    code = "blobs_unreachable"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "The S3 service that keeps large files does not answer or refuses the access key. "
            "Check files.url, files.s3_endpoint and the keys, and try again.",
            "파일을 보관하는 S3 서비스가 응답하지 않거나 접근 키를 거절했습니다. files.url, "
            "files.s3_endpoint와 키를 확인하고 다시 시도하십시오.",
        )


class ExtraMissing(HunminError):
    """A part of Hunmin that is installed separately is not installed."""

    code = "extra_missing"
    status = 500

    def __init__(self, *, extra: str) -> None:
        super().__init__(
            f"This needs a part that is not installed. Run: pip install 'hunmin[{extra}]'",
            f"설치되지 않은 구성 요소가 필요합니다. 실행하십시오: pip install 'hunmin[{extra}]'",
        )


class TraceTargetUnknown(HunminError):
    """There is neither a folder nor a served model of that name."""

    code = "trace_target_unknown"
    status = 404

    def __init__(self, *, target: str, served: list[str]) -> None:
        names = ", ".join(served)
        super().__init__(
            f"{target} is neither a folder nor a model that is served. "
            f"Name a folder with a manifest.json, or one of: {names}.",
            f"{target}은(는) 폴더도 아니고 서비스 중인 모델도 아닙니다. "
            f"manifest.json이 있는 폴더나 다음 가운데 하나를 지정하십시오: {names}.",
        )
