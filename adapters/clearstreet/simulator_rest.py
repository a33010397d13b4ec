"""The simulated Studio REST API: looks and orders over the desks, refusals as RFC 9457 problems."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

import trio

from adapters.base import UtcNow
from adapters.clearstreet import simulator_requests as bodies
from adapters.clearstreet.simulator_auth import TOKEN_PATH, SignIn, Tokens, bearer
from adapters.clearstreet.simulator_desk import Desk
from adapters.clearstreet.simulator_limits import RateLimits, page, whole
from adapters.clearstreet.simulator_requests import Malformed, read
from adapters.clearstreet.simulator_universe import asset_class
from adapters.clearstreet.simulator_words import Json, Refused, as_json, millis, numeral, problem
from adapters.simulation.faults import Faults
from adapters.simulation.market import Market
from adapters.transport.http import HttpResponse
from adapters.transport.serving import DropConnection, HttpRequest
from rules.model.instruments import Instrument
from rules.model.values import Symbol, plain

BASE: Final = "/studio/v2"

_ENTITY_ID: Final = "1"
_ATTEMPTED: Final = HttpResponse(201)


class RestVenue:
    """Answers `/studio/v2/...` and `/oauth/token`.

    What moves money passes the faults in the order: lost request, rate limit, execution, lost answer.
    """

    def __init__(
        self,
        desks: Callable[[], Mapping[str, Desk]],
        market: Market,
        tokens: Tokens,
        sign_in: SignIn,
        faults: Faults,
        now: UtcNow,
        limits: RateLimits,
        hard_to_borrow: Collection[str],
    ) -> None:
        self._desks = desks
        self._market = market
        self._tokens = tokens
        self._sign_in = sign_in
        self._faults = faults
        self._now = now
        self._limits = limits
        self._hard_to_borrow = hard_to_borrow

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request.

        Raises:
            DropConnection: a fault that was asked for.
        """
        if self._faults.delay_s > 0:
            await trio.sleep(self._faults.delay_s)
        if self._faults.maintenance:
            return problem(503, "maintenance", request.path)
        if request.path == TOKEN_PATH:
            return self._sign_in.answer(request)
        if not request.path.startswith(BASE + "/"):
            return problem(404, "no such resource", request.path)
        if self._tokens.expires_at(bearer(request)) is None:
            return problem(401, "the access token is missing, wrong or expired", request.path)
        parts = request.path.removeprefix(BASE + "/").split("/")
        try:
            return self._route(request, parts)
        except Refused as refused:
            return problem(refused.status, str(refused), request.path)

    def _route(self, request: HttpRequest, parts: list[str]) -> HttpResponse:
        match parts:
            case ["accounts"] if request.method == "GET":
                return as_json(200, {"data": [_account(desk) for desk in self._desks().values()]})
            case ["accounts", account_id, *rest]:
                desk = desk_of(self._desks(), account_id)
                if desk is None:
                    raise Refused(404, "account not found")
                if not rest and request.method == "GET":
                    return as_json(200, _account(desk))
                if request.method == "GET":
                    return self._limited(request, desk.book.name, rest[0]) or as_json(
                        200, self._look(request, desk, rest)
                    )
                return self._act(request, desk, rest)
            case ["instruments", *symbol] if request.method == "GET":
                return self._limited(request, "", "instruments") or as_json(200, self._instruments("/".join(symbol)))
        raise Refused(404, "no such resource")

    def _limited(self, request: HttpRequest, account: str, resource: str) -> HttpResponse | None:
        wait_s = self._limits.wait_s(account, resource)
        return None if wait_s is None else _throttled(request, wait_s)

    # Looks

    def _look(self, request: HttpRequest, desk: Desk, rest: list[str]) -> object:
        desk.roll()
        match rest:
            case ["orders"]:
                return page(request, _orders(request, desk))
            case ["orders", order_id]:
                return {"order": desk.order(order_id).show(desk.account)}
            case ["trades"]:
                return page(request, _numbered(desk.activity.day.trades))
            case ["trades", trade_id] if trade_id in desk.activity.day.trades:
                return desk.activity.day.trades[trade_id]
            case ["positions"]:
                return page(request, ((symbol, desk.positions.show(symbol)) for symbol in desk.positions.symbols()))
            case ["positions", *symbol] if desk.positions.quantity(Symbol("/".join(symbol))):
                return desk.positions.show(Symbol("/".join(symbol)))
            case ["holdings"]:
                return self._holdings(desk)
            case ["easy-borrows"]:
                return {"data": [symbol for symbol in self._market.instruments if symbol not in self._hard_to_borrow]}
            case ["locate-orders"]:
                return {"data": [each.show(desk.account, self._now()) for each in desk.locates.orders.values()]}
            case ["locate-orders", order_id] if order_id in desk.locates.orders:
                return desk.locates.orders[order_id].show(desk.account, self._now())
            case ["inventories", *symbol] if symbol:
                return desk.locates.inventory(Symbol("/".join(symbol)))
        raise Refused(404, "no such resource")

    def _holdings(self, desk: Desk) -> Json:
        rows = [
            {
                "symbol": symbol,
                "asset_class": asset_class(self._market.instruments[symbol]),
                "quantity": plain(desk.positions.quantity(symbol)),
                "sod_quantity": plain(desk.positions.sod_quantity(symbol)),
            }
            for symbol in desk.positions.symbols(of_today=True)
        ]
        shown: Json = {**desk.account, "data": rows, "date": int(f"{desk.activity.day.date:%Y%m%d}")}
        return {**shown, "sod_equity": numeral(desk.sod_equity), "timestamp": millis(self._now())}

    def _instruments(self, symbol: str) -> Json:
        if not symbol:
            return {"data": [_instrument(each) for each in self._market.instruments.values()]}
        if symbol not in self._market.instruments:
            raise Refused(404, "instrument not found")
        return _instrument(self._market.instruments[Symbol(symbol)])

    # What moves money, and locates

    def _act(self, request: HttpRequest, desk: Desk, rest: list[str]) -> HttpResponse:
        if rest[:1] == ["locate-orders"]:
            return self._limited(request, desk.book.name, "locate-orders") or self._locate(request, desk, rest)
        execute = self._order(request, desk, rest)
        faults = self._faults
        if faults.take_lost_request():
            raise DropConnection
        if faults.take_throttle():
            return _throttled(request, 1)
        limited = self._limited(request, desk.book.name, rest[0])
        if limited is not None:
            return limited
        try:
            answer = execute()
        except Refused as refused:
            answer = problem(refused.status, str(refused), request.path)
        if faults.take_lost_answer():
            raise DropConnection
        return answer

    def _order(self, request: HttpRequest, desk: Desk, rest: list[str]) -> Callable[[], HttpResponse]:
        match request.method, rest:
            case "POST", ["orders"]:
                return lambda: as_json(201, {"order_id": self._place(desk, read(request.body, bodies.NewOrder))})
            case "POST", ["bulk-orders"]:
                return lambda: as_json(201, self._place_all(desk, read(request.body, bodies.BulkOrders)))
            case "PATCH", ["orders", order_id]:
                return lambda: _replace(desk, order_id, request.body)
            case "DELETE", ["orders", order_id]:
                return lambda: _cancel(desk, order_id)
            case "DELETE", ["orders"]:
                return lambda: as_json(201, {"data": desk.cancel_all(_symbol(request))})
        raise Refused(404, "no such resource")

    def _place(self, desk: Desk, asked: bodies.NewOrder) -> str:
        order = desk.place(asked, self._faults.rejections[0] if self._faults.rejections else None)
        self._faults.take_rejection()  # only now: what is malformed is no order, and uses none up
        return order.order_id

    def _place_all(self, desk: Desk, asked: bodies.BulkOrders) -> Json:
        rows: list[Json] = []
        for raw in asked.orders:
            try:
                rows.append({"submitted": True, "order_id": self._place(desk, read(raw, bodies.NewOrder))})
            except Malformed as malformed:
                rows.append({"submitted": False, "reason": str(malformed)})
        submitted = sum(1 for row in rows if row["submitted"])
        return {"submitted": submitted, "rejected": len(rows) - submitted, "data": rows}

    def _locate(self, request: HttpRequest, desk: Desk, rest: list[str]) -> HttpResponse:
        desk.roll()
        match request.method, rest:
            case "POST", [_]:
                asked = read(request.body, bodies.NewLocateOrder)
                return as_json(200, desk.locates.request(asked).show(desk.account, self._now()))
            case "PATCH", [_, order_id] if order_id in desk.locates.orders:
                order = desk.locates.orders[order_id]
                desk.locates.decide(order, read(request.body, bodies.UpdateLocateOrder).accept)
                return as_json(200, order.show(desk.account, self._now()))
        raise Refused(404, "no such resource")


