"""The views: what each reads, how it is drawn, and which events of a service change it."""

from typing import Final

from copier.telling.overview import Overview
from copier.terminal.at_a_glance import draw_status
from copier.terminal.drawn import draw_limits, draw_links, draw_mismatches, draw_positions
from copier.terminal.held import Held
from copier.terminal.sources import Source
from copier.terminal.watch import View
from copier.web.dto.limits import Limit
from copier.web.dto.links import Link
from copier.web.dto.mismatches import Mismatch

_DIFFERENCES: Final = ("mismatch", "mismatch_over")


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
