"""A simulated book in MetaCopier's words: the DTOs that its REST API and its Socket API show, as plain JSON values."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from adapters.simulation.broker import Book, BookOrder, ClosedPosition, Purpose, Result
from adapters.simulation.records import Deposit
from rules.model.instruments import Instrument
from rules.model.observed import Position, Quote, WorkingOrder
from rules.model.values import OmsType, OrderType, Side, plain

Json = dict[str, object]

_ACCOUNTS = uuid.UUID("0e5a6f1c-5a0b-5b8e-9c55-6d65746163f1")
"""The namespace of simulated account ids; any fixed UUID would do."""

ORDER_TYPES = {
    "BuyLimit": (Side.BUY, OrderType.LIMIT),
    "SellLimit": (Side.SELL, OrderType.LIMIT),
    "BuyStop": (Side.BUY, OrderType.STOP),
    "SellStop": (Side.SELL, OrderType.STOP),
}
"""The kinds of pending orders."""

_ORDER_TYPES = {kind: name for name, kind in ORDER_TYPES.items()}
_CENT = Decimal("0.01")
_API_PREFIX = re.compile(r"API\|([0-9]{1,3})\|")


def account_id(name: str) -> str:
    """Return the UUID of the simulated account of that name: the name itself where it is one."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(_ACCOUNTS, name))


def information(book: Book, now: datetime) -> Json:
    """Return an AccountInformationDTO with every field that the Socket API's example shows, and the margins."""
    status = book.status()
    equity = book.balance if status.equity is None else status.equity
    pending = _pending_orders(book)
    return {
        "id": account_id(book.name),
        "accountMode": "HEDGING" if book.oms is OmsType.HEDGING else "NETTING",
        "environment": "DEMO",
        "balance": _money(book.balance),
        "equity": _money(equity),
        "credit": 0,
        "usedMargin": _money(status.margin_used or Decimal(0)),
        "freeMargin": _money(status.margin_free or Decimal(0)),
        "unrealizedProfit": _money(equity - book.balance),
        "leverage": 100,
        "profitThisMonth": 0,
        "currency": book.currency,
        "connected": True,
        "fallbackMode": False,
        "compatibilityMode": False,
        "status": "active",
        "drawdown": 0,
        "riskLimitsStatus": [],
        "profitTargetsStatus": [],
        "isInvestorPassword": False,
        "brokeTimeOffsetToUtc": 0,
        "latencyInMs": 1,
        "openPositions": bool(book.positions),
        "openPositionsCount": len(book.positions),
        "pendingOrders": bool(pending),
        "pendingOrdersCount": len(pending),
        "positionMismatch": False,
        "proxy": {},
        "wrongCredentials": False,
        "pendingApprovals": [],
        "timestamp": iso(now),
        "lastConnectedTimestamp": iso(now),
        "lastCTraderTokenRefreshed": None,
        "allSymbolsInfoLoaded": True,
        "hftMode": False,
    }


def open_positions(book: Book) -> list[Json]:
    """Return the PositionDTOs of all open positions, and of all pending orders."""
    return [*(_open(book, position) for position in book.positions.values()), *_pending_orders(book)]


def history(book: Book, since: datetime, until: datetime) -> list[Json]:
    """Return the PositionDTOs of what was closed within this time, oldest first; with partial closes and deposits."""
    rows = [(closed.closed_at, _closed(closed)) for closed in _closed_within(book, since, until)]
    rows += [(order.at, _reduced(order, position)) for order, position in _reduced_within(book, since, until)]
    rows += [(deposit.at, _deposited(deposit)) for deposit in book.deposits if since <= deposit.at <= until]
    return [row for _, row in sorted(rows, key=lambda row: row[0])]


def last_day(book: Book, now: datetime) -> list[Json]:
    """Return the history that the Socket API sends: always the whole of the last 24 hours."""
    return history(book, now - timedelta(hours=24), now)


def symbol(instrument: Instrument) -> Json:
    """Return a SymbolDTO."""
    tick_size = instrument.tick_size
    exponent = None if tick_size is None else tick_size.normalize().as_tuple().exponent
    return {
        "name": instrument.symbol,
        "digits": max(0, -exponent) if isinstance(exponent, int) else None,
        "points": None if tick_size is None else _number(tick_size),
        "lotSize": None if instrument.contract_size is None else _number(instrument.contract_size),
        "minimalVolume": _number(instrument.volume_min),
        "maximalVolume": _number(instrument.volume_max),
        "stepVolume": _number(instrument.volume_step),
        "baseCurrency": None,
        "quoteCurrency": instrument.profit_currency,
        "disabled": not instrument.tradable,
        "tradeType": "MARKET",
    }


