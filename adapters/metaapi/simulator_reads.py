"""The reads of a simulated MetaApi: what its RPC requests answer from one account's books."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from adapters.base import UtcNow
from adapters.metaapi import simulator_history as history
from adapters.metaapi import simulator_words as words
from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import ProcessingError, invalid, not_found
from adapters.metaapi.simulator_words import Json
from adapters.simulation.money import margin
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import Side, Symbol, VenueOrderId, exact

RECORDS_MAX: Final = 1000
"""Of one answer, as documented."""

Request = Mapping[str, Any]


class Reads:
    """Answers the read requests; each answer is the fields beside `type`, `accountId` and `requestId`."""

    def __init__(self, now: UtcNow) -> None:
        self._now = now
        self._answers: dict[str, Callable[[Desk, Request], Json]] = {
            "getAccountInformation": lambda desk, _: {"accountInformation": words.account_information(desk)},
            "getPositions": lambda desk, _: {"positions": words.positions(desk)},
            "getPosition": _position,
            "getOrders": lambda desk, _: {"orders": words.orders(desk)},
            "getOrder": _order,
            "getHistoryOrdersByTicket": lambda desk, ask: _orders(
                history.of_ticket(desk, text(ask, "ticket"), history.order)
            ),
            "getHistoryOrdersByPosition": lambda desk, ask: _orders(
                history.shown(desk, history.order, history.of_position(desk, text(ask, "positionId")))
            ),
            "getHistoryOrdersByTimeRange": lambda desk, ask: _orders(_range(desk, ask, history.order)),
            "getDealsByTicket": lambda desk, ask: _deals(history.of_ticket(desk, text(ask, "ticket"), history.deal)),
            "getDealsByPosition": lambda desk, ask: _deals(
                history.shown(desk, history.deal, history.of_position(desk, text(ask, "positionId")))
            ),
            "getDealsByTimeRange": lambda desk, ask: _deals(_range(desk, ask, history.deal)),
            "getSymbols": lambda desk, _: {"symbols": list(desk.book.market.instruments)},
            "getSymbolSpecification": lambda desk, ask: {
                "specification": words.specification(desk, instrument(desk, ask))
            },
            "getSymbolPrice": lambda desk, ask: {"price": words.price(desk, _quote(desk, ask))},
            "getServerTime": lambda _, __: {"serverTime": words.times(self._now())},
            "refreshTerminalState": lambda desk, _: {
                "symbols": sorted({p.symbol for p in desk.book.positions.values()})
            },
            "calculateMargin": _margin,
        }

    def answers(self, kind: object) -> bool:
        """Tell whether this is a read."""
        return kind in self._answers

    def answer(self, desk: Desk, kind: str, request: Request) -> Json:
        """Answer a read.

        Raises:
            ProcessingError: it makes no sense, what it asks for does not exist, or the terminal is down.
        """
        if not desk.is_up and kind != "getServerTime":
            raise ProcessingError("NotSynchronizedError", "Account is not synchronized to the broker yet")
        desk.refresh()
        return self._answers[kind](desk, request)


def text(request: Request, name: str) -> str:
    """Return a text that a request must have.

    Raises:
        ProcessingError: it is missing.
    """
    value = request.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise invalid(name, str(value)[:40], "a text is required")
    return value


def instant(request: Request, name: str) -> datetime | None:
    """Return an instant of a request; None where it has none.

    Raises:
        ProcessingError: it is no ISO 8601 time with a zone.
    """
    if request.get(name) is None:
        return None
    try:
        at = datetime.fromisoformat(text(request, name))
        if at.tzinfo is None:
            raise ValueError("no zone")
    except ValueError:
        raise invalid(name, str(request[name])[:40], "must be an ISO 8601 time") from None
    return at


def instrument(desk: Desk, request: Request) -> Instrument:
    """Return the instrument of a request's `symbol`.

    Raises:
        ProcessingError: there is none.
    """
    symbol = text(request, "symbol")
    found = desk.book.market.instruments.get(Symbol(symbol))
    if found is None:
        raise not_found(f"Specified symbol {symbol} not found")
    return found


def _quote(desk: Desk, request: Request) -> Quote:
    quote = desk.book.market.quotes.get(instrument(desk, request).symbol)
    if quote is None:
        raise not_found("Specified symbol price not found")
    return quote


def _position(desk: Desk, request: Request) -> Json:
    ticket = text(request, "positionId")
    held = desk.book.positions.get(desk.position_id(ticket))
    if held is None:
        raise not_found(f"Position with id {ticket} not found")
    return {"position": words.position(desk, held)}


def _order(desk: Desk, request: Request) -> Json:
    order_id = text(request, "orderId")
    waiting = desk.book.working.get(VenueOrderId(order_id))
    if waiting is None:
        raise not_found(f"Order with id {order_id} not found")
    return {"order": words.order(desk, waiting)}


def _orders(found: list[Json]) -> Json:
    return {"historyOrders": found, "synchronizing": False}


def _deals(found: list[Json]) -> Json:
    return {"deals": found, "synchronizing": False}


def _range(desk: Desk, request: Request, show: history.Show) -> list[Json]:
    since, until = instant(request, "startTime"), instant(request, "endTime")
    if since is None or until is None:
        raise invalid("startTime", None, "startTime and endTime are required")
    offset, limit = (_whole(request, name, default) for name, default in (("offset", 0), ("limit", RECORDS_MAX)))
    if limit > RECORDS_MAX:
        raise invalid("limit", limit, f"must be at most {RECORDS_MAX}")
    return history.shown(desk, show, history.within(desk, since, until))[offset : offset + limit]


def _whole(request: Request, name: str, default: int) -> int:
    value = request.get(name, default)
    if type(value) is not int or value < 0:
        raise invalid(name, str(value)[:40], "must be a whole number from 0 up")
    return value


def _margin(desk: Desk, request: Request) -> Json:
    order = request.get("order")
    if not isinstance(order, Mapping):
        raise invalid("order", None, "an object is required")
    side = Side.SELL if order.get("type") == "ORDER_TYPE_SELL" else Side.BUY
    symbol = instrument(desk, order).symbol
    try:
        volume = exact(order.get("volume"), "volume")
        given = order.get("openPrice")
        price: Decimal = _quote(desk, order).entry(side) if given is None else exact(given, "openPrice")
    except ValueError as error:
        raise invalid("order", None, str(error)) from None
    return {"margin": words.money(margin(desk.book.market, symbol, volume, price, desk.book.currency))}
