"""The REST API of a simulated MetaCopier, as far as a trade copier needs it: looks, orders, changes and closes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import trio

from adapters.base import RemoteProtocolError, UtcNow
from adapters.metacopier import simulator_words as words
from adapters.metacopier.simulator_keys import Keys
from adapters.metacopier.wire import decode
from adapters.simulation.broker import Book, OrderRefused, Purpose
from adapters.simulation.faults import Faults
from adapters.transport.http import HttpResponse
from adapters.transport.serving import DropConnection, HttpRequest
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.instruments import Instrument, round_to_step
from rules.model.observed import Position
from rules.model.values import PositionId, Price, Side, Symbol, VenueOrderId, Volume, exact

_BASE = "/rest/api/v1/"
_RETRY_AFTER_S = "2"
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}

# How the books' words read on MetaCopier's wire; the rest comes as the catch-all.
_TOKENS = {"Unknown symbol": "[UNKNOWN_SYMBOL]", "Position not found": "[POSITION_NOT_FOUND]"}


class _PositionRequest(msgspec.Struct, rename="camel"):
    symbol: str
    order_type: str
    volume: Decimal
    open_price: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    request_id: int
    comment: str | None = None
    magic_number: str | None = None
    pending_expiry_seconds: int | None = None


class _Refused(Exception):
    """The request is refused with a status and the venue's `{"errors": [...]}`."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@frozen
class RestApi:
    """Answers REST requests over the books of a broker."""

    keys: Keys
    faults: Faults
    now: UtcNow

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request.

        Raises:
            DropConnection: a lost request or answer was asked for.
        """
        if self.faults.delay_s > 0:
            await trio.sleep(self.faults.delay_s)
        try:
            return self._answer(request)
        except _Refused as refused:
            return _json(refused.status, {"errors": [str(refused)]})

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if self.faults.maintenance:
            raise _Refused(503, "maintenance")
        key = request.headers.get("x-api-key")
        if key is None or not self.keys.is_valid(key) or self.faults.refuse_sign_in:
            raise _Refused(401, "API key missing, wrong or expired")
        if not request.path.startswith(_BASE):
            raise _Refused(404, "not found")
        parts = request.path.removeprefix(_BASE).split("/")
        if parts == ["accounts"] and request.method == "GET":
            return _json(200, [self._account(book) for book in self.keys.books(key).values()])
        if parts[0] != "accounts" or len(parts) < 2:
            raise _Refused(404, "not found")
        book = self.keys.book(key, parts[1])
        if book is None:
            raise _Refused(404, "account not found")
        book.expire()
        if request.method == "GET":
            return _json(200, self._look(book, parts[2:], request))
        return self._trade(book, parts[2:], request)

    def _account(self, book: Book) -> words.Json:
        information = words.information(book, self.now())
        return {"id": information["id"], "alias": book.name, "accountInformation": information}

    def _look(self, book: Book, parts: list[str], request: HttpRequest) -> object:
        match parts:
            case []:
                return self._account(book)
            case ["information"]:
                return words.information(book, self.now())
            case ["positions"]:
                return words.open_positions(book)
            case ["history", "positions"]:
                return words.history(book, _instant(request, "start"), _instant(request, "stop"))
            case ["symbols"]:
                return [words.symbol(instrument) for instrument in book.market.instruments.values()]
            case ["symbols", name]:
                return words.symbol(_instrument(book, name))
            case ["quote", name]:
                quote = book.market.quotes.get(_instrument(book, name).symbol)
                if quote is None:
                    raise _Refused(400, "[NO_QUOTE]")
                return words.market_quote(quote)
        raise _Refused(404, "not found")

    def _trade(self, book: Book, parts: list[str], request: HttpRequest) -> HttpResponse:
        """Execute what moves money; the faults that were asked for happen here and only here."""
        execute = self._order(book, parts, request)
        if self.faults.take_throttle():
            return _json(429, {"errors": ["Too many requests"]}, {"retry-after": _RETRY_AFTER_S})
        if self.faults.take_lost_request():
            raise DropConnection
        try:
            execute(self.faults.take_rejection())
        except OrderRefused as refused:
            if self.faults.take_lost_answer():
                raise DropConnection from None
            text = _TOKENS.get(str(refused), f"[BROKER_REJECTION] {refused}")
            raise _Refused(404 if text == "[POSITION_NOT_FOUND]" else 400, text) from None
        if self.faults.take_lost_answer():
            raise DropConnection
        return HttpResponse(204)

    def _order(self, book: Book, parts: list[str], request: HttpRequest) -> Callable[[str | None], None]:
        """Return what executes the request, given the text with which it shall be refused, if any."""
        match request.method, parts:
            case "POST", ["positions" | "orders"]:
                body = _position_request(request.body)
                return lambda rejection: _open(book, body, rejection, self.now())
            case "PUT", ["positions", position_id]:
                body = _position_request(request.body)
                return lambda rejection: _modify(book, PositionId(position_id), body, rejection)
            case "DELETE", ["positions", position_id]:
                return lambda rejection: _close(book, PositionId(position_id), rejection)
            case "POST", ["actions", "closeAllPositions"]:
                return lambda rejection: _close_all(book, rejection)
        raise _Refused(404, "not found")


def _open(book: Book, body: _PositionRequest, rejection: str | None, now: datetime) -> None:
    pending = words.ORDER_TYPES.get(body.order_type)
    side = _SIDES[body.order_type] if pending is None else pending[0]
    symbol = Symbol(body.symbol)
    tag = body.comment if is_ours(body.comment) else None
    instrument = book.market.instruments.get(symbol)
    volume = body.volume if instrument is None else _snapped(body.volume, instrument)
    if rejection is not None:
        book.refuse(symbol, side, volume, rejection, tag=tag)
    comment = f"API|{body.request_id}|{body.comment or ''}"
    stop_loss, take_profit, magic = _stop(body.stop_loss), _stop(body.take_profit), body.magic_number
    if pending is None:
        book.open(
            symbol, side, volume, stop_loss=stop_loss, take_profit=take_profit, tag=tag, magic=magic, comment=comment
        )
        return
    lasts_s = body.pending_expiry_seconds
    book.place_order(
        symbol,
        side,
        pending[1],
        volume,
        body.open_price,
        stop_loss=stop_loss,
        take_profit=take_profit,
        expires_at=None if lasts_s is None else now + timedelta(seconds=lasts_s),
        tag=tag,
        magic=magic,
        comment=comment,
    )


def _modify(book: Book, position_id: PositionId, body: _PositionRequest, rejection: str | None) -> None:
    """Set the stops, then close what is above the wanted volume: `volume` is what shall remain.

    Of a pending order all prices are set, and the volume.
    """
    stops = (_stop(body.stop_loss), _stop(body.take_profit))
    order_id = VenueOrderId(position_id)
    if order_id in book.working:
        if rejection is not None:
            raise OrderRefused(rejection)
        book.replace_order(order_id, body.open_price, stop_loss=stops[0], take_profit=stops[1], volume=body.volume)
        return
    held = _held(book, position_id)
    if rejection is not None:
        order = (held.symbol, held.side.opposite, held.volume)
        book.refuse(*order, rejection, purpose=Purpose.REDUCE, position_id=position_id)
    if body.volume > held.volume:
        raise OrderRefused("a position's volume cannot grow")
    if stops != (held.stop_loss, held.take_profit):
        book.replace_stops(position_id, *stops)
    if body.volume < held.volume:
        book.close(position_id, held.volume - body.volume)


def _close(book: Book, position_id: PositionId, rejection: str | None) -> None:
    """Close a position, or cancel a pending order: the venue has one path for both."""
    order_id = VenueOrderId(position_id)
    if order_id in book.working:
        if rejection is not None:
            raise OrderRefused(rejection)
        book.cancel_order(order_id)
        return
    held = _held(book, position_id)
    if rejection is not None:
        order = (held.symbol, held.side.opposite, held.volume)
        book.refuse(*order, rejection, purpose=Purpose.CLOSE, position_id=position_id)
    book.close(position_id)


def _close_all(book: Book, rejection: str | None) -> None:
    for position_id in tuple(book.positions):
        _close(book, position_id, rejection)


def _held(book: Book, position_id: PositionId) -> Position:
    held = book.positions.get(position_id)
    if held is None:
        raise OrderRefused("Position not found")
    return held


def _snapped(volume: Volume, instrument: Instrument) -> Volume:
    """Return the volume on the symbol's grid and within its limits, as the venue does without a word."""
    snapped = round_to_step(volume, instrument.volume_step)
    return min(max(snapped, instrument.volume_min), instrument.volume_max)


