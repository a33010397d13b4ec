"""One subscription of a socket to an account on one host: which synchronization packets are due, in their order.

What changes is only noted; a packet is made when it is sent, so that a slow client costs no memory and gets the newest
state. Every change is in a packet after it happened, none is lost by that.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from adapters.base import UtcNow
from adapters.metaapi import simulator_history as history
from adapters.metaapi import simulator_words as words
from adapters.metaapi.simulator_desk import Desk, OrderTouched, Told, Touched
from adapters.metaapi.simulator_words import Json
from rules.model.observed import Quote
from rules.model.values import PositionId, Symbol, VenueOrderId

TICK_EVERY_S: Final = 10.0
"""A status, then a keepalive, then a status, ...: clients give up after 60 s without a status."""

PRICES_EVERY_S: Final = 1.0
"""The most often that prices are sent, whatever the market does."""


class Stamps:
    """Sequence timestamps: milliseconds of the clock, but always growing."""

    def __init__(self, now: UtcNow) -> None:
        self._now = now
        self._last = 0

    def take(self) -> int:
        self._last = max(self._last + 1, int(self._now().timestamp() * 1000))
        return self._last


class Subscription:
    """Packets that one host sends of one account, for one instance index of one socket.

    Args:
        wake: called when a packet may have become due.
        at: trio's time.
        update_type: what changes are called; the published page says "status" where all else says "update".
        records_a_packet: of the history.
    """

    def __init__(
        self,
        desk: Desk,
        instance_index: int,
        host: str,
        stamps: Stamps,
        wake: Callable[[], None],
        *,
        at: float,
        update_type: str,
        records_a_packet: int,
    ) -> None:
        self.desk = desk
        self.host = host
        self._instance_index = instance_index
        self._stamps = stamps
        self._wake = wake
        self._update_type = update_type
        self._records_a_packet = records_a_packet
        self._session_id: str | None = None
        self._plain: deque[Json] = deque()
        self._packets: Iterator[Json] | None = None
        self._number = 0
        self._live = False
        self._cursor = 0
        self._balance = Decimal(0)
        self._touched: dict[PositionId, None] = {}
        self._gone: dict[str, None] = {}
        self._orders_touched: dict[VenueOrderId, None] = {}
        self._figures_moved = False
        self._watched: set[Symbol] = set()
        self._quotes_sent: dict[Symbol, Quote] = {}
        self._prices_at = at
        self._tick_at = at + TICK_EVERY_S
        self._ticks = 0
        self._stops = [
            desk.changes.add(self._on_change),
            desk.terminal.add(self._on_terminal),
            desk.book.market.listen(self._on_quote),
        ]

    @property
    def is_up(self) -> bool:
        """Whether the terminal is connected on this host."""
        return self.host in self.desk.up

    def close(self) -> None:
        """Hear of nothing any more."""
        for stop in self._stops:
            stop()

    # What the client asks for

    def authenticate(self, session_id: str | None) -> None:
        """Tell the client that the terminal is up, now or as soon as it is."""
        self._session_id = session_id
        if self.is_up:
            self._plain.append(self._authenticated())
            self._wake()

    def synchronize(self, synchronization_id: str, orders_from: datetime | None, deals_from: datetime | None) -> None:
        """Send the whole state, and from then on what changes."""
        self._packets = self._synchronization(synchronization_id, orders_from, deals_from)
        self._wake()

    def watch(self, symbols: Iterable[Symbol]) -> None:
        """Send prices of exactly these symbols, beside those of open positions."""
        self._watched = set(symbols)
        self._note_figures()

    def watch_also(self, symbol: Symbol) -> None:
        """Send this symbol's prices too."""
        self.watch({*self._watched, symbol})

    def watch_no_more(self, symbol: Symbol) -> None:
        """Send this symbol's prices no more, but for its open positions."""
        self.watch(self._watched - {symbol})

    # What is due

    def next_packet(self, at: float) -> Json | None:
        """Return the packet to send now, or None."""
        if self._plain:
            return self._plain.popleft()
        if self._live and self._has_changed() and (update := self._update()) is not None:
            return update
        if self._packets is not None:
            packet = next(self._packets, None)
            if packet is not None:
                return packet
            self._packets = None
        if self._live and self._figures_moved and at >= self._prices_at:
            self._prices_at = at + PRICES_EVERY_S
            return self._prices()
        if at >= self._tick_at:
            self.desk.refresh()
            self._tick_at = at + TICK_EVERY_S
            return self._tick()
        return None

    def due_at(self) -> float:
        """Return when the next packet is due if nothing changes until then."""
        return min(self._tick_at, self._prices_at) if self._live and self._figures_moved else self._tick_at

    # Noting

    def _on_change(self, told: Told) -> None:
        match told:
            case Touched(position_id, gone_ticket):
                self._touched[position_id] = None
                if gone_ticket is not None:
                    self._gone[gone_ticket] = None
            case OrderTouched(order_id):
                self._orders_touched[order_id] = None
        self._note_figures()

    def _on_quote(self, quote: Quote) -> None:
        if quote.symbol in self._watched:
            self._note_figures()

    def _on_terminal(self, host: str) -> None:
        if host != self.host:
            return
        self._live, self._packets = False, None
        self._plain.append(self._authenticated() if self.is_up else self._packet("disconnected"))
        self._wake()

    def _note_figures(self) -> None:
        self._figures_moved = True
        if self._live:
            self._wake()
        elif self._packets is None:
            self._forget_changes()  # nothing is told before the next synchronization, which tells all

    def _forget_changes(self) -> None:
        self._touched.clear()
        self._gone.clear()
        self._orders_touched.clear()

    # Packets

    def _synchronization(
        self, synchronization_id: str, orders_from: datetime | None, deals_from: datetime | None
    ) -> Iterator[Json]:
        """Give the packets of a synchronization. The state is that of its beginning; updates may come in between."""
        desk = self.desk
        desk.refresh()
        self._number = -1
        self._live = True
        self._forget_changes()
        self._cursor = len(desk.history)
        self._balance = desk.book.balance
        self._quotes_sent.clear()
        self._figures_moved = True
        information, positions = words.account_information(desk), words.positions(desk)
        waiting = words.orders(desk)
        orders = history.shown(desk, history.order, history.within(desk, orders_from, None))
        deals = history.shown(desk, history.deal, history.within(desk, deals_from, None))

        def packet(kind: str, **fields: object) -> Json:
            return self._sequenced(kind, synchronizationId=synchronization_id, **fields)

        changed = dict.fromkeys(("specificationsUpdated", "positionsUpdated", "ordersUpdated"), True)
        yield packet("synchronizationStarted", **changed)
        yield packet("accountInformation", accountInformation=information)
        yield packet("specifications", specifications=words.specifications(desk), removedSymbols=[])
        yield packet("positions", positions=positions)
        yield packet("orders", orders=waiting)
        for chunk in self._chunks(orders):
            yield packet("historyOrders", historyOrders=chunk)
        yield packet("orderSynchronizationFinished")
        for chunk in self._chunks(deals):
            yield packet("deals", deals=chunk)
        yield packet("dealSynchronizationFinished")

    def _chunks(self, records: list[Json]) -> Iterator[list[Json]]:
        for start in range(0, len(records), self._records_a_packet):
            yield records[start : start + self._records_a_packet]

    def _has_changed(self) -> bool:
        self.desk.absorb()
        moved = self._cursor < len(self.desk.history) or self._balance != self.desk.book.balance
        return bool(self._touched or self._gone or self._orders_touched or moved)

    def _update(self) -> Json | None:
        """Return all that has changed; None where it is nothing that the venue shows."""
        desk = self.desk
        records = desk.history[self._cursor :]
        held = [desk.book.positions[position_id] for position_id in self._touched if position_id in desk.book.positions]
        working = desk.book.working
        fields: Json = {
            "updatedOrders": [words.order(desk, working[each]) for each in self._orders_touched if each in working],
            "completedOrderIds": [each for each in self._orders_touched if each not in working],
            "updatedPositions": [words.position(desk, position) for position in held],
            "removedPositionIds": list(self._gone),
            "historyOrders": history.shown(desk, history.order, records),
            "deals": history.shown(desk, history.deal, records),
        }
        if self._balance != desk.book.balance:
            fields["accountInformation"] = words.account_information(desk)
        self._cursor = len(desk.history)
        self._balance = desk.book.balance
        self._forget_changes()
        told = {name: value for name, value in fields.items() if value}
        return self._sequenced(self._update_type, **told) if told else None

    def _prices(self) -> Json:
        self._figures_moved = False
        desk = self.desk
        shown = self._watched | {position.symbol for position in desk.book.positions.values()}
        quotes = [quote for symbol in shown if (quote := desk.book.market.quotes.get(symbol)) is not None]
        fresh = sorted((quote for quote in quotes if self._quotes_sent.get(quote.symbol) is not quote), key=_symbol)
        self._quotes_sent = {quote.symbol: quote for quote in quotes}
        return self._sequenced("prices", prices=[words.price(desk, quote) for quote in fresh], **words.figures(desk))

    def _tick(self) -> Json:
        self._ticks += 1
        if self._ticks % 2 == 0:
            return self._packet("keepalive")
        is_up = self.is_up
        health = {"rpcApiHealthy": True, "copyFactorySubscriberHealthy": True, "copyFactoryProviderHealthy": True}
        return self._packet("status", connected=is_up, authenticated=is_up, healthStatus=health)

    def _authenticated(self) -> Json:
        session = {} if self._session_id is None else {"sessionId": self._session_id}
        return self._packet("authenticated", replicas=len(self.desk.hosts), **session)

    def _sequenced(self, kind: str, **fields: object) -> Json:
        self._number += 1
        return self._packet(kind, sequenceNumber=self._number, sequenceTimestamp=self._stamps.take(), **fields)

    def _packet(self, kind: str, **fields: object) -> Json:
        place = {"accountId": self.desk.account_id, "instanceIndex": self._instance_index, "host": self.host}
        return {"type": kind, **place, **fields}


def _symbol(quote: Quote) -> str:
    return quote.symbol
