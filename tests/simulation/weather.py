"""The weather of a simulation: what goes wrong at the venues and between, by a seed; and for how long one was blind."""

from collections.abc import Callable
from random import Random

import trio
from attrs import define, field

from adapters.simulation.faults import Faults
from rules.model.frozen import frozen
from rules.model.values import AccountId
from tests.simulation.scenario import SITES, site_of
from tests.simulation.world import PORT, World

DELAY_S_MAX = 2.5
"""Below the shortest settle time of the venues (3 s): a venue that books an order later than it promises cannot be told
from one that lost it."""

OUTAGES_S_MAX = (6.0, 12.0, 12.0, 45.0)
"""Most are short; some outlast every patience of the service."""


@frozen
class Blindness:
    """Nobody could see, or reach, this site between two moments of trio's clock."""

    site: str
    since_s: float
    until_s: float


@define
class Weather:
    """Makes faults until told to stop; `blind` is what the auditor may excuse delays with."""

    world: World
    random: Random
    blind: list[Blindness] = field(factory=list)
    gaps: int = 0
    """Stream messages that were lost or held back: what they told is known from the next regular look only."""

    async def run(self, until_s: float) -> None:
        """Make a fault every few seconds."""
        makers: list[Callable[[str, Faults], None]] = [
            self._drop_messages,
            self._duplicate,
            self._reorder,
            self._cut,
            self._lose_answers,
            self._lose_requests,
            self._throttle,
            self._reject,
            self._expire_tokens,
        ]
        # Slow venues are the most telling: what was given up may still be executed.
        lasting = [self._cut_slow_order] * 3
        lasting += [self._delay, self._delay, self._refuse, self._maintenance, self._half_open]
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(self.random.uniform(0.2, 3.5))
                if trio.current_time() >= until_s:
                    nursery.cancel_scope.cancel()  # what lasts ends with the day, see `clear`
                    return
                site = self.random.choice(SITES)
                if self.random.random() < 0.65:
                    self.random.choice(makers)(site, self.world.sites[site].faults)
                else:
                    nursery.start_soon(self.random.choice(lasting), site, self.world.sites[site].faults)

    def clear(self) -> None:
        """Let the sun shine: what has not happened by now does not happen any more."""
        for name, site in self.world.sites.items():
            faults = site.faults
            faults.lose_requests = faults.lose_answers = faults.throttle = 0
            faults.drop_messages = faults.duplicate_messages = faults.reorder_messages = 0
            faults.rejections.clear()
            faults.delay_s = 0.0
            faults.half_open = faults.maintenance = False
            self.world.cuts.pop(name, None)
            self.world.network.refuse(name, PORT, False)

    def blind_s(self, account: AccountId, since_s: float, until_s: float) -> float:
        """Return for how many seconds between two moments the venue of `account` could not be seen."""
        return sum(
            max(min(each.until_s, until_s) - max(each.since_s, since_s), 0.0)
            for each in self.blind
            if each.site == site_of(account)
        )

    # Single faults

    def _drop_messages(self, _: str, faults: Faults) -> None:
        self.gaps += 1
        faults.drop_messages += self.random.randint(1, 4)

    def _duplicate(self, _: str, faults: Faults) -> None:
        faults.duplicate_messages += self.random.randint(1, 4)

    def _reorder(self, _: str, faults: Faults) -> None:
        self.gaps += 1
        faults.reorder_messages += self.random.randint(1, 3)

    def _cut(self, _: str, faults: Faults) -> None:
        self.gaps += 1
        faults.drop_streams()

    def _lose_answers(self, _: str, faults: Faults) -> None:
        faults.lose_answers += self.random.randint(1, 2)

    def _lose_requests(self, _: str, faults: Faults) -> None:
        faults.lose_requests += self.random.randint(1, 2)

    def _throttle(self, _: str, faults: Faults) -> None:
        faults.throttle += self.random.randint(1, 3)

    def _reject(self, _: str, faults: Faults) -> None:
        faults.reject(self.random.choice(("Market is closed", "Not enough money", "Off quotes")))

    def _expire_tokens(self, _: str, faults: Faults) -> None:
        faults.expire_tokens()

    # Faults that last

    async def _delay(self, site: str, faults: Faults) -> None:
        """Make a venue slow by fits and starts: what is asked later may be answered before what was asked earlier."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._waver, faults)
            await self._lasts(site)
            nursery.cancel_scope.cancel()
        faults.delay_s = 0.0

    async def _cut_slow_order(self, site: str, faults: Faults) -> None:
        """Cut the connection of the next order, which the venue executes a while later, when all else is fast again."""
        cut = self.world.cuts[site] = trio.Event()
        faults.delay_s = self.random.uniform(0.5, DELAY_S_MAX)
        with trio.move_on_after(5.0):
            await cut.wait()
            await trio.sleep(0.01)  # the venue has begun with it by then
        self.world.cuts.pop(site, None)
        faults.delay_s = 0.0

    async def _waver(self, faults: Faults) -> None:
        while True:
            faults.delay_s = self.random.choice((0.0, self.random.uniform(0.05, DELAY_S_MAX)))
            await trio.sleep(self.random.uniform(0.05, 1.0))

    async def _refuse(self, site: str, faults: Faults) -> None:
        self.world.network.refuse(site, PORT, True)
        faults.drop_streams()
        await self._lasts(site)
        self.world.network.refuse(site, PORT, False)

    async def _maintenance(self, site: str, faults: Faults) -> None:
        faults.maintenance = True
        await self._lasts(site)
        faults.maintenance = False

    async def _half_open(self, site: str, faults: Faults) -> None:
        faults.half_open = True
        await self._lasts(site)
        faults.half_open = False

    async def _lasts(self, site: str) -> None:
        self.gaps += 1
        since_s = trio.current_time()
        try:
            await trio.sleep(self.random.uniform(0.5, self.random.choice(OUTAGES_S_MAX)))
        finally:
            self.blind.append(Blindness(site, since_s, trio.current_time()))
