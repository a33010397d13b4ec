"""What an account's own history tells a limit: deposits and withdrawals, costs, and balances that nobody saw."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from rules.model.frozen import frozen
from rules.model.observed import Booked, CashFlow, Fill

_FLOWS = frozenset({"deposit", "withdrawal"})

# Credit raises equity only: a balance never shows it.
_NO_BALANCE = frozenset({"credit"})

# What the venue stamps and when we saw its figures may lie this far apart: another clock, a poll under way.
_CLOCKS_APART = timedelta(minutes=1)


@frozen
class Past:
    """What was booked from `since` on, oldest first, as the venue told it at `asked_at`."""

    since: datetime
    asked_at: datetime
    entries: tuple[Booked, ...]
    final: bool = False
    """Nothing better is waited for: flows count although the entries do not make the balance that is shown."""


def flows_after(past: Past, after: datetime, known: Iterable[str]) -> tuple[CashFlow, ...]:
    """Return the deposits and withdrawals since `after` that are not among the ids that are known."""
    seen = frozenset(known)
    return tuple(
        entry
        for entry in past.entries
        if isinstance(entry, CashFlow) and entry.kind in _FLOWS and entry.at > after and entry.exec_id not in seen
    )


def booked_money(entry: Booked) -> Decimal | None:
    """Return by how much an entry moved the balance; None where the venue does not say."""
    if isinstance(entry, CashFlow):
        return Decimal(0) if entry.kind in _NO_BALANCE else entry.amount
    if entry.opens is not True and entry.realized_pnl is None:
        return None
    parts = (entry.realized_pnl, entry.commission, entry.swap)
    return sum((part for part in parts if part is not None), Decimal(0))


def costs_since(past: Past, since: datetime) -> tuple[Decimal, Decimal] | None:
    """Return commission and swap booked from `since` on, as the venue signs them; None where it is not all told.

    What a venue leaves out of an entry counts as none there.
    """
    if past.since > since:
        return None
    fills = [entry for entry in past.entries if isinstance(entry, Fill) and entry.at >= since]
    charges = [entry for entry in past.entries if isinstance(entry, CashFlow) and entry.at >= since]
    commission = sum((fill.commission for fill in fills if fill.commission is not None), Decimal(0))
    commission += sum((charge.amount for charge in charges if charge.kind == "commission"), Decimal(0))
    swap = sum((fill.swap for fill in fills if fill.swap is not None), Decimal(0))
    return commission, swap


def balances_at(
    past: Past, seen_at: datetime, seen: Decimal, now: Decimal, instants: Iterable[datetime]
) -> tuple[Decimal, ...] | None:
    """Return the balance right before each instant, rebuilt from what was booked; None where it does not add up.

    It adds up when `seen`, the balance at `seen_at`, and all that was booked since make the balance `now`: then nothing
    is missing in between. An entry that is stamped exactly at an instant came after it.
    """
    if past.since > seen_at - _CLOCKS_APART:
        return None
    first = _first_unseen(past.entries, seen_at, now - seen)
    if first is None:
        return None
    later = past.entries[first:]
    return tuple(seen + sum((booked_money(e) or Decimal(0) for e in later if e.at < at), Decimal(0)) for at in instants)


def _first_unseen(entries: tuple[Booked, ...], seen_at: datetime, moved: Decimal) -> int | None:
    """Return from which entry on they sum up to `moved`, near the moment at which the balance was seen."""
    rest = Decimal(0)
    first = len(entries)
    while True:
        newest_seen = entries[first - 1].at if first > 0 else None
        oldest_unseen = entries[first].at if first < len(entries) else None
        fits = (newest_seen is None or newest_seen <= seen_at + _CLOCKS_APART) and (
            oldest_unseen is None or oldest_unseen >= seen_at - _CLOCKS_APART
        )
        if fits and rest == moved:
            return first
        if first == 0 or (oldest_unseen is not None and oldest_unseen < seen_at - _CLOCKS_APART):
            return None
        first -= 1
        money = booked_money(entries[first])
        if money is None:
            return None
        rest += money
