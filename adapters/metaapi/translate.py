"""MetaApi's words into ours, and our order ids into its client ids: pure functions that guess nothing.

A position that cannot be read makes its whole list unreadable: leaving it out would say that it was closed.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from attrs import evolve

from adapters.base import RemoteProtocolError, SignInRefused
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.values import expiry, instant, name, number, number_or_none, positive, price_or_none
from adapters.metaapi.wire import (
    AccountInformation,
    Deal,
    Order,
    Packet,
    SymbolPrice,
    SymbolSpecification,
)
from adapters.metaapi.wire import Position as PositionRow
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.values import ClOrdId, OmsType, OrderStatus, OrderType, PositionId, Side, Symbol, VenueOrderId, shared

_SIDES = {"POSITION_TYPE_BUY": Side.BUY, "POSITION_TYPE_SELL": Side.SELL}

_PENDING = {
    f"ORDER_TYPE_{side.name}_{order_type.name}": (side, order_type) for side in Side for order_type in OrderType
}

# Market orders on their way, and the closing of one position by another.
_NOT_PENDING = frozenset({"ORDER_TYPE_BUY", "ORDER_TYPE_SELL", "ORDER_TYPE_CLOSE_BY"})

_ENDS = {f"ORDER_STATE_{status.name}": status for status in OrderStatus}

_OMS = {
    "ACCOUNT_MARGIN_MODE_RETAIL_HEDGING": OmsType.HEDGING,
    "ACCOUNT_MARGIN_MODE_RETAIL_NETTING": OmsType.NETTING,
    "ACCOUNT_MARGIN_MODE_EXCHANGE": OmsType.NETTING,
}

_CLOSED_TO_ORDERS = {"SYMBOL_TRADE_MODE_DISABLED", "SYMBOL_TRADE_MODE_CLOSEONLY"}

_CLIENT_ID = re.compile(r"[^_]*_(cp[a-z2-7]{20})_[^_]*")
_TAG = re.compile(r"(?<![A-Za-z0-9])cp[a-z2-7]{20}(?![A-Za-z0-9])")

_FOREIGN_TAG_LENGTH_MAX = 64
_COMMENT_LENGTH_MAX = 256
"""MetaTrader's own limit is 31 characters; what is far beyond is no comment and is left out."""


def client_id(cl_ord_id: ClOrdId) -> str:
    """Return the client id of our order: three alphanumeric parts with our whole id as the second, 26 characters.

    The venue takes no more (it keeps them in MetaTrader's comment) and may replace the third part by an order number.
    """
    return f"c_{cl_ord_id}_0"


def tag_of(row: PositionRow | Order | Deal) -> str | None:
    """Return our order id out of a client id, or of the comment that it is kept in; else a foreign client id."""
    if row.client_id:
        ours = _CLIENT_ID.fullmatch(row.client_id)
        return row.client_id[:_FOREIGN_TAG_LENGTH_MAX] if ours is None else ours[1]
    for comment in (row.comment, row.broker_comment, getattr(row, "original_comment", None)):
        found = _TAG.search(comment) if comment else None
        if found is not None:
            return found[0]
    return None


def position(row: PositionRow, tickets: Tickets) -> Position:
    """Return an open position under the id by which we know it.

    Raises:
        RemoteProtocolError: something that a position must have is missing or cannot be.
    """
    ticket = name(row.id, "id of a position")
    position_id = tickets.first(ticket)
    side = _SIDES.get(row.type)
    if side is None:
        raise RemoteProtocolError(
            f"expected type POSITION_TYPE_BUY or _SELL of position {ticket}, found {row.type!r:.60}"
        )
    try:
        return Position(
            position_id=position_id,
            symbol=Symbol(shared(name(row.symbol, "symbol"))),
            side=side,
            volume=positive(row.volume, "volume"),
            open_price=positive(row.open_price, "openPrice"),
            opened_at=instant(row.time, "time"),
            stop_loss=price_or_none(row.stop_loss, "stopLoss"),
            take_profit=price_or_none(row.take_profit, "takeProfit"),
            current_price=price_or_none(row.current_price, "currentPrice"),
            magic=_magic(row),
            comment=_comment(row, is_rest=position_id != ticket),
            tag=tag_of(row),
        )
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"position {ticket}: {error}") from None