def desk_of(desks: Mapping[str, Desk], account_id: str) -> Desk | None:
    """Return the desk of an account id or an account number, as both are taken everywhere."""
    named = desks.get(account_id)
    if named is not None:
        return named
    return next((desk for desk in desks.values() if desk.account["account_number"] == account_id), None)


def _replace(desk: Desk, order_id: str, body: bytes) -> HttpResponse:
    desk.replace(order_id, read(body, bodies.UpdateOrder))
    return _ATTEMPTED


def _cancel(desk: Desk, order_id: str) -> HttpResponse:
    desk.cancel(order_id)
    return _ATTEMPTED


def _symbol(request: HttpRequest) -> Symbol | None:
    symbol = request.query.get("symbol")
    return None if symbol is None else Symbol(symbol)


def _account(desk: Desk) -> Json:
    return {**desk.account, "entity_id": _ENTITY_ID, "name": desk.book.name}


def _instrument(instrument: Instrument) -> Json:
    names = [{"symbol": instrument.symbol, "symbol_format": "cms"}]
    return {
        "asset_class": asset_class(instrument),
        "description": instrument.symbol,
        "primary_exchange": "SIMULATED",
        "symbols": names,
    }


def _orders(request: HttpRequest, desk: Desk) -> list[tuple[str, Json]]:
    """Return today's orders, the oldest first, created within `from` and `to` (both included)."""
    first = whole(request.query.get("from", "0"), "from")
    last = whole(request.query.get("to", "9" * 15), "to")
    shown = {order_id: order.show(desk.account) for order_id, order in desk.activity.day.orders.items()}
    return [
        (key, order)
        for (key, order), each in zip(_numbered(shown), desk.activity.day.orders.values(), strict=True)
        if first <= millis(each.created_at) <= last
    ]


def _numbered(rows: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Return rows with keys that sort as they come."""
    return [(f"{number:012}", row) for number, row in enumerate(rows.values())]


def _throttled(request: HttpRequest, wait_s: int) -> HttpResponse:
    return problem(429, "too many requests", request.path, {"retry-after": str(wait_s)})
