"""A target's books against our records: what it closed itself, what executed late, what nobody owns."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from copier.desk import Desk
from copier.records import TARGET_CHANGED_IT, TARGET_CLOSED_IT
from rules.alerts import AlertKind
from rules.copies import Copy, Leg, LegStage
from rules.events import SnapshotReceived
from rules.identity import is_ours
from rules.observed import Position
from rules.reconcile import (
    LegGone,
    LegShrunk,
    TargetFinding,
    compare_target,
    lose_leg,
    revive_leg,
    shrink_leg,
    unowned_copy,
)
from rules.values import AccountId, ClOrdId, OmsType, PositionId


@frozen
class Unowned:
    """A position that no copy owns, and that is ours by its tag or must go because the account must be flat."""

    position_id: PositionId


Finding: TypeAlias = TargetFinding | ClOrdId | Unowned
"""What the books show against the records; a bare order id is an order that we took for never executed."""


class TargetWatch:
    """Compares snapshots of targets with the copies, and corrects the records through the desk.

    One look may fall between an order and its booking, so a finding counts when two looks in a row show it.
    """

    def __init__(self, desk: Desk, *, closes: Callable[[AccountId, PositionId], bool], close_orphans: bool) -> None:
        """`closes` tells of a position that is no copy whether a rule of the account wants it closed."""
        self._desk = desk
        self._closes = closes
        self._close_orphans = close_orphans
        self._suspected: dict[AccountId, set[Finding]] = {}
        self._alerted: set[tuple[AccountId, PositionId]] = set()

    @property
    def suspicious(self) -> bool:
        """Tell whether any account showed something that a second look must confirm."""
        return any(self._suspected.values())

    def compare(self, event: SnapshotReceived) -> None:
        """Take one polled snapshot of a target."""
        assert event.requested_at is not None  # only polled snapshots are compared
        desk, account = self._desk, event.account
        copies = desk.book.of_target(account)
        oms = desk.views[account].oms
        positions = {position.position_id: position for position in event.positions}
        found: set[Finding] = set(compare_target(copies, positions, event.requested_at, oms))
        if oms is OmsType.HEDGING:
            found |= self._late(event.positions, event.requested_at)
        found |= self._unowned(event, copies)
        seen_before = self._suspected.get(account, set())
        for confirmed in found & seen_before:
            if isinstance(confirmed, Unowned):
                self._take(event, positions[confirmed.position_id])
            else:
                self._correct(confirmed, positions)
        self._suspected[account] = found - seen_before
        if self._suspected[account]:
            desk.outside.poll(account)

    def _late(self, positions: tuple[Position, ...], requested_at: datetime) -> set[Finding]:
        """Return our orders that we took for closed or never executed, and that the books show open."""
        late: set[Finding] = set()
        for position in positions:
            found = self._leg_of(position)
            if found is None:
                continue
            leg = found[1]
            over = leg.stage in (LegStage.CLOSED, LegStage.REJECTED)
            if over and leg.pending is None and (leg.settled_at is None or leg.settled_at < requested_at):
                late.add(leg.cl_ord_id)
        return late

    def _leg_of(self, position: Position) -> tuple[Copy, Leg] | None:
        if position.tag is None or not is_ours(position.tag):
            return None
        copy = self._desk.book.by_order(ClOrdId(position.tag))
        leg = next((leg for leg in copy.legs if leg.cl_ord_id == position.tag), None) if copy is not None else None
        return None if copy is None or leg is None else (copy, leg)

    def _correct(self, finding: TargetFinding | ClOrdId, positions: Mapping[PositionId, Position]) -> None:
        desk = self._desk
        if isinstance(finding, LegGone | LegShrunk):
            copy = desk.book.get(finding.key)
            if copy is None:
                return
            if isinstance(finding, LegGone):
                desk.correct(lose_leg(copy, finding.leg), TARGET_CLOSED_IT)
                return
            source = desk.views[copy.source].positions.get(copy.source_position_id)
            volume = None if source is None else source.volume
            desk.correct(shrink_leg(copy, finding.leg, finding.held, volume), TARGET_CHANGED_IT)
            return
        for position in positions.values():
            found = self._leg_of(position)
            if found is not None and found[1].cl_ord_id == finding:
                desk.correct(revive_leg(found[0], found[1].number, position, desk.now), "executed late")

    def _unowned(self, event: SnapshotReceived, copies: list[Copy]) -> set[Finding]:
        """Return the positions that no copy owns and that look like ours, or that must go with all others."""
        desk, account = self._desk, event.account
        owned = {leg.position_id for copy in copies for leg in copy.legs}
        shown = {position.position_id for position in event.positions}
        by_id = desk.views[account].oms is OmsType.HEDGING
        # A netted position that was turned around has a new id; it is still the one of its symbol.
        shared = set() if by_id else {leg.symbol for copy in copies for leg in copy.legs if leg.live}
        found: set[Finding] = set()
        for position in event.positions:
            if position.position_id in owned or position.symbol in shared:
                continue
            if is_ours(position.tag):
                leg = self._leg_of(position)
                if leg is None or (by_id and _is_double(leg[1], shown)):  # else under way, or suspected late
                    found.add(Unowned(position.position_id))
            elif self._closes(account, position.position_id):
                found.add(Unowned(position.position_id))
        return found

    def _take(self, event: SnapshotReceived, position: Position) -> None:
        """Tell of a position that nobody owns, and close it where that is ours to do."""
        desk, account = self._desk, event.account
        ours = is_ours(position.tag)
        # A netted position shows the tag of the order that began it, whosever lots it holds by now.
        by_tag = ours and desk.views[account].oms is OmsType.HEDGING
        late = by_tag and desk.knows(ClOrdId(position.tag or ""))
        if ours:
            self._alert_once(account, position, by_tag, late)
        if late or self._closes(account, position.position_id) or (by_tag and self._close_orphans):
            why = "late execution" if late else ("orphan" if by_tag else "limit")
            # The tag of an order that was executed twice stays with the leg that owns it.
            order_id = ClOrdId("" if self._leg_of(position) else position.tag or "")
            assert event.requested_at is not None  # only polled snapshots are compared
            desk.adopt(unowned_copy(account, position, order_id, why, event.received_at), event.requested_at)

    def _alert_once(self, account: AccountId, position: Position, by_tag: bool, late: bool) -> None:
        if (account, position.position_id) in self._alerted:
            return
        self._alerted.add((account, position.position_id))
        if late:
            what = "was executed after it was given up"
        elif by_tag:
            what = "carries our tag, but this ledger knows nothing of it"
        else:
            what = "carries our tag, but no copy accounts for it; it is left alone"
        self._desk.journal.alert(AlertKind.ORPHAN, account, f"position {position.position_id} {position.symbol} {what}")


def _is_double(leg: Leg, shown: set[PositionId]) -> bool:
    """Tell whether a leg has its position, so that another one with its tag is its order executed a second time."""
    return leg.stage is LegStage.OPEN and leg.pending is None and leg.position_id in shown