def positions(rows: tuple[PositionRow, ...], tickets: Tickets, platform: str | None) -> tuple[Position, ...]:
    """Return a complete list of open positions.

    Raises:
        RemoteProtocolError: a row cannot be read, or an id comes twice.
    """
    tickets.learn(rows, platform)
    together = {str(row.id) for row in rows}
    held = tuple(position(row, tickets) for row in rows if not tickets.is_superseded(str(row.id), together))
    if len({each.position_id for each in held}) != len(held):
        raise RemoteProtocolError("expected each position once, found an id twice in one list")
    return held


def is_pending(row: Order) -> bool:
    """Tell whether an order waits for a price, or did.

    Raises:
        RemoteProtocolError: it is of a type that we do not know.
    """
    if row.type in _PENDING:
        return True
    if row.type in _NOT_PENDING:
        return False
    raise RemoteProtocolError(f"expected a type of order {str(row.id)[:40]} that is documented, found {row.type!r:.60}")


def working_orders(rows: Iterable[Order]) -> tuple[WorkingOrder, ...]:
    """Return the pending orders among `rows`.

    Raises:
        RemoteProtocolError: a row cannot be read, or an id comes twice.
    """
    found = tuple(working_order(row) for row in rows if is_pending(row))
    if len({order.order_id for order in found}) != len(found):
        raise RemoteProtocolError("expected each order once, found an id twice in one list")
    return found


def working_order(row: Order) -> WorkingOrder:
    """Return a pending order.

    Raises:
        RemoteProtocolError: something that it must have is missing or cannot be.
    """
    order_id = name(row.id, "id of an order")
    side, order_type = _PENDING[row.type]
    try:
        return WorkingOrder(
            order_id=VenueOrderId(order_id),
            symbol=Symbol(name(row.symbol, "symbol")),
            side=side,
            order_type=order_type,
            volume=positive(row.volume if row.current_volume is None else row.current_volume, "currentVolume"),
            price=positive(row.open_price, "openPrice"),
            limit_price=price_or_none(row.stop_limit_price, "stopLimitPrice"),
            stop_loss=price_or_none(row.stop_loss, "stopLoss"),
            take_profit=price_or_none(row.take_profit, "takeProfit"),
            placed_at=None if row.time is None else instant(row.time, "time"),
            expires_at=expiry(row.expiration_time, "expirationTime"),
            magic=_magic(row),
            comment=_bounded(row.comment),
            tag=tag_of(row),
        )
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"order {order_id}: {error}") from None


def end_of(row: Order) -> OrderStatus | None:
    """Return how an order ended; None where its state does not say."""
    return _ENDS.get(row.state)


def check_account(info: AccountInformation, oms: OmsType) -> None:
    """Refuse to go on where the config is wrong about how the account keeps positions.

    Raises:
        SignInRefused: it is.
    """
    mode = _OMS.get(info.margin_mode or "")
    if mode is not None and mode is not oms:
        raise SignInRefused(
            f"expected an account with oms = {oms.value!r}, found marginMode {info.margin_mode}:"
            f" set oms = {mode.value!r}"
        )


def account_status(info: AccountInformation) -> AccountStatus:
    """Return the account's figures.

    Raises:
        RemoteProtocolError: a figure is not a number of sane size.
    """
    return AccountStatus(
        balance=number(info.balance, "balance"),
        equity=number_or_none(info.equity, "equity"),
        currency=info.currency,
        margin_used=number_or_none(info.margin, "margin"),
        margin_free=number_or_none(info.free_margin, "freeMargin"),
    )


