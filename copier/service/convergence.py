"""Whether a service has converged: every account seen whole, every order answered, nothing waiting for another try."""

from collections.abc import Collection, Iterator
from typing import Final

import trio

from adapters.base import UtcNow
from copier.engine.book import CopyBook
from copier.engine.engine import Engine
from rules.model.copies import Leg
from rules.model.values import AccountId

QUIET_S: Final = 0.5
"""Nothing was ordered for this long: what an answer or a look-up sets off would have been."""


class Convergence:
    """Looks at what is known and at the copies of the accounts that the config names."""

    def __init__(self, engine: Engine, book: CopyBook, accounts: Collection[AccountId], utc_now: UtcNow) -> None:
        self._engine = engine
        self._book = book
        self._accounts = accounts
        self._utc_now = utc_now
        self._orders = 0

    def ordered(self) -> None:
        """Take note of an order that goes to its target's queue."""
        self._orders += 1

    def in_flight(self) -> int:
        """Return how many orders have left or may have left, and are not answered."""
        return sum(leg.pending is not None for leg in self._legs())

    @property
    def reached(self) -> bool:
        """Tell whether nothing is under way or waiting, for another try least of all.

        An order that could not be sent or was refused (a close in a maintenance window) waits for its time.
        """
        now = self._utc_now()
        waiting = self._engine.suspicious or any(copy.wait_until is not None for copy in self._book.all())
        trying = any(leg.live and leg.retry_at is not None and leg.retry_at > now for leg in self._legs())
        seen = all(view.known and view.ready for view in self._engine.views.values())
        return seen and not (waiting or trying or self.in_flight())

    async def wait(self) -> None:
        """Return once nothing was left to do and nothing was ordered for a while; a market may move meanwhile."""
        quiet = False
        while not quiet:
            was_reached, orders = self.reached, self._orders
            await trio.sleep(QUIET_S)
            quiet = was_reached and self.reached and self._orders == orders

    def _legs(self) -> Iterator[Leg]:
        return (leg for copy in self._book.all() if copy.target in self._accounts for leg in copy.legs)
