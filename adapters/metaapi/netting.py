"""Our part of the one position that a netting account keeps of a symbol: how much of it a close may still take."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import trio
from attrs import define, evolve, field

from adapters.base import RemoteProtocolError, SessionLost, UtcNow
from adapters.metaapi import orders, translate, wire
from adapters.metaapi.looks import Looks
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.values import instant, positive
from rules.model.actions import ClosePosition, ReducePosition, closable
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.reports import Filled, NotSent, Rejected
from rules.model.values import PositionId, Symbol, VenueOrderId, Volume

_DOUBTS_MAX: Final = 1000
"""Positions of which the deals do not tell yet; each is told of or given up within minutes, as late as books are."""

_TURN_S_MAX: Final = 3.0
"""An opening that has waited so long for a close is sent; its own answer must come within ten seconds."""


@frozen
class Part:
    """What a close takes: off the position of that id, or (None) by an opposite order."""

    volume: Volume
    position_id: PositionId | None


@define(eq=False)
class Netting:
    """Looks at a symbol's position before a part of it is closed."""

    looks: Looks
    tickets: Tickets
    now: UtcNow
    books_late: timedelta
    _doubted_since: dict[PositionId, datetime] = field(factory=dict, init=False)
    _closing: Counter[Symbol] = field(factory=Counter, init=False)
    """How many closes are under way."""
    _closed: trio.Event = field(factory=trio.Event, init=False)

    @contextmanager
    def closing(self, symbol: Symbol) -> Iterator[None]:
        """Let openings of the symbol wait: one that overtakes a close, which looks first, would cut it short."""
        self._closing[symbol] += 1
        try:
            yield
        finally:
            self._closing[symbol] -= 1
            if not self._closing[symbol]:
                del self._closing[symbol]
                self._closed.set()
                self._closed = trio.Event()

    async def wait_for_closes(self, symbol: Symbol) -> None:
        """Wait a moment for the closes of the symbol that were begun before, or in the same turn of the scheduler."""
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(_TURN_S_MAX):
            while symbol in self._closing:
                await self._closed.wait()

    async def part(self, action: ClosePosition | ReducePosition) -> Part | Filled | NotSent | Rejected:
        """Return what to close, or the report where nothing is: a hand or a stop may have taken it.

        What copies offset there does not show in the position, and a stop ends their lots with it. So where that is
        not the position that the lots were in, the deals since then are asked whether others left nothing of it.
        """
        try:
            rows = [row for row in await self.looks.positions() if row.symbol == action.symbol]
            held = translate.position(rows[0], self.tickets) if rows else None
            net = Decimal(0) if held is None else held.volume * held.side.sign * action.side.sign
            volume = closable(action, net)
            if net <= 0 and not action.locked:
                return _not_open(action)
            if held is None or held.position_id != action.position_id:
                past = await self._past(action, held)
                if past is not None and past.told and past.flat_by is not None:
                    return _closed_by(action, past.flat_by)
                if volume > net and self._is_in_doubt(action.position_id, past):
                    what = f"position {action.position_id[:40]}"
                    return NotSent(action.cl_ord_id, f"the deals do not show yet what became of {what}")
            if not volume:
                return _not_open(action)
        except SessionLost as lost:
            return NotSent(action.cl_ord_id, f"the position could not be looked at: {lost}")
        return Part(volume, held.position_id if held is not None and volume <= net else None)

    async def settled(self, action: ClosePosition | ReducePosition, filled: Filled) -> Filled:
        """Return what an opposite order of ours really did: it opens where others were faster than it was.

        Raises:
            SessionLost: the deals cannot be asked just now.
        """
        if filled.venue_order_id is None:
            return filled
        try:
            deals = await self._deals_since(action.position_id)
            overtaken = orders.was_overtaken(deals, action.position_id, action.symbol, filled.venue_order_id)
        except RemoteProtocolError:
            return filled
        return evolve(filled, volume=_all_lots(action), opened=filled.volume) if overtaken else filled

    async def _deals_since(self, position_id: PositionId) -> list[wire.Deal]:
        """Return all deals since a position began; nothing where it has none."""
        times = [deal.time for deal in await self.looks.deals_of_position(position_id)]
        known = [instant(at, "time of a deal") for at in times if at is not None]
        return await self.looks.deals(min(known)) if known else []

    async def _past(self, action: ClosePosition | ReducePosition, held: Position | None) -> orders.NettedPast | None:
        """Return what the deals say; None where they cannot be read."""
        net = Decimal(0) if held is None else held.volume * held.side.sign
        try:
            deals = await self._deals_since(action.position_id)
            return orders.netted_past(deals, action.position_id, action.symbol, net)
        except RemoteProtocolError:
            return None

    def _is_in_doubt(self, position_id: PositionId, past: orders.NettedPast | None) -> bool:
        """Tell whether deals may still come to be shown: a close is not put off for ever where none ever are."""
        if past is not None and past.told:
            self._doubted_since.pop(position_id, None)
            return False
        since = self._doubted_since.setdefault(position_id, self.now())
        if self.now() - since >= self.books_late:
            del self._doubted_since[position_id]
            return False
        if len(self._doubted_since) > _DOUBTS_MAX:
            del self._doubted_since[next(iter(self._doubted_since))]
        return True


def _not_open(action: ClosePosition | ReducePosition) -> Rejected:
    return Rejected(action.cl_ord_id, f"position {action.position_id[:40]} is not open")


def _closed_by(action: ClosePosition | ReducePosition, deal: wire.Deal) -> Filled:
    """Return that the lots are closed, all of them, by somebody else's deal; also what was not to be closed yet."""
    return Filled(
        action.cl_ord_id,
        action.position_id,
        _all_lots(action),
        positive(deal.price, "price of a deal"),
        venue_order_id=None if deal.order_id is None else VenueOrderId(str(deal.order_id)),
    )


def _all_lots(action: ClosePosition | ReducePosition) -> Volume:
    """Return what a copy held before the action: a reduction says what it was to leave."""
    return action.volume + (action.remaining if isinstance(action, ReducePosition) else Decimal(0))
