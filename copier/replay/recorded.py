"""What the rows of a ledger tell beyond their words: which answers come, who was ready, and what belongs together."""

from collections import Counter
from collections.abc import Iterator

from attrs import define, field

from copier.ledger.records import (
    DecisionRecord,
    HistoryRecord,
    IntentRecord,
    LeverRecord,
    MemoryRecord,
    ObservedRecord,
    Record,
    ReportRecord,
)
from rules.books.reconcile import CopyKey
from rules.model.actions import Action
from rules.model.copies import Leg, LegStage
from rules.model.events import OrderEnded, OrderReported, PositionClosed, PositionReported
from rules.model.memory import Curve
from rules.model.reasons import Reason
from rules.model.reports import Filled
from rules.model.trace import Denied
from rules.model.values import AccountId, ClOrdId, LinkId, Price

_BEFORE_THE_TARGET = ("link", "source")
"""Rules that say no without a look at the target."""


@define
class Past:
    """What a ledger recorded of its orders, read before the replay begins."""

    actions: dict[ClOrdId, Action] = field(factory=dict)
    fills: dict[ClOrdId, Filled] = field(factory=dict)
    reports: Counter[ClOrdId] = field(factory=Counter)
    """Answers that are still to come, by order."""
    answered: set[ClOrdId] = field(factory=set)
    histories: set[AccountId] = field(factory=set)
    """Accounts whose history was told."""
    curves: dict[LinkId, tuple[Curve, ...]] = field(factory=dict)
    """Of links whose samples of equity were told: which curves these are of."""

    def take(self, record: Record) -> None:
        match record:
            case IntentRecord():
                self.actions[record.action.cl_ord_id] = record.action
            case ReportRecord():
                self.reports[record.report.cl_ord_id] += 1
                self.answered.add(record.report.cl_ord_id)
                if isinstance(record.report, Filled):
                    self.fills[record.report.cl_ord_id] = record.report
            case HistoryRecord():
                self.histories.add(record.account)
            case MemoryRecord() if record.memory.curves:
                self.curves[record.memory.link_id] = record.memory.curves
            case _:
                pass

    def awaits(self, order: Action) -> bool:
        """Tell whether the recorded answer to an order is still to come, or never came."""
        return self.has(order) and (self.reports[order.cl_ord_id] > 0 or order.cl_ord_id not in self.answered)

    def has(self, order: Action) -> bool:
        """Tell whether the recorded run sent this order too, whatever its volume was."""
        recorded = self.actions.get(order.cl_ord_id)
        return recorded is not None and type(recorded) is type(order) and recorded.symbol == order.symbol


def exit_price(leg: Leg, before: Leg | None = None) -> Price | None:
    """Return at which price a leg was closed on the mean (since `before`), None where nobody told one."""
    now, then = leg.exited, None if before is None else before.exited
    if now is None or now.proceeds is None or now == then:
        return None
    if then is None or then.proceeds is None:
        return now.proceeds / now.lots
    return (now.proceeds - then.proceeds) / (now.lots - then.lots)


def was_ready(record: DecisionRecord) -> bool | None:
    """Tell whether a decision shows that its target was ready; None: it does not show."""
    copy = record.copy
    denied = next((item for item in record.trace if isinstance(item, Denied)), None)
    if denied is not None and denied.reason is Reason.TARGET_NOT_READY:
        return False
    if denied is not None and denied.reason is Reason.ACCOUNT_HALTED:
        return None  # judged before the target is looked at
    if record.because == "target ready":
        return True
    if any(leg.stage is LegStage.OPENING and leg.cl_ord_id in record.orders for leg in copy.legs):
        return True
    return True if denied is not None and denied.rule not in _BEFORE_THE_TARGET else None


def turns(records: list[Record]) -> Iterator[list[Record]]:
    """Yield the records of one time, cut where the engine turned to something else: an input, or a copy once more."""
    turn: list[Record] = []
    decided: set[CopyKey] = set()
    for record in records:
        sampled = isinstance(record, MemoryRecord) and bool(record.memory.curves)
        again = isinstance(record, DecisionRecord) and record.copy.key in decided
        happened = isinstance(record, ReportRecord | LeverRecord | HistoryRecord) or (
            isinstance(record, ObservedRecord)
            and isinstance(record.event, PositionReported | PositionClosed | OrderReported | OrderEnded)
        )
        if turn and (again or happened or sampled):
            yield turn
            turn, decided = [], set()
        turn.append(record)
        if isinstance(record, DecisionRecord):
            decided.add(record.copy.key)
    if turn:
        yield turn
