"""What the ledger's rows hold: decisions and what they were made on, intents, reports, limit states, mismatches, ...

Each row that changes a copy carries the whole record, so that the last one is the truth and folding is a dictionary.
"""

from datetime import datetime
from typing import TypeAlias

from rules.books.mismatch import Mismatch
from rules.limits.past import Past
from rules.limits.state import LimitState
from rules.model.actions import Action
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
from rules.model.frozen import frozen
from rules.model.levers import Lever
from rules.model.memory import LinkMemory
from rules.model.observed import AccountStatus, Quote
from rules.model.reports import Report
from rules.model.trace import Trace
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Symbol
from rules.times.news import Calendar


@frozen
class Known:
    """What was known of prices and figures when something was decided, so that it can be decided again."""

    symbol: Symbol
    """The target's, which `quote` is of."""
    quote: Quote | None
    source: AccountStatus | None
    target: AccountStatus | None


TARGET_CLOSED_IT = "target closed it"
ORDER_GONE = "order gone"
TARGET_CHANGED_IT = "target changed it"
STOPS_MOVED = "target changed its stops"
"""What sets off a decision after a target's books contradicted the records."""


@frozen
class DecisionRecord:
    """A decision: the copy as it is now, and why. `because` says what set it off."""

    copy: Copy
    because: str
    trace: Trace = ()
    orders: tuple[ClOrdId, ...] = ()
    """The orders that it led to; each has an intent row."""
    known: Known | None = None
    """Where gates were asked, or orders left; None in older records."""


@frozen
class FirstSeen:
    """An account was seen whole for the first time in a run: what was opened before is found, not new."""

    account: AccountId
    received_at: datetime


@frozen
class ObservedRecord:
    """Something that decisions were made on: a source position that changed, an instrument, now and then a quote.

    Only for replaying; it never makes a commit of its own, so that a crash may lose the last few. `origin` is how a
    position came to be seen. What is recorded is bounded: a position when more than its price changed, an instrument
    when it is first known or changed, a quote once in `copier.engine.observations.QUOTE_EVERY`, a pending order where a
    link asks about them.
    """

    event: (
        PositionReported | PositionClosed | OrderReported | OrderEnded | InstrumentReported | QuoteReported | FirstSeen
    )
    origin: Origin = Origin.LIVE


@frozen
class CalendarRecord:
    """The calendar of a news policy, when it changed and now and then; only for replaying, as what is observed."""

    news: str
    calendar: Calendar


@frozen
class HistoryRecord:
    """What an account's history told that no earlier row of the run tells; only for replaying, as what is observed."""

    account: AccountId
    past: Past


@frozen
class IntentRecord:
    """An order that may leave from now on. Its row's key is the order's id, which no second row can have."""

    action: Action


@frozen
class ResendRecord:
    """An order that was proven never to have left, or never to have arrived, goes out again under its id."""

    action: Action


@frozen
class ReportRecord:
    """What the venue said of an order, and the copy as it is now."""

    report: Report
    copy: Copy


@frozen
class ForgetRecord:
    """A copy that ended before its source did: the source is gone now too, so that nothing depends on it any more.

    A copy that ended with its source needs none.
    """

    link_id: LinkId
    source_position_id: PositionId


@frozen
class LimitRecord:
    """A limit's state after it changed."""

    account: AccountId
    state: LimitState
    stage: str


@frozen
class AlertRecord:
    """Something that a person should know about an account; `code` is an `AlertKind`'s. `over`: it is no longer so."""

    code: str
    text: str
    account: AccountId
    over: bool = False


@frozen
class AcknowledgedRecord:
    """Somebody has seen an alert: who, and what they noted. Of each alert the first one counts."""

    alert: int
    """The place of the alert's row."""
    code: str
    account: AccountId
    raised_at: datetime
    by: str
    note: str = ""

    @property
    def key(self) -> str:
        """The key of its row, which no second one can have."""
        return acknowledged_key(self.alert)


def acknowledged_key(alert: int) -> str:
    """Return the key of the row that says who acknowledged an alert; no order's id has a space in it."""
    return f"acknowledged {alert}"


@frozen
class MismatchRecord:
    """A mismatch that began or is another one than before (`ended` False), or that is over."""

    mismatch: Mismatch
    ended: bool


@frozen
class MemoryRecord:
    """What a link remembers beyond its copies, after it changed."""

    memory: LinkMemory


@frozen
class LeverRecord:
    """What an operator set by hand: who, and why."""

    lever: Lever
    by: str
    why: str


@frozen
class CheckpointRecord:
    """Everything that is still alive; folding begins at the last one."""

    copies: tuple[Copy, ...]
    limits: tuple[LimitState, ...]
    at: datetime
    mismatches: tuple[Mismatch, ...] = ()
    memories: tuple[LinkMemory, ...] = ()
    levers: tuple[LeverRecord, ...] = ()
    forgotten_until: datetime | None = None
    """When the youngest position was opened whose copy is forgotten; None in older records."""


Record: TypeAlias = (
    DecisionRecord
    | IntentRecord
    | ResendRecord
    | ReportRecord
    | ForgetRecord
    | LimitRecord
    | AlertRecord
    | AcknowledgedRecord
    | MismatchRecord
    | MemoryRecord
    | LeverRecord
    | CheckpointRecord
    | ObservedRecord
    | CalendarRecord
    | HistoryRecord
)

KINDS: dict[type, str] = {
    DecisionRecord: "decision",
    IntentRecord: "intent",
    ResendRecord: "resend",
    ReportRecord: "report",
    ForgetRecord: "forget",
    LimitRecord: "limit",
    AlertRecord: "alert",
    AcknowledgedRecord: "acknowledged",
    MismatchRecord: "mismatch",
    MemoryRecord: "memory",
    LeverRecord: "lever",
    CheckpointRecord: "checkpoint",
    ObservedRecord: "observed",
    CalendarRecord: "calendar",
    HistoryRecord: "history",
}
"""The `kind` of each record's row."""
