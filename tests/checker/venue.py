"""A target in a few lines: books, and what becomes of each order; some answers are late, lost, or a refusal."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from attrs import evolve

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
from rules.model.observed import Position, WorkingOrder
from rules.model.reports import Accepted, Filled, NotFound, NotSent, OutcomeUnknown, Rejected, Report, StopsReplaced
from rules.model.values import AccountId, ClOrdId, PositionId, Price, Side, Symbol
from tests.checker.resting import Resting


class Venue:
    """One target account."""

    def __init__(self, name: AccountId, *, nets: bool, random: Random) -> None:
        self.name = name
        self.nets = nets
        self._random = random
        self._positions: dict[PositionId, Position] = {}
        self._net: dict[Symbol, Decimal] = {}
        self._entries: dict[Symbol, tuple[Price, datetime]] = {}
        """At what price and since when there is anything of a symbol on its side, where positions net."""
        self._now = _LONG_AGO
        self._stops: dict[tuple[Symbol, bool], tuple[Price | None, Price | None]] = {}
        """Of netted positions, long or not."""
        self._done: dict[ClOrdId, Report] = {}
        self.resting = Resting(random)
        self._moved: PositionId | None = None
        """The position whose stops a person moved last."""

    def books(self, now: datetime, price_of: Callable[[str], Price]) -> tuple[Position, ...]:
        """Return the open positions, at the prices of now."""
        if not self.nets:
            held = self._positions.values()
            return tuple(evolve(each, current_price=price_of(each.symbol)) for each in held)
        return tuple(
            Position(
                PositionId(f"n-{symbol}"),
                symbol,
                Side.BUY if net > 0 else Side.SELL,
                abs(net),
                self._entries[symbol][0],
                self._entries[symbol][1],
                *self._stops.get((symbol, net > 0), (None, None)),
                current_price=price_of(symbol),
            )
            for symbol, net in self._net.items()
            if net
        )

    def answers(self, action: Action, price: Price, now: datetime) -> list[tuple[timedelta, Report]]:
        """Do what an order says, or not; return what is reported of it, and when."""
        self._now = now
        late, luck = timedelta(milliseconds=self._random.randrange(20, 900)), self._random.random()
        if luck < 0.05:
            return [(late, self._keep(Rejected(action.cl_ord_id, "the venue is not in the mood")))]
        if luck < 0.09:
            return [(late, NotSent(action.cl_ord_id, "rate limit"))]
        if luck < 0.12:
            unknown: Report = OutcomeUnknown(action.cl_ord_id, "no answer")
            found = self.execute(action, price) if luck < 0.105 else NotFound(action.cl_ord_id)
            return [(late, unknown), (late + timedelta(seconds=8), found)]
        report = self.execute(action, price)
        if luck < 0.15:
            return [(late, Accepted(action.cl_ord_id)), (2 * late, report)]
        return [(late, report)]

    def find(self, action: Action) -> Report:
        """Return what became of an order of an earlier run, or of a pending one."""
        if isinstance(action, PlaceOrder):
            return self.resting.find(action)
        return self._done.get(action.cl_ord_id, NotFound(action.cl_ord_id))

    def execute(self, action: Action, price: Price) -> Report:
        if isinstance(action, PlaceOrder | ReplaceOrder | CancelOrder):
            return self._keep(self.resting.execute(action))
        return self._keep(self._net_of(action, price) if self.nets else self._hedged(action, price))

    def fills(self, order: WorkingOrder, now: datetime) -> PositionId:
        """Let a pending order be filled; return the position that it opened."""
        position = self.resting.fill(order, now)
        self._positions[position.position_id] = position
        return position.position_id

    def takes_away(self, now: datetime) -> None:
        """Let a stop, or a person, close a position or a part of it."""
        if self._positions:
            position_id = self._random.choice(list(self._positions))
            position = self._positions[position_id]
            if self._random.random() < 0.5 and position.volume > 1:
                self._positions[position_id] = evolve(position, volume=position.volume - 1)
            else:
                del self._positions[position_id]

    def moves_stops(self) -> None:
        """Let a person move a position's stops, or take them off; the same one's again and again while it is there."""
        stopped = [each for each in self._positions.values() if each.stop_loss or each.take_profit]
        if stopped:
            position = next((each for each in stopped if each.position_id == self._moved), stopped[0])
            loss, by = position.stop_loss, Decimal(self._random.choice(("0.995", "1.004")))
            moved = None if loss is None or self._random.random() < 0.4 else (loss * by).quantize(loss)
            self._positions[position.position_id] = evolve(position, stop_loss=moved, take_profit=None)
            self._moved = position.position_id

    def _keep(self, report: Report) -> Report:
        self._done[report.cl_ord_id] = report
        return report

    def _filled(self, volume: Decimal) -> Decimal:
        """Return how much of an opening is executed: seldom only a part."""
        part = (volume / 2).quantize(Decimal("0.01"))
        return part if part > 0 and self._random.random() < 0.06 else volume

    def _hedged(self, action: Action, price: Price) -> Report:
        name = action.cl_ord_id
        if isinstance(action, OpenPosition):
            position_id, volume = PositionId(f"t-{name}"), self._filled(action.volume)
            stops = (action.stop_loss, action.take_profit)
            opened = Position(position_id, action.symbol, action.side, volume, price, self._now, *stops, tag=name)
            self._positions[position_id] = opened
            return Filled(name, position_id, volume, None if self._random.random() < 0.1 else price)
        assert isinstance(action, ClosePosition | ReducePosition | ReplaceStops)
        held = self._positions.get(action.position_id)
        if held is None:
            return Rejected(name, "no such position")
        if isinstance(action, ReplaceStops):
            stopped = evolve(held, stop_loss=action.stop_loss, take_profit=action.take_profit)
            self._positions[action.position_id] = stopped
            return StopsReplaced(name)
        volume = held.volume if isinstance(action, ClosePosition) else min(action.volume, held.volume)
        if volume == held.volume:
            del self._positions[action.position_id]
        else:
            self._positions[action.position_id] = evolve(held, volume=held.volume - volume)
        return Filled(name, action.position_id, volume, None if self._random.random() < 0.1 else price)

    def _net_of(self, action: Action, price: Price) -> Report:
        assert isinstance(action, OpenPosition | ClosePosition | ReducePosition | ReplaceStops)
        name, position_id = action.cl_ord_id, PositionId(f"n-{action.symbol}")
        if isinstance(action, ReplaceStops):
            self._stops[action.symbol, self._net.get(action.symbol, Decimal(0)) > 0] = (
                action.stop_loss,
                action.take_profit,
            )
            return StopsReplaced(name)
        opens = isinstance(action, OpenPosition)
        volume = self._filled(action.volume) if opens else action.volume
        signed = volume * action.side.sign * (1 if opens else -1)
        before = self._net.get(action.symbol, Decimal(0))
        self._net[action.symbol] = before + signed
        if before * self._net[action.symbol] <= 0:  # another position, without stops
            self._stops.pop((action.symbol, signed > 0), None)
            self._entries[action.symbol] = (price, self._now)
        return Filled(name, position_id, volume, price)


_LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
