"""Whether a denial can be: the one thing that the auditor is told by the copier is not believed."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import accumulate

from adapters.simulation.broker import Book
from rules.model.beginnings import EntryType
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.values import Symbol, Volume
from rules.policy.guard import StartOpen
from rules.policy.links import CopyLink
from rules.policy.pending import PendingOrders
from rules.policy.size import BelowMin
from rules.times.schedule import Closed
from tests.simulation.beginnings import could_be_mistaken, opened_by
from tests.simulation.expected import entry_volume, is_above_max, units
from tests.simulation.history import PositionLife
from tests.simulation.run import Outcome
from tests.simulation.scenario import DENIED_SYMBOL, SUFFIXES, site_of

AT_ONCE = timedelta(seconds=2)
"""In fine weather the service has seen everything within this time, its own start included."""


UNDER_WAY_MAX = 2
"""Orders that hold a place under the cap and that the books do not show, in good weather."""


@frozen
class Case:
    """A source position that is open at the end and was not copied on this link."""

    outcome: Outcome
    link: CopyLink
    source: PositionLife
    peak: int
    """The most copies that the target held at once."""

    @property
    def stormy(self) -> bool:
        return not self.outcome.scenario.calm


def is_possible(code: str, outcome: Outcome, link: CopyLink, source: PositionLife, peak: int) -> bool:
    """Tell whether the policy can have denied this copy so."""
    judge = _JUDGES.get(code)
    return judge is not None and judge(Case(outcome, link, source, peak))


def _symbol_denied(case: Case) -> bool:
    return case.source.symbol.startswith(DENIED_SYMBOL)


def _schedule_closed(case: Case) -> bool:
    """The schedule was closed when the position was opened, or at some time until the end where it was seen late.

    What a venue calls by its symbol was opened several times under one name; the last time is what was denied. Who
    waits for a better price may wait into the closed time.
    """
    schedule = case.link.policy.schedule
    if schedule is None:
        return False
    at = case.source.opened_at if case.stormy else case.source.openings[-1]
    guard = case.link.policy.guard
    patience = guard.wait_default + guard.limit_for if _patient(case) else timedelta(0)
    until = case.outcome.ended_at if case.stormy else at + AT_ONCE + patience
    while at <= until:
        if isinstance(schedule.state(at), Closed):
            return True
        at += timedelta(seconds=1)
    return False


def _too_old(case: Case) -> bool:
    """Seen late by a guard with an age, or the opening could not be sent for too long: both want bad weather.

    So does a quote that never comes, which only a guard on the price waits for. And what mirrored an order that its
    position seems to have come of may come to nothing late.
    """
    return case.stormy or _patient(case) or _mirrors(case)


def _stale(case: Case) -> bool:
    """Found, not seen to open, and the start policy does not copy what is found (or not that late)."""
    start = case.link.policy.on_start
    early = case.source.opened_at <= case.outcome.scenario.start + AT_ONCE
    if start.open is StartOpen.COPY or not (case.stormy or early):
        return False
    age = case.outcome.ended_at - case.source.opened_at
    return start.open is StartOpen.SKIP or age > start.max_age


def _below_min(case: Case) -> bool:
    policy = case.link.policy
    cap = policy.volume.max
    return _denied_by_size(case) and (
        policy.volume.min is BelowMin.DENY or (cap is not None and cap < _instrument_min(case))
    )


def _above_max(case: Case) -> bool:
    instrument = case.outcome.books[case.link.target].market.instruments[_target_symbol(case)]
    volumes = [volume for _, volume in case.source.volumes if volume]
    return any(is_above_max(case.link.policy, instrument, volume, _units(case)) for volume in volumes)


def _denied_by_size(case: Case) -> bool:
    instrument = case.outcome.books[case.link.target].market.instruments[_target_symbol(case)]
    volumes = [volume for _, volume in case.source.volumes if volume]
    return any(entry_volume(case.link.policy, instrument, volume, _units(case)) is None for volume in volumes)


def _instrument_min(case: Case) -> Volume:
    return case.outcome.books[case.link.target].market.instruments[_target_symbol(case)].volume_min


def _target_symbol(case: Case) -> Symbol:
    plain_name = case.source.symbol.removesuffix(SUFFIXES[site_of(case.link.source)])
    return Symbol(plain_name + SUFFIXES[site_of(case.link.target)])


def _units(case: Case) -> Fraction:
    books = case.outcome.books
    source = books[case.link.source].market.instruments[case.source.symbol]
    return units(source, books[case.link.target].market.instruments[_target_symbol(case)])


def _max_positions(case: Case) -> bool:
    """The target was full; in bad weather an order that came to nothing may have held a place.

    An opening that waits for its turn holds a place too, though the books never show it when its source closes first,
    and so does a close whose answer is on its way: a link's two sources can each have one of these at a time.
    """
    cap = case.link.policy.limits.max_positions
    return cap is not None and (case.stormy or case.peak + _waiting_peak(case) + UNDER_WAY_MAX >= cap)


def _waiting_peak(case: Case) -> int:
    """Return how many pending orders of ours the target had at most at once: each holds a place before it is filled."""
    book, steps = case.outcome.books[case.link.target], list[tuple[datetime, int]]()
    for record in book.orders:
        if record.pending is not None and record.pending.placed_at is not None and is_ours(record.tag):
            steps += [(record.pending.placed_at, 1), (record.at, -1)]
    steps += [(each.placed_at, 1) for each in book.working.values() if each.placed_at is not None and is_ours(each.tag)]
    return max(accumulate((by for _, by in sorted(steps)), initial=0))


def _pending_skipped(case: Case) -> bool:
    """It came of a pending order, or one that went at its time could have opened it."""
    skips = case.link.policy.pending is PendingOrders.SKIP
    return skips and (opened_by(_source(case), case.source) is not EntryType.MARKET or _could_be_mistaken(case))


def _order_type(case: Case) -> bool:
    """It came of what is not named, or seems to: by an order like it, or by none since nobody saw it."""
    named, opened = case.link.policy.filter.order_types, opened_by(_source(case), case.source)
    if opened not in named or (case.stormy and EntryType.MARKET not in named):
        return True
    return _could_be_mistaken(case) and named != frozenset(EntryType)


def _patient(case: Case) -> bool:
    """The target's price was worse than the source's, and it waited for a better one, or could not."""
    return case.link.policy.guard.max_deviation is not None


def _mirrors(case: Case) -> bool:
    """It came of a mirrored order; how that ended no book of the target tells by itself."""
    seems = opened_by(_source(case), case.source) is not EntryType.MARKET or _could_be_mistaken(case)
    return case.link.policy.mirrors and seems


def _beginning_unknown(case: Case) -> bool:
    return case.stormy and case.link.policy.asks_beginnings


def _could_be_mistaken(case: Case) -> bool:
    return any(could_be_mistaken(_source(case), case.source))


def _source(case: Case) -> Book:
    return case.outcome.books[case.link.source]


def _waited_in_vain(case: Case) -> bool:
    return case.stormy


_JUDGES: Mapping[str, Callable[[Case], bool]] = {
    "SYMBOL_DENIED": _symbol_denied,
    "PENDING_SKIPPED": _pending_skipped,
    "FILTER_ORDER_TYPE": _order_type,
    "PENDING_ENDED": _mirrors,
    "LIMIT_NOT_FILLED": _patient,
    "PRICE_DEVIATION": _patient,
    "QUOTE_UNKNOWN": _patient,
    "PENDING_NOT_FILLED": _mirrors,
    "BEGINNING_UNKNOWN": _beginning_unknown,
    "SCHEDULE_CLOSED": _schedule_closed,
    "TOO_OLD": _too_old,
    "DENIED_STALE": _stale,
    "VOLUME_BELOW_MIN": _below_min,
    "VOLUME_AMPLIFIED": _denied_by_size,
    "VOLUME_ABOVE_MAX": _above_max,
    "MAX_POSITIONS": _max_positions,
    "TARGET_NOT_READY": _waited_in_vain,
    "INSTRUMENT_UNKNOWN": _waited_in_vain,
}
