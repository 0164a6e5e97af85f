"""Errors of the front desk: addresses, requests as such, and starting the service."""

from pathlib import Path

from hunmin.errors.base import HunminError


class PageNotFound(HunminError):
    """There is nothing at this address."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is nothing at this address. Check it, or begin at the first page.",
            "이 주소에는 아무것도 없습니다. 주소를 확인하거나 첫 페이지에서 시작하십시오.",
        )


class RequestInvalid(HunminError):
    """The request is not as the address expects it."""

    code = "request_invalid"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "The request is not as this address expects it. "
            "`fields` names what to correct; /docs shows the whole form.",
            "요청이 이 주소에서 받는 형식과 다릅니다. "
            "`fields`에 고칠 곳이 있고, /docs에 전체 형식이 있습니다.",
        )


class BodyTooLarge(HunminError):
    """The request carries more than is read."""

    code = "body_too_large"
    status = 413

    def __init__(self) -> None:
        super().__init__(
            "The request is larger than this service reads. Send less, or in several requests.",
            "요청이 이 서비스가 읽는 크기를 넘습니다. 줄이거나 여러 번에 나누어 보내십시오.",
        )


class CrossSiteRefused(HunminError):
    """A page of another site tried to change something here."""

    code = "cross_site_refused"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This request was sent by a page of another site and was refused. "
            "Open the page here and do it again.",
            "다른 사이트의 페이지가 보낸 요청이라 거절했습니다. "
            "이곳의 페이지를 열어 다시 하십시오.",
        )


class HostUnknown(HunminError):
    """The request was sent to a name this service does not go by."""

    code = "host_unknown"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "This service does not go by the host name of the request. "
            "Use the address it printed, or add the name to the setting web.hosts.",
            "요청에 적힌 호스트 이름은 이 서비스의 이름이 아닙니다. "
            "시작할 때 표시된 주소를 쓰거나 설정 web.hosts에 이름을 추가하십시오.",
        )


class PortInUse(HunminError):
    """Another program listens where the service should."""

    code = "port_in_use"
    status = 500

    def __init__(self, *, host: str, port: int) -> None:
        super().__init__(
            f"Another program already listens on {host}:{port}. "
            f"Stop it, or choose another port with --port {port + 1}.",
            f"다른 프로그램이 이미 {host}:{port}을(를) 쓰고 있습니다. "
            f"멈추거나 --port {port + 1}처럼 다른 포트를 고르십시오.",
        )
        self.port = port


class ListenRefused(HunminError):
    """The operating system does not let us listen there."""

    code = "listen_refused"
    status = 500

    def __init__(self, *, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Cannot listen on {host}:{port}: {reason}. Choose another address or port.",
            f"{host}:{port}에서 요청을 받을 수 없습니다({reason}). 다른 주소나 포트를 고르십시오.",
        )


class EngineUnknown(HunminError):
    """No engine of that name is installed."""

    code = "engine_unknown"
    status = 500

    def __init__(self, *, name: str, known: list[str]) -> None:
        names = ", ".join(known)
        super().__init__(
            f"There is no engine called {name}. Set inference.engine to one of: {names}.",
            f"{name}(이)라는 엔진이 없습니다. 설정 inference.engine에 다음 중 하나를 쓰십시오: "
            f"{names}.",
        )


class ModelFolderMissing(HunminError):
    """The model to serve is not where it should be."""

    code = "model_folder_missing"
    status = 500

    def __init__(self, *, folder: Path) -> None:
        super().__init__(
            f"There is no model at {folder}. Models and recipes come with the repository, not "
            "with the installed package. Name a model with --model FOLDER, or make one in a clone "
            "of the repository: hunmin build recipes/laptop.py",
            f"{folder}에 모델이 없습니다. 모델과 레시피는 설치한 패키지가 아니라 저장소에 "
            "들어 있습니다. --model 폴더로 지정하거나 내려받은 저장소에서 만드십시오: "
            "hunmin build recipes/laptop.py",
        )
