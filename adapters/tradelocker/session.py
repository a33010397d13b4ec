"""One Streams API session without I/O: frames in, events and frames out.

Connects the namespace, subscribes one account, collects the initial state until `SyncEnd`, and reports what changes.
One account a session: `SyncEnd` names no account, so with two it would not tell whose state is complete.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, TypeAlias

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.tradelocker import translate, wire
from adapters.tradelocker.stream_book import BookStops, StreamBook
from adapters.tradelocker.stream_orders import StreamOrders
from adapters.tradelocker.values import is_zero
from adapters.tradelocker.wire_rest import StreamToken
from adapters.transport import socketio
from rules.model.events import (
    AccountReported,
    Event,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.observed import AccountStatus, Position, WorkingOrder
from rules.model.values import AccountId, PositionId, VenueOrderId

_BOOKS_ASKS_MAX: Final = 3
"""How often the books may differ from the initial state before one of the two is held to be wrong."""


Mark: TypeAlias = tuple[int, int]
"""How far the stream has come, in positions and in pending orders."""


class TokenRefused(SessionLost):
    """The Streams API no longer takes the account's token: a new one is needed."""


class StreamSession:
    """The state of one connection.

    Feed every received frame to `receive`, then send what `take_outbox` gives. While `needs_books` is true, the
    positions and pending orders of the REST API are wanted through `learn`: to confirm the initial state, for stop
    prices, and for pending orders, of which the stream does not tell all.
    """

    def __init__(self, account: AccountId, token: StreamToken) -> None:
        self._account = account
        self._token = token
        self._link = socketio.ClientSession(eio_version=4, read_event=wire.read_event)
        self._book = StreamBook()
        self._orders = StreamOrders()
        self._status: AccountStatus | None = None
        self._subscribed = False
        self._sync_ended = False
        self._released = False
        self._asks_left = _BOOKS_ASKS_MAX
        self.remaining_requests: int | None = None
        """Subscription requests that the venue says are left; None until it says so."""

    @property
    def synchronized(self) -> bool:
        """Tell whether the snapshot was given out."""
        return self._released

    @property
    def needs_books(self) -> bool:
        """Tell whether `learn` is wanted."""
        if not self._released:
            return self._subscribed and self._sync_ended
        return self._book.needs_books or self._orders.needs_books

    @property
    def silence_s_max(self) -> float | None:
        """How long the server may be silent (ping interval and timeout, seconds); None before it has said so."""
        return self._link.silence_s_max

    def take_outbox(self) -> list[str]:
        """Return the frames to send now, in order."""
        return self._link.take_outbox()

    def receive(self, frame: str | bytes, at: datetime) -> list[Event]:
        """Take one WebSocket message.

        Args:
            at: our clock, UTC.
        Returns:
            what happened, in order.
        Raises:
            SignInRefused: the venue refuses key or account for good. TokenRefused: a new token is needed.
            RemoteProtocolError: the frame breaks the protocol. SessionLost: the venue ends the session.
        """
        event = self._link.receive(frame)
        match event:
            case socketio.Event(namespace=wire.NAMESPACE, name=name, args=args):
                return self._take_event(name, args, at)
            case socketio.Opened():
                self._link.connect(wire.NAMESPACE)
            case socketio.Connected(namespace=wire.NAMESPACE):
                subscribe = wire.Subscribe(
                    token=self._token.access_token,
                    account_id=self._token.account_id,
                    brand_id=self._token.brand_id,
                )
                self._link.emit(wire.EVENT_SUBSCRIPTIONS, subscribe.as_json(), namespace=wire.NAMESPACE, ack=True)
            case socketio.Refused(error=error):
                raise _refusal_of_link(error)
            case socketio.Ack(args=args):
                return self._take_answer(args, at)
            case socketio.Disconnected() | socketio.Closed():
                raise SessionLost("the Streams API closed the session")
        return []

    @property
    def mark(self) -> Mark:
        """The point that the stream has reached, to be taken before the books are asked for."""
        return self._book.mark, self._orders.mark

    def learn(self, books: BookStops, orders: Iterable[WorkingOrder], mark: Mark, at: datetime) -> list[Event]:
        """Take the positions, stop prices and pending orders of the REST API, asked for at `mark`.

        Returns:
            the snapshot when it is confirmed; later what is news: positions by their stops, and pending orders.
        Raises:
            RemoteProtocolError: the initial state and the books go on having different positions.
        """
        changed = self._book.learn(books, mark[0])
        news = self._orders.learn(orders, mark[1])
        if self._released:
            return [
                *(PositionReported(self._account, at, position) for position in changed),
                *(OrderReported(self._account, at, order) for order in news),
            ]
        if not self.needs_books:
            return []
        difference = self._book.difference(books, mark[0])
        if difference is None:
            return [] if self._book.needs_books else self._release(at)
        self._asks_left -= 1
        if self._asks_left == 0:
            raise RemoteProtocolError(f"expected the same open positions in stream and books, found: {difference}")
        return []

    def _take_event(self, name: str, args: tuple[object, ...], at: datetime) -> list[Event]:
        data = args[0] if args else None
        match name:
            case wire.EVENT_STREAM:
                return self._take_message(data, at)
            case wire.EVENT_CONNECTION:
                _check_link(wire.status_message(data, "connection event"))
            case wire.EVENT_SUBSCRIPTIONS:
                return self._take_answer(args, at)
        return []

    def _take_answer(self, args: tuple[object, ...], at: datetime) -> list[Event]:
        """Take the answer to our subscription; it may come as acknowledgement, as event, or as both."""
        answer = wire.status_message(args[0] if args else None, "answer to SUBSCRIBE")
        if isinstance(answer.remaining_requests, int):
            self.remaining_requests = answer.remaining_requests
        if not answer.ok:
            raise _refusal_of_subscription(answer)
        if answer.code == "disconnected":
            raise SessionLost(f"the Streams API ended the subscription: {answer.message[:200]}")
        if self._subscribed:
            return []
        self._subscribed = True
        return [SessionOpened(self._account, at)]

    def _take_message(self, data: object, at: datetime) -> list[Event]:
        message = wire.stream_message(data)
        if message is None or not self._is_ours(message):
            return []
        match message:
            case wire.Position():
                return self._take_position(message, at)
            case wire.ClosePosition():
                return self._take_close(message, at)
            case wire.OpenOrder():
                return self._take_order(message, at)
            case wire.AccountStatus():
                self._status = translate.status_from_stream(message)
                return [AccountReported(self._account, at, self._status)] if self._released else []
            case wire.Property(name="Disconnected"):
                raise SessionLost("the Streams API dropped us (Property Disconnected)")
            case wire.Property(name="SyncEnd"):
                self._sync_ended = True
        return []

    def _is_ours(self, message: wire.StreamMessage) -> bool:
        """Tell whether a message is about our account; a Property may name none and is about the session."""
        if message.account_id == self._token.account_id:
            return message.brand_id is None or message.brand_id == self._token.brand_id
        return isinstance(message, wire.Property) and message.account_id is None

    def _take_position(self, message: wire.Position, at: datetime) -> list[Event]:
        # Nothing is held of a position without volume; whether the venue writes a close so is not documented.
        if is_zero(message.lots):
            self._book.release(message.position_id)
            return [PositionClosed(self._account, at, message.position_id)] if self._released else []
        return self._reported(self._book.hold(message), at)

    def _take_close(self, message: wire.ClosePosition, at: datetime) -> list[Event]:
        closed = translate.close_from_stream(message, self._account, at)
        self._book.release(closed.position_id)
        return [closed] if self._released else []

    def _take_order(self, message: wire.OpenOrder, at: datetime) -> list[Event]:
        events = self._reported(self._book.take_order(message), at)
        if not self._orders.take(message) or not self._released:
            return events
        told = message.position_id
        position_id = PositionId(told) if isinstance(told, str) and told not in translate.NO_ORDER else None
        status = translate.order_end(message.status)
        return [*events, OrderEnded(self._account, at, VenueOrderId(message.order_id), status, position_id)]

    def _reported(self, position: Position | None, at: datetime) -> list[Event]:
        if position is None or not self._released:
            return []
        return [PositionReported(self._account, at, position)]

    def _release(self, at: datetime) -> list[Event]:
        self._released = True
        orders = self._orders.working
        snapshot = SnapshotReceived(self._account, at, self._book.positions, Origin.RECONCILED, orders=orders)
        return [snapshot] if self._status is None else [AccountReported(self._account, at, self._status), snapshot]


