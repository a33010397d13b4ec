"""The table of everything that can be asked: routing, validation and the document are made of it."""

from functools import partial
from typing import Final

from starlette.routing import BaseRoute, Mount

from copier.web.curves import keep_curves
from copier.web.rest import (
    accounts,
    alerts,
    commands,
    decisions,
    events,
    limits,
    links,
    meta,
    mismatches,
    performance,
    signals,
    status,
)
from copier.web.rest.api import Api
from copier.web.rest.endpoints import PREFIX, Endpoint
from copier.web.rest.event_log import EventLog
from copier.web.surface import Surface

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *status.ENDPOINTS,
    *accounts.ENDPOINTS,
    *links.ENDPOINTS,
    *mismatches.ENDPOINTS,
    *limits.ENDPOINTS,
    *decisions.ENDPOINTS,
    *alerts.ENDPOINTS,
    *performance.ENDPOINTS,
    *commands.ENDPOINTS,
)


def rest_routes(surface: Surface) -> list[BaseRoute]:
    """Return everything below the prefix."""
    log = EventLog(surface)
    surface.beside += [log.run, partial(keep_curves, surface)]
    described = (*ENDPOINTS, *events.endpoints(log), *signals.endpoints(surface))
    return [Mount(PREFIX, app=Api(surface, (*described, *meta.endpoints(described))))]
