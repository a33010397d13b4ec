"""Mismatches: what a target should hold by its links against what its books show, copy by copy.

What should be there follows from what the gates granted, so what a rule denied on purpose is no mismatch. What a person
took away of a position is the base from then on, and none either.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum

from rules.books.reconcile import CopyKey
from rules.books.targets import Books, observed_lots, position_of, same_price, symbol_at_target
from rules.deciding.shape import possible_cut
from rules.model.copies import ZERO, Copy, CopyStatus, Ending, LegStage
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.severity import Severity
from rules.model.values import AccountId, LinkId, PositionId, Price, Side, Symbol, Volume
from rules.policy.mismatch import MismatchAction, Tolerance, ToleranceUnit
from rules.policy.size import VolumePolicy
from rules.sizes.sizing import following_volume

POSITIONS_SHOWN = 20
"""Source positions that a mismatch names: more, nobody reads; `lots` counts all."""

CRITICAL_SHARE = Decimal("0.5")
"""Of what a link holds, or should hold, of an instrument: from here on the hedge or the risk is another one."""

WARNING_SHARE = Decimal("0.1")
"""Below a tenth it is rounding gone wrong rather than a trade gone wrong."""


class MismatchKind(Enum):
    """In what the target differs."""

    MISSING = "missing"
    """It holds nothing of what it should."""
    UNEXPECTED = "unexpected"
    """It holds what should be closed."""
    SIDE = "side"
    """It holds the other side."""
    VOLUME = "volume"
    """It holds more or less than it should."""
    STOPS = "stops"
    """It has other protective prices than were asked for."""
    PENDING = "pending"
    """A pending order is not there, is another one than was asked for, or should be gone."""


@frozen
class Difference:
    """One copy that is not at the target as it should be. `desired` and `observed` are lots, > 0 long, < 0 short."""

    key: CopyKey
    symbol: Symbol
    kind: MismatchKind
    desired: Volume
    observed: Volume
    why: str = ""
    bare: bool = False
    """Of stops: the stop-loss is not there at all."""
    action: MismatchAction = MismatchAction.ALERT


@frozen
class Mismatch:
    """All differences of one kind on one link and instrument: lots, > 0 long, < 0 short; `lots` is how many are wrong.

    `positions` are the source positions concerned, `why` what is known of the cause ("" for nothing), `action` the most
    that their policies want done.
    """

    link_id: LinkId
    target: AccountId
    symbol: Symbol
    kind: MismatchKind
    desired: Volume
    observed: Volume
    lots: Volume
    severity: Severity
    positions: tuple[PositionId, ...]
    why: str = ""
    action: MismatchAction = MismatchAction.ALERT

    @property
    def key(self) -> "MismatchKey":
        return (self.link_id, self.symbol, self.kind)


MismatchKey = tuple[LinkId, Symbol, MismatchKind]


def desired_volume(
    copy: Copy, position: Position | None, instrument: Instrument | None, policy: VolumePolicy
) -> Volume:
    """Return the lots that the target should hold of a copy.

    What the venue rejected or did not fill, and what the target closed by itself, should still be there while the
    source holds it.

    Args:
        position: the source position as it is now; None: closed.
        instrument: the target's; None: unknown, the largest volume that was granted stands in.
        policy: for its rounding.
    """
    if copy.close_at is not None and copy.flatten is None:
        return copy.granted  # its close is held back on purpose
    if copy.order is not None:
        gone = copy.flatten is not None or copy.left
        return ZERO if gone else sum((leg.held for leg in copy.legs if leg.stage is LegStage.OPEN), ZERO)
    over = copy.status is CopyStatus.ENDED and copy.ending not in (Ending.TARGET_CLOSED, Ending.REJECTED)
    if position is None or not copy.is_of(position) or copy.flatten is not None or copy.left or over:
        return ZERO
    if copy.status is CopyStatus.WAITING:
        return ZERO
    missing = ZERO
    for leg in copy.legs:  # not summed up by a generator: a target may hold ten thousand
        if leg.missing:
            missing += leg.missing
    waiting = sum((leg.volume for leg in copy.legs if leg.waits is not None and leg.live and not leg.held), ZERO)
    if not missing and position.volume >= copy.followed:
        return max(copy.granted - waiting, ZERO)
    most = max(copy.granted + missing - waiting, ZERO)
    if instrument is None:
        return most
    return following_volume(copy.ratio, min(position.volume, copy.followed), most, instrument, policy)


def differences(
    copies: Iterable[tuple[Copy, Volume]], books: Books, instruments: Mapping[Symbol, Instrument | None]
) -> list[Difference]:
    """Return where the books differ from what they should show, before any grace.

    Args:
        copies: all copies that hold something at the target or should, each with the lots that it should hold.
        books: complete, asked for after everything that the records know.
        instruments: of the target, for the size of a tick.
    """
    copies = list(copies)
    held = observed_lots((copy for copy, _ in copies), books)
    found: list[Difference] = []
    for copy, lots in copies:
        observed = held.get(copy.key, ZERO)
        desired = lots * _side(copy).sign
        instrument = instruments.get(symbol_at_target(copy))
        kind = _kind(desired, observed)
        if kind is None and desired and books.keeps_stops:
            found.extend(_stops(copy, books, desired, instrument))
        elif kind is not None and not (kind is MismatchKind.VOLUME and _waits(copy, desired, observed, instrument)):
            found.append(Difference(copy.key, symbol_at_target(copy), kind, desired, observed, _why(copy, kind)))
    return found


def beyond(difference: Difference, tolerance: Tolerance, instrument: Instrument | None, price: Price | None) -> bool:
    """Tell whether a difference is more than may be. What cannot be reckoned is more.

    Args:
        price: of the copy's lots, see `rules.books.targets`; None: unknown.
    """
    if difference.kind is not MismatchKind.VOLUME:
        return True
    lots = abs(difference.desired - difference.observed)
    match tolerance.unit:
        case ToleranceUnit.STEPS:
            return instrument is None or lots > tolerance.amount * instrument.volume_step
        case ToleranceUnit.PERCENT:
            return lots > tolerance.amount * abs(difference.desired)
        case ToleranceUnit.CASH:
            if instrument is None or instrument.contract_size is None or price is None:
                return True
            if instrument.profit_currency != tolerance.currency:
                return True
            return lots * instrument.contract_size * price > tolerance.amount


def summed(
    target: AccountId, found: Iterable[Difference], totals: Mapping[tuple[LinkId, Symbol], Volume]
) -> dict[MismatchKey, Mismatch]:
    """Return the mismatches that the differences at a target add up to.

    Args:
        totals: for each link and instrument the lots, of either side, that all its copies hold or should hold.
    """
    groups: dict[MismatchKey, list[Difference]] = defaultdict(list)
    for each in found:
        groups[each.key[0], each.symbol, each.kind].append(each)
    return {key: _mismatch(key, target, group, totals.get(key[:2], ZERO)) for key, group in groups.items()}


def _mismatch(key: MismatchKey, target: AccountId, group: list[Difference], total: Volume) -> Mismatch:
    link_id, symbol, kind = key
    # As many lots as should be there, and not as they should be: all of them are wrong.
    lots = sum((abs(each.desired - each.observed) or abs(each.desired) for each in group), ZERO)
    if kind is MismatchKind.STOPS:
        severity = Severity.CRITICAL if any(each.bare for each in group) else Severity.WARNING
    else:
        severity = _by_size(lots, total)
    return Mismatch(
        link_id,
        target,
        symbol,
        kind,
        sum((each.desired for each in group), ZERO),
        sum((each.observed for each in group), ZERO),
        lots,
        severity,
        tuple(each.key[1] for each in group[:POSITIONS_SHOWN]),
        "; ".join(dict.fromkeys(each.why for each in group[:POSITIONS_SHOWN] if each.why)),
        max((each.action for each in group), key=list(MismatchAction).index),
    )


def _by_size(lots: Volume, total: Volume) -> Severity:
    if lots >= total * CRITICAL_SHARE:
        return Severity.CRITICAL
    return Severity.WARNING if lots >= total * WARNING_SHARE else Severity.INFO


def _kind(desired: Volume, observed: Volume) -> MismatchKind | None:
    if desired == observed:
        return None
    if not observed:
        return MismatchKind.MISSING
    if not desired:
        return MismatchKind.UNEXPECTED
    return MismatchKind.VOLUME if (desired > 0) == (observed > 0) else MismatchKind.SIDE


def _waits(copy: Copy, desired: Volume, observed: Volume, instrument: Instrument | None) -> bool:
    """Tell whether what is held too much is too little to be closed by an order of its own."""
    surplus = abs(observed) - abs(desired)
    return surplus > ZERO and not any(possible_cut(leg, surplus, instrument) for leg in copy.legs if leg.held)


def _side(copy: Copy) -> Side:
    """Return the side that its legs have at the target, which a reversed copy does not share with its source."""
    return copy.legs[0].side if copy.legs else copy.side


def _stops(copy: Copy, books: Books, desired: Volume, instrument: Instrument | None) -> Iterable[Difference]:
    """Compare each leg's protective prices with what was last asked for; those of netted copies belong to all."""
    tick = ZERO if instrument is None or instrument.tick_size is None else instrument.tick_size
    for leg in copy.legs:
        position = position_of(leg, books) if leg.stage is LegStage.OPEN and leg.pending is None else None
        if position is None:
            continue
        kept = same_price(leg.stop_loss, position.stop_loss, tick)
        if not (kept and same_price(leg.take_profit, position.take_profit, tick)):
            bare = leg.stop_loss is not None and position.stop_loss is None
            why = "the target has no stop-loss" if bare else ""
            yield Difference(copy.key, leg.symbol, MismatchKind.STOPS, desired, desired, why, bare)
            return


def _why(copy: Copy, kind: MismatchKind) -> str:
    """Return what the records know of the cause, for people."""
    stages = {leg.stage for leg in copy.legs if leg.missing}
    if any(leg.pending is not None and leg.pending.unknown for leg in copy.legs):
        return "an order has no answer yet"
    if kind in (MismatchKind.MISSING, MismatchKind.VOLUME):
        if LegStage.REJECTED in stages:
            return "the venue rejected the order"
        if LegStage.GONE in stages:
            return "the target closed it: a stop, or a person"
        if stages:
            return "the venue did not fill all of it"
    failures = max((leg.failures for leg in copy.legs if leg.live), default=0)
    return f"our order was refused, or could not be sent, {failures} times" if failures else ""
