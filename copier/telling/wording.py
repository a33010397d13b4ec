"""Records as sentences: the same words on the console, in `copier explain` and in logs."""

from datetime import datetime, timedelta
from decimal import Decimal

from copier.ledger.records import Known
from rules.books.mismatch import Mismatch, MismatchKind
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
from rules.model.copies import Copy, CopyStatus, Ending
from rules.model.observed import Position
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
from rules.model.trace import Denied, Note
from rules.model.values import Price, Volume, plain


def action_words(action: Action) -> str:
    """Return what an order wants, in one line."""
    match action:
        case OpenPosition():
            stops = _stops(action.stop_loss, action.take_profit)
            return f"open {action.side.value} {plain(action.volume)} {printable(action.symbol)}{stops}"
        case ReducePosition():
            return f"reduce {printable(action.symbol)} by {plain(action.volume)} to {plain(action.remaining)}"
        case ClosePosition():
            return f"close {plain(action.volume)} {printable(action.symbol)}"
        case ReplaceStops():
            return (
                f"set stops of {printable(action.symbol)}{_stops(action.stop_loss, action.take_profit) or ' to none'}"
            )
        case PlaceOrder():
            what = f"{action.side.value} {plain(action.volume)} {printable(action.symbol)}"
            until = "" if action.expires_at is None else f" until {action.expires_at.isoformat()}"
            return f"place pending order: {what} {_prices(action)}{until}"
        case ReplaceOrder():
            return (
                f"replace pending order {printable(action.order_id)} of {printable(action.symbol)}: {_prices(action)}"
            )
        case CancelOrder():
            return f"cancel pending order {printable(action.order_id)} of {printable(action.symbol)}"


def report_words(report: Report) -> str:
    """Return what the venue said, in one line."""
    match report:
        case Filled():
            price = "" if report.price is None else f" at {plain(report.price)}"
            return f"filled {plain(report.volume)}{price}, position {printable(report.position_id)}"
        case Accepted():
            return "accepted, not filled yet"
        case Rejected():
            return f"rejected: {printable(report.text)}"
        case NotSent():
            return f"not sent: {printable(report.reason)}"
        case OutcomeUnknown():
            return f"outcome unknown: {printable(report.reason)}"
        case NotFound():
            return "never arrived at the venue"
        case StopsReplaced():
            return "stops set"
        case Placed():
            return f"pending order {printable(report.venue_order_id)} placed"
        case Replaced():
            return "pending order replaced"
        case Canceled():
            return "pending order canceled"


def trace_words(item: Note | Denied) -> str:
    """Return one step of a decision with its numbers."""
    numbers = ", ".join(f"{name} {printable(value)}" for name, value in item.numbers)
    tail = f" ({numbers})" if numbers else ""
    if isinstance(item, Denied):
        return f"{item.rule}: {item.reason.value} - {item.reason.meaning}{tail}"
    return f"{item.rule}: {printable(item.outcome)}{tail}"


def copy_words(copy: Copy) -> str:
    """Return how a copy stands, in a few words."""
    if copy.status is CopyStatus.WAITING:
        return f"waiting, {copy.reason.value}" if copy.reason is not None else "waiting"
    if copy.status is CopyStatus.ENDED:
        if copy.ending is Ending.DENIED and copy.reason is not None:
            return f"denied, {copy.reason.value}"
        return f"ended, {copy.ending.value.replace('_', ' ')}" if copy.ending is not None else "ended"
    if copy.order is not None and not any(leg.held for leg in copy.legs):
        return f"waits for {plain(copy.expected)}, as the source's order does"
    if copy.limited and not any(leg.held for leg in copy.legs):
        return f"waits for {plain(copy.expected)} at the source's price"
    return f"holds {plain(copy.expected)}"


