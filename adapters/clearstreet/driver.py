"""A Clear Street account: its stream, its looks over REST, and its orders, which are sent once."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from adapters.base import Capabilities, Emit, SessionLost, Throttled, UtcNow
from adapters.clearstreet import history, pending
from adapters.clearstreet.capabilities import capabilities
from adapters.clearstreet.catalog import Catalog
from adapters.clearstreet.config import Config
from adapters.clearstreet.net import Lives
from adapters.clearstreet.order_watch import OrderWatch
from adapters.clearstreet.rest import Rest
from adapters.clearstreet.resting import Resting
from adapters.clearstreet.stop_orders import StopOrders
from adapters.clearstreet.stream import Stream
from adapters.clearstreet.trading import Trading
from adapters.history import oldest_first
from adapters.transport.network import Connect
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.events import Origin, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Quote
from rules.model.reports import Report
from rules.model.values import AccountId, ClOrdId, Symbol

CURRENCY = "USD"
"""The venue names no currency of an account; it clears United States securities."""


class ClearStreetAccount:
    """One account at Clear Street (`adapters.base.Account`)."""

    def __init__(self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow) -> None:
        self._account = account
        self._now = now
        self._zone = config.zone
        self._capabilities = capabilities()
        # One connection beyond the orders under way, so that a snapshot never waits behind a slow order.
        self._rest = Rest(config, connect, now, connections=self._capabilities.parallel_requests + 1)
        self._catalog = Catalog(self._rest, config, now)
        watch = OrderWatch(self._rest)
        self._resting = Resting(self._rest, watch)
        stops = StopOrders(self._rest, self._resting, watch)
        self._trading = Trading(self._rest, self._catalog, stops, watch, config, now)
        self._lives = Lives()
        self._stream = Stream(account, config, self._rest, self._lives, self._trading, connect=connect, now=now)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def stream(self, emit: Emit) -> None:
        """Run one session of the activity channel; see `adapters.base.Account.stream`."""
        await self._stream.run(emit)

    async def symbols(self) -> Iterable[Symbol]:
        return list(await self._catalog.instruments())

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        return await self._catalog.instrument(symbol)

    async def quote(self, symbol: Symbol) -> Quote | None:
        """Return None: the venue gives no quotes."""
        return None

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        """Ask for the positions, then for the orders. Of the figures the venue gives none that means what ours mean.

        Its buying power is several times what is free as margin, so that it would pass for a limit that it is not.
        """
        try:
            books = await self._rest.books()
        except Throttled as error:
            raise SessionLost(str(error)) from error
        positions = books.positions(self._lives)
        self._trading.note(books.orders)
        orders = pending.working_orders(books.orders, books.quantity)
        received = SnapshotReceived(
            self._account, self._now(), positions, Origin.RECONCILED, books.asked_at, orders=orders
        )
        return received, AccountStatus(balance=None, equity=None, currency=CURRENCY)

    async def submit(self, action: Action) -> Report:
        match action:
            case OpenPosition():
                return await self._trading.open(action)
            case ClosePosition() | ReducePosition():
                return await self._trading.close(action)
            case ReplaceStops():
                return await self._trading.protect(action)
            case PlaceOrder():
                return await self._trading.place(action)
            case ReplaceOrder():
                return await self._resting.replace(action)
            case CancelOrder():
                return await self._resting.cancel(action)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        """Look for an action's orders among those of the current trading day, which is all that the venue shows."""
        now = self._now()
        on_earlier_day = submitted_at.astimezone(self._zone).date() < now.astimezone(self._zone).date()
        settled = now - submitted_at >= timedelta(seconds=self._capabilities.settle_s)
        return await self._trading.find(cl_ord_id, on_earlier_day=on_earlier_day, settled=settled)

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        """Return the executions since then of the current trading day, which is all that the venue shows."""
        try:
            positions, trades = await self._rest.day()
            orders = await self._rest.orders() if trades else []
        except Throttled as error:
            raise SessionLost(str(error)) from error
        return oldest_first(history.fills(trades, positions, orders), since)

    async def aclose(self) -> None:
        await self._rest.aclose()
