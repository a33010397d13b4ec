"""What a target really holds, against what our records say: the repair path's view of a target.

A record is corrected here; what follows from it is decided where everything is decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TypeAlias

from attrs import evolve

from rules.model.copies import ZERO, Copy, CopyStatus, Leg, LegStage, replace_leg, with_exit
from rules.model.events import Origin
from rules.model.frozen import frozen
from rules.model.observed import Position, Quote, WorkingOrder
from rules.model.reports import Filled
from rules.model.values import (
    AccountId,
    ClOrdId,
    LinkId,
    OmsType,
    PositionId,
    Price,
    Side,
    Symbol,
    VenueOrderId,
    Volume,
)

CopyKey: TypeAlias = tuple[LinkId, PositionId]

WENT_WITHIN = timedelta(seconds=10)
"""A quote older than this does not tell at which price a target closed something: two looks at its books lie there."""

OVERTAKEN = "overtaken close"
"""Why lots are closed that a close of ours opened: a stop or a person had closed what it was to close."""


@frozen
class LegGone:
    """The target does not hold the leg's position any more: a stop was hit, or a person closed it."""

    key: CopyKey
    leg: int


@frozen
class LegShrunk:
    """The target holds less of the leg than we left there: `held` lots."""

    key: CopyKey
    leg: int
    held: Volume


TargetFinding: TypeAlias = LegGone | LegShrunk


def compare_target(
    copies: Sequence[Copy],
    positions: Mapping[PositionId, Position],
    requested_at: datetime,
    oms: OmsType,
    orders: frozenset[VenueOrderId] = frozenset(),
) -> list[TargetFinding]:
    """Return where the target's books contradict the records.

    Legs with an order under way, or settled after the books were asked for, are left out: the books may be older.
    `orders` are the pending orders that were listed no earlier than the positions.
    """
    settled = [
        (copy, leg)
        for copy in copies
        for leg in copy.legs
        if leg.stage is LegStage.OPEN
        and leg.pending is None
        and leg.settled_at is not None
        and leg.settled_at < requested_at
    ]
    if oms is OmsType.HEDGING:
        return _hedging(settled, positions)
    judged = {(copy.key, leg.number) for copy, leg in settled}
    moving = {
        leg.symbol
        for copy in copies
        for leg in copy.legs
        if (leg.live and not _still_waits(leg, orders) and (not leg.held or (copy.key, leg.number) not in judged))
        or (leg.settled_at is not None and leg.settled_at >= requested_at)
    }
    return _netting(settled, positions, moving)


def _still_waits(leg: Leg, orders: frozenset[VenueOrderId]) -> bool:
    """Tell whether the books show a leg's pending order, so that the positions hold nothing of it."""
    waits = leg.waits if leg.stage is LegStage.WORKING else None
    return waits is not None and waits.order_id in orders


def _hedging(settled: list[tuple[Copy, Leg]], positions: Mapping[PositionId, Position]) -> list[TargetFinding]:
    findings: list[TargetFinding] = []
    for copy, leg in settled:
        position = positions.get(leg.position_id) if leg.position_id is not None else None
        if position is None:
            findings.append(LegGone(copy.key, leg.number))
        elif position.volume < leg.held:
            findings.append(LegShrunk(copy.key, leg.number, position.volume))
    return findings


def _netting(
    settled: list[tuple[Copy, Leg]], positions: Mapping[PositionId, Position], moving: set[Symbol]
) -> list[TargetFinding]:
    """One position stands for all legs of a symbol: none of those is judged while one of them moves."""
    by_symbol: dict[Symbol, list[tuple[Copy, Leg]]] = {}
    for copy, leg in settled:
        by_symbol.setdefault(leg.symbol, []).append((copy, leg))
    observed = {position.symbol: position for position in positions.values()}
    findings: list[TargetFinding] = []
    for symbol, legs in by_symbol.items():
        if symbol not in moving:
            findings.extend(_net_symbol(legs, observed.get(symbol)))
    return findings


def _net_symbol(legs: list[tuple[Copy, Leg]], position: Position | None) -> Iterable[TargetFinding]:
    exposure = sum((leg.held * leg.side.sign for _, leg in legs), ZERO)
    found = position.volume * position.side.sign if position is not None else ZERO
    if exposure in (found, ZERO):
        return  # legs that cancel each other out are held by nothing that could be missing
    ended = _ended_by_a_stop(legs, found) if found and (abs(found) < abs(exposure) or exposure * found < 0) else []
    if ended:
        yield from (LegGone(copy.key, leg.number) for copy, leg in ended)
        return
    if position is None or exposure * found <= 0:
        yield from (LegGone(copy.key, leg.number) for copy, leg in legs)
        return
    missing = abs(exposure) - abs(found)
    for copy, leg in reversed(legs):  # what somebody took away is taken from the newest legs
        if missing <= ZERO:
            return
        if leg.side is not position.side:
            continue
        taken = min(missing, leg.held)
        missing -= taken
        yield LegShrunk(copy.key, leg.number, leg.held - taken) if taken < leg.held else LegGone(copy.key, leg.number)


def _ended_by_a_stop(legs: list[tuple[Copy, Leg]], found: Volume) -> list[tuple[Copy, Leg]]:
    """Return the legs that a stop ended, which takes all there is: those that came since make up what is found."""
    by_age = sorted(legs, key=lambda each: each[1].asked_at or each[0].first_seen_at)
    rest = sum((leg.held * leg.side.sign for _, leg in by_age), ZERO)
    for gone, (_, leg) in enumerate(by_age[:-1], 1):
        rest -= leg.held * leg.side.sign
        if rest == found:
            return by_age[:gone]
    return []


