"""Gathers out of a ledger's rows what the figures of some time are made of."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import define, evolve, field

from copier.ledger.ledger import Ledger
from copier.ledger.records import (
    AlertRecord,
    CheckpointRecord,
    DecisionRecord,
    HistoryRecord,
    IntentRecord,
    LimitRecord,
    MismatchRecord,
    Record,
    ReportRecord,
    ResendRecord,
)
from copier.performance.copied import Copied, CopyHistory, Opened, result_of
from copier.performance.headroom import LimitPast
from copier.performance.reading import records
from copier.performance.scope import Scope, ends_of
from copier.performance.trades import Trade, with_booked
from rules.books.mismatch import Mismatch, MismatchKey
from rules.limits.policy import Limit
from rules.limits.state import LimitState
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition
from rules.model.copies import CopyStatus, Ending
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import CashFlow, Fill
from rules.model.reasons import Reason
from rules.model.reports import Filled
from rules.model.severity import Severity
from rules.model.trace import Denied
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Symbol

KINDS: Final = (
    "observed",
    "decision",
    "intent",
    "resend",
    "report",
    "forget",
    "history",
    "limit",
    "alert",
    "mismatch",
)
"""Of the rows that it wants to be given."""

_AT_MARKET: Final = (OpenPosition, ReducePosition, ClosePosition)
_MICROSECOND: Final = timedelta(microseconds=1)


@frozen
class Entry:
    """Lots that were opened; `points` is how much worse than the source's price, None: not known, or no beginning."""

    account: AccountId
    symbol: Symbol
    lots: Decimal
    is_first: bool
    points: Decimal | None


@frozen
class Lasting:
    """A mismatch; `began` None: before the first row that was read; `ended` None: it lasts."""

    mismatch: Mismatch
    began: datetime | None
    worst: Severity
    ended: datetime | None = None


