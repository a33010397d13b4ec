"""The auditor: judges a simulation by the policies and the venues' own books, not by what the copier believes.

Of the copier's state it gets only the list of final denials, and takes none of them on trust: each must be possible.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from attrs import define, field

from adapters.simulation.broker import Purpose, Result
from rules.identity import cl_ord_id, is_ours
from rules.instruments import Instrument
from rules.policy import CopyLink
from rules.values import AccountId, PositionId, Symbol, Volume, plain
from tests.simulation.denials import is_possible
from tests.simulation.expected import copy_volumes, is_close_enough
from tests.simulation.history import PositionLife, lives_of
from tests.simulation.run import SETTLE_S_MAX, Outcome
from tests.simulation.scenario import DENIED_SYMBOL, METACOPIER, SUFFIX, TARGETS, VENUE
from tests.simulation.weather import DELAY_S_MAX

IN_FLIGHT_S = 10.0 + DELAY_S_MAX
"""An order may be on its way for as long as its answer is waited for (10 s: a slow sign-in comes before it), and lie at
a slow venue for the longest delay. Whoever closes the source meanwhile comes too late to stop it."""

IN_FLIGHT_CALM_S = 0.1
"""In fine weather everything happens at once."""

Key = tuple[CopyLink, PositionLife]


def audit(outcome: Outcome) -> list[str]:
    """Return what is wrong, in words; nothing when all is well."""
    return list(Auditor(outcome).findings())


@define
class Auditor:
    """One simulation under scrutiny."""

    outcome: Outcome
    lives: dict[AccountId, dict[PositionId, PositionLife]] = field(init=False)
    by_tag: dict[str, Key] = field(factory=dict, init=False)
    copies: dict[tuple[str, PositionId], list[PositionLife]] = field(factory=dict, init=False)
    """All positions that orders of ours opened, by link and source position."""

    def __attrs_post_init__(self) -> None:
        self.lives = {account: lives_of(book) for account, book in self.outcome.books.items()}
        for link in self.outcome.scenario.links:
            for source in self.lives[link.source].values():
                for opened_at in (source.opened_at, _to_milliseconds(source.opened_at)):
                    tag = cl_ord_id(link.link_id, source.position_id, opened_at, 0, 0)
                    self.by_tag[tag] = (link, source)

    def findings(self) -> Iterator[str]:
        if not self.outcome.settled:
            yield f"the service did not settle within {SETTLE_S_MAX:g} s of fine weather"
        for target in TARGETS:
            yield from self._openings(target)
            yield from self._foreign(target)
            yield from self._count(target)
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
            key = self.by_tag.get(life.tag)
            if key is None or key[0].target != target:
                yield f"{target}: {life.tag} opened #{life.position_id} for a source position that never was"
                continue
            link, source = key
            self.copies.setdefault((link.link_id, source.position_id), []).append(life)
            yield from self._opening(link, source, life)
        for tag, count in filled.items():
            if count > 1:
                yield f"{target}: {tag} was executed {count} times"

    def _opening(self, link: CopyLink, source: PositionLife, copy: PositionLife) -> Iterator[str]:
        what = _name(link, source)
        if source.symbol.startswith(DENIED_SYMBOL):
            yield f"{what}: copied, though the symbol map denies {source.symbol}"
        elif copy.symbol != _mapped(source.symbol, link.target) or copy.side is not source.side:
            yield f"{what}: copied as {copy.side.value} {copy.symbol}"
        if source.closed_at is not None and copy.opened_at > source.closed_at:
            late_s = (copy.opened_at - source.closed_at).total_seconds()
            bound_s = self._bound_s(link, source.closed_at, copy.opened_at)
            if late_s > bound_s:
                yield f"{what}: opened {late_s:.1f} s after its source was closed (bound {bound_s:.1f} s)"

    def _bound_s(self, link: CopyLink, since: datetime, until: datetime) -> float:
        """Return how long after the source's close an opening may still be executed.

        The order may be in flight; a lost message about the close is made up for by the next regular look; a look
        fails while the venue cannot be seen, and is then tried again after at most as long again (the waits double);
        while the service was dead, nobody looked.
        """
        outcome = self.outcome
        if outcome.scenario.calm:
            return IN_FLIGHT_CALM_S
        span = self._clock_s(since), self._clock_s(until)
        blind_s = outcome.weather.blind_s(link.source, *span) + outcome.weather.blind_s(link.target, *span)
        down_s = sum(max(min(end, span[1]) - max(start, span[0]), 0.0) for start, end in outcome.down)
        return IN_FLIGHT_S + outcome.scenario.reconcile_every_s[link.source] + 2 * blind_s + down_s

    def _clock_s(self, at: datetime) -> float:
        """Return an instant on trio's clock."""
        return self.outcome.ended_s - (self.outcome.ended_at - at).total_seconds()

    # Copies

    def _copies(self, link: CopyLink, source: PositionLife) -> Iterator[str]:
        copies = self.copies.get((link.link_id, source.position_id), [])
        what = _name(link, source)
        if len(copies) > 1:
            by_hand = any((link.target, copy.position_id) in self.outcome.hand.touched for copy in copies)
            yield f"{what}: copied {len(copies)} times" + (", after a person had closed it" if by_hand else "")
        for copy in copies:
            yield from self._ending(link, source, copy)
        if source.closed_at is not None:
            return
        if not copies:
            yield from self._absence(link, source)
        for copy in copies:
            if copy.closed_by is None:
                yield from self._volume(link, source, copy)

    def _ending(self, link: CopyLink, source: PositionLife, copy: PositionLife) -> Iterator[str]:
        """A copy lives no longer than its source, and no shorter, unless its own stop or a person ended it."""
        what = _name(link, source)
        if copy.closed_by is None:
            if source.closed_at is not None:
                yield f"{what}: its source is closed, #{copy.position_id} is still open with {plain(copy.volume)} lots"
            return
        by_hand = (link.target, copy.position_id) in self.outcome.hand.touched
        by_venue = copy.closed_by.purpose is Purpose.STOP_OUT
        if by_hand or by_venue:
            return
        if source.closed_at is None or copy.closed_by.at < source.closed_at:
            yield f"{what}: #{copy.position_id} was closed though its source was open"

    def _volume(self, link: CopyLink, source: PositionLife, copy: PositionLife) -> Iterator[str]:
        instrument = self._instrument(link.target, copy.symbol)
        allowed = copy_volumes(link.policy, instrument, source.volumes_until(copy.opened_at), source.volume)
        what, held = _name(link, source), copy.volume
        if (link.target, copy.position_id) in self.outcome.hand.touched:
            if not 0 < held <= max(allowed, default=Volume(0)):  # what a person left is the base; it never grows
                yield f"{what}: holds {plain(held)} lots after a person reduced it, at most {_list(allowed)} expected"
        elif not any(is_close_enough(held, volume, instrument) for volume in allowed):
            now = plain(source.volume)
            yield f"{what}: holds {plain(held)} lots, expected {_list(allowed)} for {now} lots of the source"

    def _absence(self, link: CopyLink, source: PositionLife) -> Iterator[str]:
        """What is not copied was denied for a reason that can be, or rejected by the venue."""
        what = _name(link, source)
        code = self.outcome.denials.get((link.link_id, source.position_id))
        if code is None:
            yield f"{what}: open and not copied, and nothing says why"
        elif code == "REJECTED":
            tags = {tag for tag, (owner, life) in self.by_tag.items() if owner is link and life is source}
            orders = self.outcome.books[link.target].orders
            if not any(order.tag in tags and order.status is Result.REJECTED for order in orders):
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
        """Return how many copies the target held at once, at most."""
        steps: list[tuple[datetime, int]] = []
        for life in self.lives[target].values():
            if is_ours(life.tag):
                steps.append((life.opened_at, 1))
                if life.closed_at is not None:
                    steps.append((life.closed_at, -1))
        held = peak = 0
        for _, step in sorted(steps):
            held += step
            peak = max(peak, held)
        return peak

    def _instrument(self, account: AccountId, symbol: Symbol) -> Instrument:
        instruments: Mapping[Symbol, Instrument] = self.outcome.books[account].market.instruments
        return instruments[symbol]


def _mapped(symbol: Symbol, target: AccountId) -> Symbol:
    plain_name = symbol.removesuffix(SUFFIX)
    return Symbol(plain_name + SUFFIX if VENUE[target] == METACOPIER else plain_name)


def _to_milliseconds(at: datetime) -> datetime:
    """Return the instant as a venue with millisecond clocks tells it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _name(link: CopyLink, source: PositionLife) -> str:
    return f"{link.link_id} of #{source.position_id} ({source.symbol})"


def _list(volumes: set[Volume]) -> str:
    return " or ".join(plain(volume) for volume in sorted(volumes)) or "no copy"