def _check_link(status: wire.Status) -> None:
    """Raise what a `connection` event means, unless it is good news."""
    if status.ok and status.code not in {"disconnected", "shutdown"}:
        return
    if status.code is not None and status.code.startswith("unauthorized"):
        raise SignInRefused(f"the Streams API refuses the developer_api_key ({status.code[:80]})")
    raise SessionLost(f"the Streams API ends the connection ({(status.code or status.status)[:80]})")


def _refusal_of_link(error: object) -> Exception:
    """Return what a refused namespace means; its text is free, so only the word that names a bad key is final."""
    text = str(error.get("message", "") if isinstance(error, dict) else error)[:200]
    if "unauthorized" in text.lower() or "api key" in text.lower():
        return SignInRefused(f"the Streams API refuses the developer_api_key ({text[:80]})")
    return SessionLost(f"the Streams API refuses the connection: {text!r}")


def _refusal_of_subscription(answer: wire.Status) -> Exception:
    """Return what an error answer to SUBSCRIBE means. Codes that are not known are weather."""
    code = answer.code or ""
    text = f"the Streams API refuses the subscription ({code[:80]}): {answer.message[:200]}"
    if code == "invalidJwt":
        # Key, sign-in and socket must be of one environment; a new token of the same host would be refused again.
        return SignInRefused(text) if "not recognized" in answer.message else TokenRefused(text)
    if code == "accountNotFound" or code.startswith("unauthorized"):
        return SignInRefused(text)
    return SessionLost(text)
