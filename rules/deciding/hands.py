"""What a person changed at a target, and what a policy makes of it: it is left, told, or put back once."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from attrs import evolve

from rules.books.reconcile import CopyKey, shrink_leg
from rules.books.targets import same_price
from rules.model.copies import ZERO, Copy, CopyStatus, LegStage, SetStops, replace_leg, with_exit
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.values import PositionId, Price, Symbol, Volume
from rules.policy.links import OnTargetChange

PLACES = 12
"""Digits after the point to which the source's share of what is left is reckoned: finer than any venue's step."""


@frozen
class StopsMoved:
    """A target's position has other protective prices than were last asked for: `shown`."""

    key: CopyKey
    leg: int
    shown: SetStops


def moved_by_hand(
    copy: Copy,
    positions: Mapping[PositionId, Position],
    requested_at: datetime,
    instruments: Mapping[Symbol, Instrument | None],
) -> Iterable[StopsMoved]:
    """Yield the legs whose position shows other stops than were asked for, on a hedging target that keeps stops.

    What was seen of a leg before is no news. A price that nobody asked for may be there: it takes nothing away.
    """
    for leg in copy.legs:
        position = None if leg.position_id is None else positions.get(leg.position_id)
        if position is None or leg.stage is not LegStage.OPEN or leg.pending is not None:
            continue
        if leg.settled_at is None or leg.settled_at >= requested_at:
            continue
        shown = SetStops(position.stop_loss, position.take_profit)
        instrument = instruments.get(leg.symbol)
        tick = ZERO if instrument is None or instrument.tick_size is None else instrument.tick_size
        if shown != leg.moved_to and (
            _moved(leg.stop_loss, shown.stop_loss, tick) or _moved(leg.take_profit, shown.take_profit, tick)
        ):
            yield StopsMoved(copy.key, leg.number, shown)


def _moved(asked: Price | None, shown: Price | None, tick: Price) -> bool:
    return asked is not None and not same_price(asked, shown, tick)


def after_stops(copy: Copy, moved: StopsMoved, on_change: OnTargetChange) -> tuple[Copy, bool]:
    """Return `copy` with what the books show of a leg's stops noted, and whether they are to be set again.

    They are set again once in the leg's life: what is then taken for the record lets the next decision ask for what
    is wanted. A change after that is left.
    """
    leg = copy.legs_by_number[moved.leg]
    again = on_change is OnTargetChange.RESTORE and leg.moved_to is None and _follows(copy)
    noted = evolve(leg, moved_to=moved.shown)
    if again:
        noted = evolve(noted, stop_loss=moved.shown.stop_loss, take_profit=moved.shown.take_profit, retry_at=None)
    return replace_leg(copy, noted), again


def after_lots(
    copy: Copy,
    number: int,
    held: Volume,
    source_volume: Volume | None,
    on_change: OnTargetChange,
    price: Price | None = None,
) -> tuple[Copy, bool]:
    """Return `copy` after a person took lots off a leg, and whether these are to be asked for again.

    They are asked for once in the copy's life, as new risk, just as if the source had added them: every gate is asked,
    and a denial is final. What remains is followed at the ratio of the entry meanwhile.

    Args:
        number: of the leg.
        held: lots that it still has.
        source_volume: lots that the source holds; None: nothing, or unknown.
        on_change: what the policy wants.
        price: at which they were taken off, as far as it is known.
    """
    if on_change is not OnTargetChange.RESTORE or copy.restored or not _follows(copy) or copy.ratio <= 0:
        return shrink_leg(copy, number, held, source_volume, price), False
    leg = copy.legs_by_number[number]
    granted = max(copy.granted - (leg.held - held), ZERO)
    covered = Decimal(int(Fraction(granted) / copy.ratio * 10**PLACES)).scaleb(-PLACES)
    followed = min(covered, copy.followed)
    shrunk = replace_leg(copy, evolve(with_exit(leg, leg.held - held, price), held=held))
    return evolve(shrunk, granted=granted, followed=followed, restored=True), True


def _follows(copy: Copy) -> bool:
    return copy.status is CopyStatus.ACTIVE and copy.flatten is None and not copy.left
