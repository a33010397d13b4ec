"""The table of orders: what was asked, when, and what the venue answered; a row each time that an order went out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import define

from copier.export.writing import Row
from copier.ledger.ledger import Ledger
from copier.ledger.records import DecisionRecord, IntentRecord, ReportRecord, ResendRecord
from copier.performance.copied import mean
from copier.performance.reading import records
from copier.performance.scope import Scope
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.copies import ZERO, Copy
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
    Report,
    StopsReplaced,
)
from rules.model.values import ClOrdId, Volume

COLUMNS: Final = (
    "asked_at",
    "order",
    "link",
    "source_position",
    "account",
    "does",
    "symbol",
    "side",
    "volume",
    "price",
    "stop_loss",
    "take_profit",
    "expected_price",
    "again",
    "outcome",
    "answered_at",
    "answer_ms",
    "filled_volume",
    "filled_price",
    "position",
    "text",
)

_DOES: Final[dict[type[Action], str]] = {
    OpenPosition: "open",
    ReducePosition: "reduce",
    ClosePosition: "close",
    ReplaceStops: "stops",
    PlaceOrder: "place",
    ReplaceOrder: "replace",
    CancelOrder: "cancel",
}
_OUTCOMES: Final[dict[type[Report], str]] = {
    Filled: "filled",
    Accepted: "accepted",
    StopsReplaced: "done",
    Placed: "placed",
    Replaced: "done",
    Canceled: "canceled",
    Rejected: "rejected",
    NotSent: "not sent",
    OutcomeUnknown: "unknown",
    NotFound: "never arrived",
}
_LASTS: Final = (Accepted, Placed, OutcomeUnknown)
"""More is to come after these."""

_MILLISECOND: Final = timedelta(milliseconds=1)


@define
class _Attempt:
    """An order that went out."""

    asked_at: datetime
    action: Action
    again: bool
    copy: Copy | None
    report: Report | None = None
    answered_at: datetime | None = None
    filled: Volume = ZERO
    paid: Decimal | None = Decimal(0)

    def answered(self, report: Report, at: datetime) -> bool:
        """Take an answer; tell whether it was the last one."""
        self.report, self.answered_at = report, at
        if not isinstance(report, Filled):
            return not isinstance(report, _LASTS)
        self.filled += report.volume
        self.paid = None if self.paid is None or report.price is None else self.paid + report.price * report.volume
        return not isinstance(self.action, PlaceOrder) or self.filled >= self.action.volume

    def row(self) -> Row:
        action, report = self.action, self.report
        took = None if self.answered_at is None else self.answered_at - self.asked_at
        price = mean(self.paid, self.filled)
        position = report.position_id if isinstance(report, Filled) else getattr(action, "position_id", None)
        side = getattr(action, "side", None)
        return (
            self.asked_at,
            action.cl_ord_id,
            None if self.copy is None else self.copy.link_id,
            None if self.copy is None else self.copy.source_position_id,
            action.account,
            _DOES[type(action)],
            action.symbol,
            None if side is None else side.value,
            getattr(action, "volume", None),
            getattr(action, "price", None),
            getattr(action, "stop_loss", None),
            getattr(action, "take_profit", None),
            getattr(action, "expected_price", None),
            self.again,
            "no answer" if report is None else _OUTCOMES[type(report)],
            self.answered_at,
            None if took is None else Decimal(took // timedelta(microseconds=1)) / 1000,
            self.filled or None,
            price,
            position,
            getattr(report, "text", None) or getattr(report, "reason", None),
        )


def rows(ledger: Ledger, scope: Scope) -> Iterator[Row]:
    """Yield the orders that went out within the scope's time, each with its answer, whenever that came."""
    under_way: dict[ClOrdId, _Attempt] = {}
    of: dict[ClOrdId, Copy] = {}
    kinds = ("decision", "intent", "resend", "report")
    for entry, record in records(ledger, kinds, scope.since, None, old_instruments=False):
        is_past = scope.until is not None and entry.at >= scope.until
        if is_past and not under_way:
            break
        match record:
            case DecisionRecord() if not is_past:
                of |= dict.fromkeys(record.orders, record.copy)
            case IntentRecord(action) | ResendRecord(action) if not is_past:
                copy = of.pop(action.cl_ord_id, None)
                before = under_way.pop(action.cl_ord_id, None)
                if before is not None:
                    yield before.row()
                is_asked = scope.has_account(action.account) if copy is None else scope.has_copy(copy)
                if is_asked and scope.is_within(entry.at):
                    again = isinstance(record, ResendRecord)
                    under_way[action.cl_ord_id] = _Attempt(entry.at, action, again, copy)
            case ReportRecord(report, copy) if report.cl_ord_id in under_way:
                attempt = under_way[report.cl_ord_id]
                attempt.copy = attempt.copy or copy
                if attempt.answered(report, entry.at):
                    yield under_way.pop(report.cl_ord_id).row()
    yield from (attempt.row() for attempt in under_way.values())
