"""TradeLocker's words into ours: pure functions, each refusing what it cannot read exactly.

A number, side or time that cannot be read is never guessed: the whole message is refused with `RemoteProtocolError`,
because a snapshot without one of its positions would look like a close.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import Enum

from adapters.base import RemoteProtocolError
from adapters.numbers import number
from adapters.tradelocker import wire
from adapters.tradelocker.values import instant, instant_of_ms, optional, positive, side
from adapters.tradelocker.wire_rest import InstrumentDetails, Quotes, Row
from rules.model.events import PositionClosed
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.values import (
    AccountId,
    OrderStatus,
    OrderType,
    PositionId,
    Price,
    Symbol,
    VenueOrderId,
    shared,
)

NO_ORDER = frozenset({None, "", "0"})
"""What the venue writes where there is no protective order."""


_ENDS = (
    (("CANCEL",), OrderStatus.CANCELED),
    (("EXPIR",), OrderStatus.EXPIRED),
    (("REJECT", "REFUS", "UNPLAC"), OrderStatus.REJECTED),
    (("FILL", "EXECUTED"), OrderStatus.FILLED),
)

_PENDING = {"limit": OrderType.LIMIT, "stop": OrderType.STOP}


class OrderState(Enum):
    """What an order's status text comes to."""

    WORKING = "working"
    FILLED = "filled"
    DEAD = "dead"


def order_state(status: str | None) -> OrderState:
    """Return the state behind a status text of either API (`Filled`, `STATUS_FILLED`, `Refused`, ...).

    The lists of texts that are published differ, so parts of words decide. What is not known to be final is working:
    the caller then waits and asks again, and sends nothing.
    """
    text = (status or "").upper()
    if any(word in text for word in ("CANCEL", "REJECT", "REFUS", "EXPIR", "REMOV", "UNPLAC")):
        return OrderState.DEAD
    if "FILL" in text and not any(word in text for word in ("PARTIAL", "UNFILL")):
        return OrderState.FILLED
    return OrderState.FILLED if "EXECUTED" in text else OrderState.WORKING


def order_end(status: str | None) -> OrderStatus | None:
    """Return what the status text of an order that works no more says, None where it is a word that we do not know."""
    text = (status or "").upper()
    for words, end in _ENDS:
        if any(word in text for word in words):
            return end
    return None


def position_from_stream(
    message: wire.Position, stop_loss: Price | None = None, take_profit: Price | None = None
) -> Position:
    """Return the position of a stream message; its stop prices come from other messages and are passed in."""
    try:
        if not message.instrument:
            raise RemoteProtocolError("expected an instrument, found none")
        return Position(
            position_id=message.position_id,
            symbol=Symbol(shared(message.instrument)),
            side=side(message.side, "side"),
            volume=positive(message.lots, "lots"),
            open_price=positive(message.open_price, "openPrice"),
            opened_at=instant(message.open_date_time, "openDateTime"),
            stop_loss=stop_loss,
            take_profit=take_profit,
            contract_size=None if message.lot_size is None else positive(message.lot_size, "lotSize"),
        )
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"position {message.position_id[:40]}: {error}") from None


def close_from_stream(message: wire.ClosePosition, account: AccountId, at: datetime) -> PositionClosed:
    """Return the close of a position, received `at`; the message carries no side, volume or result."""
    position_id = message.position_id
    name = f"position {position_id[:40]}"
    return PositionClosed(
        account=account,
        received_at=at,
        position_id=position_id,
        close_price=optional(message.close_price, f"closePrice of {name}") or None,
        closed_at=None
        if message.close_date_time is None
        else instant(message.close_date_time, f"closeDateTime of {name}"),
    )


def status_from_stream(message: wire.AccountStatus) -> AccountStatus:
    """Return the figures of a stream message."""
    return AccountStatus(
        balance=number(message.balance, "balance"),
        equity=optional(message.equity, "equity"),
        currency=message.currency,
        margin_used=optional(message.margin_used, "marginUsed"),
        margin_free=optional(message.margin_available, "marginAvailable"),
    )


def position_from_row(
    row: Row, symbol: Symbol, contract_size: Decimal | None, stop_loss: Price | None, take_profit: Price | None
) -> Position:
    """Return the position of a row of `/positions`; names and prices that the row lacks are passed in."""
    position_id = required(row, "id", "position")
    try:
        return Position(
            position_id=PositionId(position_id),
            symbol=symbol,
            side=side(row.get("side"), "side"),
            volume=positive(row.get("qty"), "qty"),
            open_price=positive(row.get("avgPrice"), "avgPrice"),
            opened_at=instant_of_ms(row.get("openDate"), "openDate"),
            stop_loss=stop_loss,
            take_profit=take_profit,
            contract_size=contract_size,
            tag=row.get("strategyId") or None,
        )
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"position {position_id[:40]}: {error}") from None


