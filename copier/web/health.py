"""`/healthz` and `/readyz`: whether a restart may help, and whether what is shown and done can be relied upon."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from copier.web.surface import Surface


def health_routes(surface: Surface) -> list[BaseRoute]:
    """Return what every supervisor may ask, without a key: so it names no account."""

    async def alive(_: Request) -> Response:
        return _said(surface.health().alive, "alive")

    async def ready(_: Request) -> Response:
        return _said(surface.health().ready, "ready")

    return [Route("/healthz", alive), Route("/readyz", ready)]


def _said(problems: tuple[str, ...], word: str) -> Response:
    body = {"status": f"not {word}" if problems else word, "problems": len(problems)}
    return JSONResponse(body, status_code=503 if problems else 200)
