"""The control API of a simulated venue: a person's hands, the market and the weather, over HTTP under `/control/`.

It asks for no credentials: a simulator is for tests and trials on one's own machine. README.md lists the endpoints.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random

import msgspec

from adapters.simulation import control_words as words
from adapters.simulation.book import Book
from adapters.simulation.broker import Broker
from adapters.simulation.control_words import BadRequest, decode, number, number_or_none, show
from adapters.simulation.faults import Faults
from adapters.simulation.records import OrderRefused
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpHandler, HttpRequest
from rules.model.observed import Quote
from rules.model.values import OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId

PREFIX = "/control/"
_JSON_TYPE: Mapping[str, str] = {"content-type": "application/json"}


def with_control(broker: Broker, faults: Faults, otherwise: HttpHandler) -> HttpHandler:
    """Return a handler that answers `/control/...` itself and leaves everything else to `otherwise`."""
    control = Control(broker, faults)

    async def handle(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(PREFIX):
            return control.answer(request)
        return await otherwise(request)

    return handle


class Control:
    """Answers control requests, each at once: 200, 400 (bad request), 404, 405, or 409 (the venue refuses it)."""

    def __init__(self, broker: Broker, faults: Faults) -> None:
        self._broker = broker
        self._faults = faults
        self._endpoints: dict[str, dict[str, Callable[[HttpRequest], object]]] = {
            "accounts": {"GET": self._list_accounts, "POST": self._add_account},
            "book": {"GET": self._show_book},
            "deposit": {"POST": self._deposit},
            "open": {"POST": self._open},
            "close": {"POST": self._close},
            "modify": {"POST": self._modify},
            "place": {"POST": self._place},
            "replace": {"POST": self._replace},
            "cancel": {"POST": self._cancel},
            "quotes": {"GET": self._list_quotes},
            "quote": {"POST": self._set_quote},
            "move": {"POST": self._move},
            "faults": {"GET": self._show_faults, "POST": self._set_faults},
            "drop_streams": {"POST": self._drop_streams},
            "expire_tokens": {"POST": self._expire_tokens},
        }

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request whose path begins with PREFIX."""
        name = request.path.removeprefix(PREFIX)
        methods = self._endpoints.get(name)
        if methods is None:
            return _error(404, f"endpoint must be one of {', '.join(sorted(self._endpoints))}, was {name[:100]!r}")
        endpoint = methods.get(request.method)
        if endpoint is None:
            return _error(405, f"method must be {' or '.join(methods)}, was {request.method}")
        try:
            return _json(200, endpoint(request))
        except BadRequest as error:
            return _error(400, str(error))
        except OrderRefused as error:
            return _error(409, str(error))

    # Accounts

    def _list_accounts(self, _request: HttpRequest) -> object:
        return {"accounts": [words.show_account(book) for book in self._broker.books.values()]}

    def _add_account(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.AddAccount)
        try:
            oms = OmsType(asked.oms)
        except ValueError as error:
            raise BadRequest(f"oms must be netting or hedging, was {asked.oms!r}") from error
        balance = _cash(asked.balance, "balance")
        if balance < 0:
            raise BadRequest(f"balance must be >= 0, was {balance}")
        if asked.account in self._broker.books:
            raise BadRequest(f"account must be a new name, was {asked.account!r}")
        return words.show_account(self._broker.add_account(asked.account, oms, balance, asked.currency))

    def _show_book(self, request: HttpRequest) -> object:
        book = self._book(request.query.get("account", ""))
        orders_from = request.query.get("orders_from", "0")
        if not (orders_from.isascii() and orders_from.isdigit() and len(orders_from) <= 12):
            raise BadRequest(f"orders_from must be a whole number >= 0, was {orders_from[:40]!r}")
        book.expire()
        return words.show_book(book, int(orders_from))

    def _deposit(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Deposit)
        book = self._book(asked.account)
        amount = _cash(asked.amount, "amount")
        if abs(book.balance + amount) > words.BALANCE_MAX:
            raise BadRequest(f"balance must stay within {words.BALANCE_MAX}, would be {book.balance + amount}")
        book.deposit(amount)
        return words.show_account(book)

    # Trading

    def _open(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Open)
        order = self._book(asked.account).open(
            Symbol(asked.symbol),
            _side(asked.side),
            number(asked.volume, "volume"),
            stop_loss=number_or_none(asked.stop_loss, "stop_loss"),
            take_profit=number_or_none(asked.take_profit, "take_profit"),
            tag=asked.tag,
            magic=asked.magic,
            comment=asked.comment,
            price=number_or_none(asked.price, "price"),
        )
        return {"order": show(order)}

    def _close(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Close)
        volume = number_or_none(asked.volume, "volume")
        price = number_or_none(asked.price, "price")
        book = self._book(asked.account)
        return {"order": show(book.close(PositionId(asked.position_id), volume, tag=asked.tag, price=price))}

    def _modify(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Modify)
        stop_loss = number_or_none(asked.stop_loss, "stop_loss")
        take_profit = number_or_none(asked.take_profit, "take_profit")
        book = self._book(asked.account)
        return {"position": show(book.replace_stops(PositionId(asked.position_id), stop_loss, take_profit))}

    def _place(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Place)
        try:
            order_type = OrderType(asked.order_type)
        except ValueError as error:
            raise BadRequest(f"order_type must be limit, stop or stop_limit, was {asked.order_type!r}") from error
        if asked.expires_at is not None and asked.expires_at.tzinfo is None:
            raise BadRequest(f"expires_at must have a zone, was {asked.expires_at.isoformat()}")
        order = self._book(asked.account).place_order(
            Symbol(asked.symbol),
            _side(asked.side),
            order_type,
            number(asked.volume, "volume"),
            number(asked.price, "price"),
            limit_price=number_or_none(asked.limit_price, "limit_price"),
            stop_loss=number_or_none(asked.stop_loss, "stop_loss"),
            take_profit=number_or_none(asked.take_profit, "take_profit"),
            expires_at=asked.expires_at,
            tag=asked.tag,
            magic=asked.magic,
            comment=asked.comment,
        )
        return {"order": show(order)}

    def _replace(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Replace)
        order = self._book(asked.account).replace_order(
            VenueOrderId(asked.order_id),
            number(asked.price, "price"),
            limit_price=number_or_none(asked.limit_price, "limit_price"),
            stop_loss=number_or_none(asked.stop_loss, "stop_loss"),
            take_profit=number_or_none(asked.take_profit, "take_profit"),
            volume=number_or_none(asked.volume, "volume"),
        )
        return {"order": show(order)}

    def _cancel(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Cancel)
        book = self._book(asked.account)
        book.cancel_order(VenueOrderId(asked.order_id))
        return {"order": show(book.orders[-1])}

    # The market

    def _list_quotes(self, _request: HttpRequest) -> object:
        return {"quotes": [show(quote) for quote in self._broker.market.quotes.values()]}

    def _set_quote(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.SetQuote)
        bid, ask = number(asked.bid, "bid"), number(asked.ask, "ask")
        quote = Quote(Symbol(asked.symbol), bid, ask, self._broker.now())
        try:
            self._broker.market.set_quote(quote)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return {"quotes": [show(quote)]}

    def _move(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.Move)
        random = Random(asked.seed)
        for _ in range(asked.steps):
            self._broker.market.move(random, self._broker.now())
        return self._list_quotes(request)

    # The weather

    def _show_faults(self, _request: HttpRequest) -> object:
        return words.show_faults(self._faults)

    def _set_faults(self, request: HttpRequest) -> object:
        asked = decode(request.body, words.SetFaults)
        if not isinstance(asked.reject, msgspec.UnsetType):
            try:
                self._faults.reject(asked.reject.text, asked.reject.count)
            except ValueError as error:
                raise BadRequest(str(error)) from error
        for name in words.SetFaults.__struct_fields__:
            value = getattr(asked, name)
            if name != "reject" and value is not msgspec.UNSET:
                setattr(self._faults, name, value)
        return words.show_faults(self._faults)

    def _drop_streams(self, _request: HttpRequest) -> object:
        self._faults.drop_streams()
        return {}

    def _expire_tokens(self, _request: HttpRequest) -> object:
        self._faults.expire_tokens()
        return {}

    def _book(self, name: str) -> Book:
        book = self._broker.books.get(name)
        if book is None:
            raise BadRequest(f"account must be one of those that GET {PREFIX}accounts lists, was {name[:100]!r}")
        return book


def _side(value: str) -> Side:
    try:
        return Side(value)
    except ValueError as error:
        raise BadRequest(f"side must be buy or sell, was {value!r}") from error


def _cash(value: words.Number, what: str) -> Decimal:
    amount = number(value, what)
    if abs(amount) > words.BALANCE_MAX or amount != round(amount, 2):
        raise BadRequest(f"{what} must be an amount in whole cents within {words.BALANCE_MAX}, was {amount}")
    return amount


def _json(status: int, value: object) -> HttpResponse:
    return HttpResponse(status, _JSON_TYPE, msgspec.json.encode(value))


def _error(status: int, text: str) -> HttpResponse:
    return _json(status, {"error": text})
