"""Files for browsers: stylesheet, scripts, fonts, pictures, from every room's `static/`.

Their address holds a hash over all of them, so a browser may keep them for good.
"""

from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from hunmin import faces
from hunmin.web.compressed import compressed

router = APIRouter(include_in_schema=False)

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    "": "text/plain; charset=utf-8",
}
"""What is served, and as what. A file of any other kind is not."""


@router.get("/static/{version}/{name:path}")
def static_file(request: Request, version: str, name: str) -> Response:
    """Answer with one file. An old version of the address still finds it, but is not kept."""
    path = _files().get(name)
    if path is None:
        raise HTTPException(404)
    keep = version == faces.static_version()
    kind = KINDS[path.suffix]
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if keep else "no-cache"}
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    smaller = compressed(path) if takes_gzip else None
    if smaller is None:
        return FileResponse(path, media_type=kind, headers=headers)
    headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(smaller, media_type=kind, headers=headers)


@router.get("/favicon.ico")
def favicon() -> Response:
    """Answer with the mark, for browsers that ask for it where it used to be."""
    return FileResponse(
        _files()["web/mark.svg"],
        media_type=KINDS[".svg"],
        headers={"Cache-Control": "public, max-age=86400"},
    )


@cache
def _files() -> dict[str, Path]:
    """Return every file that is served. An address is only ever looked up here."""
    return {
        f"{room}/{path.relative_to(folder).as_posix()}": path
        for room, folder in faces.static_folders().items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in KINDS
    }
