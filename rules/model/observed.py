"""What venues show us: positions, pending orders, executions, figures, quotes. Frozen, exact, in our words."""

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.model.values import OrderType, PositionId, Price, Side, Symbol, VenueOrderId, Volume


@frozen
class Position:
    """An open position as the venue holds it at one moment.

    `volume` is in lots, > 0. `tag` is the order tag that the venue shows with the position (our `cl_ord_id` where we
    opened it), `magic` the opening program's number as text. None means that the venue does not give it.
    """

    position_id: PositionId
    symbol: Symbol
    side: Side
    volume: Volume
    open_price: Price
    opened_at: datetime
    stop_loss: Price | None = None
    take_profit: Price | None = None
    contract_size: Decimal | None = None
    current_price: Price | None = None
    magic: str | None = None
    comment: str | None = None
    tag: str | None = None


@frozen
class WorkingOrder:
    """A pending order as the venue holds it at one moment: it waits for its price.

    What protects a position is that position's stops, and no order here.

    `volume` is in lots still to fill, > 0. `price` is the limit of a LIMIT, and what sets off a STOP or a STOP_LIMIT;
    `limit_price` is what a STOP_LIMIT then asks for. The stops are those that its position will have. `tag` is our
    `cl_ord_id` where we placed it. None means that there is none, or that the venue does not give it.
    """

    order_id: VenueOrderId
    symbol: Symbol
    side: Side
    order_type: OrderType
    volume: Volume
    price: Price
    limit_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    placed_at: datetime | None = None
    expires_at: datetime | None = None
    magic: str | None = None
    comment: str | None = None
    tag: str | None = None


@frozen
class Fill:
    """One execution that changed a position.

    `exec_id` is unique in its account and the same whenever it is asked for. `side` is the execution's own (what
    closes a long position sells), `volume` in lots, > 0. `opens` is True where it opened or added, False where it
    closed or reduced. Money is in the account's currency, as the venue signs it. `tag` is the order tag that the venue
    shows (our `cl_ord_id` where the order was ours). None means that the venue does not give it; `opens` is None too
    where one execution did both.
    """

    exec_id: str
    at: datetime
    symbol: Symbol
    side: Side
    volume: Volume
    price: Price
    position_id: PositionId | None = None
    venue_order_id: VenueOrderId | None = None
    opens: bool | None = None
    realized_pnl: Decimal | None = None
    commission: Decimal | None = None
    swap: Decimal | None = None
    tag: str | None = None


@frozen
class CashFlow:
    """Money that came to an account, or left it (`amount` < 0), otherwise than by an execution; in its currency.

    `kind` says what for: "deposit", "withdrawal", "credit", "commission", ..., or the venue's own word, bounded.
    """

    exec_id: str
    at: datetime
    amount: Decimal
    kind: str
    comment: str | None = None


Booked: TypeAlias = Fill | CashFlow
"""One entry of an account's past."""


@frozen
class AccountStatus:
    """An account's figures at one moment, in its own currency. None means that the venue does not give it."""

    balance: Decimal | None
    equity: Decimal | None
    currency: str | None
    margin_used: Decimal | None = None
    margin_free: Decimal | None = None


@frozen
class Quote:
    """Bid and ask of a symbol, both > 0, at a time."""

    symbol: Symbol
    bid: Price
    ask: Price
    at: datetime

    def mid(self) -> Price:
        return (self.bid + self.ask) / 2

    def entry(self, side: Side) -> Price:
        """Return the price at which a market order on `side` would open."""
        return self.ask if side is Side.BUY else self.bid
