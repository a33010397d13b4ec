"""Clear Street's words into ours: pure functions, each refusing what it cannot read exactly.

A number, side or time that cannot be read is never guessed: the whole message is refused with `RemoteProtocolError`,
because a snapshot without one of its positions would look like a close.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

from adapters.base import RemoteProtocolError
from adapters.clearstreet import wire, wire_rest
from adapters.clearstreet.values import NAME_LENGTH_MAX, instant, name, sign_of
from adapters.numbers import number, positive
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.values import OrderType, PositionId, Price, Side, Symbol, VenueOrderId, Volume

# Whole shares, in cents: the schema says nothing of fractions, and equities above a dollar trade in cents (Rule 612).
_SHARE: Final = Decimal(1)
CENT: Final = Decimal("0.01")

VOLUME_MAX: Final = Decimal(1_000_000)
"""Shares in one order. The venue publishes no limit; more than this is no copy but a mistake."""

_SHARES: Final = frozenset({"equity", "fund"})
"""Asset classes that are traded in shares by the orders that we send."""

_OVER: Final = frozenset({"rejected", "closed"})
"""States of an order that are final."""

_SIDES: Final = (Side.BUY, Side.SELL)
"""Of a position, by whether its quantity has a minus."""

_ORDER_TYPES: Final = {"limit": OrderType.LIMIT, "stop": OrderType.STOP, "stop-limit": OrderType.STOP_LIMIT}


class Trade(Struct, frozen=True):
    """An execution: `quantity` is signed by its side, `running` the signed position that it led to.

    The venue says of the latter "the position at the time of this trade"; it is read as the position after it.
    """

    trade_id: str
    order_id: str
    symbol: Symbol
    quantity: Decimal
    price: Price
    running: Decimal
    at: datetime


class Holding(Struct, frozen=True):
    """The net position of a symbol: `quantity` in shares, below zero for a short one, never zero."""

    symbol: Symbol
    quantity: Decimal
    average_cost: Price

    @property
    def side(self) -> Side:
        return _SIDES[self.quantity.is_signed()]


def trade(message: wire.Trade, symbol: str | None) -> Trade:
    """Return an execution; what it led to after a short sale is short, also where the venue writes no minus.

    Args:
        symbol: its own, or its order's: the schema lets the venue leave it out.
    """
    trade_id = name(message.trade_id, "a trade_id")
    what = f"of trade {trade_id[:40]}"
    running = number(message.running_position, f"running_position {what}")
    return Trade(
        trade_id=trade_id,
        order_id=message.order_id,
        symbol=Symbol(name(symbol, f"a symbol {what}")),
        quantity=sign_of(message.side, f"side {what}") * positive(message.quantity, f"quantity {what}"),
        price=positive(message.price, f"price {what}"),
        running=-abs(running) if message.side == "sell-short" else running,
        at=instant(message.created_at, f"created_at {what}"),
    )


def quantity(message: wire.Position) -> Decimal:
    """Return the quantity of a position as it is written; zero when it is flat."""
    try:
        return number(message.quantity, "quantity")
    except RemoteProtocolError as error:
        raise _of_position(message, error) from None


def holding(message: wire.Position) -> Holding | None:
    """Return a position as it is written; None when it is flat."""
    symbol = name(message.symbol, "a symbol of a position")
    try:
        quantity = number(message.quantity, "quantity")
        return Holding(symbol, quantity, positive(message.average_cost, "average_cost")) if quantity else None
    except RemoteProtocolError as error:
        raise _of_position(message, error) from None


def meant(held: Holding, running: Decimal) -> Holding:
    """Return a position as it is meant.

    Args:
        running: the signed position after the symbol's last known execution. How the venue writes a short quantity is
            not documented: a positive one of just that size is taken for short where the executions say so.
    """
    is_short = running < 0 and held.quantity == -running
    return Holding(held.symbol, -held.quantity, held.average_cost) if is_short else held


def _of_position(message: wire.Position, error: RemoteProtocolError) -> RemoteProtocolError:
    return RemoteProtocolError(f"position {message.symbol[:40]}: {error}")


@frozen
class VenueOrder:
    """An order as the venue shows it. `filled` and `quantity` are in shares; `average_price` is None before a fill."""

    order_id: VenueOrderId
    reference: str | None
    symbol: Symbol
    sign: int
    quantity: Decimal
    filled: Decimal
    average_price: Price | None
    is_over: bool
    """It will not change any more."""
    said: str
    """Status and text, for a person."""
    status: str | None = None
    reason: str | None = None
    """What the venue's last word on it was about: `place`, `modify`, `cancel`, `cancel-reject`, ..."""
    version: int = 0
    """Grows with each of the venue's words; zero where it has none."""
    order_type: OrderType | None = None
    """None: a market order, or of a kind that we do not know."""
    price: Price | None = None
    """The limit; like the stop price it is read while the order works, and where it belongs to its type."""
    stop_price: Price | None = None
    created_at: datetime | None = None

    @property
    def leaves(self) -> Decimal:
        """Shares that it may still execute."""
        return Decimal(0) if self.is_over else max(self.quantity - self.filled, Decimal(0))


