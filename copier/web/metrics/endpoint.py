"""The route of `/metrics`: behind the same doors as everything, paced, and made anew for each who asks."""

from typing import Final

import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from copier.web.dto.words import to_json
from copier.web.metrics.exposition import MEDIA_TYPE, Exposition
from copier.web.metrics.readings import parts
from copier.web.principal import principal_of
from copier.web.problems import MEDIA_TYPE as PROBLEM
from copier.web.rest.pace import Paces
from copier.web.rest.refusals import Refused
from copier.web.surface import Surface

PATH: Final = "/metrics"

PER_S: Final = 1.0
BURST: Final = 10.0
"""A Prometheus asks every 15 s; two of them and a curious person are far below this."""


def metric_routes(surface: Surface) -> list[BaseRoute]:
    """Return the route."""
    paces = Paces(surface.utc_now, per_s=PER_S, burst=BURST)

    async def metrics(request: Request) -> Response:
        principal = principal_of(request.scope)
        try:
            paces.take(principal.name)
        except Refused as refused:
            return Response(to_json(refused.problem), refused.problem.status, refused.headers, PROBLEM)
        page = Exposition()
        for part in parts(surface, principal):
            page.add(part)
            await trio.lowlevel.checkpoint()  # orders go first
        return Response(page.text, headers={"content-type": MEDIA_TYPE})

    return [Route(PATH, metrics)]