def _stop(price: Decimal) -> Price | None:
    return None if price == 0 else price


def _instrument(book: Book, name: str) -> Instrument:
    instrument = book.market.instruments.get(Symbol(name))
    if instrument is None:
        raise _Refused(400, "[UNKNOWN_SYMBOL]")
    return instrument


def _instant(request: HttpRequest, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(request.query[name])
    except (KeyError, ValueError):
        raise _Refused(400, f"{name} -> must be a date and time in ISO 8601") from None
    if at.tzinfo is None:
        raise _Refused(400, f"{name} -> must have a zone")
    return at


def _position_request(data: bytes) -> _PositionRequest:
    try:
        body = decode(data, _PositionRequest, "a PositionRequestDTO")
        for name in ("volume", "open_price", "stop_loss", "take_profit"):
            if exact(getattr(body, name), name) < 0:
                raise ValueError(f"{name} must not be negative")
    except (RemoteProtocolError, ValueError) as error:
        raise _Refused(400, str(error)) from None
    if body.order_type not in (*_SIDES, *words.ORDER_TYPES):
        raise _Refused(400, "orderType -> must be one of the six order types")
    for valid, text in (
        (len(body.symbol) <= 20, "symbol -> size must be between 0 and 20"),
        (len(body.comment or "") <= 31, "comment -> size must be between 0 and 31"),
        (0 <= body.request_id <= 999, "requestId -> must be between 0 and 999"),
        (body.magic_number is None or body.magic_number.isdigit(), "magicNumber -> must be numeric"),
        (body.volume > 0, "volume -> must be greater than 0"),
        (0 < (body.pending_expiry_seconds or 1) < 10**9, "pendingExpirySeconds -> must be greater than 0"),
    ):
        if not valid:
            raise _Refused(400, text)
    return body


def _json(status: int, value: object, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json", **(headers or {})}, msgspec.json.encode(value))