def went_at(leg: Leg, quote: Quote | None, now: datetime) -> Price | None:
    """Return at which price a target has just closed a leg itself, as far as a quote tells; never beyond its stops."""
    if quote is None or now - quote.at > WENT_WITHIN:
        return None
    price = quote.entry(leg.side.opposite)
    low, high = (leg.stop_loss, leg.take_profit) if leg.side is Side.BUY else (leg.take_profit, leg.stop_loss)
    price = price if low is None else max(price, low)
    return price if high is None else min(price, high)


def lose_leg(copy: Copy, number: int, price: Price | None = None) -> Copy:
    """Return `copy` without that leg: the target closed it (at `price`, if that is known), and it is not reopened."""
    leg = copy.legs_by_number[number]
    left = with_exit(leg, leg.held, price)
    gone = replace_leg(copy, evolve(left, stage=LegStage.GONE, held=ZERO, missing=leg.missing + leg.held))
    return evolve(gone, granted=max(copy.granted - leg.held, ZERO))


def shrink_leg(copy: Copy, number: int, held: Volume, source_volume: Volume | None, price: Price | None = None) -> Copy:
    """Return `copy` with what a person left of the leg as its base from now on."""
    leg = copy.legs_by_number[number]
    shrunk = replace_leg(copy, evolve(with_exit(leg, leg.held - held, price), held=held))
    granted = max(copy.granted - (leg.held - held), ZERO)
    if source_volume is None or source_volume <= ZERO:
        return evolve(shrunk, granted=granted)
    return evolve(shrunk, granted=granted, followed=source_volume, ratio=Fraction(granted) / Fraction(source_volume))


def revive_leg(copy: Copy, number: int, position: Position, now: datetime) -> Copy:
    """Return `copy` with a leg that was taken for never executed, and that the target's books show after all."""
    leg = copy.legs_by_number[number]
    found = evolve(
        leg,
        stage=LegStage.OPEN,
        held=position.volume,
        position_id=position.position_id,
        open_price=position.open_price,
        pending=None,
        retry_at=None,
        settled_at=now,
        missing=max(leg.volume - position.volume, ZERO),
    )
    return evolve(
        replace_leg(copy, found), status=CopyStatus.ACTIVE, ending=None, granted=copy.granted + position.volume
    )


def as_shown(
    copy: Copy,
    positions: Mapping[PositionId, Position],
    orders: Mapping[VenueOrderId, WorkingOrder],
    now: datetime,
) -> Copy:
    """Return `copy` with what a hedging target's books show of its legs as their record: lots, stops, order prices.

    What is refused for now may be tried again at once. Legs with an order under way stay as they are.
    """
    for leg in copy.legs:
        order = None if leg.waits is None or leg.waits.order_id is None else orders.get(leg.waits.order_id)
        if leg.stage is LegStage.WORKING and leg.pending is None and leg.waits is not None and order is not None:
            waits = evolve(leg.waits, price=order.price, limit_price=order.limit_price)
            shown = evolve(leg, waits=waits, stop_loss=order.stop_loss, take_profit=order.take_profit)
            copy = replace_leg(copy, evolve(shown, failures=0, retry_at=None))
        position = positions.get(leg.position_id) if leg.position_id is not None else None
        if leg.stage is LegStage.OPEN and leg.pending is None and position is not None:
            shown = evolve(
                leg,
                held=position.volume,
                stop_loss=position.stop_loss,
                take_profit=position.take_profit,
                failures=0,
                retry_at=None,
                settled_at=now,
            )
            copy = replace_leg(copy, shown)
    return copy


def unowned_copy(account: AccountId, position: Position, order_id: ClOrdId, why: str, now: datetime) -> Copy:
    """Return a record whose only purpose is to close `position`."""
    leg = _held(order_id, position.symbol, position.side, position.volume, position.position_id, now)
    leg = evolve(leg, open_price=position.open_price)
    return _to_be_closed(account, position.position_id, position.opened_at, leg, why, now)


def overtaken_copy(copy: Copy, report: Filled, now: datetime) -> Copy:
    """Return a record whose only purpose is to close again what a close of `copy` opened, see `Filled.opened`.

    It goes by that close's id: the position may hold the lots of other copies too.
    """
    [leg] = [leg for leg in copy.legs if leg.pending is not None and leg.pending.cl_ord_id == report.cl_ord_id]
    opened = _held(report.cl_ord_id, leg.symbol, leg.side.opposite, report.opened, report.position_id, now)
    opened = evolve(opened, open_price=report.price)
    return _to_be_closed(copy.target, PositionId(report.cl_ord_id), copy.opened_at, opened, OVERTAKEN, now)


def _held(order_id: ClOrdId, symbol: Symbol, side: Side, volume: Volume, position_id: PositionId, now: datetime) -> Leg:
    return Leg(
        0,
        order_id,
        symbol,
        side,
        volume,
        stage=LegStage.OPEN,
        held=volume,
        position_id=position_id,
        settled_at=now,
    )


def _to_be_closed(account: AccountId, name: PositionId, opened_at: datetime, leg: Leg, why: str, now: datetime) -> Copy:
    """Return a record of a leg that no source position asks for: source and target are the account itself."""
    return Copy(
        link_id=LinkId(f"{why}:{account}"),
        source=account,
        target=account,
        source_position_id=name,
        opened_at=opened_at,
        source_symbol=leg.symbol,
        side=leg.side,
        first_seen_at=now,
        origin=Origin.RECONCILED,
        status=CopyStatus.ACTIVE,
        target_symbol=leg.symbol,
        granted=leg.volume,
        followed=leg.volume,
        flatten=why,
        legs=(leg,),
        legs_made=1,
    )
