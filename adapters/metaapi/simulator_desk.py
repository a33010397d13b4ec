"""One simulated MetaApi account: what its terminal knows beside the shared books.

These are tickets, client ids, deposits, the history in order of its making, and whether the terminal is up.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from adapters.base import UtcNow
from adapters.simulation.broker import (
    Book,
    BookOrder,
    Change,
    OrderChanged,
    OrderGone,
    PositionChanged,
    PositionGone,
    Purpose,
    Result,
)
from adapters.simulation.listeners import Listeners
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.values import OmsType, PositionId, VenueOrderId

_ACCOUNTS = uuid.UUID("5f0c7f0e-6d43-5c0a-8a43-6d6574616170")
"""The namespace of simulated account ids; any fixed UUID would do."""

FIRST_DEPOSIT_ID: Final = 400_000_001
"""Far from the books' own ids, which count from a million."""


@frozen
class Deposit:
    """Money that came to the balance, or left it, without a trade."""

    deal_id: str
    at: datetime
    amount: Decimal


Record: TypeAlias = BookOrder | Deposit


@frozen
class Touched:
    """A position was opened, changed or closed; `gone_ticket` is the one under which it is no more."""

    position_id: PositionId
    gone_ticket: str | None


@frozen
class OrderTouched:
    """A pending order was placed or changed, or works no more."""

    order_id: VenueOrderId


Told: TypeAlias = Touched | OrderTouched | None
"""What a desk tells of; None: of the figures only."""


