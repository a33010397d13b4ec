"""The app of the surfaces: all routes behind one pair of doors, every error in one shape."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from copier.web.asgi import App
from copier.web.doors import Doors
from copier.web.health import health_routes
from copier.web.pages import page_routes
from copier.web.problems import MEDIA_TYPE, problem, problem_body
from copier.web.surface import Surface

ROUTES: Final[tuple[Callable[[Surface], list[BaseRoute]], ...]] = (health_routes, page_routes)
"""Each part of the surfaces gives its routes here."""


def create_app(surface: Surface, doors: Callable[[App], Doors] = Doors) -> App:
    """Return the ASGI app of a running service."""
    routes = [route for part in ROUTES for route in part(surface)]
    inner = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _as_problem, Exception: _as_problem},
    )
    return doors(inner)


async def _as_problem(_: Request, error: Exception) -> Response:
    """Answer what a handler raised: an HTTPException as it says, a bug (which the host tells of) with no word on it."""
    if not isinstance(error, HTTPException):
        return Response(problem_body(problem(500)), 500, None, MEDIA_TYPE)
    detail = "" if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    shown = problem(error.status_code, detail)
    return Response(problem_body(shown), shown.status, error.headers, MEDIA_TYPE)