@define
class Gathering:
    """What rows told of a scope. What is kept grows with what happened within it, and nothing else."""

    scope: Scope
    limits: Mapping[str, Limit] = field(factory=dict)
    """By id; of those of which it is not known what they allow, only the stages are told."""
    instruments: Mapping[tuple[AccountId, Symbol], Instrument] = field(factory=dict)
    """What is known of instruments beside the rows."""
    entries: list[Entry] = field(factory=list)
    answers_ms: list[Decimal] = field(factory=list)
    denials: Counter[Reason] = field(factory=Counter)
    alerts: list[tuple[datetime, AlertRecord]] = field(factory=list)
    mismatches: list[Lasting] = field(factory=list)
    limit_pasts: dict[str, LimitPast] = field(factory=dict)
    """By the id of the limit."""
    currencies: dict[AccountId, str] = field(factory=dict)
    targets: dict[AccountId, None] = field(factory=dict)
    """Those at which copies of the scope were, in the order in which they were seen."""
    _trades: list[Trade] = field(factory=list)
    _book: CopyHistory = field(factory=CopyHistory)
    _asked: dict[ClOrdId, datetime] = field(factory=dict)
    _lasting: dict[MismatchKey, Lasting] = field(factory=dict)
    _booked: dict[tuple[AccountId, str], Fill | CashFlow] = field(factory=dict)

    def take(self, record: Record, at: datetime) -> None:
        """Take a row, in their order, from `reading.records`."""
        within = self.scope.is_within(at)
        match record:
            case DecisionRecord():
                self._decided(record, within)
            case IntentRecord(action) | ResendRecord(action) if isinstance(action, _AT_MARKET):
                self._asked[action.cl_ord_id] = at
            case ReportRecord(Filled(cl_ord_id), copy):
                asked_at = self._asked.pop(cl_ord_id, None)
                if asked_at is not None and within and self.scope.has_copy(copy):
                    self.answers_ms.append(Decimal((at - asked_at) // _MICROSECOND) / 1000)
            case LimitRecord() if self.scope.has_account(record.account):
                self.judged(record.account, record.state, record.stage, at)
            case AlertRecord() if within and not record.over and self.scope.has_account(record.account):
                self.alerts.append((at, record))
            case MismatchRecord() if self.scope.has_link(record.mismatch.link_id):
                self._differs(record, at)
            case CheckpointRecord():
                for mismatch in record.mismatches:
                    if self.scope.has_link(mismatch.link_id):
                        self._lasting[mismatch.key] = Lasting(mismatch, None, mismatch.severity)
                for state in record.limits:
                    limit = self.limits.get(state.limit_id)
                    if limit is not None and self.scope.has_account(limit.account):
                        self.judged(limit.account, state, None, at)
            case HistoryRecord():
                self._booked |= {(record.account, entry.exec_id): entry for entry in record.past.entries}
            case _:
                pass
        for each in self._book.take(record, at):
            if within and self.scope.has_copy(each.copy):
                self._changed(each, at)

    def judged(self, account: AccountId, state: LimitState, stage: str | None, at: datetime) -> None:
        """Take a limit's state as it was at an instant; without a stage, it only says how it stood when rows began."""
        if state.currency is not None:
            self.currencies[account] = state.currency
        limit_id = state.limit_id
        if limit_id not in self.limit_pasts:
            self.limit_pasts[limit_id] = LimitPast(limit_id, account, self.limits.get(limit_id))
        self.limit_pasts[limit_id].take(at, state, stage, within=self.scope.is_within(at))

    def instrument_of(self, account: AccountId, symbol: Symbol) -> Instrument | None:
        return self._book.instrument_of(account, symbol) or self.instruments.get((account, symbol))

    def lasting(self) -> list[Lasting]:
        """Return the mismatches of the scope's time, those that last at the end too."""
        return [*self.mismatches, *self._lasting.values()]

    def trades(self) -> list[Trade]:
        """Return the trades that are over, each with what its venue booked, whenever it told."""
        fills: dict[tuple[AccountId, PositionId], list[Fill]] = {}
        for (account, _), entry in self._booked.items():
            if isinstance(entry, Fill) and entry.position_id is not None:
                fills.setdefault((account, entry.position_id), []).append(entry)
        return [with_booked(trade, fills) for trade in self._trades]

    def flows(self, account: AccountId) -> Decimal | None:
        """Return the deposits less withdrawals of the time that history told; None: it told of none."""
        known = [
            entry.amount
            for (name, _), entry in self._booked.items()
            if name == account
            and isinstance(entry, CashFlow)
            and entry.kind in ("deposit", "withdrawal")
            and self.scope.is_within(entry.at)
        ]
        return sum(known, Decimal(0)) if known else None

    @property
    def alive(self) -> list[Copied]:
        """The scope's copies that hold something at the end."""
        return [each for each in self._book.alive.values() if each.copy.holds and self.scope.has_copy(each.copy)]

    def _decided(self, record: DecisionRecord, within: bool) -> None:
        copy = record.copy
        if record.known is not None and record.known.target is not None and record.known.target.currency is not None:
            self.currencies[copy.target] = record.known.target.currency
        if not within or not self.scope.has_copy(copy):
            return
        self.targets[copy.target] = None
        before = self._book.alive.get(copy.key)
        known = before is not None and before.copy.life == copy.life and before.copy.opened_at == copy.opened_at
        was_denied = known and before is not None and before.copy.ending is Ending.DENIED
        if copy.status is CopyStatus.ENDED and copy.ending is Ending.DENIED:
            if copy.reason is not None and not was_denied:
                self.denials[copy.reason] += 1
            return
        # An increase that was refused for good: what the copy has stays.
        denied = next((item for item in reversed(record.trace) if isinstance(item, Denied)), None)
        waits = copy.wait_until is not None or copy.flatten is not None or copy.left
        if denied is not None and copy.status is CopyStatus.ACTIVE and not waits:
            self.denials[denied.reason] += 1

    def _changed(self, each: Opened | Copied, at: datetime) -> None:
        if isinstance(each, Opened):
            self.entries.append(self._entry(each))
        elif each.has_traded:
            result = result_of(each.copy, each.legs, self.instrument_of)
            self._trades.append(Trade(each.copy, each.legs, each.target_symbol, each.begun_at, at, result))

    def _entry(self, opened: Opened) -> Entry:
        leg, points = opened.leg, None
        instrument = self.instrument_of(opened.copy.target, leg.symbol)
        known = opened.is_first and opened.source_price is not None and leg.open_price is not None
        if known and instrument is not None and instrument.tick_size:
            assert opened.source_price is not None  # just seen
            assert leg.open_price is not None
            points = (leg.open_price - opened.source_price) * leg.side.sign / instrument.tick_size
        lots = leg.held if leg.exited is None else leg.held + leg.exited.lots
        return Entry(opened.copy.target, leg.symbol, lots, opened.is_first, points)

    def _differs(self, record: MismatchRecord, at: datetime) -> None:
        each = record.mismatch
        known = self._lasting.pop(each.key, None)
        if known is None:
            known = Lasting(each, None if record.ended else at, each.severity)
        worst = max(known.worst, each.severity, key=lambda severity: severity.rank)
        lasting = evolve(known, mismatch=each, worst=worst)
        if not record.ended:
            self._lasting[each.key] = lasting
        elif self.scope.since is None or at >= self.scope.since:
            self.mismatches.append(evolve(lasting, ended=at))


def gather(
    ledger: Ledger,
    scope: Scope,
    limits: Iterable[Limit] = (),
    *,
    links: Iterable[LinkId] | None = None,
    instruments: Mapping[tuple[AccountId, Symbol], Instrument] | None = None,
    rows_max: int | None = None,
    between: Callable[[int], object] = lambda seq: None,
) -> Gathering:
    """Return what a ledger tells of a scope.

    Args:
        limits: of which the headroom is wanted.
        links: all that there are, so that rows about others are not even decoded; None: not known.
        instruments: as they are known beside the ledger, which is then not read through for them; None: it is.
        rows_max: how many rows may be decoded.
        between: called with the number of each of them, after it.
    Raises:
        TooManyRows: there are more.
        LedgerFailed: the file cannot be read.
    """
    names = None if links is None else _names(scope, links)
    gathered = Gathering(scope, {limit.limit_id: limit for limit in limits}, instruments or {})
    rows = records(
        ledger,
        KINDS,
        scope.since,
        scope.until,
        names=names,
        old_instruments=instruments is None,
        rows_max=rows_max,
        between=between,
    )
    for entry, record in rows:
        gathered.take(record, entry.at)
    return gathered


def _names(scope: Scope, links: Iterable[LinkId]) -> frozenset[AccountId]:
    """Return the accounts of which rows may tell something about a scope."""
    concerned = [*(link_id for link_id in links if scope.has_link(link_id)), *filter(None, [scope.link])]
    ends = {account for link_id in concerned for account in ends_of(link_id)}
    return frozenset(ends if scope.account is None else ends | {scope.account})