def mismatch_words(mismatch: Mismatch) -> str:
    """Return what differs, in one line."""
    symbol, why = printable(mismatch.symbol), f" ({mismatch.why})" if mismatch.why else ""
    desired, observed = lots_words(mismatch.desired), lots_words(mismatch.observed)
    summed = mismatch.kind not in (MismatchKind.STOPS, MismatchKind.PENDING)
    if summed and mismatch.lots != abs(mismatch.desired - mismatch.observed):
        why = f", {plain(mismatch.lots)} lots of both sides{why}"  # which the sums hide
    match mismatch.kind:
        case MismatchKind.MISSING:
            return f"{symbol} should be {desired} and is not there{why}"
        case MismatchKind.UNEXPECTED:
            return f"{symbol} should be closed and is {observed}{why}"
        case MismatchKind.STOPS:
            return f"{symbol} {desired} has other stops than were asked for{why}"
        case MismatchKind.SIDE | MismatchKind.VOLUME:
            return f"{symbol} should be {desired} and is {observed}{why}"
        case MismatchKind.PENDING:
            return f"{symbol} {_waiting_words(mismatch)}{why}"


def _waiting_words(mismatch: Mismatch) -> str:
    """Return how pending orders differ; lots of both sides may hide each other in the sums."""
    desired, observed, lots = mismatch.desired, mismatch.observed, mismatch.lots
    if lots == abs(desired - observed) and not observed:
        return f"should have a pending order, {lots_words(desired)}, which is not there"
    if lots == abs(desired - observed) and not desired:
        return f"has a pending order, {lots_words(observed)}, which should be gone"
    return f"has pending orders of {plain(lots)} lots that are not as asked for"


def lots_words(lots: Volume) -> str:
    """Return signed lots as a person says them: `long 0.5`."""
    return "flat" if not lots else f"{'long' if lots > 0 else 'short'} {plain(abs(lots))}"


def printable(text: str, most: int = 200) -> str:
    """Return text from a venue without control characters, which a terminal obeys, and no longer than `most`."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:most])


def _prices(action: PlaceOrder | ReplaceOrder) -> str:
    limit = "" if action.limit_price is None else f" limit {plain(action.limit_price)}"
    kind = action.order_type.value.replace("_", "-")
    return f"{kind} {plain(action.price)}{limit}{_stops(action.stop_loss, action.take_profit)}"


def _stops(stop_loss: Price | None, take_profit: Price | None) -> str:
    parts = [f"{name} {plain(value)}" for name, value in (("sl", stop_loss), ("tp", take_profit)) if value is not None]
    return f" {' '.join(parts)}" if parts else ""


OLD = timedelta(seconds=2)
"""A quote of this age or more is told with it: no guard judges by such a one."""

_BECAUSE = {
    "position": "the source changed",
    "closed": "the source closed",
    "report": "an order was answered",
    "timer": "time passed",
    "figures": "figures came",
    "looked up": "what it asked came",
    "order": "the source's pending order changed",
    "order gone": "our pending order works no more",
    "order filled": "the source's pending order was filled",
    "target ready": "the target is ready",
    "target caught up": "the target has caught up",
    "gone while we were away": "the source closed while nobody looked",
    "target closed it": "the target closed it by itself",
    "target changed it": "somebody changed it at the target",
    "executed late": "an order was executed late",
    "adopted": "a position without an owner",
}


def because_words(because: str) -> str:
    """Return what set a decision off, as a person says it."""
    return _BECAUSE.get(because, printable(because))


def position_words(position: Position) -> str:
    """Return what a position is, in one line."""
    stops = _stops(position.stop_loss, position.take_profit)
    what = f"{position.side.value} {plain(position.volume)} {printable(position.symbol)}"
    return f"{what} opened at {plain(position.open_price)}{stops}"


def known_words(known: Known, at: datetime) -> str | None:
    """Return the prices and figures that a decision at that time met; None when there were none."""
    parts = []
    if known.quote is not None:
        quote = known.quote
        age = at - quote.at
        old = f", {age.total_seconds():.0f} s old" if age >= OLD else ""
        parts.append(f"{printable(quote.symbol)} {plain(quote.bid)}/{plain(quote.ask)} at the target{old}")
    for whose, status in (("source", known.source), ("target", known.target)):
        if status is not None and status.equity is not None:
            parts.append(f"{whose} equity {plain(status.equity)} {printable(status.currency or '')}".rstrip())
    return f"known: {', '.join(parts)}" if parts else None


def money_words(amount: Decimal, currency: str) -> str:
    """Return what was won or lost: +12.50 USD."""
    return f"{amount:+.2f} {printable(currency)}".rstrip()
