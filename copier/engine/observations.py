"""Writes down what decisions are made on, so that a recorded day can be decided again by another config.

Bounded, and beside the way: rows of the ledger that wait for the next commit, whoever makes it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import evolve

from copier.engine.inputs import CalendarRead
from copier.ledger.journal import Journal
from copier.ledger.records import CalendarRecord, FirstSeen, HistoryRecord, Known, ObservedRecord
from rules.deciding.decision import Decision
from rules.limits.past import Past
from rules.model.copies import Copy
from rules.model.events import (
    InstrumentReported,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
)
from rules.model.instruments import Instrument
from rules.model.state import AccountView, Change
from rules.model.values import AccountId, Symbol, VenueOrderId
from rules.model.waiting_orders import WaitingOrders
from rules.policy.links import CopyLink
from rules.policy.symbols import Mapped, map_symbol
from rules.times.news import Calendar

QUOTE_EVERY = timedelta(hours=1)
"""A symbol's quotes are written this often at most, for conversions; a decision carries the quote that it met."""


CALENDAR_EVERY = timedelta(hours=12)
"""An unchanged calendar is written this often at most: that it is not stale is part of what decisions are made on."""


class Observations:
    """What was written of the accounts that links name as their source or target."""

    def __init__(self, journal: Journal, links: Iterable[CopyLink]) -> None:
        links = tuple(links)
        self._journal = journal
        self._sources = {link.source for link in links}
        self._named = self._sources | {link.target for link in links}
        self._instruments: dict[tuple[AccountId, Symbol], Instrument | None] = {}
        self._calendars: dict[str, Calendar] = {}
        self._booked: dict[AccountId, frozenset[str]] = {}
        """Of each account's history the entries that the last answer had, by their ids."""
        self._quoted_at: dict[tuple[AccountId, Symbol], datetime] = {}

    def position(self, account: AccountId, change: Change, origin: Origin, now: datetime) -> None:
        """Write that a source position changed."""
        if account not in self._sources:
            return
        event: PositionReported | PositionClosed
        if change.position is None:
            event = PositionClosed(account, now, change.position_id, change.price)
        else:
            event = PositionReported(account, now, change.position)
        self._journal.observed(ObservedRecord(event, origin))

    def order(self, account: AccountId, orders: WaitingOrders, order_id: VenueOrderId, now: datetime) -> None:
        """Write how a pending order of a source is now, or how it ended."""
        working, ended = orders.working.get(order_id), orders.last_end(order_id)
        if working is not None:
            self._journal.observed(ObservedRecord(OrderReported(account, now, working)))
        elif ended is not None:
            event = OrderEnded(account, now, order_id, ended.status, ended.position_id)
            self._journal.observed(ObservedRecord(event))

    def first_seen(self, account: AccountId, at: datetime) -> None:
        """Write that an account was seen whole for the first time in this run."""
        if account in self._sources:
            self._journal.observed(ObservedRecord(FirstSeen(account, at)))

    def instrument(self, event: InstrumentReported) -> None:
        """Write what an account says of a symbol, unless it said the same before."""
        key = (event.account, event.symbol)
        if event.account in self._named and (
            key not in self._instruments or self._instruments[key] != event.instrument
        ):
            self._instruments[key] = event.instrument
            self._journal.observed(ObservedRecord(event))

    def quote(self, event: QuoteReported) -> None:
        """Write a quote, if the last one that was written is old."""
        key = (event.account, event.quote.symbol)
        last = self._quoted_at.get(key)
        if event.account in self._named and (last is None or event.received_at - last >= QUOTE_EVERY):
            self._quoted_at[key] = event.received_at
            self._journal.observed(ObservedRecord(event))

    def calendar(self, read: CalendarRead) -> None:
        """Write a news policy's calendar where it changed, or where the last one that was written is old."""
        last = self._calendars.get(read.news)
        old = last is None or read.calendar.read_at - last.read_at >= CALENDAR_EVERY
        if last is None or old or last.events != read.calendar.events:
            self._calendars[read.news] = read.calendar
            self._journal.observed(CalendarRecord(read.news, read.calendar))

    def history(self, account: AccountId, past: Past) -> None:
        """Write what an account's history told that the answer before did not."""
        before = self._booked.get(account, frozenset())
        self._booked[account] = frozenset(entry.exec_id for entry in past.entries)
        entries = tuple(entry for entry in past.entries if entry.exec_id not in before)
        self._journal.observed(HistoryRecord(account, evolve(past, entries=entries)))


def known(
    link: CopyLink,
    source: AccountView,
    target: AccountView,
    old: Copy | None,
    copy: Copy,
    decision: Decision,
    now: datetime,
) -> Known | None:
    """Return the prices and figures that a decision met, where it asked gates, ordered something or a price led it."""
    if not decision.trace and not decision.actions and not _followed_a_price(old, copy):
        return None
    symbol = copy.target_symbol
    if symbol is None:
        mapped = map_symbol(link.policy.for_symbol(copy.source_symbol).symbols, copy.source_symbol, now)
        symbol = mapped.symbol if isinstance(mapped, Mapped) else copy.source_symbol
    return Known(symbol, target.quotes.get(symbol), source.status, target.status)


def _followed_a_price(old: Copy | None, new: Copy) -> bool:
    """Tell whether the price has led stops of our own anywhere."""
    before = {} if old is None else old.legs_by_number
    return any(
        leg.managed is not None and (leg.number not in before or leg.managed != before[leg.number].managed)
        for leg in new.legs
    )
