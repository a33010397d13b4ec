"""Records of the ledger as alerts, in words that a person understands on a phone."""

from collections.abc import Callable, Iterator
from datetime import datetime

from copier.ledger.records import (
    TARGET_CHANGED_IT,
    TARGET_CLOSED_IT,
    AcknowledgedRecord,
    AlertRecord,
    DecisionRecord,
    LimitRecord,
    MismatchRecord,
    Record,
    ReportRecord,
)
from copier.telling.wording import mismatch_words, printable, trace_words
from rules.alerts.kinds import KINDS, Alert, AlertKind
from rules.books.reconcile import CopyKey
from rules.limits.state import LimitStage
from rules.model.copies import Copy, CopyStatus, Ending, Purpose
from rules.model.reasons import Reason
from rules.model.reports import Accepted, OutcomeUnknown, Rejected
from rules.model.severity import Severity
from rules.model.trace import Denied
from rules.model.values import ClOrdId, plain
from rules.policy.mismatch import MismatchAction

_AS_ASKED = frozenset(
    {
        Reason.LINK_CLOSE_ONLY,
        Reason.LINK_PAUSED,
        Reason.FILTER_SYMBOL,
        Reason.FILTER_SIDE,
        Reason.FILTER_MAGIC,
        Reason.FILTER_COMMENT,
        Reason.FILTER_VOLUME,
        Reason.FILTER_STOPS,
        Reason.FILTER_ORDER_TYPE,
        Reason.PENDING_SKIPPED,
        Reason.PENDING_UNSUPPORTED,
        Reason.PENDING_NOT_FILLED,
        Reason.PENDING_EXPIRED,
        Reason.LIMIT_NOT_FILLED,
        Reason.EQUITY_CURVE,
        Reason.SYMBOL_DENIED,
        Reason.SCHEDULE_CLOSED,
        Reason.NEWS_WINDOW,
        Reason.MAINTENANCE,
        Reason.DENIED_STALE,
        Reason.SKIPPED_FIRST,
        Reason.THROTTLED,
        Reason.DELAYED,
        Reason.FLAT_BY,
        Reason.SOURCE_GONE,
    }
)
"""Denials that the config asks for, or that the source took back: nobody has to be called for them."""

_WARNINGS = {LimitStage.WARN, LimitStage.UNKNOWN}
_STAGES: dict[LimitStage, str] = {
    LimitStage.WARN: "is nearly used up",
    LimitStage.UNKNOWN: "cannot be judged: figures are missing, no new risk is taken",
    LimitStage.BLOCK: "takes no new risk",
    LimitStage.HALT: "has halted the account until somebody resets it",
    LimitStage.FLATTEN: "closes what is open",
    LimitStage.BREACHED: "is breached",
}

_TITLES = {
    AlertKind.ACCOUNT_REFUSED: "the venue refuses the sign-in",
    AlertKind.ACCOUNT_UNNAMED: "copies are open on an account that the config no longer names",
    AlertKind.LIMIT_RESET: "a limit was lifted by hand",
    AlertKind.ORPHAN: "a position that no copy accounts for",
    AlertKind.OVERTAKEN: "a close was overtaken and opened lots, which are closed again",
    AlertKind.FLATTEN: "pending orders are canceled",
    AlertKind.TARGET_CHANGED: "a copy was changed at the target",
    AlertKind.POSITION_OFFENCE: "a position broke a rule",
    AlertKind.SESSION_LOST: "session lost",
}

_ABOUT_ACCOUNTS = (AlertKind.ACCOUNT_REFUSED, AlertKind.ACCOUNT_UNNAMED, AlertKind.SESSION_LOST)
"""Kinds of which two texts are one cause; of all others, each text is its own. What lasts is among them."""


