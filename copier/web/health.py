"""`/healthz` and `/readyz`: whether a restart may help, and whether what is shown and done can be relied upon."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from copier.web.principal import Principal
from copier.web.surface import Surface, Trouble


def health_routes(surface: Surface) -> list[BaseRoute]:
    """Return what every supervisor may ask without a key; who shows one is told what is wrong with its accounts."""

    async def alive(request: Request) -> Response:
        return _said(request, surface.health().alive, "alive")

    async def ready(request: Request) -> Response:
        return _said(request, surface.health().ready, "ready")

    return [Route("/healthz", alive), Route("/readyz", ready)]


def _said(request: Request, troubles: tuple[Trouble, ...], word: str) -> Response:
    body: dict[str, object] = {"status": f"not {word}" if troubles else word, "problems": len(troubles)}
    principal: Principal | None = request.scope["state"]["principal"]
    if principal is not None:
        body["says"] = [each.says for each in troubles if each.account is None or principal.sees(each.account)]
    return JSONResponse(body, status_code=503 if troubles else 200)
