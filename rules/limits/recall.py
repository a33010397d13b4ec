"""When an account's history must be asked before its figures are judged: what a sample alone cannot tell."""

from datetime import datetime
from decimal import Decimal

from rules.limits.days import last_reset
from rules.limits.limits import judge
from rules.limits.past import Past
from rules.limits.policy import EVERYTHING, Limit
from rules.limits.state import RESET_LATE_MAX, LimitState, is_whole
from rules.limits.terms import Anchor, Trailing
from rules.model.observed import AccountStatus

_FROM_BALANCE = (Anchor.DAY_START_BALANCE, Anchor.DAY_START_HIGHER)
_MARKED_BY_BALANCE = (Trailing.EOD_BALANCE, Trailing.EOD_HIGHER)


def must_ask(limit: Limit, state: LimitState, status: AccountStatus, at: datetime) -> bool:
    """Tell whether these figures must wait for the account's history.

    They must where a reset was missed whose balance history can rebuild, and where money may have come or gone: a
    deposit taken for a profit would give room that is not there, and a withdrawal taken for a loss would close for
    good what need not be closed. A withdrawal that reaches nothing of that kind is a loss until history tells.
    """
    if state.seen_at is None or state.balance is None or status.balance is None:
        return False
    if _missed(limit, state, at):
        return True
    if not limit.shifts or not like_a_flow(state, status):
        return False
    return status.balance > state.balance or _stays(judge(limit, state, status, at).state) != _stays(state)


def _stays(state: LimitState) -> tuple[object, ...]:
    """Return what is in force beyond the next report."""
    return (state.latched, state.halted_at, state.breaching_from)


def like_a_flow(state: LimitState, status: AccountStatus) -> bool:
    """Tell whether the balance moved more than any closing explains: what it closes leaves the floating result."""
    known = (state.balance, state.equity, status.balance, status.equity)
    before, equity_before, balance, equity = known
    if before is None or equity_before is None or balance is None or equity is None:
        return False
    moved = balance - before
    floating_moved = (equity - equity_before) - moved
    return abs(floating_moved) * 2 < abs(moved)


def costs_asked_since(limit: Limit, state: LimitState, status: AccountStatus) -> datetime | None:
    """Return since when costs must be asked for, because what is known of them is of another balance."""
    if limit.include == EVERYTHING or state.day_started is None:
        return None
    unknown = state.commission is None or state.swap is None
    return state.day_started if unknown or status.balance != state.balance else None


def adds_up(state: LimitState, past: Past, balance: Decimal | None) -> bool:
    """Tell whether all that was booked since the last sample makes the balance that is shown now."""
    return balance is None or is_whole(state, past, balance)


def _missed(limit: Limit, state: LimitState, at: datetime) -> bool:
    rests_on_balance = limit.counted_from in _FROM_BALANCE or limit.trailing in _MARKED_BY_BALANCE
    if limit.reset is None or state.day_started is None or not rests_on_balance:
        return False
    started = last_reset(limit.reset, at)
    missing_now = started > state.day_started and (state.gap or at - started > RESET_LATE_MAX)
    return missing_now or (state.bridging and not state.rebuilt)
