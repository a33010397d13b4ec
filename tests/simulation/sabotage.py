"""Accounts that break the laws on purpose, put under the real service: the auditor must catch each of them."""

from collections.abc import Iterable
from datetime import datetime

import trio
from attrs import evolve

from adapters.base import Account, Capabilities, Emit
from rules.model.actions import Action, CancelOrder, ClosePosition, OpenPosition, ReplaceStops
from rules.model.events import Event, OrderReported, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Quote
from rules.model.reports import Filled, Report, StopsReplaced
from rules.model.values import AccountId, ClOrdId, Symbol
from tests.simulation.run import Sabotage


class Honest:
    """An account that does what the one under it does; each saboteur changes one thing."""

    def __init__(self, inner: Account) -> None:
        self.inner = inner

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    async def stream(self, emit: Emit) -> None:
        await self.inner.stream(emit)

    async def symbols(self) -> Iterable[Symbol]:
        return await self.inner.symbols()

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        return await self.inner.instrument(symbol)

    async def quote(self, symbol: Symbol) -> Quote | None:
        return await self.inner.quote(symbol)

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        return await self.inner.snapshot()

    async def submit(self, action: Action) -> Report:
        return await self.inner.submit(action)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        return await self.inner.find(cl_ord_id, submitted_at)

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        return await self.inner.history(since)

    async def aclose(self) -> None:
        await self.inner.aclose()


class SendsTwice(Honest):
    """Sends each opening again, as a library does that retries."""

    async def submit(self, action: Action) -> Report:
        if isinstance(action, OpenPosition):
            await self.inner.submit(action)
        return await self.inner.submit(action)


class IgnoresCloses(Honest):
    """Says of each close that it was done."""

    async def submit(self, action: Action) -> Report:
        if isinstance(action, ClosePosition):
            return Filled(action.cl_ord_id, action.position_id, action.volume)
        return await self.inner.submit(action)


class IgnoresStops(Honest):
    """Says of each change of stops that it was done."""

    async def submit(self, action: Action) -> Report:
        if isinstance(action, ReplaceStops):
            return StopsReplaced(action.cl_ord_id)
        return await self.inner.submit(action)


class OpensLess(Honest):
    """Opens a step less than is asked, where that is something."""

    async def submit(self, action: Action) -> Report:
        instrument = await self.inner.instrument(action.symbol)
        if isinstance(action, OpenPosition) and instrument is not None and action.volume > instrument.volume_min:
            action = evolve(action, volume=action.volume - instrument.volume_step)
        return await self.inner.submit(action)


class Reopens(Honest):
    """Opens again what is closed on the target, whoever closed it."""

    def __init__(self, inner: Account) -> None:
        super().__init__(inner)
        self.opened: dict[ClOrdId, OpenPosition] = {}

    async def submit(self, action: Action) -> Report:
        if isinstance(action, OpenPosition):
            self.opened[action.cl_ord_id] = action
        return await self.inner.submit(action)

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        snapshot, status = await self.inner.snapshot()
        tags = {position.tag for position in snapshot.positions}
        for tag in [tag for tag in self.opened if tag not in tags]:
            await self.inner.submit(self.opened.pop(tag))
        return snapshot, status


class OpensLate(Honest):
    """Sends each opening some seconds after it was told to."""

    async def submit(self, action: Action) -> Report:
        if isinstance(action, OpenPosition):
            await trio.sleep(6.0)
        return await self.inner.submit(action)


class ClosesForeign(Honest):
    """Closes whatever it finds that has no tag."""

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        snapshot, status = await self.inner.snapshot()
        for number, position in enumerate(snapshot.positions):
            if position.tag is None:
                order_id = ClOrdId(f"foreign-{number}")
                name = snapshot.account
                closing = ClosePosition(
                    order_id, name, position.position_id, position.symbol, position.side, position.volume
                )
                await self.inner.submit(closing)
        return snapshot, status


class CancelsForeign(Honest):
    """Cancels whatever pending order it finds that has no tag."""

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        snapshot, status = await self.inner.snapshot()
        for number, order in enumerate(snapshot.orders or ()):
            if order.tag is None:
                cancel = CancelOrder(ClOrdId(f"foreign-{number}"), snapshot.account, order.order_id, order.symbol)
                await self.inner.submit(cancel)
        return snapshot, status


class HidesOrders(Honest):
    """Shows no pending orders, nowhere."""

    async def stream(self, emit: Emit) -> None:
        async def pass_on(event: Event) -> None:
            if isinstance(event, SnapshotReceived):
                event = evolve(event, orders=())
            if not isinstance(event, OrderReported):
                await emit(event)

        await self.inner.stream(pass_on)

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        snapshot, status = await self.inner.snapshot()
        return evolve(snapshot, orders=()), status


class SeesNothing(Honest):
    """Takes an account for empty, as after a bad reconnect."""

    async def stream(self, emit: Emit) -> None:
        async def pass_on(event: Event) -> None:
            if isinstance(event, SnapshotReceived):
                await emit(evolve(event, positions=()))

        await self.inner.stream(pass_on)

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        snapshot, status = await self.inner.snapshot()
        return evolve(snapshot, positions=()), status


class ForgetsNow(Honest):
    """Shows every other list of open positions empty."""

    def __init__(self, inner: Account) -> None:
        super().__init__(inner)
        self.asked = 0

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        snapshot, status = await self.inner.snapshot()
        self.asked += 1
        return (snapshot if self.asked % 2 else evolve(snapshot, positions=())), status


def on(kind: type[Honest], *names: AccountId) -> Sabotage:
    """Return what puts that saboteur under the service, on the accounts named."""

    def put(accounts: dict[AccountId, Account]) -> dict[AccountId, Account]:
        return {name: kind(account) if name in names else account for name, account in accounts.items()}

    return put
