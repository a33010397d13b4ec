"""What one terminal host tells of the account: its packets in order, its synchronization, its positions. Sans-IO.

A host is `(instanceIndex, host)`; several may serve an account for a while, each with a numbering of its own.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from attrs import define, field

from adapters.base import RemoteProtocolError, SessionLost
from adapters.metaapi import translate
from adapters.metaapi.pending import PendingOrders
from adapters.metaapi.sequence import Sequencer
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.values import instant, name, price_or_none
from adapters.metaapi.wire import AccountInformation, Order, Packet, Position
from rules.model.events import (
    AccountReported,
    Event,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SnapshotReceived,
)
from rules.model.observed import AccountStatus
from rules.model.values import AccountId, OmsType

STATUS_S_MAX = 60.0
"""A healthy host sends `status` more often than this; the vendor's client calls it gone after the same time."""

SYNC_S_MAX = 120.0
"""From `synchronize` to its end, as the vendor's client waits."""

SYNC_PAUSE_S_MAX = 20.0
"""Between two packets of a synchronization."""

_UPDATES_MAX = 10_000
"""Updates kept while a synchronization runs; it takes seconds, and no terminal makes so many changes in its two
minutes."""

_REMOVED_MAX = 10_000
"""Closed positions that are remembered, so that an older list does not bring them back."""


class Phase(Enum):
    """Where a host's state stands."""

    WAITING = "waiting"
    """Synchronization was asked for."""
    SYNCING = "syncing"
    """It runs."""
    LIVE = "live"


