"""The figures of a limit: from anchors and marks to amount, floor, metric and headroom, exactly."""

from decimal import Decimal

from attrs import evolve

from rules.limits.policy import Limit
from rules.limits.state import LimitState, initial_balance
from rules.limits.terms import (
    AmountOf,
    Anchor,
    Comparator,
    LimitAmount,
    LockOf,
    Metric,
    Part,
    Percent,
    Trailing,
)
from rules.model.frozen import frozen


@frozen
class Figures:
    """Amount, floor, metric and headroom of a limit, all known."""

    amount: Decimal
    floor: Decimal
    metric: Decimal
    headroom: Decimal

    def level(self, fraction: Decimal) -> Decimal:
        """Return the metric at which a stage at `fraction` of the amount is reached."""
        return self.floor + (1 - fraction) * self.amount

    def passed(self, comparator: Comparator) -> bool:
        """Tell whether the floor was passed, or touched where that counts."""
        return self.headroom < 0 or (self.headroom == 0 and comparator is Comparator.LE)


def figures_of(limit: Limit, state: LimitState) -> Figures | str:
    """Return the limit's figures, or in words why they are not known. Call it in the exact context."""
    if state.balance is None:
        return state.unknown or "the account's figures have not been seen yet"
    if state.unknown is not None:
        return state.unknown
    if foreign := limit.currencies - {state.currency}:
        return f"the limit is in {', '.join(sorted(foreign))}, the account in {state.currency or 'an unknown currency'}"
    initial = initial_balance(limit, state)
    anchor = _anchor(limit, state, initial)
    metric = _metric(limit, state)
    if anchor is None:
        return "the limit's anchor is not known yet"
    if metric is None:
        return "what was paid for commission and swap is not known yet"
    base = {AmountOf.INITIAL: initial, AmountOf.ANCHOR: anchor, AmountOf.HIGH_WATER_MARK: anchor}[limit.percent_of]
    if base is None:
        return "the initial balance is not known yet"
    amount = _cash(limit.amount, base)
    if limit.is_target:
        level = anchor + amount
        return Figures(amount, level, metric, level - metric)
    floor = anchor - amount
    if limit.lock is not None and initial is not None:
        floor = min(floor, initial + state.flows + _cash(limit.lock, initial))
    if limit.lock_when is not None and state.locked_floor is not None:
        floor = state.locked_floor
    if limit.compared is Metric.DAY_NET_PNL:
        metric, floor = metric - anchor, floor - anchor
    return Figures(amount, floor, metric, metric - floor)


def _metric(limit: Limit, state: LimitState) -> Decimal | None:
    """Return the figure that is compared, less the costs that it does not count; None where these are not known."""
    figure = state.equity if limit.counts_floating else state.balance
    for part, cost in ((Part.COMMISSION, state.commission), (Part.SWAP, state.swap)):
        if part not in limit.include:
            figure = None if figure is None or cost is None else figure - cost
    return figure


def _anchor(limit: Limit, state: LimitState, initial: Decimal | None) -> Decimal | None:
    """Return what the loss is counted from: the high-water mark of a trailing limit, else the named anchor."""
    start = None if initial is None else initial + state.flows
    if limit.trailing is not Trailing.NONE:
        named = None if limit.high_water_mark is None else limit.high_water_mark + state.flows
        known = [mark for mark in (state.high_water_mark, named, start) if mark is not None]
        return None if state.high_water_mark is None or start is None else max(known)
    match limit.counted_from:
        case Anchor.INITIAL:
            return start
        case Anchor.DAY_START_BALANCE:
            return state.day_balance
        case Anchor.DAY_START_EQUITY:
            return state.day_equity
        case Anchor.DAY_PEAK_BALANCE:
            return state.day_peak_balance
        case Anchor.DAY_PEAK_EQUITY:
            return state.day_peak_equity
        case Anchor.DAY_START_HIGHER:
            known = [start for start in (state.day_balance, state.day_equity) if start is not None]
            return max(known) if len(known) == 2 else None


def _cash(amount: LimitAmount, base: Decimal) -> Decimal:
    return amount.fraction * base if isinstance(amount, Percent) else amount.amount


def locked(limit: Limit, state: LimitState, figures: Figures) -> tuple[LimitState, Figures]:
    """Set a staged lock off where its profit is seen; from then on the floor stays where it was put."""
    lock, initial = limit.lock_when, initial_balance(limit, state)
    if lock is None or state.locked_floor is not None or initial is None:
        return state, figures
    seen = state.equity if lock.metric is Metric.EQUITY else state.balance
    if seen is None or seen < initial + state.flows + _cash(lock.profit, initial):
        return state, figures
    share = lock.floor * (seen if lock.of is LockOf.TRIGGER else initial)
    floor = max(figures.floor, share)
    return evolve(state, locked_floor=floor), evolve(figures, floor=floor, headroom=figures.metric - floor)
