"""Installing the service as an app: the manifest, the service worker, the page without network.

The service worker keeps files that never change and one page that says there is no network; see
`static/sw.js`. Where `web.installable` is false, one that was installed earlier removes itself.
"""

import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from hunmin import faces

router = APIRouter(include_in_schema=False)

OFFLINE = "/offline"

_ICONS = (("192", "192x192", "any"), ("512", "512x512", "any"), ("maskable", "512x512", "maskable"))
_NAME = faces.mark("Hunmin")
_ABOUT = faces.mark("An AI chat whose words stay on its server.")


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> JSONResponse:
    """Answer with what a system shows of the app, in the language of the page that asks."""
    language = faces.language_of(request)
    name = faces.translate(language, _NAME)
    described: dict[str, Any] = {
        "id": "/",
        "name": name,
        "short_name": name,
        "description": faces.translate(language, _ABOUT),
        "lang": language,
        "start_url": "/chat",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#0b50d0",
        "icons": [
            {
                "src": faces.asset(f"web/icons/{icon}.png"),
                "sizes": sizes,
                "type": "image/png",
                "purpose": purpose,
            }
            for icon, sizes, purpose in _ICONS
        ],
    }
    return JSONResponse(
        described,
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"},
    )


@router.get("/sw.js")
def service_worker(request: Request) -> Response:
    """Answer with the service worker, or with one that removes itself."""
    if request.app.state.installable:
        keep = [OFFLINE, faces.asset("web/style.css"), faces.asset("web/mark.svg")]
        known = {"VERSION": faces.static_version(), "KEEP": keep}
        head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in known.items())
        script = head + _text("sw.js")
    else:
        script = _text("sw-remove.js")
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get(OFFLINE)
def offline(request: Request) -> HTMLResponse:
    """Show that there is no network. Browsers keep this page, so nobody is named on it."""
    return faces.render(request, "web/offline.html", {})


def _text(name: str) -> str:
    return (faces.static_folders()["web"] / name).read_text("utf-8")
