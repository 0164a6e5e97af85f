"""`hunmin serve` and `hunmin demo`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hunmin.settings.options import ConfigOption, DataOption

if TYPE_CHECKING:
    from hunmin.errors import HunminError

DEMO_DATA = Path("var/demo")

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="Serve this exported model folder, under its own name, instead of the one set.",
    ),
]
DemoDataOption = Annotated[
    Path | None,
    typer.Option("--data", help="The folder for everything the demo keeps. By default var/demo."),
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", min=0, max=65535, help="The port to listen at; 0 takes a free one."),
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("demo")(demo)
    app.command("serve")(serve)


def serve(
    *,
    config: ConfigOption = None,
    data: DataOption = None,
    host: Annotated[str | None, typer.Option("--host", help="The address to listen at.")] = None,
    port: PortOption = None,
    model: ModelOption = None,
    servers: Annotated[
        int | None,
        typer.Option(
            "--servers", min=0, help="Servers side by side that SIGHUP replaces; 0: none."
        ),
    ] = None,
) -> None:
    """Serve the pages and the API, as the settings say.

    Ctrl-C stops it: answers under way are ended, and what was written of them is kept. SIGTERM
    lets them end by themselves first, and takes no new connections meanwhile; a second one ends
    them too. With --servers, SIGHUP puts new servers, with the code and the settings of now, in
    the place of the old ones without a gap.
    """
    from hunmin import logs  # noqa: PLC0415 (slow to import)
    from hunmin.errors import InsecureListen  # noqa: PLC0415
    from hunmin.settings import Settings  # noqa: PLC0415
    from hunmin.web import serving, supervised, supervisor  # noqa: PLC0415
    from hunmin.web.app import create_app  # noqa: PLC0415
    from hunmin.web.middleware import LOOPBACK  # noqa: PLC0415

    place = supervisor.find_place()
    settings = Settings.load(
        config,
        data,
        web__host=host,
        web__port=port,
        web__servers=servers,
        inference__models=_models(model),
    )
    logs.set_up(format=settings.logs.format, level=settings.logs.level)
    exposed = settings.web.host not in LOOPBACK and place is None
    if exposed and not settings.web.public_url.startswith("https://"):
        if not settings.web.allow_plain_http:
            raise InsecureListen(host=settings.web.host)
        _note(
            "Other machines are served without encryption, as web.allow_plain_http says.",
            "web.allow_plain_http에 따라 다른 컴퓨터에 암호화 없이 제공합니다.",
        )
    if place is not None:
        supervised.serve_in(place, settings, failed=_say_ready)
    elif settings.web.servers:
        supervised.supervise(settings, on_open=_say_where, on_ready=lambda: _say_ready(None))
    else:
        app = create_app(settings)
        listening = serving.listen_for_pages(settings)
        numbers = next(iter(serving.listen_for_numbers(settings)), None)
        app.state.database.migrate()
        with serving.announced(settings, listening) as address, serving.numbers(app, numbers):
            serving.serve(app, listening, on_open=lambda: _say_where(address), on_ready=_say_ready)


def demo(
    *,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser, where there is one.")
    ] = True,
    port: PortOption = None,
    data: DemoDataOption = None,
    model: ModelOption = None,
    config: ConfigOption = None,
) -> None:
    """Serve Hunmin on this machine, and open it in a browser.

    Serves the reference model at http://127.0.0.1:8700 and keeps everything in var/demo, unless
    told otherwise. The very first start prints a link that signs the administrator in, and makes
    a collection of 68 statutes that questions can be looked up in. Ctrl-C stops it; the next start
    goes on with every conversation.
    """
    from hunmin import logs  # noqa: PLC0415 (slow to import)
    from hunmin.settings import Settings  # noqa: PLC0415
    from hunmin.web import demo as first  # noqa: PLC0415
    from hunmin.web import serving  # noqa: PLC0415
    from hunmin.web.app import create_app  # noqa: PLC0415

    settings = Settings.load(
        config,
        data or DEMO_DATA,
        web__host="127.0.0.1",
        web__port=port,
        inference__models=_models(model) or {},
    )
    logs.set_up(format=settings.logs.format, level="warning")
    app = create_app(settings)
    listening = serving.listen_for_pages(settings)
    app.state.database.migrate()
    secret = first.first_link(app.state.database, settings)
    if not first.first_collection(app.state.database, settings):
        _note(
            "The sample statutes could not be made; the demo goes on without them.",
            "견본 법령 모음을 만들지 못했습니다. 그 모음 없이 시작합니다.",
        )

    def greet() -> None:
        _print(f"Hunmin is at {address}", f"훈민이 열렸습니다: {address}")
        if secret is not None:
            minutes = settings.accounts.sign_in_link_minutes
            _print(
                f"Sign in as administrator, once, within {minutes} minutes:",
                f"관리자 로그인 링크({minutes}분 안에 한 번만 쓸 수 있습니다):",
            )
            _print(f"{address}/sign-in/{secret}")
        _note(
            f"Everything is kept in {settings.data}. Ctrl-C stops it.",
            f"모든 것은 {settings.data}에 보관됩니다. Ctrl-C로 멈춥니다.",
        )
        if browser:
            first.open_browser(address)

    with serving.announced(settings, listening) as address:
        serving.serve(app, listening, on_open=greet, on_ready=_say_ready)
    _note("Stopped. The next start goes on here.", "멈췄습니다. 다음에 이어서 시작합니다.")


def _models(folder: Path | None) -> dict[str, Path] | None:
    """Return what to serve where the command line names a model folder."""
    if folder is None:
        return None
    from hunmin.errors import HunminError, ModelFolderMissing  # noqa: PLC0415 (slow to import)
    from hunmin.manifest import Manifest  # noqa: PLC0415

    if not (folder / "config.json").is_file():
        raise ModelFolderMissing(folder=folder)
    try:
        name = Manifest.read(folder, kind="model").name
    except HunminError:
        name = folder.resolve().name
    return {name: folder.absolute()}


def _say_where(address: str) -> None:
    _print(f"Hunmin is at {address}", f"훈민: {address}")


def _say_ready(failure: "HunminError | None") -> None:
    if failure is None:
        _note("The model is ready.", "모델이 준비되었습니다.")
    else:
        _note(f"The model cannot answer: {failure.en}", f"모델이 답할 수 없습니다: {failure.ko}")


def _in_korean() -> bool:
    said = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next((one for one in said if one), "").startswith("ko")


def _print(en: str, ko: str = "") -> None:
    sys.stdout.write(((ko or en) if _in_korean() else en) + "\n")
    sys.stdout.flush()


def _note(en: str, ko: str) -> None:
    sys.stderr.write((ko if _in_korean() else en) + "\n")
    sys.stderr.flush()
