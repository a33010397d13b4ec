"""A target's books against our records: what it closed itself, what executed late, what nobody owns."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeAlias

from copier.engine.desk import Desk
from copier.ledger.records import STOPS_MOVED, TARGET_CHANGED_IT, TARGET_CLOSED_IT
from rules.alerts.kinds import AlertKind
from rules.books.reconcile import (
    LegGone,
    LegShrunk,
    TargetFinding,
    compare_target,
    lose_leg,
    revive_leg,
    unowned_copy,
    went_at,
)
from rules.books.targets import symbol_at_target
from rules.deciding.hands import StopsMoved, after_lots, after_stops, moved_by_hand
from rules.model.copies import Copy, Leg, LegStage
from rules.model.events import SnapshotReceived
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.values import AccountId, ClOrdId, OmsType, PositionId, Price
from rules.policy.links import OnTargetChange


@frozen
class Unowned:
    """A position that no copy owns, and that is ours by its tag or must go because the account must be flat."""

    position_id: PositionId


Finding: TypeAlias = TargetFinding | StopsMoved | ClOrdId | Unowned
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
        self._suspected: dict[AccountId, list[Finding]] = {}
        self._alerted: set[tuple[AccountId, PositionId]] = set()
        self._minding = frozenset(link.link_id for link in desk.in_force.links.values() if link.policy.minds_hands)

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
        orders = frozenset(order.order_id for order in event.orders or ())
        # In order, so that equal books are corrected equally in every run: a set has another order in each process.
        found: list[Finding] = list(compare_target(copies, positions, event.requested_at, oms, orders))
        if oms is OmsType.HEDGING:
            found += self._late(event.positions, event.requested_at)
            found += self._moved(event, copies, positions)
        found += self._unowned(event, copies)
        seen_before = set(self._suspected.get(account, ()))
        for confirmed in dict.fromkeys(found):
            if confirmed not in seen_before:
                continue
            if isinstance(confirmed, Unowned):
                self._take(event, positions[confirmed.position_id])
            else:
                self._correct(confirmed, positions)
        self._suspected[account] = [each for each in dict.fromkeys(found) if each not in seen_before]
        if self._suspected[account]:
            self._ask_prices(self._suspected[account])
            desk.outside.poll(account)

    def _late(self, positions: tuple[Position, ...], requested_at: datetime) -> Iterator[Finding]:
        """Yield our orders that we took for closed or never executed, and that the books show open."""
        for position in positions:
            found = self._leg_of(position)
            if found is None:
                continue
            leg = found[1]
            over = leg.stage in (LegStage.CLOSED, LegStage.REJECTED)
            over = over or (leg.stage is LegStage.GONE and leg.position_id is None)  # a pending order that ended
            if over and leg.pending is None and (leg.settled_at is None or leg.settled_at < requested_at):
                yield leg.cl_ord_id

    def _moved(
        self, event: SnapshotReceived, copies: list[Copy], positions: Mapping[PositionId, Position]
    ) -> Iterator[Finding]:
        """Yield the stops that a person moved, of copies whose policy wants to know."""
        view = self._desk.views[event.account]
        assert event.requested_at is not None  # only polled snapshots are compared
        if not self._minding or not view.stop_loss_lasts:
            return
        for copy in copies:
            if copy.link_id in self._minding and self._on_change(copy) is not OnTargetChange.ADOPT:
                yield from moved_by_hand(copy, positions, event.requested_at, view.instruments)

    def _on_change(self, copy: Copy) -> OnTargetChange:
        return self._desk.in_force.policy_of(copy).on_target_change

    def _leg_of(self, position: Position) -> tuple[Copy, Leg] | None:
        if position.tag is None or not is_ours(position.tag):
            return None
        copy = self._desk.book.by_order(ClOrdId(position.tag))
        for leg in () if copy is None else copy.legs:
            if copy is not None and leg.cl_ord_id == position.tag:
                return copy, leg
        return None

    def _correct(self, finding: TargetFinding | StopsMoved | ClOrdId, positions: Mapping[PositionId, Position]) -> None:
        desk = self._desk
        if isinstance(finding, LegGone | LegShrunk | StopsMoved):
            copy = desk.book.get(finding.key)
            if copy is None:
                return
            if isinstance(finding, LegGone):
                desk.correct(lose_leg(copy, finding.leg, self._price(copy, finding.leg)), TARGET_CLOSED_IT)
            else:
                self._take_change(copy, finding)
            return
        for position in positions.values():
            found = self._leg_of(position)
            if found is not None and found[1].cl_ord_id == finding:
                desk.correct(revive_leg(found[0], found[1].number, position, desk.now), "executed late")

    def _take_change(self, copy: Copy, finding: LegShrunk | StopsMoved) -> None:
        """Take what a person changed into the record, and tell of it where the policy wants that."""
        desk, on_change = self._desk, self._on_change(copy)
        if isinstance(finding, StopsMoved):
            what, because = "stops", STOPS_MOVED
            changed, again = after_stops(copy, finding, on_change)
        else:
            # Of an order that was filled here alone the source holds nothing yet: its order tells the lots.
            source = copy.order or desk.views[copy.source].positions.get(copy.source_position_id)
            volume = None if source is None else source.volume
            what, because = "lots", TARGET_CHANGED_IT
            changed, again = after_lots(
                copy, finding.leg, finding.held, volume, on_change, self._price(copy, finding.leg)
            )
        if on_change is not OnTargetChange.ADOPT:
            place = f"{copy.link_id} #{copy.source_position_id} {symbol_at_target(copy)}"
            then = "put back once" if again else "left as they are"
            desk.journal.alert(AlertKind.TARGET_CHANGED, copy.target, f"{place}: its {what} were changed, {then}")
        desk.correct(changed, because)

    def _price(self, copy: Copy, number: int) -> Price | None:
        """Return at which price the target closed what it did of a leg, as far as a quote tells."""
        leg = copy.legs_by_number[number]
        return went_at(leg, self._desk.views[copy.target].quotes.get(leg.symbol), self._desk.now)

    def _ask_prices(self, suspected: list[Finding]) -> None:
        """Ask for a quote where sizes follow results: the second look tells by it how a copy ended."""
        desk = self._desk
        for finding in suspected:
            copy = desk.book.get(finding.key) if isinstance(finding, LegGone | LegShrunk) else None
            if copy is not None and desk.in_force.policy_of(copy).progression is not None:
                symbol = copy.target_symbol or copy.source_symbol
                desk.outside.look_up(LookUp(copy.target, symbol, quote=True, awaited=False))

    def _unowned(self, event: SnapshotReceived, copies: list[Copy]) -> Iterator[Finding]:
        """Yield the positions that no copy owns and that look like ours, or that must go with all others."""
        desk, account = self._desk, event.account
        owned = {leg.position_id for copy in copies for leg in copy.legs}
        shown = {position.position_id for position in event.positions}
        by_id = desk.views[account].oms is OmsType.HEDGING
        # A netted position that was turned around has a new id; it is still the one of its symbol.
        shared = set() if by_id else {leg.symbol for copy in copies for leg in copy.legs if leg.live}
        for position in event.positions:
            if position.position_id in owned or position.symbol in shared:
                continue
            if is_ours(position.tag):
                leg = self._leg_of(position)
                if leg is None or (by_id and _is_double(leg[1], shown)):  # else under way, or suspected late
                    yield Unowned(position.position_id)
            elif self._closes(account, position.position_id):
                yield Unowned(position.position_id)

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
