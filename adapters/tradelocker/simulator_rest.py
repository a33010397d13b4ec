"""The simulated backend-api: sign-in, questions and changes over HTTP, with the venue's ways to say no."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import trio

from adapters.base import UtcNow
from adapters.simulation.broker import OrderRefused
from adapters.simulation.faults import Faults
from adapters.simulation.market import Market
from adapters.tradelocker import simulator_orders as trading
from adapters.tradelocker import simulator_tables as tables
from adapters.tradelocker.simulator_auth import SignInVenue, TokenDesk
from adapters.tradelocker.simulator_desk import Desk
from adapters.tradelocker.simulator_http import as_json, bearer, body, error, login_account, ok, throttled
from adapters.tradelocker.wire_rest import BASE
from adapters.transport.http import HttpResponse
from adapters.transport.serving import DropConnection, HttpRequest
from rules.model.instruments import Instrument
from rules.model.values import Symbol, VenueOrderId

RATE_LIMITS: Final[Mapping[str, tuple[int, int]]] = {
    "PLACE_ORDER": (50, 1),
    "MODIFY_ORDER": (50, 1),
    "MODIFY_POSITION": (50, 1),
    "GET_POSITIONS": (50, 1),
    "GET_ORDERS": (50, 1),
    "GET_ORDERS_HISTORY": (50, 1),
    "QUOTES": (100, 1),
}
"""Requests per seconds and account. Brokers differ widely; these are wide enough for tests that do not mean them."""


class RestVenue:
    """Answers `/backend-api/...`. A change passes the faults in the order: lost request, rate limit, execution,
    lost answer."""

    def __init__(
        self,
        desks: Callable[[], Mapping[str, Desk]],
        market: Market,
        tokens: TokenDesk,
        faults: Faults,
        now: UtcNow,
        sign_in: SignInVenue,
        rate_limits: Mapping[str, tuple[int, int]],
    ) -> None:
        self._desks = desks
        self._market = market
        self._tokens = tokens
        self._faults = faults
        self._now = now
        self._sign_in = sign_in
        self._rate_limits = rate_limits
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}
        self.ids = tables.InstrumentIds()
        for symbol in market.instruments:
            self.ids.of(symbol)

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request.

        Raises:
            DropConnection: a fault that was asked for.
        """
        if self._faults.delay_s > 0:
            await trio.sleep(self._faults.delay_s)
        if self._faults.maintenance:
            return HttpResponse(503, {"content-type": "text/html"}, b"<html>Maintenance</html>")
        if not request.path.startswith(BASE + "/"):
            return error(404, "Not found")
        path = request.path.removeprefix(BASE)
        if path.startswith("/auth/"):
            return self._sign_in.answer(request, path)
        if self._tokens.subject("access", bearer(request)) is None:
            return error(401, "Unauthorized")
        desk = next((desk for desk in self._desks().values() if desk.acc_num == request.headers.get("accnum")), None)
        if desk is None:
            return error(400, "accNum header is missing or not yours")
        desk.book.expire()
        try:
            return self._trade(request, path, desk)
        except OrderRefused as refusal:
            # The venue refuses with HTTP 200, and with nothing but a text.
            return as_json(200, {"s": "error", "errmsg": str(refusal)})

    # Trading and questions

    def _trade(self, request: HttpRequest, path: str, desk: Desk) -> HttpResponse:
        account = re.fullmatch(r"/trade/accounts/([0-9]+)/([A-Za-z]+)", path)
        if account is not None:
            if account[1] != desk.rest_id:
                return error(403, "accountId and accNum do not belong together")
            return self._account(request, account[2], desk)
        single = re.fullmatch(r"/trade/(orders|positions)/([0-9]+)", path)
        if single is not None:
            return self._change(request, desk, lambda: self._single(request, single[1], single[2], desk))
        instrument = re.fullmatch(r"/trade/instruments/([0-9]+)", path)
        if request.method != "GET":
            return error(404, "Not found")
        if instrument is not None:
            return ok(self._details(request, self._symbol(instrument[1])))
        match path:
            case "/trade/config":
                return ok(tables.config(self._rate_limits))
            case "/trade/accounts":
                return ok([login_account(each) for each in self._desks().values()])
            case "/trade/quotes":
                return self._limited("QUOTES", desk) or self._quotes(request)
        return error(404, "Not found")

    def _account(self, request: HttpRequest, name: str, desk: Desk) -> HttpResponse:
        symbol = self._filter(request)
        match request.method, name:
            case "GET", "positions":
                return self._limited("GET_POSITIONS", desk) or ok({name: list(tables.position_rows(desk, self.ids))})
            case "GET", "orders":
                return self._limited("GET_ORDERS", desk) or ok({name: list(tables.working_rows(desk, self.ids))})
            case "GET", "ordersHistory":
                return self._limited("GET_ORDERS_HISTORY", desk) or ok({name: self._history(request, desk)})
            case "GET", "executions":
                return ok({name: list(tables.execution_rows(desk, self.ids))})
            case "GET", "state":
                return ok({"accountDetailsData": tables.state_cells(desk)})
            case "GET", "instruments":
                return ok({name: [self._instrument(each) for each in self._market.instruments]})
            case "POST", "orders":
                return self._change(
                    request,
                    desk,
                    lambda: {"orderId": trading.place(desk, self.ids, self._faults, body(request))},
                )
            case "DELETE", "orders":
                return self._change(request, desk, lambda: trading.cancel_all(desk, symbol))
            case "DELETE", "positions":
                strategy_id = request.query.get("strategyId")
                return self._change(request, desk, lambda: trading.close_all(desk, symbol, strategy_id))
        return error(404, "Not found")

    def _single(self, request: HttpRequest, kind: str, identifier: str, desk: Desk) -> object:
        strategy_id = request.query.get("strategyId")
        match request.method, kind:
            case "PATCH", "orders":
                return {"orders": [tables.working_row(trading.modify(desk, identifier, body(request)), self.ids)]}
            case "DELETE", "orders":
                desk.book.cancel_order(VenueOrderId(identifier))
            case "PATCH", "positions":
                trading.modify_position(desk, identifier, strategy_id, body(request))
            case "DELETE", "positions":
                trading.close_position(desk, self._faults, identifier, strategy_id, body(request))
            case _:
                raise OrderRefused("Not found")
        return None

    def _change(self, request: HttpRequest, desk: Desk, execute: Callable[[], object]) -> HttpResponse:
        faults = self._faults
        if faults.take_lost_request():
            raise DropConnection
        if faults.take_throttle():
            return throttled()
        kind = "PLACE_ORDER" if request.method == "POST" else "MODIFY_POSITION"
        limited = self._limited(kind, desk)
        if limited is not None:
            return limited
        data: object = None
        refusal: OrderRefused | None = None
        try:
            data = execute()
        except OrderRefused as error:
            refusal = error
        if faults.take_lost_answer():
            raise DropConnection
        if refusal is not None:
            raise refusal
        return as_json(200, {"s": "ok"} if data is None else {"s": "ok", "d": data})

    def _limited(self, kind: str, desk: Desk) -> HttpResponse | None:
        """Return the rate-limit answer when the account asked too often within the present window."""
        requests, seconds = self._rate_limits.get(kind, (1_000_000, 1))
        window = int(self._now().timestamp()) // seconds
        start, count = self._windows.get((desk.rest_id, kind), (window, 0))
        count = count + 1 if start == window else 1
        self._windows[desk.rest_id, kind] = (window, count)
        return throttled() if count > requests else None

    def _history(self, request: HttpRequest, desk: Desk) -> list[tables.Cells]:
        first, last = request.query.get("from", ""), request.query.get("to", "")
        created = tables.ORDERS.index("createdDate")
        return [
            row
            for row in tables.history_rows(desk, self.ids)
            if (not first.isdigit() or int(row[created] or 0) >= int(first))
            and (not last.isdigit() or int(row[created] or 0) <= int(last))
        ]

    # Instruments

    def _symbol(self, tradable_instrument_id: str) -> Symbol:
        symbol = self.ids.symbol(tradable_instrument_id)
        if symbol is None:
            raise OrderRefused("Instrument not found")
        return symbol

    def _filter(self, request: HttpRequest) -> Symbol | None:
        wanted = request.query.get("tradableInstrumentId")
        return None if wanted is None else self._symbol(wanted)

    def _instrument(self, symbol: Symbol) -> dict[str, object]:
        tid = self.ids.of(symbol)
        routes = [
            {"id": self.ids.dead_route(symbol), "type": "INFO"},
            {"id": self.ids.info_route(symbol), "type": "INFO"},
        ]
        if self._market.instruments[symbol].tradable:
            routes.append({"id": self.ids.trade_route(symbol), "type": "TRADE"})
        return {
            "tradableInstrumentId": tid,
            "id": tid,
            "name": symbol,
            "description": symbol,
            "type": "FOREX",
            "tradingExchange": "SIMULATED",
            "marketDataExchange": "SIMULATED",
            "country": None,
            "logoUrl": None,
            "localizedName": symbol,
            "routes": routes,
            "barSource": "BID",
            "hasIntraday": True,
            "hasDaily": True,
        }

    def _details(self, request: HttpRequest, symbol: Symbol) -> dict[str, object]:
        self._check_route(request, symbol)
        instrument: Instrument = self._market.instruments[symbol]
        ticks = [{"leftRangeLimit": None, "tickSize": instrument.tick_size}] if instrument.tick_size else []
        return {
            "name": symbol,
            "lotSize": instrument.contract_size or Decimal(1),
            "minLot": instrument.volume_min,
            "maxLot": instrument.volume_max,
            "lotStep": instrument.volume_step,
            "tickSize": ticks,
            "baseCurrency": symbol[:3],
            "quotingCurrency": instrument.profit_currency,
        }

    def _quotes(self, request: HttpRequest) -> HttpResponse:
        symbol = self._symbol(request.query.get("tradableInstrumentId", ""))
        self._check_route(request, symbol)
        quote = self._market.quotes.get(symbol)
        if quote is None:
            return as_json(200, {"s": "no_data"})
        return ok({"ap": quote.ask, "bp": quote.bid, "as": 0, "bs": 0})

    def _check_route(self, request: HttpRequest, symbol: Symbol) -> None:
        if request.query.get("routeId") != str(self.ids.info_route(symbol)):
            raise OrderRefused("Route is not available")
