"""What venues show us: positions, account figures, quotes. Frozen, exact, in our words."""

from datetime import datetime
from decimal import Decimal

from attrs import frozen

from rules.values import PositionId, Price, Side, Symbol, Volume


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