def status_from_row(row: Row, currency: str | None) -> AccountStatus:
    """Return the figures of `/state`: there is no equity column, so it is balance plus the open net result."""
    balance = number(row.get("balance"), "balance")
    floating = optional(row.get("openNetPnL"), "openNetPnL")
    return AccountStatus(
        balance=balance,
        equity=None if floating is None else balance + floating,
        currency=currency,
        margin_used=optional(row.get("initialMarginReq"), "initialMarginReq"),
        margin_free=optional(row.get("availableFunds"), "availableFunds"),
    )


def pending_rows(orders: list[Row], positions: Iterable[Row]) -> list[Row]:
    """Return the rows of limit and stop orders that wait to open something, out of all that work.

    What names a position, or is named by one, protects or closes it. Orders of other kinds are left out.
    """
    protecting = {row.get(column) for row in positions for column in ("stopLossId", "takeProfitId")}
    return [
        row
        for row in orders
        if (row.get("type") or "").lower() in _PENDING
        and row.get("positionId") in NO_ORDER
        and row.get("id") not in protecting
        and order_state(row.get("status")) is OrderState.WORKING
    ]


def order_from_row(row: Row, symbol: Symbol) -> WorkingOrder:
    """Return the pending order of a row of `/orders`."""
    order_id = required(row, "id", "order")
    name = f"order {order_id[:40]}"
    order_type = _PENDING[required(row, "type", name).lower()]
    column = "price" if order_type is OrderType.LIMIT else "stopPrice"
    quantity = positive(row.get("qty"), f"qty of {name}")
    return WorkingOrder(
        order_id=VenueOrderId(order_id),
        symbol=symbol,
        side=side(row.get("side"), f"side of {name}"),
        order_type=order_type,
        volume=positive(quantity - number(row.get("filledQty") or "0", f"filledQty of {name}"), f"rest of {name}"),
        price=positive(row.get(column), f"{column} of {name}"),
        stop_loss=_stop(row, "stopLoss", name),
        take_profit=_stop(row, "takeProfit", name),
        placed_at=_instant_or_none(row, "createdDate", name),
        expires_at=_instant_or_none(row, "expireDate", name),
        tag=row.get("strategyId") or None,
    )


def _stop(row: Row, column: str, name: str) -> Price | None:
    """Return an absolute stop of an order; an offset counts in a unit that the documentation leaves open."""
    if (row.get(f"{column}Type") or "absolute").lower() != "absolute":
        return None
    price = number(row.get(column) or "0", f"{column} of {name}")
    return price if price > 0 else None


def _instant_or_none(row: Row, column: str, name: str) -> datetime | None:
    cell = row.get(column)
    return None if cell in NO_ORDER else instant_of_ms(cell, f"{column} of {name}")


def price_of(message: wire.OpenOrder) -> Price | None:
    """Return an order message's price, or None where there is none that can be read."""
    try:
        price = number(message.price, "price of an order")
    except RemoteProtocolError:
        return None
    return price if price > 0 else None


def protective_prices(orders: list[Row]) -> dict[str, Price]:
    """Return the price of each working order by id: a stop's `stopPrice`, else `price`; orders without are left out."""
    prices: dict[str, Price] = {}
    for row in orders:
        order_id = row.get("id")
        for column in ("stopPrice", "price"):
            price = optional(row.get(column), f"{column} of order {order_id}")
            if order_id is not None and price is not None and price > 0:
                prices[order_id] = price
                break
    return prices


def instrument(symbol: Symbol, details: InstrumentDetails, *, tradable: bool) -> Instrument:
    """Return the specification of `symbol`.

    Where the tick depends on the price, the coarsest is taken: a price on it is on the finer grids too wherever these
    divide it, and a finer one would be refused.
    """
    return Instrument(
        symbol=symbol,
        volume_min=positive(details.min_lot, f"minLot of {symbol}"),
        volume_max=positive(details.max_lot, f"maxLot of {symbol}"),
        volume_step=positive(details.lot_step, f"lotStep of {symbol}"),
        tick_size=max((positive(tick.tick_size, f"tickSize of {symbol}") for tick in details.tick_size), default=None),
        contract_size=positive(details.lot_size, f"lotSize of {symbol}"),
        profit_currency=details.quoting_currency,
        tradable=tradable,
    )


def quote(symbol: Symbol, quotes: Quotes, at: datetime) -> Quote | None:
    """Return the quote, or None when a side of it is missing or zero; the venue tells no time, so `at` is ours."""
    if not quotes.ap or not quotes.bp:
        return None
    return Quote(
        symbol, bid=positive(quotes.bp, f"bid of {symbol}"), ask=positive(quotes.ap, f"ask of {symbol}"), at=at
    )


def required(row: Row, column: str, what: str) -> str:
    """Return a cell that must be there."""
    return present(row.get(column), column, what)


def present(cell: str | None, column: str, what: str) -> str:
    """Return `cell`, read from `column`, which must be there."""
    if not cell:
        raise RemoteProtocolError(f"{what}: expected a column {column!r} with a value, found none")
    return cell
