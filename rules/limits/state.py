"""What a limit remembers: anchors and peaks of the day, high-water mark, last sample, and what stays in force."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from attrs import evolve

from rules.limits.days import last_reset, resets_between
from rules.limits.exposure import AtStops
from rules.limits.past import Past, balances_at, costs_since, flows_after
from rules.limits.policy import EVERYTHING, Limit
from rules.limits.terms import Trailing
from rules.model.frozen import frozen
from rules.model.observed import AccountStatus, CashFlow

# Later than this, the reset counts as missed: no clock of ours was there to see the last value before it. The timer
# fires within milliseconds; 5 s forgives a busy machine, and is short of any restart that could hide a trade.
RESET_LATE_MAX = timedelta(seconds=5)

# Deposits and withdrawals whose ids are kept, so that none counts twice: more than an account sees in years.
FLOWS_KEPT = 200


class LimitStage(Enum):
    """How far a limit is used up, mildest first."""

    OK = "ok"
    WARN = "warn"
    BLOCK = "block"
    """No new risk while it lasts."""
    UNKNOWN = "unknown"
    """The limit cannot be judged, so it takes no new risk either."""
    HALT = "halt"
    """No new risk until a person resets the limit."""
    FLATTEN = "flatten"
    """Everything in scope is closed, and no new risk is taken; stays until the limit's reset, as does a breach."""
    BREACHED = "breached"
    """The floor was reached, or a profit target's level."""


@frozen
class LimitState:
    """Everything that judging a limit needs from the past. All figures are in the account's currency; None: not known.

    Plain fields, so that it can be stored. A field added later gets a default that means "as before".
    """

    limit_id: str
    judged_at: datetime
    balance: Decimal | None = None
    """The last known figures; they hold over a closed market."""
    equity: Decimal | None = None
    currency: str | None = None
    unknown: str | None = None
    """Why the last report could not be used, in words; None when it could."""
    gap: bool = False
    """The figures were out of sight at some time since the last complete report."""
    initial_balance: Decimal | None = None
    """The first balance ever seen, where the limit names none."""
    day_started: datetime | None = None
    """The reset that opened the day; without resets, the first report."""
    day_balance: Decimal | None = None
    day_equity: Decimal | None = None
    day_peak_balance: Decimal | None = None
    day_peak_equity: Decimal | None = None
    bridging: bool = False
    """The reset was missed and the first complete report after it is still to come: anchors take the stricter side."""
    high_water_mark: Decimal | None = None
    """The highest seen of what the limit trails; the mark in force is never below what the limit itself names."""
    estimated: bool = False
    """An anchor or mark is an estimate, on the strict side; clears at the next reset that was observed."""
    latched: LimitStage | None = None
    """A flatten or breach that stays in force."""
    latched_at: datetime | None = None
    halted_at: datetime | None = None
    """Since when it is halted; only a person ends it."""
    breaching_from: datetime | None = None
    """Since when the floor has been passed, of a limit with a hold; only a sample that shows otherwise ends it."""
    locked_floor: Decimal | None = None
    """What a staged lock set the floor to."""
    flows: Decimal = Decimal(0)
    """Deposits less withdrawals that moved what the limit counts from."""
    flows_after: datetime | None = None
    """What came to the account since then and is not among the ids below is news."""
    flows_known: tuple[str, ...] = ()
    seen_at: datetime | None = None
    """When the last complete report came. None in older records: nothing is rebuilt from before it."""
    missed_from: datetime | None = None
    """When the last report before a missed reset came; below, the balance that it told."""
    missed_balance: Decimal | None = None
    rebuilt: bool = False
    """The balance at the missed reset is exact after all, by the venue's history."""
    commission: Decimal | None = None
    """Booked since the day began, as the venue signs it; likewise swap. Only where the limit leaves them out."""
    swap: Decimal | None = None
    count: Decimal = Decimal(0)
    """Orders or lots of the day, of a budget."""
    said: str = ""
    """What a rule on results says, for people."""
    at_stops: AtStops | None = None
    """What would be left if every stop were hit, as of the last books; not judged, only shown."""


def stays_in_force(state: LimitState) -> bool:
    """Tell whether something of the limit holds until its reset, or until a person ends it."""
    return state.latched is not None or state.halted_at is not None


