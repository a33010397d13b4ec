"""What became of orders, copies and sessions, counted as a listener of the journal: by then the orders have left.

Everything is counted since the service began; what was before is in the ledger.
"""

from collections import Counter
from datetime import datetime
from typing import Final

from copier.ledger.records import AlertRecord, DecisionRecord, IntentRecord, Record, ReportRecord
from rules.alerts.kinds import AlertKind
from rules.model.copies import Ending
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Placed,
    Rejected,
    Replaced,
    StopsReplaced,
)
from rules.model.values import AccountId, LinkId

OUTCOMES: Final[dict[type, str]] = {
    Accepted: "accepted",
    Canceled: "canceled",
    Filled: "filled",
    NotFound: "not_found",
    NotSent: "not_sent",
    OutcomeUnknown: "unknown",
    Placed: "placed",
    Rejected: "rejected",
    Replaced: "replaced",
    StopsReplaced: "stops_replaced",
}
"""What a venue, or our own books, can say of an order. One order may have several: first unknown, then filled."""


class Tally:
    """Counts what became durable."""

    def __init__(self) -> None:
        self.intents: Counter[AccountId] = Counter()
        self.outcomes: Counter[tuple[AccountId, str]] = Counter()
        self.denials: Counter[tuple[LinkId, str]] = Counter()
        """Source positions that were denied for good, by link and code."""
        self.lost: Counter[AccountId] = Counter()
        """How often an account went out of sight."""
        self.regained: Counter[AccountId] = Counter()
        self.orphans: Counter[AccountId] = Counter()

    def __call__(self, record: Record, _: datetime) -> None:
        match record:
            case IntentRecord():
                self.intents[record.action.account] += 1
            case ReportRecord():
                self.outcomes[record.copy.target, OUTCOMES[type(record.report)]] += 1
            case DecisionRecord() if record.copy.ending is Ending.DENIED and record.copy.reason is not None:
                self.denials[record.copy.link_id, record.copy.reason.value] += 1
            case AlertRecord(code=AlertKind.SESSION_LOST.value):
                (self.regained if record.over else self.lost)[record.account] += 1
            case AlertRecord(code=AlertKind.ORPHAN.value):
                self.orphans[record.account] += 1
            case _:
                pass
