"""Whether copies follow their sources: never more, never longer, exactly as much, or a reason that can be."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from math import inf

from attrs import define, field

from adapters.simulation.broker import BookOrder, Result
from rules.model.identity import CL_ORD_ID_LENGTH
from rules.model.values import AccountId, Symbol, Volume, plain
from rules.policy.links import CopyLink
from rules.policy.size import OverMax
from tests.simulation.beginnings import could_be_mistaken, wrongly_copied
from tests.simulation.bounds import Bounds
from tests.simulation.denials import is_possible
from tests.simulation.evidence import Evidence, name_of, side_of
from tests.simulation.expected import NOT_TAKEN, copied_stop, copy_volumes, is_close_enough, units
from tests.simulation.history import ZERO, PositionLife, together
from tests.simulation.mirrors import is_mirror_of
from tests.simulation.openings import Openings
from tests.simulation.run import Outcome


@define
class Followed:
    """Judges copies, once it is known which positions are theirs."""

    evidence: Evidence
    openings: Openings
    outcome: Outcome = field(init=False)
    bounds: Bounds = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.outcome, self.bounds = self.evidence.outcome, self.evidence.bounds

    def findings(self, link: CopyLink, source: PositionLife) -> Iterator[str]:
        legs = self.openings.copies.get((link.link_id, source.position_id), [])
        if legs:
            yield from wrongly_copied(self.outcome, link, source)
            yield from self._exposure(link, source, legs)
            yield from self._ending(link, source, legs)
        if source.closed_at is None:
            if not legs:
                yield from self._absence(link, source)
            elif any(leg.closed_at is None for leg in legs):
                yield from self._volume(link, source, legs)
                if not self.evidence.nets(link.target):
                    yield from self._stops(link, source, legs)
            else:
                yield from self._not_again(link, source, legs)

    def _exposure(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """A copy is never larger than its source asks for, and what the target closed is not opened again."""
        what = name_of(link, source)
        held = [(max(at, source.opened_at), lots) for at, lots in together(legs)]  # a mirrored order may be faster
        ends = [at for at, _ in held[1:]] + [self.outcome.ended_at]
        for (at, lots), until in zip(held, ends, strict=True):
            patience = timedelta(seconds=self.bounds.excess_s(link, at, until))
            if until - at <= patience:
                continue
            seen = source.volumes_until(at + patience)  # a source that grows meanwhile makes it right
            allowed = (self._allowed(link, source, legs[0].symbol, seen, now) for now in seen)
            most = max((max(volumes, default=ZERO) for volumes in allowed), default=ZERO)
            if lots > most:
                yield f"{what}: held {plain(lots)} lots from {at:%H:%M:%S.%f} on, at most {plain(most)} are right"
        for later, times in self._openings_again(link, source, legs):
            if times > link.policy.reopen:
                yield f"{what}: copied again by #{later.position_id}, after the target had closed it"

    def _openings_again(
        self, link: CopyLink, source: PositionLife, legs: list[PositionLife]
    ) -> Iterator[tuple[PositionLife, float]]:
        """Yield the legs that follow one which the target closed by itself, with how often that is so by now.

        What was flattened is not opened again however often the policy says so.
        """
        times = 0
        for earlier, later in pairwise(sorted(legs, key=lambda leg: leg.opened_at)):
            flattened = self._flattened_at(link, earlier) is not None
            if earlier.closed_at is None or not (flattened or self._target_closed(link, earlier)):
                continue
            if earlier.closed_at >= later.opened_at or self._is_split(link, source, earlier.symbol):
                continue
            if source.reopened(earlier.opened_at, later.opened_at):
                times = 0
                continue
            late_s = self.bounds.late_s(link, earlier.closed_at, later.opened_at)
            if not source.grew(earlier.closed_at - timedelta(seconds=late_s), later.opened_at):
                times += 1
                yield later, inf if flattened else times

    def _target_closed(self, link: CopyLink, leg: PositionLife) -> bool:
        """Tell whether a stop or a person ended a leg, or a person took some of it before."""
        return leg.stopped_out or (link.target, leg.position_id) in self.outcome.hand.touched

    def _not_again(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """What the target closed by itself is opened again, if the policy says so and nothing denies it."""
        last = max(legs, key=lambda leg: leg.opened_at)
        first = min(leg.opened_at for leg in legs)
        schedule = link.policy.schedule
        if not link.policy.reopen or self._is_split(link, source, last.symbol):
            return
        if schedule is not None and schedule.flattens(source.opened_at, self.outcome.ended_at) is not None:
            return
        if not all(self._target_closed(link, leg) for leg in legs) or source.reopened(first, self.outcome.ended_at):
            return
        times = max((times for _, times in self._openings_again(link, source, legs)), default=0)
        code = self.outcome.denials.get((link.link_id, source.told_id))
        if times < link.policy.reopen and code is None:
            yield f"{name_of(link, source)}: the target closed it, and it was not opened again, and nothing says why"

    def _is_split(self, link: CopyLink, source: PositionLife, symbol: Symbol) -> bool:
        """Tell whether a copy takes several orders, of which one may come late, after another was closed by hand."""
        wanted = Fraction(max(volume for _, volume in source.volumes) * link.policy.size.multiplier)
        most = self.evidence.instrument(link.target, symbol).volume_max
        return link.policy.volume.over_max is OverMax.SPLIT and wanted * self._units(link, source, symbol) > most

    def _units(self, link: CopyLink, source: PositionLife, symbol: Symbol) -> Fraction:
        return units(
            self.evidence.instrument(link.source, source.symbol), self.evidence.instrument(link.target, symbol)
        )

    def _allowed(
        self, link: CopyLink, source: PositionLife, symbol: Symbol, seen: list[Volume], now: Volume
    ) -> set[Volume]:
        """Return the volumes that a copy may have while its source holds `now` lots, opened at one of those seen."""
        instrument = self.evidence.instrument(link.target, symbol)
        return copy_volumes(link.policy, instrument, seen, now, self._units(link, source, symbol))

    def _ending(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """A copy lives no longer than its source, and no shorter, unless its own stop or a person ended it."""
        what = name_of(link, source)
        held = together(legs)
        for leg in legs:
            if leg.closed_at is None and source.closed_at is not None:
                yield f"{what}: its source is closed, #{leg.position_id} is still open with {plain(leg.volume)} lots"
            by_hand = (link.target, leg.position_id) in self.outcome.hand.touched
            flattened_at = self._flattened_at(link, leg)
            if flattened_at is not None and leg.closed_at is None:
                yield f"{what}: #{leg.position_id} is still open, though all was flattened at {flattened_at:%H:%M:%S}"
            if leg.closed_at is None or by_hand or leg.stopped_out or self._is_flattened(link, source, leg):
                continue
            left = next(volume for at, volume in reversed(held) if at <= leg.closed_at)
            if leg.tag in self.evidence.mirrored and self._filled_early_s(link, source, leg.closed_at) <= 10:
                continue  # it was filled early, or when nothing was to be opened, and is closed for that
            if not left and (source.closed_at is None or leg.closed_at < source.closed_at):
                if self._is_surprised(link, legs, leg) or self._was_flat_before(link, source, leg.closed_at):
                    continue
                yield f"{what}: #{leg.position_id} was closed though its source was open"
            elif source.closed_at is not None:
                since = max(source.closed_at, leg.opened_at)
                late_s = (leg.closed_at - since).total_seconds()
                bound_s = self.bounds.late_s(link, since, leg.closed_at)
                bound_s += self.bounds.retry_s(link, since, leg.closed_at)
                if late_s > bound_s:
                    yield f"{what}: closed {late_s:.1f} s after its source (bound {bound_s:.1f} s)"

    def _filled_early_s(self, link: CopyLink, source: PositionLife, closed_at: datetime) -> float:
        """Return how long after its source was opened what a mirrored order opened was closed, bad weather apart."""
        late_s = self.bounds.late_s(link, source.opened_at, closed_at)
        late_s += self.bounds.retry_s(link, source.opened_at, closed_at)
        return (closed_at - source.opened_at).total_seconds() - late_s

    def _was_flat_before(self, link: CopyLink, source: PositionLife, closed_at: datetime) -> bool:
        """Tell whether a position that goes by its symbol was closed, and opened again while the copy was closed."""
        late_s = self.bounds.late_s(link, source.opened_at, closed_at)
        late_s += self.bounds.retry_s(link, source.opened_at, closed_at)
        return source.was_flat(closed_at - timedelta(seconds=late_s), closed_at)

    def _is_surprised(self, link: CopyLink, legs: list[PositionLife], closed: PositionLife) -> bool:
        """Tell whether a leg was closed to make the copy smaller, for another that the target lost at the same time."""
        assert closed.closed_at is not None
        for leg in legs:
            by_hand = self.outcome.hand.touched.get((link.target, leg.position_id))
            lost_at = leg.closed_at if leg.stopped_out else by_hand
            if leg is not closed and lost_at is not None and lost_at <= closed.closed_at:
                unseen_s = self.bounds.unseen_s(link, lost_at, closed.closed_at)
                if (closed.closed_at - lost_at).total_seconds() <= unseen_s:
                    return True
        return False

    def _flattened_at(self, link: CopyLink, leg: PositionLife) -> datetime | None:
        """Return when the schedule closed, or was to close, everything that was open then, this leg among it."""
        schedule = link.policy.schedule
        until = leg.closed_at or self.outcome.ended_at
        return None if schedule is None else schedule.flattens(leg.opened_at, until)

    def _is_flattened(self, link: CopyLink, source: PositionLife, leg: PositionLife) -> bool:
        """Tell whether a closed leg was closed by the schedule; an order in flight then is closed when it is in."""
        schedule = link.policy.schedule
        if schedule is None or leg.closed_at is None:
            return False
        since = max(
            source.opened_at,
            leg.opened_at - timedelta(seconds=self.bounds.excess_s(link, leg.opened_at, leg.closed_at)),
        )
        return schedule.flattens(since, leg.closed_at) is not None

    def _volume(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """The volume is exactly what the policy says.

        Below it there is room in five cases. What a person or a stop took off is the base from then on. An increase
        of a netting source is new risk, which the gates may deny. Of several orders one may be lost, and found out
        too late to send it again; as long as nobody knows, the others are reduced as if it had been executed, since
        doubt never holds more than the source asks for. An opening that a venue wants as two orders may end with
        the first. And what mirrored an order that can be taken for the beginning keeps the proportion of that order.
        """
        instrument = self.evidence.instrument(link.target, legs[0].symbol)
        seen = source.volumes_until(max(leg.opened_at for leg in legs))
        allowed = self._allowed(link, source, legs[0].symbol, seen, source.volume)
        held = [leg.volume for leg in legs if leg.volume]
        total = sum(held, ZERO)
        right = any(is_close_enough(held, volume, instrument) for volume in allowed)
        touched = any((link.target, leg.position_id) in self.outcome.hand.touched or leg.stopped_out for leg in legs)
        grew = source.grew(source.opened_at - timedelta.resolution, self.outcome.ended_at)  # also at that very instant
        split = self._is_split(link, source, legs[0].symbol)
        halved = any(self._is_halved(link.target, leg) for leg in legs)
        mirrors = link.policy.mirrors and any(could_be_mistaken(self.outcome.books[link.source], source))
        if touched or grew or halved or mirrors or ((split or len(legs) > 1) and not self.outcome.scenario.calm):
            most = Fraction(max(allowed, default=ZERO))
            if mirrors:  # the order may have been granted what the position would not be
                wanted = Fraction(source.volume * link.policy.size.multiplier)
                most = max(most, wanted * self._units(link, source, legs[0].symbol))
            right = right or 0 < total <= most
        if not right:
            lots = f"{plain(total)} lots" + (", after a person took some" if touched else "")
            now = plain(source.volume)
            yield f"{name_of(link, source)}: holds {lots}, expected {_list(allowed)} for {now} lots of the source"

    def _is_halved(self, target: AccountId, leg: PositionLife) -> bool:
        """Tell whether a leg's opening was two orders of which the first alone was executed, for a reason that can be.

        The venue sells what is held and what is not in two orders. The second is sent when the first is known to be
        filled whole; where its answer is lost nobody sends the second any more, and what was filled counts.
        """
        results = {order.tag: order.status for order in self.outcome.books[target].orders}
        second = results.get(f"{leg.tag}-2")
        if results.get(f"{leg.tag}-1") is not Result.FILLED or second is Result.FILLED:
            return False
        return second is Result.REJECTED or not self.outcome.scenario.calm

    def _stops(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """Each leg has the stops that the source's ask for, wherever the venue takes them now."""
        original = self.outcome.books[link.source].positions[source.position_id]
        book = self.outcome.books[link.target]
        for leg in legs:
            if leg.closed_at is not None:
                continue
            held = book.positions[leg.position_id]
            for name in ("stop_loss", "take_profit"):
                wanted = copied_stop(link.policy, book, original, held, name)
                if wanted is not NOT_TAKEN and wanted != getattr(held, name):
                    what = f"{name_of(link, source)}: #{leg.position_id}"
                    yield f"{what} has {name} {getattr(held, name)}, expected {wanted}"

    def _absence(self, link: CopyLink, source: PositionLife) -> Iterator[str]:
        """What is not copied was denied for a reason that can be, or rejected by the venue, or is to be flat anyway."""
        schedule = link.policy.schedule
        if schedule is not None and schedule.flattens(source.opened_at, self.outcome.ended_at) is not None:
            return
        what = name_of(link, source)
        code = self.outcome.denials.get((link.link_id, source.told_id))
        if code is None and self._had_the_copy_of_an_order(link, source):
            return
        if code is None:
            yield f"{what}: open and not copied, and nothing says why"
        elif code == "REJECTED":
            tags = {
                tag
                for tag, keys in self.evidence.tags.openings.items()
                if any(key[0] is link and key[1] is source for key in keys)
            }
            orders = self.outcome.books[link.target].orders
            if not any(_own_tag(order) in tags and order.status is Result.REJECTED for order in orders):
                yield f"{what}: called rejected, but the venue never rejected it"
        elif not is_possible(code, self.outcome, link, source, self.openings.peak(link.target)):
            yield f"{what}: denied as {code}, which cannot be"

    def _had_the_copy_of_an_order(self, link: CopyLink, source: PositionLife) -> bool:
        """Tell whether an order that can be taken for a beginning had a like there that the target closed by itself."""
        over = [each for each in self.evidence.lives[link.target].values() if each.closed_at is not None]
        executed = {each.tag for each in over if each.tag and each.side is side_of(link, source)}
        mirrored_there = executed & self.evidence.mirrored.keys()
        return link.policy.mirrors and any(
            is_mirror_of(link, record, tag)
            for record in could_be_mistaken(self.outcome.books[link.source], source)
            for tag in mirrored_there
        )


def _own_tag(order: BookOrder) -> str | None:
    """Return the tag that we gave an order; where a venue wanted two orders, each has it with a number behind it."""
    return None if order.tag is None else order.tag[:CL_ORD_ID_LENGTH]


def _list(volumes: set[Volume]) -> str:
    return " or ".join(plain(volume) for volume in sorted(volumes)) or "no copy"