def status_with_prices(status: AccountStatus, packet: Packet) -> AccountStatus:
    """Return the figures with those that a `prices` packet brings; the balance is not among them."""
    equity, margin = number_or_none(packet.equity, "equity"), number_or_none(packet.margin, "margin")
    free = number_or_none(packet.free_margin, "freeMargin")
    return evolve(
        status,
        equity=status.equity if equity is None else equity,
        margin_used=status.margin_used if margin is None else margin,
        margin_free=status.margin_free if free is None else free,
    )


def quote(price: SymbolPrice) -> Quote | None:
    """Return a quote, or None when a side of it or its time is missing.

    Raises:
        RemoteProtocolError: a price that cannot be.
    """
    symbol = Symbol(name(price.symbol, "symbol"))
    bid, ask = price_or_none(price.bid, f"bid of {symbol}"), price_or_none(price.ask, f"ask of {symbol}")
    if bid is None or ask is None or price.time is None:
        return None
    return Quote(symbol, bid, ask, instant(price.time, f"time of {symbol}"))


def instrument(row: SymbolSpecification) -> Instrument:
    """Return an instrument's specification.

    Raises:
        RemoteProtocolError: the volume grid is missing or impossible.
    """
    symbol = Symbol(name(row.symbol, "symbol"))
    point = _point(row)
    level = number_or_none(row.stops_level, f"stopsLevel of {symbol}")
    specification = Instrument(
        symbol=symbol,
        volume_min=positive(row.min_volume, f"minVolume of {symbol}"),
        volume_max=positive(row.max_volume, f"maxVolume of {symbol}"),
        volume_step=positive(row.volume_step, f"volumeStep of {symbol}"),
        tick_size=price_or_none(row.tick_size, f"tickSize of {symbol}") or point,
        contract_size=price_or_none(row.contract_size, f"contractSize of {symbol}"),
        profit_currency=row.profit_currency,
        stop_distance_min=None if point is None or level is None or level <= 0 else level * point,
        tradable=row.trade_mode not in _CLOSED_TO_ORDERS,
    )
    if specification.volume_min > specification.volume_max:
        found = f"{specification.volume_min} and {specification.volume_max}"
        raise RemoteProtocolError(f"expected minVolume <= maxVolume of {symbol}, found {found}")
    return specification


def closing_price(deals: tuple[Deal, ...], ticket: PositionId | str, volume: Decimal | None) -> Deal | None:
    """Return the deal that closed the last of a position; None where these deals do not account for all of its lots.

    Args:
        volume: lots that the position had; None where we never saw it.
    """
    outs = [
        deal
        for deal in deals
        if str(deal.position_id) == ticket and (deal.entry_type or "").startswith("DEAL_ENTRY_OUT")
    ]
    if not outs or volume is None:
        return None
    closed = sum((number(deal.volume, f"volume of deal {str(deal.id)[:40]}") for deal in outs), Decimal(0))
    return outs[-1] if closed >= volume else None


def _comment(row: PositionRow, *, is_rest: bool) -> str | None:
    """Return the comment that the position was opened with, where the venue still knows it.

    Args:
        is_rest: the server has written over it where the position came from.
    """
    return _bounded(row.original_comment or (None if is_rest else row.comment))


def _bounded(comment: str | None) -> str | None:
    return None if comment is None or len(comment) > _COMMENT_LENGTH_MAX else shared(comment)


def _magic(row: PositionRow | Order) -> str | None:
    return None if row.magic in (None, 0, "0", "") else shared(str(row.magic)[:20])


def _point(row: SymbolSpecification) -> Decimal | None:
    """Return 10^-digits, which stop levels count in."""
    point = price_or_none(row.point, "point")
    digits = number_or_none(row.digits, "digits")
    if point is None and digits is not None and 0 <= digits <= 12:
        point = Decimal(1).scaleb(-int(digits))
    return point