def initial_balance(limit: Limit, state: LimitState) -> Decimal | None:
    """Return the balance that the limit counts as initial."""
    return state.initial_balance if limit.initial_balance is None else limit.initial_balance


def advanced(
    limit: Limit, state: LimitState | None, status: AccountStatus | None, at: datetime, current: bool, past: Past | None
) -> LimitState:
    """Return the state at `at`: resets that have come are applied first, to the last known figures, then `status`.

    A report that is stamped exactly at a reset belongs to the new day. Time never goes back: a report older than the
    last judgement counts as of that. Arguments are those of `rules.limits.limits.judge`.
    """
    if state is None:
        state = LimitState(limit.limit_id, at)
    state = _day_opened(limit, evolve(state, judged_at=max(at, state.judged_at)), current)
    if past is not None and status is not None and status.balance is not None:
        state = _remembered(limit, state, past, status.balance)
    if status is not None:
        state = _reported(limit, state, status)
    return state if current else evolve(state, gap=True)


def _day_opened(limit: Limit, state: LimitState, current: bool) -> LimitState:
    if limit.reset is None or state.day_started is None:
        return state
    started = last_reset(limit.reset, state.judged_at)
    if started <= state.day_started:
        return state
    missed = state.gap or not current or state.judged_at - started > RESET_LATE_MAX
    mark = state.high_water_mark
    if limit.marks_at_reset:
        mark = _higher(mark, _mark(limit.trailing, state))
    missed_from, missed_balance = state.missed_from, state.missed_balance
    if not missed:
        missed_from = missed_balance = None
    elif missed_from is None:
        missed_from, missed_balance = state.seen_at, state.balance
    return evolve(
        state,
        day_started=started,
        day_balance=state.balance,
        day_equity=state.equity,
        day_peak_balance=state.balance,
        day_peak_equity=state.equity,
        bridging=missed,
        high_water_mark=mark,
        estimated=missed,
        latched=None if limit.begins_anew else state.latched,
        latched_at=None if limit.begins_anew else state.latched_at,
        missed_from=missed_from,
        missed_balance=missed_balance,
        rebuilt=False,
        commission=None,
        swap=None,
    )


def _remembered(limit: Limit, state: LimitState, past: Past, balance: Decimal) -> LimitState:
    """Take what the venue's history tells, just before the report that it leads to."""
    news: tuple[CashFlow, ...] = ()
    if limit.shifts and state.flows_after is not None and (past.final or is_whole(state, past, balance)):
        news = flows_after(past, state.flows_after, state.flows_known)
        known = (*state.flows_known, *(flow.exec_id for flow in news))[-FLOWS_KEPT:]
        state = evolve(_shifted(state, sum((flow.amount for flow in news), Decimal(0))), flows_known=known)
    if state.bridging and not state.rebuilt:
        state = _rebuilt(limit, state, past, balance, news)
    if limit.include != EVERYTHING and state.day_started is not None:
        costs = costs_since(past, state.day_started)
        if costs is not None:
            state = evolve(state, commission=costs[0], swap=costs[1])
    return state


def is_whole(state: LimitState, past: Past, balance: Decimal) -> bool:
    """Tell whether what was booked since the last report leads from its balance to this one.

    Where it does not, one of the two is older than the other: a flow that the balance does not show yet would move
    the floor alone.
    """
    if state.seen_at is None or state.balance is None:
        return True
    return balances_at(past, state.seen_at, state.balance, balance, ()) is not None


def _rebuilt(limit: Limit, state: LimitState, past: Past, balance: Decimal, flows: tuple[CashFlow, ...]) -> LimitState:
    """Return the state with the balances at the resets that were missed, where history proves them."""
    if limit.reset is None or state.missed_from is None or state.missed_balance is None:
        return state
    resets = list(resets_between(limit.reset, state.missed_from, state.judged_at))
    found = balances_at(past, state.missed_from, state.missed_balance, balance, resets)
    if not found:
        return state
    # What moved the limit's figures after a reset moves what is rebuilt of that reset as well.
    later = [sum((flow.amount for flow in flows if flow.at >= at), Decimal(0)) for at in resets]
    starts = [start + flow for start, flow in zip(found, later, strict=True)]
    mark = state.high_water_mark
    if limit.trailing is Trailing.EOD_BALANCE:
        mark = max(start for start in (mark, *starts) if start is not None)
    return evolve(
        state,
        day_balance=starts[-1],
        day_peak_balance=starts[-1],
        high_water_mark=mark,
        rebuilt=True,
        # Equity has no history: what needs it stays an estimate.
        estimated=limit.needs_equity_of_old,
    )