class AlertWords:
    """A journal listener that hands alerts on. It remembers what is open, to tell when that is over."""

    def __init__(
        self,
        tell: Callable[[Alert], None],
        seen: Callable[[AlertKind, str, datetime], None] = lambda _kind, _topic, _at: None,
    ) -> None:
        """`seen` is told of what somebody acknowledged: kind, topic, and when it had come."""
        self._tell = tell
        self._seen = seen
        self._unknown: dict[ClOrdId, Alert] = {}
        """Orders whose outcome is unknown; no more than are under way."""
        self._limits: dict[str, tuple[Alert, LimitStage]] = {}
        self._cause: tuple[CopyKey, str, datetime] | None = None
        """Of the last decision: a record that was corrected is decided about at once, for the same cause."""

    def __call__(self, record: Record, at: datetime) -> None:
        if isinstance(record, AcknowledgedRecord) and KINDS[record.code] in _ABOUT_ACCOUNTS:
            self._seen(KINDS[record.code], record.account, record.raised_at)
        for alert in self._alerts(record, at):
            self._tell(alert)

    def _alerts(self, record: Record, at: datetime) -> Iterator[Alert]:
        match record:
            case AlertRecord():
                yield _noted(record, at)
            case MismatchRecord() if record.mismatch.action is not MismatchAction.NONE:
                yield _mismatch(record, at)
            case LimitRecord():
                yield from self._limit(record, at)
            case DecisionRecord():
                cause = (record.copy.key, record.because, at)
                if cause != self._cause:
                    yield from _caused(record, at)
                self._cause = cause
                yield from _denied(record, at)
                yield from _waiting(record, at)
            case ReportRecord():
                yield from self._report(record, at)
            case _:
                pass

    def _limit(self, record: LimitRecord, at: datetime) -> Iterator[Alert]:
        limit_id, stage = record.state.limit_id, LimitStage(record.stage)
        last = self._limits.get(limit_id)
        if last is not None and last[1] is stage:
            return  # figures that are saved now and then
        kind = None if stage is LimitStage.OK else _limit_kind(stage)
        if last is not None and last[0].kind is not kind:
            del self._limits[limit_id]
            words = "is over" if kind is None else f"went on: it {_STAGES[stage]}"
            yield _over(last[0], at, f"{record.account}: limit {printable(limit_id)} {words}")
        if kind is not None:
            alert = Alert(
                kind,
                limit_id,
                f"{record.account}: limit {printable(limit_id)} {_STAGES[stage]}",
                at,
                kind.severity,
                tuple(_figures(record)),
                (record.account,),
                lasts=True,
            )
            self._limits[limit_id] = (alert, stage)
            yield alert

    def _report(self, record: ReportRecord, at: datetime) -> Iterator[Alert]:
        report, copy = record.report, record.copy
        accounts = (copy.target, copy.source)
        if isinstance(report, OutcomeUnknown):
            alert = Alert(
                AlertKind.ORDER_UNKNOWN,
                report.cl_ord_id,
                f"{copy.target}: no answer to an order for {_what(copy)}",
                at,
                AlertKind.ORDER_UNKNOWN.severity,
                (printable(report.reason), f"order {report.cl_ord_id} on {copy.link_id}"),
                accounts,
                lasts=True,
            )
            if report.cl_ord_id not in self._unknown:
                self._unknown[report.cl_ord_id] = alert
                yield alert
        elif not isinstance(report, Accepted):
            known = self._unknown.pop(report.cl_ord_id, None)
            if known is not None:
                yield _over(known, at, f"{copy.target}: the order for {_what(copy)} is accounted for")
        if isinstance(report, Rejected):
            yield Alert(
                AlertKind.ORDER_REJECTED,
                f"{copy.target}/{report.text[:60]}",
                f"{copy.target}: order for {_what(copy)} rejected",
                at,
                _rejected_severity(copy, report),
                (printable(report.text), f"order {report.cl_ord_id} on {copy.link_id}"),
                accounts,
            )


def _limit_kind(stage: LimitStage) -> AlertKind:
    return AlertKind.LIMIT_WARNING if stage in _WARNINGS else AlertKind.LIMIT_BREACH


def _over(alert: Alert, at: datetime, title: str) -> Alert:
    return Alert(
        alert.kind, alert.topic, title, at, alert.severity, alert.lines, alert.accounts, lasts=alert.lasts, over=True
    )


def _noted(record: AlertRecord, at: datetime) -> Alert:
    """Return what the journal was told in words."""
    kind = KINDS[record.code]
    title = "session is back" if record.over else _TITLES.get(kind, printable(record.text))
    return Alert(
        kind,
        record.account if kind in _ABOUT_ACCOUNTS else f"{record.account}/{record.text[:100]}",
        f"{record.account}: {title}",
        at,
        kind.severity,
        (printable(record.text),) if kind in _TITLES else (),
        (record.account,),
        lasts=kind is AlertKind.SESSION_LOST,
        over=record.over,
    )


