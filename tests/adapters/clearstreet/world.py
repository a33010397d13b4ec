"""A simulated venue over memory, our account at it, and what the account's stream told."""

from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import trio
from attrs import evolve

from adapters.base import SessionLost, SignInRefused
from adapters.clearstreet.driver import ClearStreetAccount
from rules.model.actions import ClosePosition, OpenPosition
from rules.model.events import PositionClosed, PositionReported, SnapshotReceived
from rules.model.values import ClOrdId, PositionId, Side
from tests.adapters.clearstreet.frames import ALIAS
from tests.adapters.clearstreet.simulated import AAPL, ACCOUNT_ID, HOST, PORT, Venue, served

PATIENCE_S = 300
LONG_AGO = timedelta(days=3)


def tag(number=1):
    return ClOrdId("cp" + f"{number:020}".translate(str.maketrans("0189", "abcd")))


def opening(side=Side.BUY, volume="100", number=1, symbol=AAPL, **fields):
    return OpenPosition(tag(number), ALIAS, symbol, side, Decimal(volume), **fields)


def closing(side=Side.BUY, volume="100", number=2, symbol=AAPL, **fields):
    return ClosePosition(tag(number), ALIAS, PositionId(symbol), symbol, side, Decimal(volume), **fields)


class Events:
    """What a stream told, and what its reader believes."""

    def __init__(self):
        self.all = []
        self.positions = {}
        self.lost = None
        self._changed = trio.Event()

    async def emit(self, event):
        self.all.append(event)
        match event:
            case SnapshotReceived():
                self.positions = {each.position_id: each for each in event.positions}
            case PositionReported():
                self.positions[event.position.position_id] = event.position
            case PositionClosed():
                self.positions.pop(event.position_id, None)
        self._tell()
        await trio.lowlevel.checkpoint()

    def of(self, kind):
        return [event for event in self.all if isinstance(event, kind)]

    def _tell(self):
        self._changed.set()
        self._changed = trio.Event()

    async def until(self, condition):
        with trio.fail_after(PATIENCE_S):
            while not condition():
                await self._changed.wait()

    async def synchronized(self, count=1):
        await self.until(lambda: len(self.of(SnapshotReceived)) >= count)

    async def run(self, account):
        try:
            await account.stream(self.emit)
        except (SessionLost, SignInRefused) as error:
            self.lost = error
            self._tell()

    async def until_lost(self):
        await self.until(lambda: self.lost is not None)
        return self.lost


class World:
    def __init__(self, venue, network, config):
        self.venue, self.network, self.config = venue, network, config
        self.faults, self.book = venue.faults, venue.book

    def account(self, **changes):
        """Return another adapter of the same account, as another process would make it."""
        config = evolve(self.config, **changes)
        return ClearStreetAccount(ALIAS, config, connect=self.network.connect, now=self.venue.now)

    @property
    def net(self):
        """The signed positions of the books."""
        return {each.symbol: each.volume * each.side.sign for each in self.book.positions.values()}

    @property
    def sent(self):
        """The orders that the venue received today: side, quantity, reference."""
        orders = self.venue.desk.activity.day.orders.values()
        return [(each.side, str(each.quantity), each.reference_id) for each in orders]


@asynccontextmanager
async def world(**settings):
    """Serve a venue and yield it with our account at it."""
    venue = Venue(**settings)
    async with served(venue) as network:
        made = World(venue, network, venue.simulator.config(ACCOUNT_ID, f"http://{HOST}:{PORT}"))
        account = made.account()
        yield made, account
        await account.aclose()


@asynccontextmanager
async def streaming(account):
    """Run a stream beside the block, once it is synchronized."""
    events = Events()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(events.run, account)
        await events.synchronized()
        yield events
        nursery.cancel_scope.cancel()