def market_quote(quote: Quote) -> Json:
    """Return a MarketQuoteDTO."""
    prices = {"bid": _number(quote.bid), "ask": _number(quote.ask)}
    return {"symbol": quote.symbol, **prices, "timestamp": iso(quote.at)}


def iso(at: datetime) -> str:
    """Return an instant as the venue writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _position(position: Position) -> Json:
    found = _API_PREFIX.match(position.comment or "")
    return {
        "id": position.position_id,
        "symbol": position.symbol,
        "orderType": "Buy" if position.side is Side.BUY else "Sell",
        "dealType": "DealBuy" if position.side is Side.BUY else "DealSell",
        "placedType": "ByExpert" if found else "Manually",
        "volume": _number(position.volume),
        "openPrice": _number(position.open_price),
        "closePrice": None,
        "stopLoss": _price(position.stop_loss),
        "takeProfit": _price(position.take_profit),
        "openTime": iso(position.opened_at),
        "closeTime": None,
        "swap": 0,
        "commission": 0,
        "comment": position.comment,
        "magicNumber": None if position.magic in (None, "0") else position.magic,
        "requestId": found[1] if found else None,
    }


def _open(book: Book, position: Position) -> Json:
    profit = book.floating_pnl(position.position_id)
    return _position(position) | {"currentPrice": _price(position.current_price), "profit": _money(profit)}


def _pending_orders(book: Book) -> list[Json]:
    """Return those of the kinds that the venue has; the books may keep a stop-limit that a hand has placed."""
    working = book.working.values()
    return [_pending(order) for order in working if (order.side, order.order_type) in _ORDER_TYPES]


def _pending(order: WorkingOrder) -> Json:
    found = _API_PREFIX.match(order.comment or "")
    return {
        "id": order.order_id,
        "symbol": order.symbol,
        "orderType": _ORDER_TYPES[order.side, order.order_type],
        "placedType": "ByExpert" if found else "Manually",
        "volume": _number(order.volume),
        "openPrice": _number(order.price),
        "closePrice": None,
        "stopLoss": _price(order.stop_loss),
        "takeProfit": _price(order.take_profit),
        "openTime": None if order.placed_at is None else iso(order.placed_at),
        "closeTime": None,
        "profit": 0,
        "swap": 0,
        "commission": 0,
        "comment": order.comment,
        "magicNumber": None if order.magic in (None, "0") else order.magic,
        "requestId": found[1] if found else None,
    }


def _closed(closed: ClosedPosition) -> Json:
    return _position(closed.position) | {
        "placedType": _placed(closed),
        "closePrice": _number(closed.close_price),
        "closeTime": iso(closed.closed_at),
        "profit": _money(closed.last_pnl),
    }


def _placed(closed: ClosedPosition) -> str:
    if closed.purpose is not Purpose.STOP_OUT:
        return "Manually"
    gained = closed.close_price - closed.position.open_price
    return "OnTP" if (gained > 0) is (closed.position.side is Side.BUY) else "OnSL"


def _reduced(order: BookOrder, position: Position) -> Json:
    return _position(position) | {
        "volume": _number(order.volume),
        "closePrice": _price(order.price),
        "closeTime": iso(order.at),
        "profit": _money(order.realized_pnl),
    }


def _deposited(deposit: Deposit) -> Json:
    at = iso(deposit.at)
    return {
        "id": deposit.deposit_id,
        "dealType": "Balance",
        "openTime": at,
        "closeTime": at,
        "profit": _money(deposit.amount),
        "swap": 0,
        "commission": 0,
    }


def _closed_within(book: Book, since: datetime, until: datetime) -> Iterator[ClosedPosition]:
    for closed in reversed(book.closed):  # in order of time: only what is asked for is looked at
        if closed.closed_at < since:
            return
        if closed.closed_at <= until:
            yield closed


def _reduced_within(book: Book, since: datetime, until: datetime) -> Iterator[tuple[BookOrder, Position]]:
    known = {closed.position.position_id: closed.position for closed in book.closed} | book.positions
    for order in reversed(book.orders):
        if order.at < since:
            return
        reduced = order.purpose is Purpose.REDUCE and order.status is Result.FILLED and order.at <= until
        if reduced and order.position_id is not None:
            yield order, known[order.position_id]


def _number(number: Decimal) -> msgspec.Raw:
    return msgspec.Raw(plain(number).encode())


def _price(price: Decimal | None) -> msgspec.Raw | None:
    return None if price is None else _number(price)


def _money(amount: Decimal) -> msgspec.Raw:
    return _number(amount.quantize(_CENT))