def _mismatch(record: MismatchRecord, at: datetime) -> Alert:
    each = record.mismatch
    positions = ", ".join(f"#{printable(position)}" for position in each.positions[:5])
    return Alert(
        AlertKind.MISMATCH,
        "/".join((each.link_id, each.symbol, each.kind.value)),
        f"{each.target}: {'mismatch is over: ' if record.ended else ''}{mismatch_words(each)}",
        at,
        each.severity,
        (f"link {each.link_id}, source positions {positions}",),
        (each.target,),
        lasts=True,
        over=record.ended,
    )


def _figures(record: LimitRecord) -> Iterator[str]:
    state = record.state
    currency = f" {printable(state.currency)}" if state.currency else ""
    figures = (("equity", state.equity), ("balance", state.balance))
    told = [f"{name} {plain(figure)}{currency}" for name, figure in figures if figure is not None]
    if told:
        yield ", ".join(told)
    if state.unknown is not None:
        yield printable(state.unknown)


def _caused(record: DecisionRecord, at: datetime) -> Iterator[Alert]:
    """Yield what set a decision off, where that is news by itself."""
    copy, because = record.copy, record.because
    accounts = (copy.target, copy.source)
    if because in (TARGET_CLOSED_IT, TARGET_CHANGED_IT):
        what = "closed" if because == TARGET_CLOSED_IT else "reduced"
        title = f"{copy.target}: {_what(copy)} was {what} at the target"
        kind = AlertKind.TARGET_CLOSED
        yield Alert(kind, "/".join(copy.key), title, at, kind.severity, (_link(copy),), accounts)
    elif because.startswith("flatten: "):
        why = printable(because.removeprefix("flatten: "))
        title, kind = f"{copy.target}: copies are being closed", AlertKind.FLATTEN
        yield Alert(kind, f"{copy.target}/{why}", title, at, kind.severity, (why,), accounts)


def _denied(record: DecisionRecord, at: datetime) -> Iterator[Alert]:
    """Yield a denial that is final."""
    copy = record.copy
    denied = next((item for item in reversed(record.trace) if isinstance(item, Denied)), None)
    new = copy.status is CopyStatus.ENDED and copy.ending is Ending.DENIED
    more = copy.status is CopyStatus.ACTIVE and copy.wait_until is None and copy.flatten is None and not copy.left
    if denied is not None and (new or more):
        yield Alert(
            AlertKind.DENIED,
            f"{copy.link_id}/{denied.reason.value}",
            f"{copy.target}: {_what(copy)} {'not copied' if new else 'not increased'}: {denied.reason.meaning}",
            at,
            denial_severity(denied.reason),
            (trace_words(denied), _link(copy)),
            (copy.target, copy.source),
        )


def _waiting(record: DecisionRecord, at: datetime) -> Iterator[Alert]:
    """Yield that a copy has begun to wait for an approval."""
    copy = record.copy
    if copy.status is CopyStatus.WAITING and copy.reason is Reason.APPROVAL_NEEDED and not copy.approved:
        until = "" if copy.wait_until is None else f" until {copy.wait_until:%H:%M:%S} UTC"
        yield Alert(
            AlertKind.APPROVAL,
            f"{copy.link_id}/{copy.source_position_id}",
            f"{copy.target}: {_what(copy)} waits for an approval{until}",
            at,
            AlertKind.APPROVAL.severity,
            (f"copier approve {printable(copy.source_position_id)} --why ... --yes", _link(copy)),
            (copy.target, copy.source),
        )


def _link(copy: Copy) -> str:
    if copy.order is not None:
        return f"link {copy.link_id}, source's pending order #{printable(copy.order.order_id)}"
    return f"link {copy.link_id}, source position #{printable(copy.source_position_id)}"


def denial_severity(reason: Reason) -> Severity:
    """Return how much a denial matters: what the config asks for is good to know, anything else may surprise."""
    return Severity.INFO if reason in _AS_ASKED else AlertKind.DENIED.severity


def _rejected_severity(copy: Copy, report: Rejected) -> Severity:
    closing = any(leg.retry_of in (Purpose.CLOSE, Purpose.REDUCE) for leg in copy.legs)
    opening = any(leg.cl_ord_id == report.cl_ord_id for leg in copy.legs)
    return Severity.CRITICAL if closing and not opening else AlertKind.ORDER_REJECTED.severity


def _what(copy: Copy) -> str:
    return f"{copy.side.value} {printable(copy.target_symbol or copy.source_symbol)}"
