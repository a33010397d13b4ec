"""The app of the surfaces: all routes behind one pair of doors, every error in one shape."""

import ipaddress
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from copier.config.listen import Listen
from copier.web.asgi import App
from copier.web.doors import LOOPBACK_NAMES, Access, Doors
from copier.web.health import health_routes
from copier.web.metrics.endpoint import metric_routes
from copier.web.pages import page_routes
from copier.web.problems import MEDIA_TYPE, problem, problem_body
from copier.web.rest.table import rest_routes
from copier.web.signing_in import session_routes
from copier.web.socket_api.endpoint import socket_routes
from copier.web.surface import Surface

ROUTES: Final[tuple[Callable[[Surface], list[BaseRoute]], ...]] = (
    health_routes,
    metric_routes,
    session_routes,
    rest_routes,
    socket_routes,
    page_routes,
)
"""Each part of the surfaces gives its routes here."""


def create_app(surface: Surface) -> App:
    """Return the ASGI app of a running service."""
    routes = [route for part in ROUTES for route in part(surface)]
    inner = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _as_problem, Exception: _as_problem},
    )
    service = surface.config.service
    access = Access(
        surface.keys,
        LOOPBACK_NAMES | own_names(service.listen) | set(service.allowed_hosts),
        frozenset(service.allowed_origins),
        service.behind_proxy,
    )
    return Doors(inner, access)


def own_names(listen: Listen | None) -> set[str]:
    """Return the name that an address is itself; none where it stands for all of this machine's."""
    if listen is None or ipaddress.ip_address(listen.ip).is_unspecified:
        return set()
    return {f"[{listen.ip}]" if ":" in listen.ip else listen.ip}


async def _as_problem(_: Request, error: Exception) -> Response:
    """Answer what a handler raised: an HTTPException as it says, a bug (which the host tells of) with no word on it."""
    if not isinstance(error, HTTPException):
        return Response(problem_body(problem(500)), 500, None, MEDIA_TYPE)
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    shown = problem(error.status_code, detail)
    return Response(problem_body(shown), shown.status, error.headers, MEDIA_TYPE)
