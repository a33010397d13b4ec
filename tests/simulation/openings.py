"""What our orders opened: once, for a source position that was there, and as the map says."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from attrs import define, field

from rules.model.identity import is_ours
from rules.model.values import AccountId, PositionId, Symbol
from rules.policy.links import CopyLink
from rules.policy.pending import Early
from tests.simulation.beginnings import could_be_mistaken
from tests.simulation.bounds import Bounds
from tests.simulation.evidence import Evidence, name_of, side_of
from tests.simulation.history import PositionLife, together
from tests.simulation.mirrors import is_mirror_of, working_tags
from tests.simulation.run import Outcome
from tests.simulation.scenario import DENIED_SYMBOL, SUFFIXES, site_of


@define
class Openings:
    """Judges them, and finds out meanwhile which of them are of which copy."""

    evidence: Evidence
    copies: dict[tuple[str, PositionId], list[PositionLife]] = field(factory=dict, init=False)
    """All positions that orders of ours opened, by link and source position."""
    outcome: Outcome = field(init=False)
    bounds: Bounds = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.outcome, self.bounds = self.evidence.outcome, self.evidence.bounds

    def findings(self, target: AccountId) -> Iterator[str]:
        """Nothing opens twice, nothing opens for what never was or is long closed, nothing the map forbids."""
        filled = Counter[str]()
        for life in self.evidence.lives[target].values():
            if not is_ours(life.tag):
                continue
            assert life.tag is not None
            filled[life.tag] += 1
            keys = [key for key in self.evidence.tags.openings.get(life.tag, ()) if key[0].target == target]
            if not keys and life.tag in self.evidence.mirrored:
                if life.closed_at is None:
                    yield from self._left_of_order(target, life, life.tag)
                continue
            if not keys:
                yield f"{target}: {life.tag} opened #{life.position_id} for a source position that never was"
                continue
            link, source = next((key for key in keys if side_of(*key) is life.side), keys[0])
            if life.tag in self.evidence.mirrored and life.closed_at is None and source.closed_at is not None:
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
        link, _ = self.evidence.mirrored[tag]
        source = self._mistaken_for(link, life, tag)
        if source is not None:
            self.copies.setdefault((link.link_id, source.position_id), []).append(life)
        elif not self._may_stay(link, tag):
            yield f"{target}: #{life.position_id} came of a mirrored order, and is still open"

    def _mistaken_for(self, link: CopyLink, life: PositionLife, tag: str) -> PositionLife | None:
        """Return the open position whose beginning the order that was mirrored with that tag can be taken for."""
        book = self.outcome.books[link.source]
        for source in self.evidence.lives[link.source].values():
            fits = source.closed_at is None and side_of(link, source) is life.side
            if fits and any(is_mirror_of(link, record, tag) for record in could_be_mistaken(book, source)):
                return source
        return None

    def _may_stay(self, link: CopyLink, tag: str) -> bool:
        """Tell whether what a mirrored order opened alone may be open: the source's order works still."""
        return link.policy.mirror.early is Early.KEEP and tag in working_tags(link, self.outcome.books[link.source])

    def _opening(self, link: CopyLink, source: PositionLife, copy: PositionLife) -> Iterator[str]:
        what = name_of(link, source)
        if source.symbol.startswith(DENIED_SYMBOL):
            yield f"{what}: copied, though the symbol map denies {source.symbol}"
        elif copy.symbol != _mapped(link, source.symbol) or copy.side is not side_of(link, source):
            yield f"{what}: copied as {copy.side.value} {copy.symbol}"
        if source.closed_at is not None and copy.opened_at > source.closed_at:
            late_s = (copy.opened_at - source.closed_at).total_seconds()
            bound_s = self.bounds.late_s(link, source.closed_at, copy.opened_at)
            if late_s > bound_s:
                yield f"{what}: opened {late_s:.1f} s after its source was closed (bound {bound_s:.1f} s)"

    def legs_of(self, target: AccountId) -> Iterator[tuple[CopyLink, PositionLife, PositionLife]]:
        """Return all open legs of a target's copies, each after its link and its source position."""
        for link in self.outcome.scenario.links:
            for source in self.evidence.lives[link.source].values() if link.target == target else ():
                for leg in self.copies.get((link.link_id, source.position_id), []):
                    if leg.closed_at is None:
                        yield link, source, leg

    def peak(self, target: AccountId) -> int:
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


def _mapped(link: CopyLink, symbol: Symbol) -> Symbol:
    return Symbol(symbol.removesuffix(SUFFIXES[site_of(link.source)]) + SUFFIXES[site_of(link.target)])
