"""What the books of a simulated account record: orders, closed positions, and the changes that listeners hear of."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.values import PositionId, Price, Side, Symbol, VenueOrderId, Volume


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
    CANCELED = "canceled"
    EXPIRED = "expired"


@frozen
class BookOrder:
    """An order that reached the books and ended there. Nothing is ever removed.

    `side` is the order's own (a close of a long position sells). `volume` is in lots: what was filled, or asked for
    when it was not. `position_id` is of the position that it opened or changed; None when an opening was not filled.
    `realized_pnl` is what it booked, in the account's currency. `at` is when it ended; `pending` is the pending order
    that it was, as it last worked, None for a market order.
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
    pending: WorkingOrder | None = None


@frozen
class ClosedPosition:
    """A position that is gone: `position` as it was before its last order, which closed all of `position.volume`.

    `realized_pnl` is of its whole life, partial closes included, `last_pnl` of that order, in the account's currency.
    """

    position: Position
    close_price: Price
    closed_at: datetime
    order_id: VenueOrderId
    purpose: Purpose
    realized_pnl: Decimal
    last_pnl: Decimal


@frozen
class Deposit:
    """Money that came to the balance, or left it (`amount` < 0), without a trade. Ids are unique in a book."""

    deposit_id: str
    at: datetime
    amount: Decimal


@frozen
class PositionChanged:
    """A position was opened, or its volume, price or stops changed. A new quote alone is no change."""

    position: Position


@frozen
class PositionGone:
    """A position was closed."""

    closed: ClosedPosition


@frozen
class OrderChanged:
    """A pending order was placed, replaced, or (a stop-limit) set off."""

    order: WorkingOrder


@frozen
class OrderGone:
    """A pending order works no more; follows the position changes that it caused.

    `position_id` is of the position that it opened or changed, None where it was not filled.
    """

    order: WorkingOrder
    status: Result
    position_id: PositionId | None = None


@frozen
class StatusChanged:
    """Balance, equity or margin may have changed.

    Follows every trade, every change of a pending order, and every quote of a symbol that is held.
    """


Change: TypeAlias = PositionChanged | PositionGone | OrderChanged | OrderGone | StatusChanged