def account_id(name: str) -> str:
    """Return the id of the simulated account of that name: the name itself where it is a UUID."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(_ACCOUNTS, name))


def tag_of(client_id: str) -> str:
    """Return the tag under which the books keep an order: our own id where it is a part of the client id."""
    return next((part for part in client_id.split("_") if is_ours(part)), client_id)


class Desk:
    """The terminal's side of one book.

    Args:
        mt4: a partial close leaves the rest under a new ticket, as MetaTrader 4 does.
        hosts: names the server processes that each run the terminal.
    """

    def __init__(self, book: Book, now: UtcNow, *, mt4: bool, hosts: tuple[str, ...]) -> None:
        self.book = book
        self.account_id = account_id(book.name)
        self.mt4 = mt4 and book.oms is OmsType.HEDGING
        self.hosts = hosts
        self.up = set(hosts)
        """The hosts on which the terminal is connected."""
        self.terminal: Listeners[str] = Listeners()
        """Told the host on which the terminal went down or came up."""
        self.changes: Listeners[Told] = Listeners()
        """Told of every change that this desk has taken in."""
        self.history: list[Record] = []
        """Orders and deposits, as they came; nothing is ever removed."""
        self.turned: set[VenueOrderId] = set()
        """Orders that turned a netted position around."""
        self.realized: dict[PositionId, Decimal] = {}
        """What partial closes of open positions have booked."""
        self.updated_at: dict[PositionId, datetime] = {}
        self.came_from: dict[PositionId, str] = {}
        """The earlier ticket of positions that were closed in part (MetaTrader 4)."""
        self._now = now
        self._client_ids: dict[str, str] = {}
        self._tickets: dict[PositionId, str] = {}
        self._positions: dict[str, PositionId] = {}
        self._order_tickets: dict[VenueOrderId, str] = {}
        self._retired: dict[PositionId, str] = {}
        self._stopped_tags: dict[VenueOrderId, str] = {}
        self._orders_seen = 0
        self._closed_seen = 0
        self._deposits = 0
        booked = sum((order.realized_pnl for order in book.orders), Decimal(0))
        self._balance = book.balance - booked
        self._deposit(book.orders[0].at if book.orders else now(), self._balance)
        self.absorb()
        book.listen(self._on_change)

    # Ids

    def remember(self, client_id: str) -> str:
        """Note a client id before its order reaches the books; returns the tag to give the order there."""
        tag = tag_of(client_id)
        self._client_ids[tag] = client_id
        return tag

    def client_id(self, tag: str | None) -> str | None:
        """Return the client id that an order or position of that tag came with."""
        return None if tag is None else self._client_ids.get(tag, tag)

    def client_id_of_order(self, order: BookOrder) -> str | None:
        """Return the client id that an order is shown with.

        A stop's order has its position's, with its own number as the third part.
        """
        client_id = self.client_id(self._stopped_tags.get(order.order_id, order.tag))
        if order.order_id not in self._stopped_tags or client_id is None or client_id.count("_") != 2:
            return client_id
        return f"{client_id.rpartition('_')[0]}_{order.order_id}"

    def ticket(self, position_id: PositionId) -> str:
        """Return the id under which the terminal shows a position, or showed it at last."""
        return self._tickets.get(position_id, position_id)

    def ticket_of_order(self, order: BookOrder) -> str | None:
        """Return the id that the position of an order had when the order was filled."""
        if order.position_id is None:
            return None
        return self._order_tickets.get(order.order_id, order.position_id)

    def position_id(self, ticket: str) -> PositionId:
        """Return the books' id of the position that is shown under `ticket`; one that nobody has if there is none."""
        if ticket in self._positions:
            return self._positions[ticket]
        return PositionId("" if ticket in self._tickets else ticket)

    # The terminal

    @property
    def is_up(self) -> bool:
        """Whether the terminal is connected on any host."""
        return bool(self.up)

    def take_down(self, *hosts: str) -> None:
        """Let the terminal on these hosts lose its broker; without any, on all."""
        gone = [host for host in hosts or self.hosts if host in self.up]
        self.up.difference_update(gone)
        self.terminal.tell(gone)

    def bring_up(self, *hosts: str) -> None:
        """Let the terminal on these hosts come up again; without any, on all."""
        back = [host for host in hosts or self.hosts if host not in self.up]
        self.up.update(back)
        self.terminal.tell(back)

    # Following the books

    def refresh(self) -> None:
        """Bring the books up to this moment: pending orders expire also while nothing is quoted."""
        self.book.expire()
        self.absorb()

    def absorb(self) -> None:
        """Take in what the books have that this desk does not know yet; refused orders are told to nobody."""
        book = self.book
        closed_since = book.closed[self._closed_seen :]
        self._closed_seen = len(book.closed)
        closing = {closed.order_id for closed in closed_since}
        for closed in closed_since:
            if closed.purpose is Purpose.STOP_OUT and closed.position.tag is not None:
                self._stopped_tags[closed.order_id] = closed.position.tag
        explained = Decimal(0)
        for order in book.orders[self._orders_seen :]:
            self.history.append(order)
            if order.status is Result.FILLED and order.position_id is not None:
                explained += order.realized_pnl
                self._take(order, order.position_id, turns=order.order_id in closing)
        self._orders_seen = len(book.orders)
        rest = book.balance - self._balance - explained
        self._balance = book.balance
        if rest:
            self._deposit(self._now(), rest)

    def _take(self, order: BookOrder, position_id: PositionId, *, turns: bool) -> None:
        if turns and order.purpose is Purpose.OPEN:
            self.turned.add(order.order_id)
        if self.mt4:
            self._order_tickets[order.order_id] = self.ticket(position_id)
        if order.purpose is Purpose.REDUCE:
            self.realized[position_id] = self.realized.get(position_id, Decimal(0)) + order.realized_pnl
            if self.mt4:
                self._give_ticket(position_id, order.order_id)

    def _give_ticket(self, position_id: PositionId, ticket: str) -> None:
        old = self.ticket(position_id)
        self._positions.pop(old, None)
        self._retired[position_id] = self.came_from[position_id] = old
        self._tickets[position_id] = ticket
        self._positions[ticket] = position_id

    def _deposit(self, at: datetime, amount: Decimal) -> None:
        self.history.append(Deposit(str(FIRST_DEPOSIT_ID + self._deposits), at, amount))
        self._deposits += 1

    def _on_change(self, change: Change) -> None:
        self.absorb()
        match change:
            case PositionChanged(position):
                position_id = position.position_id
                self.updated_at[position_id] = self._now()
                self.changes.tell([Touched(position_id, self._retired.pop(position_id, None))])
            case PositionGone(closed):
                position_id = closed.position.position_id
                for kept in (self.updated_at, self.realized, self.came_from, self._retired):
                    kept.pop(position_id, None)
                ticket = self.ticket(position_id)
                self._positions.pop(ticket, None)
                self.changes.tell([Touched(position_id, ticket)])
            case OrderChanged(order) | OrderGone(order):
                self.changes.tell([OrderTouched(order.order_id)])
            case _:
                self.changes.tell([None])
