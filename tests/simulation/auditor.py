"""The auditor: judges a simulation by the policies and the venues' own books, not by what the copier believes.

Of the copier's state it gets only the lists of final denials and of mismatches, and takes none of them on trust: each
must be possible.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import inf

from attrs import define, field

from adapters.simulation.broker import BookOrder, Result
from rules.model.identity import CL_ORD_ID_LENGTH, is_ours
from rules.model.instruments import Instrument
from rules.model.values import AccountId, OmsType, PositionId, Side, Symbol, Volume, plain
from rules.policy.links import CopyLink
from rules.policy.pending import Early
from rules.policy.size import OverMax
from tests.simulation.alarms import false_alarms
from tests.simulation.beginnings import could_be_mistaken, wrongly_copied
from tests.simulation.bounds import CLOSING_S, Bounds
from tests.simulation.denials import is_possible
from tests.simulation.expected import NOT_TAKEN, copied_stop, copy_volumes, is_close_enough, units
from tests.simulation.history import ZERO, PositionLife, by_symbol, lives_of, shares_of, together
from tests.simulation.mirrors import is_mirror_of, mirrored, mirrored_wrongly, working_tags
from tests.simulation.netted import netted_wrongly, rested_wrongly
from tests.simulation.pending import orders_mistaken, orders_touched
from tests.simulation.run import SETTLE_S_MAX, Outcome
from tests.simulation.scenario import DENIED_SYMBOL, SOURCES, SUFFIXES, TARGETS, site_of
from tests.simulation.tags import Tags


def audit(outcome: Outcome) -> list[str]:
    """Return what is wrong, in words; nothing when all is well."""
    return list(Auditor(outcome).findings())


@define
class Auditor:
    """One simulation under scrutiny."""

    outcome: Outcome
    bounds: Bounds = field(init=False)
    lives: dict[AccountId, dict[PositionId, PositionLife]] = field(init=False)
    tags: Tags = field(factory=Tags, init=False)
    strays: dict[AccountId, list[PositionLife]] = field(factory=dict, init=False)
    """What is left of lots that closes of ours opened, since a stop was faster."""
    mirrored: dict[str, tuple[CopyLink, PositionLife | None]] = field(factory=dict, init=False)
    """By its tag whose pending order of ours may be; None: of an order of the source that opened nothing."""
    copies: dict[tuple[str, PositionId], list[PositionLife]] = field(factory=dict, init=False)
    """All positions that orders of ours opened, by link and source position."""

    def __attrs_post_init__(self) -> None:
        self.bounds = Bounds(self.outcome)
        self.lives = {account: lives_of(book) for account, book in self.outcome.books.items()}
        for account in SOURCES:
            if self.outcome.scenario.kind(account).by_symbol:
                self.lives[account] = by_symbol(self.lives[account].values())
        for link in self.outcome.scenario.links:
            for source in self.lives[link.source].values():
                times = {*source.openings, *map(_to_milliseconds, source.openings)}
                self.tags.name_orders(link, source, times, nets=self._nets(link.target))
            if link.policy.mirrors:
                self.mirrored |= mirrored(link, self.outcome.books[link.source], self.lives[link.source])
        for tag, (link, source) in self.mirrored.items():
            if source is not None:
                self.tags.openings.setdefault(tag, []).append((link, source))
        for target in TARGETS:
            if self._nets(target):
                in_flight = timedelta(seconds=0 if self.outcome.scenario.calm else CLOSING_S)
                overtaken = partial(self.tags.name_second_closes, target)
                self.lives[target], self.strays[target] = shares_of(
                    self.outcome.books[target], self.tags.opening_of, overtaken, in_flight
                )

    def _nets(self, account: AccountId) -> bool:
        return self.outcome.books[account].oms is OmsType.NETTING

    def findings(self) -> Iterator[str]:
        if not self.outcome.settled:
            yield f"the service did not settle within {SETTLE_S_MAX:g} s of fine weather"
        for target in TARGETS:
            yield from self._openings(target)
            if self._nets(target):
                yield from netted_wrongly(self.outcome, target, self.lives[target], self.strays[target], self.tags)
            if self.outcome.scenario.kind(target).rests_stops:
                yield from rested_wrongly(self.outcome, target, self._legs_of(target))
        for target in TARGETS:
            yield from self._foreign(target)
            yield from orders_touched(self.outcome, target, self.lives[target])
            yield from self._count(target)
        yield from mirrored_wrongly(self.outcome)
        yield from orders_mistaken(self.outcome)
        yield from false_alarms(self.outcome.mismatches)
        for link in self.outcome.scenario.links:
            for source in self.lives[link.source].values():
                yield from self._copies(link, source)

    # Orders

    def _openings(self, target: AccountId) -> Iterator[str]:
        """Nothing opens twice, nothing opens for what never was or is long closed, nothing the map forbids."""
        filled = Counter[str]()
        for life in self.lives[target].values():
            if not is_ours(life.tag):
                continue
            assert life.tag is not None
            filled[life.tag] += 1
            keys = [key for key in self.tags.openings.get(life.tag, ()) if key[0].target == target]
            if not keys and life.tag in self.mirrored:
                if life.closed_at is None:
                    yield from self._left_of_order(target, life, life.tag)
                continue
            if not keys:
                yield f"{target}: {life.tag} opened #{life.position_id} for a source position that never was"
                continue
            link, source = next((key for key in keys if _side(*key) is life.side), keys[0])
            if life.tag in self.mirrored and life.closed_at is None and source.closed_at is not None:
                source = self._mistaken_for(link, life, life.tag) or source
            self.copies.setdefault((link.link_id, source.position_id), []).append(life)
            yield from self._opening(link, source, life)
        for tag, count in filled.items():
            if count > 1:
                yield f"{target}: {tag} was executed {count} times"

    def _left_of_order(self, target: AccountId, life: PositionLife, tag: str) -> Iterator[str]:
        """What a mirrored order opened alone stays open only where its source's order works still.

        Or where that was taken for the beginning of a position, which it can have been: then it is that one's copy.
        """
        link, _ = self.mirrored[tag]
        source = self._mistaken_for(link, life, tag)
        if source is not None:
            self.copies.setdefault((link.link_id, source.position_id), []).append(life)
        elif not self._may_stay(link, tag):
            yield f"{target}: #{life.position_id} came of a mirrored order, and is still open"

    def _mistaken_for(self, link: CopyLink, life: PositionLife, tag: str) -> PositionLife | None:
        """Return the open position whose beginning the order that was mirrored with that tag can be taken for."""
        book = self.outcome.books[link.source]
        for source in self.lives[link.source].values():
            fits = source.closed_at is None and _side(link, source) is life.side
            if fits and any(is_mirror_of(link, record, tag) for record in could_be_mistaken(book, source)):
                return source
        return None

    def _had_the_copy_of_an_order(self, link: CopyLink, source: PositionLife) -> bool:
        """Tell whether an order that can be taken for a beginning had a like there that the target closed by itself."""
        over = [each for each in self.lives[link.target].values() if each.closed_at is not None]
        executed = {each.tag for each in over if each.tag and each.side is _side(link, source)}
        mirrored_there = executed & self.mirrored.keys()
        return link.policy.mirrors and any(
            is_mirror_of(link, record, tag)
            for record in could_be_mistaken(self.outcome.books[link.source], source)
            for tag in mirrored_there
        )

    def _may_stay(self, link: CopyLink, tag: str) -> bool:
        """Tell whether what a mirrored order opened alone may be open: the source's order works still."""
        return link.policy.mirror.early is Early.KEEP and tag in working_tags(link, self.outcome.books[link.source])

    def _opening(self, link: CopyLink, source: PositionLife, copy: PositionLife) -> Iterator[str]:
        what = _name(link, source)
        if source.symbol.startswith(DENIED_SYMBOL):
            yield f"{what}: copied, though the symbol map denies {source.symbol}"
        elif copy.symbol != _mapped(link, source.symbol) or copy.side is not _side(link, source):
            yield f"{what}: copied as {copy.side.value} {copy.symbol}"
        if source.closed_at is not None and copy.opened_at > source.closed_at:
            late_s = (copy.opened_at - source.closed_at).total_seconds()
            bound_s = self.bounds.late_s(link, source.closed_at, copy.opened_at)
            if late_s > bound_s:
                yield f"{what}: opened {late_s:.1f} s after its source was closed (bound {bound_s:.1f} s)"

    def _legs_of(self, target: AccountId) -> Iterator[tuple[CopyLink, PositionLife, PositionLife]]:
        """Return all open legs of a target's copies, each after its link and its source position."""
        for link in self.outcome.scenario.links:
            for source in self.lives[link.source].values() if link.target == target else ():
                for leg in self.copies.get((link.link_id, source.position_id), []):
                    if leg.closed_at is None:
                        yield link, source, leg

    # Copies

    def _copies(self, link: CopyLink, source: PositionLife) -> Iterator[str]:
        legs = self.copies.get((link.link_id, source.position_id), [])
        if legs:
            yield from wrongly_copied(self.outcome, link, source)
            yield from self._exposure(link, source, legs)
            yield from self._ending(link, source, legs)
        if source.closed_at is None:
            if not legs:
                yield from self._absence(link, source)
            elif any(leg.closed_at is None for leg in legs):
                yield from self._volume(link, source, legs)
                if not self._nets(link.target):
                    yield from self._stops(link, source, legs)
            else:
                yield from self._not_again(link, source, legs)

    def _exposure(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """A copy is never larger than its source asks for, and what the target closed is not opened again."""
        what = _name(link, source)
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
            yield f"{_name(link, source)}: the target closed it, and it was not opened again, and nothing says why"

    def _is_split(self, link: CopyLink, source: PositionLife, symbol: Symbol) -> bool:
        """Tell whether a copy takes several orders, of which one may come late, after another was closed by hand."""
        wanted = Fraction(max(volume for _, volume in source.volumes) * link.policy.size.multiplier)
        most = self._instrument(link.target, symbol).volume_max
        return link.policy.volume.over_max is OverMax.SPLIT and wanted * self._units(link, source, symbol) > most

    def _units(self, link: CopyLink, source: PositionLife, symbol: Symbol) -> Fraction:
        return units(self._instrument(link.source, source.symbol), self._instrument(link.target, symbol))

    def _allowed(
        self, link: CopyLink, source: PositionLife, symbol: Symbol, seen: list[Volume], now: Volume
    ) -> set[Volume]:
        """Return the volumes that a copy may have while its source holds `now` lots, opened at one of those seen."""
        instrument = self._instrument(link.target, symbol)
        return copy_volumes(link.policy, instrument, seen, now, self._units(link, source, symbol))

    def _ending(self, link: CopyLink, source: PositionLife, legs: list[PositionLife]) -> Iterator[str]:
        """A copy lives no longer than its source, and no shorter, unless its own stop or a person ended it."""
        what = _name(link, source)
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
            if leg.tag in self.mirrored and self._filled_early_s(link, source, leg.closed_at) <= 10:
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
        instrument = self._instrument(link.target, legs[0].symbol)
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
            yield f"{_name(link, source)}: holds {lots}, expected {_list(allowed)} for {now} lots of the source"

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
                    yield (
                        f"{_name(link, source)}: #{leg.position_id} has {name} {getattr(held, name)}, expected {wanted}"
                    )

    def _absence(self, link: CopyLink, source: PositionLife) -> Iterator[str]:
        """What is not copied was denied for a reason that can be, or rejected by the venue, or is to be flat anyway."""
        schedule = link.policy.schedule
        if schedule is not None and schedule.flattens(source.opened_at, self.outcome.ended_at) is not None:
            return
        what = _name(link, source)
        code = self.outcome.denials.get((link.link_id, source.told_id))
        if code is None and self._had_the_copy_of_an_order(link, source):
            return
        if code is None:
            yield f"{what}: open and not copied, and nothing says why"
        elif code == "REJECTED":
            tags = {
                tag
                for tag, keys in self.tags.openings.items()
                if any(key[0] is link and key[1] is source for key in keys)
            }
            orders = self.outcome.books[link.target].orders
            if not any(_own_tag(order) in tags and order.status is Result.REJECTED for order in orders):
                yield f"{what}: called rejected, but the venue never rejected it"
        elif not is_possible(code, self.outcome, link, source, self._peak(link.target)):
            yield f"{what}: denied as {code}, which cannot be"

    # Accounts

    def _foreign(self, target: AccountId) -> Iterator[str]:
        """What a person opened is theirs."""
        for (account, position_id), volume in self.outcome.hand.foreign.items():
            life = self.lives[target].get(position_id) if account == target else None
            if life is not None and life.volume != volume:
                yield f"{target}: a person's #{position_id} went from {plain(volume)} to {plain(life.volume)} lots"

    def _count(self, target: AccountId) -> Iterator[str]:
        cap = self.outcome.scenario.links[0].policy.limits.max_positions
        peak = self._peak(target)
        if cap is not None and peak > cap:
            yield f"{target}: held {peak} copies at once, at most {cap} are allowed"

    def _peak(self, target: AccountId) -> int:
        """Return how many copies the target held at once, at most; the pieces of one copy are one."""
        steps: list[tuple[datetime, int]] = []
        for (link_id, _), legs in self.copies.items():
            if not link_id.endswith(f"->{target}"):
                continue
            before = False
            for at, held in together(legs):
                if bool(held) is not before:
                    before = bool(held)
                    steps.append((at, 1 if before else -1))
        held_now = peak = 0
        for _, step in sorted(steps):
            held_now += step
            peak = max(peak, held_now)
        return peak

    def _instrument(self, account: AccountId, symbol: Symbol) -> Instrument:
        instruments: Mapping[Symbol, Instrument] = self.outcome.books[account].market.instruments
        return instruments[symbol]


def _own_tag(order: BookOrder) -> str | None:
    """Return the tag that we gave an order; where a venue wanted two orders, each has it with a number behind it."""
    return None if order.tag is None else order.tag[:CL_ORD_ID_LENGTH]


def _side(link: CopyLink, source: PositionLife) -> Side:
    return source.side.opposite if link.policy.reverse else source.side


def _mapped(link: CopyLink, symbol: Symbol) -> Symbol:
    return Symbol(symbol.removesuffix(SUFFIXES[site_of(link.source)]) + SUFFIXES[site_of(link.target)])


def _to_milliseconds(at: datetime) -> datetime:
    """Return the instant as a venue with millisecond clocks tells it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _name(link: CopyLink, source: PositionLife) -> str:
    return f"{link.link_id} of #{source.position_id} ({source.symbol})"


def _list(volumes: set[Volume]) -> str:
    return " or ".join(plain(volume) for volume in sorted(volumes)) or "no copy"