@define
class Terminal:
    """One host, from its `authenticated` on.

    Args:
        gap_s: how long a missing packet is waited for.
    """

    account: AccountId
    oms: OmsType
    tickets: Tickets
    gap_s: float
    phase: Phase = field(default=Phase.WAITING, init=False)
    synchronized: bool = field(default=False, init=False)
    """Its state was whole once; it may be stale while another synchronization runs."""
    _synchronization_id: str = field(default="", init=False)
    _sequencer: Sequencer = field(init=False)
    _status_at_s: float = field(default=0.0, init=False)
    _asked_at_s: float = field(default=0.0, init=False)
    _progress_at_s: float = field(default=0.0, init=False)
    _rows: dict[str, Position] = field(factory=dict, init=False)
    _orders: PendingOrders = field(init=False)
    _info: AccountInformation | None = field(default=None, init=False)
    _status: AccountStatus | None = field(default=None, init=False)
    _staged: tuple[Position, ...] | None = field(default=None, init=False)
    _staged_orders: tuple[Order, ...] | None = field(default=None, init=False)
    _updates: list[Packet] = field(factory=list, init=False)
    _removed: dict[str, datetime | None] = field(factory=dict, init=False)
    """Tickets that are gone, with their opening times where we knew them."""

    def __attrs_post_init__(self) -> None:
        self._sequencer = Sequencer(self.gap_s)
        self._orders = PendingOrders(self.account, self.tickets)

    def begin(self, synchronization_id: str, now_s: float) -> None:
        """Note that `synchronize` was asked for under this id; packets of any other are passed over from now on."""
        self.phase, self._synchronization_id = Phase.WAITING, synchronization_id
        self._status_at_s = self._asked_at_s = self._progress_at_s = now_s
        self._staged = self._staged_orders = None
        self._updates.clear()

    def heard(self, now_s: float) -> None:
        """Note a sign of the host's life: `status` or `authenticated`."""
        self._status_at_s = now_s

    @property
    def due_s(self) -> float:
        """When `trouble` is to be asked at the latest."""
        due_s = self._status_at_s + STATUS_S_MAX
        if self.phase is not Phase.LIVE:
            due_s = min(due_s, self._asked_at_s + SYNC_S_MAX, self._progress_at_s + SYNC_PAUSE_S_MAX)
        gap_at_s = self._sequencer.gap_at_s
        return due_s if gap_at_s is None else min(due_s, gap_at_s)

    def trouble(self, now_s: float) -> str | None:
        """Return why this host's state must be read anew, or None."""
        gap_at_s = self._sequencer.gap_at_s
        if gap_at_s is not None and now_s >= gap_at_s:
            return f"a packet has been missing for {self.gap_s:g} s"
        if self.phase is not Phase.LIVE and now_s >= self._asked_at_s + SYNC_S_MAX:
            return f"the synchronization did not end within {SYNC_S_MAX:g} s"
        if self.phase is not Phase.LIVE and now_s >= self._progress_at_s + SYNC_PAUSE_S_MAX:
            return f"the synchronization stood still for {SYNC_PAUSE_S_MAX:g} s"
        if now_s >= self._status_at_s + STATUS_S_MAX:
            return f"no status within {STATUS_S_MAX:g} s"
        return None

    def renew(self, now_s: float) -> None:
        """Note that the state is being asked for anew: all limits count from now."""
        self._sequencer.tell_gap()
        self._status_at_s = self._asked_at_s = self._progress_at_s = now_s

    def postpone(self, until_s: float) -> None:
        """Let no limit come before this moment: the venue wants us to wait until then."""
        self._status_at_s = max(self._status_at_s, until_s)
        self._asked_at_s = max(self._asked_at_s, until_s)
        self._progress_at_s = max(self._progress_at_s, until_s)

    def take(self, packet: Packet, at: datetime, now_s: float) -> list[Event]:
        """Take a packet and return what has happened, in order.

        Raises:
            RemoteProtocolError: something in it cannot be. SignInRefused: the account is of another kind than
                configured.
        """
        starts = packet.type == "synchronizationStarted" and packet.synchronization_id == self._synchronization_id
        events: list[Event] = []
        for each in self._sequencer.take(packet, now_s, starts=starts):
            if each.synchronization_id in (None, self._synchronization_id):
                self._progress_at_s = now_s
                events += self._ordered(each, at)
        return events

    def _ordered(self, packet: Packet, at: datetime) -> list[Event]:
        if packet.is_update:
            return self._update(packet, at)
        match packet.type:
            case "synchronizationStarted" if packet.synchronization_id is not None:
                if packet.positions_hash_index is not None:
                    raise RemoteProtocolError("expected positions, found an index of hashes that we never sent")
                if self.phase is not Phase.LIVE:
                    self.phase, self._staged, self._staged_orders = Phase.SYNCING, None, None
                    self._updates.clear()
            case "accountInformation" if packet.account_information is not None:
                return self._inform(packet.account_information, at)
            case "positions" if packet.positions is not None:
                return self._list(packet.positions, at)
            case "orders" if packet.orders is not None and self.phase is not Phase.LIVE:
                self._staged_orders = packet.orders
            case "dealSynchronizationFinished" if self.phase is Phase.SYNCING:
                return self._finish(at)
            case "prices":
                return self._prices(packet, at)
        return []

    def _inform(self, info: AccountInformation, at: datetime) -> list[Event]:
        translate.check_account(info, self.oms)
        self._info, self._status = info, translate.account_status(info)
        return [AccountReported(self.account, at, self._status)] if self.phase is Phase.LIVE else []

    def _list(self, rows: tuple[Position, ...], at: datetime) -> list[Event]:
        """Take a complete list: of the synchronization, or (nobody documents it) of the life after it."""
        if len({str(row.id) for row in rows}) != len(rows):
            raise RemoteProtocolError("expected each position once, found an id twice in one list")
        if self.phase is not Phase.LIVE:
            self._staged = rows
            return []
        return [self._replace(rows, at)]

    def _finish(self, at: datetime) -> list[Event]:
        """Publish what was staged: the list, then what was changed while it was on its way, in order."""
        if self._staged is None:
            raise RemoteProtocolError("expected positions before dealSynchronizationFinished, found none")
        updates, self._updates = self._updates, []
        rows = {str(row.id): row for row in self._staged if not self._removed or not self._is_removed(row)}
        self._orders.begin(self._staged_orders)
        for packet in updates:
            rows.update({str(row.id): row for row in packet.updated_positions or ()})
            for ticket in packet.removed_position_ids or ():
                rows.pop(str(ticket), None)
            self._orders.take(packet)
        self.phase, self.synchronized, self._staged = Phase.LIVE, True, None
        snapshot = self._replace(tuple(rows.values()), at)
        return [snapshot] if self._status is None else [snapshot, AccountReported(self.account, at, self._status)]

    def _replace(self, rows: tuple[Position, ...], at: datetime) -> SnapshotReceived:
        held = translate.positions(rows, self.tickets, self._platform)
        self._rows = {str(row.id): row for row in rows}  # good ones: they have been translated
        return SnapshotReceived(self.account, at, held, Origin.RECONCILED, orders=self._orders.working())

    def snapshot(self, at: datetime) -> SnapshotReceived:
        """Return the state as it stands, for when this host takes over from another."""
        return self._replace(tuple(self._rows.values()), at)

    def _update(self, packet: Packet, at: datetime) -> list[Event]:
        """Take a change: closes first, since what opens in the same moment may need their margin."""
        removed = [name(ticket, "removed id") for ticket in packet.removed_position_ids or ()]
        rows = {name(row.id, "id"): row for row in packet.updated_positions or ()}
        for ticket in rows:
            self._removed.pop(ticket, None)
        self._remember(removed)
        told = [] if packet.account_information is None else self._inform(packet.account_information, at)
        if self.phase is not Phase.LIVE:
            if len(self._updates) >= _UPDATES_MAX:
                raise SessionLost(f"more than {_UPDATES_MAX} updates came during one synchronization")
            self._updates.append(packet)
            return told
        for ticket in removed:
            rows.pop(ticket, None)
        untouched = self._rows.keys() - set(removed) if removed else self._rows.keys()  # most updates copy no keys
        self.tickets.learn(tuple(rows.values()), self._platform, also_open=untouched)
        open_tickets = untouched | rows.keys() if removed else ()
        closed: list[Event] = []
        for ticket in removed:
            # Of several partial closes between two messages, MetaTrader 4 removes tickets that it never told of.
            passing = self._platform == "mt4" and ticket not in self._rows
            if not passing and not self.tickets.is_superseded(ticket, open_tickets):
                closed.append(self._close(packet, ticket, at))
            self._rows.pop(ticket, None)
        self._rows.update(rows)
        changed = [PositionReported(self.account, at, translate.position(row, self.tickets)) for row in rows.values()]
        return [*closed, *changed, *self._orders.events(packet, at), *told]

    def _close(self, packet: Packet, ticket: str, at: datetime) -> PositionClosed:
        row = self._rows.get(ticket)
        position = None if row is None else translate.position(row, self.tickets)
        deal = translate.closing_price(packet.deals or (), ticket, None if position is None else position.volume)
        return PositionClosed(
            self.account,
            at,
            self.tickets.first(ticket),
            close_price=None if deal is None else price_or_none(deal.price, f"price of deal {str(deal.id)[:40]}"),
            closed_at=None if deal is None or deal.time is None else instant(deal.time, "time of a deal"),
        )

    def _prices(self, packet: Packet, at: datetime) -> list[Event]:
        if self.phase is not Phase.LIVE:
            return []
        events: list[Event] = []
        for price in packet.prices or ():
            quote = translate.quote(price)
            if quote is not None:
                events.append(QuoteReported(self.account, at, quote))
        if self._status is not None:
            status = translate.status_with_prices(self._status, packet)
            if status != self._status:
                self._status = status
                events.append(AccountReported(self.account, at, status))
        return events

    @property
    def _platform(self) -> str | None:
        return None if self._info is None else self._info.platform

    def _remember(self, removed: Iterable[str]) -> None:
        for ticket in removed:
            row = self._rows.get(ticket)
            opened_at = self._removed.pop(ticket, None)  # also a doubled message must not forget when that was
            self._removed[ticket] = opened_at if row is None else instant(row.time, "time of a position")
        while len(self._removed) > _REMOVED_MAX:
            del self._removed[next(iter(self._removed))]

    def _is_removed(self, row: Position) -> bool:
        """Tell whether a listed position is one that was removed, rather than a later life of its ticket."""
        ticket = str(row.id)
        if ticket not in self._removed:
            return False
        opened_at = self._removed[ticket]
        return opened_at is None or instant(row.time, f"time of position {ticket[:40]}") <= opened_at