def _shifted(state: LimitState, flow: Decimal) -> LimitState:
    """Return the state with all that the limit counts from moved by a deposit or withdrawal."""

    def moved(value: Decimal | None) -> Decimal | None:
        return None if value is None else value + flow

    return evolve(
        state,
        flows=state.flows + flow,
        day_balance=moved(state.day_balance),
        day_equity=moved(state.day_equity),
        day_peak_balance=moved(state.day_peak_balance),
        day_peak_equity=moved(state.day_peak_equity),
        high_water_mark=moved(state.high_water_mark),
        locked_floor=moved(state.locked_floor),
    )


def _reported(limit: Limit, state: LimitState, status: AccountStatus) -> LimitState:
    if state.currency is not None and status.currency not in (None, state.currency):
        why = f"figures came in {status.currency}, expected {state.currency}"
        return evolve(state, unknown=why, gap=True)
    state = _figures_taken(limit, state, status)
    if status.balance is None:
        return _marked(limit, evolve(state, unknown="the venue gave no balance", gap=True))
    if status.equity is None and limit.needs_equity:
        return _marked(limit, evolve(state, unknown="the venue gave no equity", gap=True))
    estimated = state.estimated or (state.gap and limit.needs_peaks)
    state = _marked(limit, evolve(state, unknown=None, estimated=estimated))
    if state.bridging:
        state = evolve(state, bridging=False, missed_from=None, missed_balance=None)
    first = state.judged_at if state.flows_after is None else state.flows_after
    return evolve(state, gap=False, seen_at=state.judged_at, flows_after=first)


def _figures_taken(limit: Limit, state: LimitState, status: AccountStatus) -> LimitState:
    balance, equity = status.balance, status.equity
    started, initial, estimated = state.day_started, state.initial_balance, state.estimated
    if started is None:  # the first sample ever opens the day
        started = state.judged_at if limit.reset is None else last_reset(limit.reset, state.judged_at)
    funded = balance is not None and balance > 0
    if limit.initial_balance is None and initial is None and funded:
        initial = balance
        estimated = estimated or limit.needs_initial
    # A loss counts from the higher side of an outage, a profit from the lower: either way it is reached sooner.
    stricter = _lower if limit.is_target else _higher
    bridged = state.day_balance is None or (state.bridging and not state.rebuilt)
    return evolve(
        state,
        balance=state.balance if balance is None else balance,
        equity=state.equity if equity is None else equity,
        currency=status.currency or state.currency,
        initial_balance=initial,
        day_started=started,
        day_balance=stricter(state.day_balance, balance if bridged else None),
        day_equity=stricter(state.day_equity, equity if state.bridging or state.day_equity is None else None),
        day_peak_balance=_higher(state.day_peak_balance, balance),
        day_peak_equity=_higher(state.day_peak_equity, equity),
        estimated=estimated,
    )


def _marked(limit: Limit, state: LimitState) -> LimitState:
    """Return the state with its high-water mark lifted by the figures just taken, where these lift it."""
    if limit.trailing is Trailing.NONE:
        return state
    seen, initial = _mark(limit.trailing, state), initial_balance(limit, state)
    first = state.high_water_mark is None and seen is not None
    exact = state.rebuilt and limit.trailing is Trailing.EOD_BALANCE
    is_lifted = first or (state.bridging and not exact) or not limit.marks_at_reset
    mark = _higher(state.high_water_mark, seen if is_lifted else None)
    # An account taken over in profit may have stood higher still, before we saw it.
    in_profit = seen is not None and initial is not None and seen > initial
    estimated = state.estimated or (first and in_profit and limit.high_water_mark is None)
    return evolve(state, high_water_mark=mark, estimated=estimated)


def _mark(trailing: Trailing, state: LimitState) -> Decimal | None:
    if trailing in (Trailing.LIVE_BALANCE, Trailing.EOD_BALANCE):
        return state.balance
    if trailing is Trailing.EOD_HIGHER and state.equity is not None:
        return _higher(state.balance, state.equity)
    return state.equity


def _higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _lower(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
