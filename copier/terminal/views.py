"""The views: what each reads, how it is drawn, and which events of a service change it."""

from typing import Final

from copier.telling.overview import Overview
from copier.terminal.at_a_glance import draw_status
from copier.terminal.drawn import draw_alerts, draw_limits, draw_links, draw_mismatches, draw_positions
from copier.terminal.held import Held
from copier.terminal.sources import Source
from copier.terminal.watch import View
from copier.web.dto.events import Alert
from copier.web.dto.limits import Limit
from copier.web.dto.links import Link
from copier.web.dto.mismatches import Mismatch

_DIFFERENCES: Final = ("mismatch", "mismatch_over")


ALERTS_SHOWN: Final = 100
"""Of the alerts that are shown: more than anybody reads through in a terminal."""


async def _overview(source: Source) -> Overview:
    return await source.overview()


async def _positions(source: Source) -> list[Held]:
    return await source.positions()


async def _links(source: Source) -> list[Link]:
    return await source.links()


async def _limits(source: Source) -> list[Limit]:
    return await source.limits()


async def _mismatches(source: Source) -> list[Mismatch]:
    return await source.mismatches()


STATUS: Final = View(
    _overview, draw_status, ("account", "link", "copy", "limit", "lever", "session", "alert", *_DIFFERENCES)
)
POSITIONS: Final = View(_positions, draw_positions, ("positions",))
LINKS: Final = View(_links, draw_links, ("link", "lever", *_DIFFERENCES))
LIMITS: Final = View(_limits, draw_limits, ("limit", "account"))
MISMATCHES: Final = View(_mismatches, draw_mismatches, _DIFFERENCES)


def alerts_view(*, open_only: bool) -> View[list[Alert]]:
    """Return the view of the latest alerts, or of those alone that nobody has acknowledged."""

    async def read(source: Source) -> list[Alert]:
        found = await source.alerts(open_only=open_only, most=ALERTS_SHOWN)
        return sorted(found, key=lambda each: each.over or each.acknowledged is not None)

    return View(read, draw_alerts, ("alert", "acknowledged"))
