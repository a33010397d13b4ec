"""One session of the activity channel without I/O: frames in, events out.

Subscribes one account, takes the replay of the day up to `replay-complete`, has it confirmed by the books, and reports
what changes. One account a session: neither the envelope nor `replay-complete` names one.
"""

from collections import Counter, OrderedDict
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from adapters.base import RemoteProtocolError, SessionLost
from adapters.clearstreet import pending, translate, wire
from adapters.clearstreet.net import Books, Lives
from adapters.clearstreet.protection import is_protective
from adapters.clearstreet.sequence import Gaps, Sequence
from adapters.clearstreet.stream_book import Closed, StreamBook
from adapters.clearstreet.stream_orders import StreamOrders
from adapters.clearstreet.translate import VenueOrder
from adapters.numbers import number
from rules.model.events import (
    Event,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.observed import Position
from rules.model.values import AccountId

_BOOKS_ASKS_MAX: Final = 3
"""How often the books may differ from the replay before they are believed: they may lag behind it a little."""

_TYPES_COUNTED_MAX: Final = 32
"""Bounds the table of types that nobody reads; the venue has nine."""

_ORDERS_MAX: Final = 256
"""Orders of which the symbol is remembered for executions that name none, which follow closely."""


class SubscriptionRefused(SessionLost):
    """The venue refuses the subscription; whether for good, only the REST API can tell."""


class StreamSession:
    """The state of one connection.

    Send `subscribe` first, then feed every received frame to `receive`. While `needs_books` is true the REST API's
    books are wanted through `learn`. While `waits` is true, `settle` is wanted when nothing else comes for a moment.

    Args:
        account_id: id or number, as the venue names the account.
        lives: the account's opening times, shared with its polls.
        gaps: the account's gaps, shared with its later sessions.
        zone: where the venue's day begins, at midnight.
    """

    def __init__(self, account: AccountId, account_id: str, lives: Lives, gaps: Gaps, zone: ZoneInfo) -> None:
        self._account = account
        self._account_id = account_id
        self._sequence = Sequence(gaps, zone, self._doubt)
        self._orders = StreamOrders()
        self._book = StreamBook(lives, self._orders.stop_loss)
        self._subscribed = False
        self._replayed = False
        self._confirmed = False
        self._asks_left = _BOOKS_ASKS_MAX
        self._notes: list[str] = []
        self._notices: list[str] = []
        self.unknown: Counter[str] = Counter()
        """Messages that were left aside, by type."""
        self._symbols: OrderedDict[str, str] = OrderedDict()
        self._order_news: list[VenueOrder] = []

    @property
    def sequence(self) -> int | None:
        """The number of the last message that was applied."""
        return self._sequence.last

    @property
    def subscribed(self) -> bool:
        """Tell whether the venue took the subscription."""
        return self._subscribed

    @property
    def synchronized(self) -> bool:
        """Tell whether the snapshot was given out."""
        return self._confirmed

    @property
    def needs_books(self) -> bool:
        """Tell whether `learn` is wanted."""
        return self._replayed and not self._confirmed

    @property
    def waits(self) -> bool:
        """Tell whether an execution waits for the position-update that belongs to it."""
        return self._confirmed and self._book.waits

    @property
    def mark(self) -> int:
        """The point that the stream has reached, to be taken before the books are asked for."""
        return self._book.mark

    def take_notes(self) -> list[str]:
        """Return what a person should know, each once."""
        notes, self._notes = self._notes, []
        return notes

    def take_notices(self) -> list[str]:
        """Return what the venue said beside the data, each once; a token's end is told so, just before it hangs up."""
        notices, self._notices = self._notices, []
        return notices

    def take_orders(self) -> list[VenueOrder]:
        """Return what was told of orders, each once."""
        if not self._order_news:
            return []  # as after nearly every message
        news, self._order_news = self._order_news, []
        return news

    def subscribe(self, token: str) -> str:
        """Return the first frame to send; the venue hangs up when it does not come within 30 s."""
        return wire.subscribe(token, self._account_id)

    def receive(self, text: str | bytes, at: datetime) -> list[Event]:
        """Take one WebSocket message.

        Args:
            at: our clock, UTC.
        Returns:
            what happened, in order.
        Raises:
            SubscriptionRefused: the venue does not take the subscription. Gap: messages are missing.
            RemoteProtocolError: the frame breaks the protocol.
        """
        frame = wire.frame(text)
        message = frame.message
        if isinstance(message, wire.Data):  # asked first: thousands of them are a replay
            return self._take_data(message, at) if self._sequence.is_next(frame, self._replayed) else []
        match message:
            case wire.SubscribeAck():
                return self._take_ack(message, at)
            case wire.ErrorNotice(details=details):
                if not self._subscribed:
                    raise SubscriptionRefused(f"the venue cannot read our subscription: {details[:200]}")
                self._notices.append(details[:200])
            case wire.Heartbeat():
                self._sequence.see(frame)
                return self.settle(at)
            case wire.ReplayComplete():
                self._sequence.see(frame)
                self._book.settle()
                self._replayed = True
            case wire.UnknownMessage(type=kind):
                self._count(kind)
        return []

    def settle(self, at: datetime) -> list[Event]:
        """Take the executions of which no position-update came at their word."""
        if not self._confirmed:
            return []
        return [self._event(change, at) for change in self._book.settle()]

    def learn(self, books: Books, mark: int) -> bool:
        """Take the REST API's books, asked for at `mark` because of `needs_books`.

        Returns:
            whether `snapshot` is to be told now: stream and books agree, or the books have contradicted the stream
            for the third time.
        """
        if not self.needs_books:
            return False
        difference = self._book.difference(books, mark)
        if difference is not None:
            self._asks_left -= 1
            if self._asks_left > 0:
                return False
            self._notes.append(f"the books are believed against the replay of the day: {difference}")
        self._book.take_books(books, mark)
        self._orders.learn(books.orders)
        self._confirmed = self._book.live = True
        self._asks_left = _BOOKS_ASKS_MAX
        return True

    def snapshot(self, at: datetime) -> SnapshotReceived:
        """Return what is open now: the books have just been learned, or the session takes over from another one."""
        positions = tuple(self._book.positions())
        orders = pending.working_orders(self._orders.working, self._book.quantity)
        return SnapshotReceived(self._account, at, positions, Origin.RECONCILED, orders=orders)

    @property
    def place(self) -> tuple[date, int]:
        """How far the stream has come: the venue's day, and the last message of it (-1: none yet)."""
        return self._sequence.place

    def _take_ack(self, ack: wire.SubscribeAck, at: datetime) -> list[Event]:
        if not ack.success:
            raise SubscriptionRefused(f"the venue refuses the subscription: {ack.details[:200]}")
        if ack.account_id not in (None, "", self._account_id):
            raise RemoteProtocolError(
                f"expected a subscription to {self._account_id}, found one to {(ack.account_id or '')[:80]!r}"
            )
        if self._subscribed:
            return []
        self._subscribed = True
        return [SessionOpened(self._account, at)]

    def _doubt(self, note: str) -> None:
        """Take note that messages are missing for good: the books must say what they were about."""
        self._notes.append(note)
        self._confirmed = self._book.live = False
        self._orders.forget()

    def _take_data(self, data: wire.Data, at: datetime) -> list[Event]:
        if data.account_id != self._account_id and not translate.is_ours(data, self._account_id):
            self._count("another account")
            return []
        events: list[Event] = []
        match data:
            case wire.Position():
                events = self._events(self._book.take_position(data), at)
            case wire.Trade():
                events = self._events(self._take_trade(data), at)
            case wire.Order():
                events = self._take_order(data, at)
            case wire.BuyingPower():
                number(data.figure, "buying power")
            case wire.LocateInventory():
                pass
        return events if self._confirmed else []

    def _take_trade(self, data: wire.Trade) -> Position | None:
        symbol = data.symbol or self._symbols.get(data.order_id)
        if not symbol:
            self._count("trade without a symbol")  # the position-update that belongs to it names one
            return None
        return self._book.take_trade(translate.trade(data, symbol))

    def _take_order(self, message: wire.Order, at: datetime) -> list[Event]:
        order = translate.order(message)
        self._symbols.pop(order.order_id, None)
        self._symbols[order.order_id] = order.symbol
        if len(self._symbols) > _ORDERS_MAX:
            self._symbols.popitem(last=False)
        self._order_news.append(order)
        if not self._orders.take(order) or order.order_type is None:
            return []
        if is_protective(order):
            return self._events(self._book.take_stops(order.symbol), at)
        if pending.is_pending(order):
            return [OrderReported(self._account, at, pending.working_order(order))]
        position_id = translate.position_id(order.symbol) if order.filled > 0 else None
        return [OrderEnded(self._account, at, order.order_id, pending.end_of(order), position_id)]

    def _events(self, change: Position | Closed | None, at: datetime) -> list[Event]:
        return [] if change is None else [self._event(change, at)]

    def _event(self, change: Position | Closed, at: datetime) -> Event:
        if isinstance(change, Closed):
            position_id = translate.position_id(change.symbol)
            return PositionClosed(self._account, at, position_id, change.price, change.at)
        return PositionReported(self._account, at, change)

    def _count(self, kind: str) -> None:
        if kind in self.unknown or len(self.unknown) < _TYPES_COUNTED_MAX:
            self.unknown[kind] += 1
