"""How the copies of a link ended, one after another, and what that makes of the next one's size."""

from datetime import datetime
from enum import Enum
from fractions import Fraction
from math import comb

from attrs import evolve

from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.memory import LinkMemory, Series
from rules.model.trace import Note
from rules.model.values import Symbol, plain
from rules.policy.distances import Distance, in_price
from rules.policy.series import AfterLosses, Progression
from rules.sizes.volumes import WIDE, fraction, shown

_GRID = 10**9
"""Factors are cut to billionths: a series of a hundred makes fractions of a thousand digits."""


class Outcome(Enum):
    """How a copy ended."""

    WON = "won"
    LOST = "lost"
    EVEN = "even"
    """At the entry, or so near to it that it counts as neither."""
    UNKNOWN = "unknown"
    """Nobody told at which price it was closed."""


@frozen
class Scale:
    """By what a size is multiplied, and why."""

    rule: str
    factor: Fraction
    series: Series

    @property
    def note(self) -> Note:
        numbers = (("won", str(self.series.won)), ("lost", str(self.series.lost)), ("factor", shown(self.factor)))
        return Note(self.rule, "the size follows the results so far", numbers)


def outcome_of(copy: Copy, even_within: Distance | None, instrument: Instrument | None) -> Outcome | None:
    """Return how a copy ended by the prices of what was closed of it; None: it never held anything."""
    gained, closed, entry = WIDE.create_decimal(0), WIDE.create_decimal(0), None
    for leg in copy.legs:
        if leg.exited is None:
            continue
        if leg.exited.proceeds is None or leg.open_price is None:
            return Outcome.UNKNOWN
        entry = leg.open_price if entry is None else entry
        paid = WIDE.multiply(leg.open_price, leg.exited.lots)
        gained = WIDE.add(gained, WIDE.subtract(leg.exited.proceeds, paid) * leg.side.sign)
        closed = WIDE.add(closed, leg.exited.lots)
    if entry is None:
        return None
    if even_within is not None:
        near = None if instrument is None else in_price(even_within, instrument, entry)
        if near is None:
            return Outcome.UNKNOWN
        if abs(gained) <= WIDE.multiply(near, closed):
            return Outcome.EVEN
    if not gained:
        return Outcome.EVEN
    return Outcome.WON if gained > 0 else Outcome.LOST


def remember_outcome(
    memory: LinkMemory, progression: Progression, copy: Copy, row: int, instrument: Instrument | None, now: datetime
) -> LinkMemory:
    """Return the memory after a copy has ended."""
    outcome = outcome_of(copy, progression.even_within, instrument)
    if outcome is None:
        return memory
    before = _series(memory, progression, copy.source_symbol, row, now)
    after = evolve(_after(before, outcome, progression), last_at=now)
    others = (
        each
        for each in memory.series
        if (each.rule, each.row, each.symbol) != (after.rule, row, after.symbol)
        and (each.rule != after.rule or each.row != row or now - each.last_at <= progression.reset_after)
    )
    return evolve(memory, series=(*others, after))


def scale_of(memory: LinkMemory, progression: Progression, symbol: Symbol, row: int, now: datetime) -> Scale:
    """Return by what the next copy's size is multiplied."""
    series = _series(memory, progression, symbol, row, now)
    return Scale(series.rule, _factor(series, progression), series)


def _series(memory: LinkMemory, progression: Progression, symbol: Symbol, row: int, now: datetime) -> Series:
    """Return the results that count now; none where the last one is too old, or of numbers that ended by now."""
    rule = "after_losses" if isinstance(progression, AfterLosses) else "masaniello"
    own = symbol if progression.by_symbol else None
    for each in memory.series:
        if (each.rule, each.row, each.symbol) == (rule, row, own) and now - each.last_at <= progression.reset_after:
            return _begun_anew(each) if _is_over(each, progression) else each
    return Series(rule, 0, 0, now, row, own)


def _after(series: Series, outcome: Outcome, progression: Progression) -> Series:
    match outcome:
        case Outcome.EVEN:
            return series
        case Outcome.UNKNOWN:
            both = (_after(series, each, progression) for each in (Outcome.WON, Outcome.LOST))
            return min(both, key=lambda each: _factor(each, progression))
        case Outcome.WON:
            after = evolve(series, won=series.won + 1)
        case Outcome.LOST if isinstance(progression, AfterLosses):
            after = evolve(series, won=0, lost=min(series.lost + 1, progression.levels))
        case Outcome.LOST:
            after = evolve(series, lost=series.lost + 1)
    return _begun_anew(after) if _is_over(after, progression) else after


def _is_over(series: Series, progression: Progression) -> bool:
    lost = not isinstance(progression, AfterLosses) and series.lost > progression.events - progression.wins
    return lost or series.won >= progression.wins


def _begun_anew(series: Series) -> Series:
    return evolve(series, won=0, lost=0)


def _factor(series: Series, progression: Progression) -> Fraction:
    """Return the factor, cut to the grid.

    Masaniello's stake is a part of what the series has left, such that a win and a loss leave what the rest of the
    series turns into the same end. Over the first stake that makes what stands here: each win multiplies by the odds
    (payout + 1), each loss by odds / payout, and the ways in which the rest can still be won by the share of them.
    """
    if isinstance(progression, AfterLosses):
        factor = fraction(progression.multiplier) ** min(series.lost, progression.levels)
    else:
        events, wins, payout = progression.events, progression.wins, fraction(progression.payout)
        ways = Fraction(comb(events - 1 - series.won - series.lost, wins - 1 - series.won), comb(events - 1, wins - 1))
        factor = ways * (payout + 1) ** (series.won + series.lost) / payout**series.lost
    return Fraction(factor * _GRID // 1, _GRID)


def words_of(progression: Progression) -> str:
    """Return what a progression does to sizes, in a few words."""
    if isinstance(progression, AfterLosses):
        return f"copies {plain(progression.multiplier)} times as large after a loss"
    return f"stakes of a series of {progression.events} with {progression.wins} wins"
