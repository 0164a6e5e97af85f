"""What a request would rather read: a page or JSON."""

from starlette.requests import Request


def wants_json(request: Request) -> bool:
    """Return whether `Accept` prefers JSON to HTML. A request that does not mind gets HTML."""
    return _quality(request, "application/json") > _quality(request, "text/html")


def wants_html(request: Request) -> bool:
    """Return whether a browser asks: `Accept` names HTML, and prefers it to JSON."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not wants_json(request)


def _quality(request: Request, kind: str) -> float:
    family = kind.partition("/")[0] + "/*"
    best = 0.0 if "accept" in request.headers else 1.0
    for part in request.headers.get("accept", "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name in {kind, family, "*/*"}:
            weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
            # A wildcard asks for anything, a name for this very thing.
            share = 1.0 if name == kind else 0.5
            try:
                best = max(best, float(weight) * share)
            except ValueError:
                continue
    return best
