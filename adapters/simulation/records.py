"""What the books of a simulated account record: orders, closed positions, and the changes that listeners hear of."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from rules.observed import Position
from rules.values import PositionId, Price, Side, Symbol, VenueOrderId, Volume


class OrderRefused(Exception):
    """The simulated venue said no; the text is what it would say on the wire."""


class Purpose(Enum):
    """What an order was for, as the books saw it."""

    OPEN = "open"
    """Opened a position, added to one, or (netting) turned one around."""
    REDUCE = "reduce"
    """Closed a part."""
    CLOSE = "close"
    """Closed the whole."""
    STOP_OUT = "stop-out"
    """The venue itself closed the whole: a stop-loss or a take-profit was reached (`text` says which)."""


class Result(Enum):
    """What became of an order."""

    FILLED = "filled"
    REJECTED = "rejected"


@frozen
class BookOrder:
    """An order that reached the books, filled or rejected. Nothing is ever removed.

    `side` is the order's own (a close of a long position sells). `volume` is in lots: what was filled, or asked for
    when rejected. `position_id` is of the position that it opened or changed; None when an opening was rejected.
    `realized_pnl` is what it booked, in the account's currency.
    """

    order_id: VenueOrderId
    tag: str | None
    purpose: Purpose
    position_id: PositionId | None
    symbol: Symbol
    side: Side
    volume: Volume
    price: Price | None
    status: Result
    text: str
    at: datetime
    magic: str | None = None
    comment: str | None = None
    realized_pnl: Decimal = Decimal(0)


@frozen
class ClosedPosition:
    """A position that is gone: `position` as it was before its last order, which closed all of `position.volume`.

    `realized_pnl` is of its whole life, partial closes included, in the account's currency.
    """

    position: Position
    close_price: Price
    closed_at: datetime
    order_id: VenueOrderId
    purpose: Purpose
    realized_pnl: Decimal


@frozen
class PositionChanged:
    """A position was opened, or its volume, price or stops changed. A new quote alone is no change."""

    position: Position


@frozen
class PositionGone:
    """A position was closed."""

    closed: ClosedPosition


@frozen
class StatusChanged:
    """Balance, equity or margin may have changed; follows every trade, and every quote of a held symbol."""


Change: TypeAlias = PositionChanged | PositionGone | StatusChanged
