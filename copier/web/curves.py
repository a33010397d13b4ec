"""Keeps the equity curves: once a minute each account's figures, in a thread, so that no trade waits for a disk."""

from decimal import Decimal
from typing import Final

import structlog
import trio

from copier.web.store import StoreFailed
from copier.web.surface import Surface
from rules.model.values import AccountId

FIRST_S: Final = 5.0
"""By then most accounts have been seen, so that a chart begins with the service."""

SAMPLE_EVERY_S: Final = 60.0
THIN_EVERY: Final = 60
"""Samples between two thinnings."""

_log = structlog.get_logger("web")


async def keep_curves(surface: Surface) -> None:
    """Sample until cancelled."""
    samples = 0
    await trio.sleep(min(FIRST_S, SAMPLE_EVERY_S))
    while True:
        figures = _figures(surface)
        try:
            await trio.to_thread.run_sync(surface.store.sample, figures, surface.utc_now())
            if samples % THIN_EVERY == 0:
                await trio.to_thread.run_sync(surface.store.thin, surface.utc_now())
        except StoreFailed as error:
            _log.warning("the equity curve has a hole", reason=str(error))
        samples += 1
        await trio.sleep(SAMPLE_EVERY_S)


def _figures(surface: Surface) -> dict[AccountId, tuple[Decimal | None, Decimal | None]]:
    """Return balance and equity of the accounts that are in sight: what was seen long ago is not of this minute."""
    return {
        name: (view.status.balance, view.status.equity)
        for name, view in surface.views.items()
        if view.status is not None and surface.lost_since(name) is None
    }
