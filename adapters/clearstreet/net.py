"""Lives of net positions: when the position that a symbol has now was opened, alike from stream, books and restart.

The venue gives a position no id and no opening time. Its id here is its symbol; what tells two lives of it apart is
the side and the opening time: that of the execution which came from flat, or through zero. The venue shows executions
of the current day only, so a position that none of them opened was carried over: as long as this process runs it keeps
the time that was told before, and after a restart it has none (UNKNOWN, earlier than all). A time never moves forward
within one life, which the engine would read as another life.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from attrs import field
from msgspec import Struct

from adapters.clearstreet import translate
from adapters.clearstreet.protection import is_protective, stop_loss
from adapters.clearstreet.translate import Holding, Trade, VenueOrder
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.values import Price, Side, Symbol

UNKNOWN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Opening time of a position that no execution of the day accounts for."""


class Trail(Struct, frozen=True):
    """What the executions of a symbol come to so far: `running` is signed, `price` and `at` are of the last one.

    `opened_at` is the beginning of the present life; None where it lies before the first of them, or when flat.
    """

    running: Decimal
    price: Price
    at: datetime
    opened_at: datetime | None = None


def follow(trail: Trail | None, trade: Trade) -> Trail:
    """Return the trail after one more execution."""
    running = trade.running
    if trail is not None and running == -(trail.running + trade.quantity):
        running = -running  # a short position written without its minus
    before = running - trade.quantity
    opened_at = None
    if running != 0:
        opened_at = trade.at if before * running <= 0 else None if trail is None else trail.opened_at
    return Trail(running, trade.price, trade.at, opened_at)


def trails(trades: Iterable[Trade], ends: Mapping[Symbol, Decimal]) -> dict[Symbol, Trail]:
    """Return the trail of each symbol; the order of a list is not documented, so times and quantities tell it.

    Args:
        ends: the position of each symbol that is not flat, in shares, as far as the sign is known.
    """
    found: dict[Symbol, Trail] = {}
    for trade in in_order(trades, ends):
        found[trade.symbol] = follow(found.get(trade.symbol), trade)
    return found


def in_order(trades: Iterable[Trade], ends: Mapping[Symbol, Decimal]) -> list[Trade]:
    """Return executions as they happened. Arguments as of `trails`."""
    given = list(trades)
    forward, backward = (sorted(rows, key=lambda trade: trade.at) for rows in (given, given[::-1]))
    return forward if _breaks(forward, ends) <= _breaks(backward, ends) else backward


def _breaks(trades: list[Trade], ends: Mapping[Symbol, Decimal]) -> int:
    """Count the executions that do not begin where the one before of their symbol ended, and ends that differ."""
    running: dict[Symbol, Decimal] = {}
    breaks = 0
    for trade in trades:
        breaks += abs(running.get(trade.symbol, trade.running - trade.quantity) + trade.quantity) != abs(trade.running)
        running[trade.symbol] = trade.running
    return breaks + sum(abs(ends.get(symbol, Decimal(0))) != abs(end) for symbol, end in running.items())


class _Life(Struct, frozen=True, gc=False):  # nothing in it can point back at it: thousands need not be followed
    side: Side
    opened_at: datetime


class Lives:
    """The opening times of one account's positions, shared by its stream and its polls while the process runs."""

    def __init__(self) -> None:
        self._known: dict[Symbol, _Life] = {}

    def opened_at(self, held: Holding, trail: Trail | None) -> datetime:
        """Return when a position was opened, by its executions of the day as far as they are of its side."""
        told = trail.opened_at if trail is not None and trail.running * held.quantity > 0 else None
        side, known = held.side, self._known.get(held.symbol)
        if known is None or known.side is not side:
            began = told or UNKNOWN
            self._known[held.symbol] = _Life(side, began)
            return began
        if told is not None and told > known.opened_at:
            self._known[held.symbol] = _Life(side, told)
            return told
        return known.opened_at

    def is_later(self, symbol: Symbol, at: datetime, side: Side | None = None) -> bool:
        """Tell whether what is open was opened after `at`, and not on `side`: a look showed it before the stream."""
        known = self._known.get(symbol)
        return known is not None and known.side is not side and known.opened_at > at

    def close(self, symbol: Symbol) -> None:
        """Take note that `symbol` is flat."""
        self._known.pop(symbol, None)

    def close_others(self, open_now: Mapping[Symbol, Holding], before: datetime) -> None:
        """Take note that all other symbols are flat, as of books that were asked for at `before`."""
        for symbol in [symbol for symbol in self._known if symbol not in open_now]:
            if self._known[symbol].opened_at < before:
                del self._known[symbol]


@frozen
class Books:
    """The REST API's answer: open positions and the executions of the day, by symbol, asked for at `asked_at`.

    `orders` are those that work and the stop-losses of ours that are over, asked for after them.
    """

    asked_at: datetime
    holdings: Mapping[Symbol, Holding] = field(factory=dict)
    trails: Mapping[Symbol, Trail] = field(factory=dict)
    orders: tuple[VenueOrder, ...] = ()

    @property
    def agree(self) -> bool:
        """Tell whether the last execution of each symbol led to the position that it has: both are of one moment."""
        return all(trail.running == self.quantity(symbol) for symbol, trail in self.trails.items())

    def quantity(self, symbol: Symbol) -> Decimal:
        """Return the signed position of `symbol`."""
        held = self.holdings.get(symbol)
        return Decimal(0) if held is None else held.quantity

    def positions(self, lives: Lives) -> tuple[Position, ...]:
        """Return the open positions, with the opening times that `lives` keeps."""
        lives.close_others(self.holdings, self.asked_at)
        stops: dict[Symbol, list[VenueOrder]] = {}
        for order in filter(is_protective, self.orders):
            stops.setdefault(order.symbol, []).append(order)
        return tuple(
            translate.position(
                held,
                lives.opened_at(held, self.trails.get(symbol)),
                stop_loss(held.quantity, stops.get(symbol, ())),
            )
            for symbol, held in self.holdings.items()
        )