def order(message: wire.Order) -> VenueOrder:
    """Return an order. `state` tells whether it is over; what is not known to be is working."""
    order_id = name(message.order_id, "an order_id")
    what = f"of order {order_id[:40]}"
    filled = number(message.filled_quantity, f"filled_quantity {what}")
    if filled < 0:
        raise RemoteProtocolError(f"filled_quantity {what} must be >= 0, was {filled}")
    average = None if message.average_price is None else number(message.average_price, f"average_price {what}")
    text = f": {message.text}" if message.text else ""
    over = is_over(message)
    order_type = _ORDER_TYPES.get(message.order_type) if isinstance(message.order_type, str) else None
    has_price = not over and order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    has_stop_price = not over and order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    return VenueOrder(
        order_id=VenueOrderId(order_id),
        reference=message.reference_id,
        symbol=Symbol(name(message.symbol, f"a symbol {what}")),
        sign=sign_of(message.side, f"side {what}"),
        quantity=positive(message.quantity, f"quantity {what}"),
        filled=filled,
        average_price=average if average is not None and average > 0 else None,
        is_over=over,
        said=f"{message.status or message.state}{text}"[:500],
        status=message.status,
        reason=message.order_update_reason if isinstance(message.order_update_reason, str) else None,
        version=message.version if isinstance(message.version, int) else 0,
        order_type=order_type,
        price=positive(message.price, f"price {what}") if has_price else None,
        stop_price=positive(message.stop_price, f"stop_price {what}") if has_stop_price else None,
        created_at=None if over or message.created_at is None else instant(message.created_at, f"created_at {what}"),
    )


def is_over(message: wire.Order) -> bool:
    """Tell whether an order will not change any more."""
    return message.state in _OVER


def position(held: Holding, opened_at: datetime, stop_loss: Price | None) -> Position:
    """Return a position in our words. Its id is its symbol: the venue has one position a symbol, and no other id."""
    return Position(
        position_id=PositionId(held.symbol),
        symbol=held.symbol,
        side=held.side,
        volume=abs(held.quantity),
        open_price=held.average_cost,
        opened_at=opened_at,
        stop_loss=stop_loss,
    )


def position_id(symbol: Symbol) -> PositionId:
    """Return the id of the net position of a symbol."""
    return PositionId(symbol)


def is_ours(message: wire.Data, account_id: str) -> bool:
    """Tell whether a message is of our account, which it names by id, by number, or not at all."""
    named, numbered = message.account_id, message.account_number
    return account_id in (named, numbered) or not (named or numbered)


def instruments(rows: Iterable[wire_rest.Instrument]) -> dict[Symbol, Instrument]:
    """Return the instruments by symbol, each as the venue's own format (cms) names it."""
    found: dict[Symbol, Instrument] = {}
    for row in rows:
        for each in row.symbols:
            if each.symbol and len(each.symbol) <= NAME_LENGTH_MAX and each.symbol_format in (None, "cms"):
                found[Symbol(each.symbol)] = _instrument(Symbol(each.symbol), row.asset_class)
    return found


def _instrument(symbol: Symbol, asset_class: str) -> Instrument:
    shares = asset_class in _SHARES
    return Instrument(
        symbol=symbol,
        volume_min=_SHARE,
        volume_max=VOLUME_MAX,
        volume_step=_SHARE,
        tick_size=CENT,
        contract_size=Volume(1) if shares else None,
        profit_currency="USD",
        tradable=shares,
    )
