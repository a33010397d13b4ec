"""A source's pending order at a target: as a position would be judged, where it waits there, and who takes it over.

The copy of an order is a copy like any other, under a key that no position has. It asks the gates what its position
would ask, as new risk, and holds a pending order. Where the source's is filled, the copy of the position takes it over.
"""

from datetime import datetime, timedelta
from typing import Final

from rules.model.actions import Action, CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.copies import (
    ENTRIES,
    ZERO,
    Copy,
    CopyStatus,
    Ending,
    Leg,
    LegStage,
    Pending,
    Purpose,
    Waits,
    replace_leg,
)
from rules.model.evolving import evolve
from rules.model.identity import cl_ord_id
from rules.model.instruments import Instrument, round_toward
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import OmsType, OrderType, PositionId, Price, Side, VenueOrderId
from rules.policy.links import CopyPolicy
from rules.policy.pending import Early
from rules.times.news import News
from rules.times.schedule import Closed

PREFIX: Final = "order:"
"""Of the key of a mirrored order: positions and orders of a venue may have the same ids."""


def key_of(order_id: VenueOrderId) -> PositionId:
    """Return the id that stands for a source's pending order where copies are kept by their source position."""
    return PositionId(PREFIX + order_id)


def is_mirror(position_id: PositionId) -> bool:
    """Tell whether an id stands for a source's pending order."""
    return position_id.startswith(PREFIX)


def order_of(position_id: PositionId) -> VenueOrderId:
    """Return the id of the order that an id stands for."""
    return VenueOrderId(position_id.removeprefix(PREFIX))


def as_position(order: WorkingOrder, opened_at: datetime) -> Position:
    """Return the position that an order would open: what the gates, the size and the stops are asked about."""
    return Position(
        key_of(order.order_id),
        order.symbol,
        order.side,
        order.volume,
        order.price if order.limit_price is None else order.limit_price,
        opened_at,
        order.stop_loss,
        order.take_profit,
        magic=order.magic,
        comment=order.comment,
        tag=order.tag,
    )


_FLIPPED: Final = {OrderType.LIMIT: OrderType.STOP, OrderType.STOP: OrderType.LIMIT}


def unable(order: WorkingOrder, policy: CopyPolicy, source: AccountView, target: AccountView) -> Denied | None:
    """Return why an order cannot have its like at the target, or None."""
    if source.oms is OmsType.NETTING:
        return Denied("pending", Reason.PENDING_UNSUPPORTED, (("why", "the source nets: it may reduce there"),))
    if target.oms is OmsType.NETTING:
        return Denied("pending", Reason.PENDING_UNSUPPORTED, (("why", "the target nets: one would stand for many"),))
    if not target.takes_orders:
        return Denied("pending", Reason.PENDING_UNSUPPORTED, (("why", "the target takes no pending orders"),))
    if policy.reverse and order.order_type is OrderType.STOP_LIMIT:
        return Denied("pending", Reason.PENDING_UNSUPPORTED, (("why", "a stop-limit has no reverse"),))
    return None


def waits_for(
    order: WorkingOrder, policy: CopyPolicy, instrument: Instrument, target: AccountView, now: datetime | None = None
) -> Waits:
    """Return what the target's order waits for: the source's prices, on the tick that is reached later.

    What is to be placed `now` ends by itself when it has waited for long enough, where the venue does that.
    """
    kind = _FLIPPED[order.order_type] if policy.reverse else order.order_type
    side = order.side.opposite if policy.reverse else order.side
    limit = None if order.limit_price is None else later_tick(order.limit_price, side, OrderType.LIMIT, instrument)
    expires_at = order.expires_at if target.orders_expire else None
    if now is not None and policy.mirror.max_life is not None and target.orders_expire:
        latest = now + policy.mirror.max_life
        expires_at = latest if expires_at is None else min(expires_at, latest)
    return Waits(kind, later_tick(order.price, side, kind, instrument), limit, expires_at)


def still_waits_so(
    waits: Waits, order: WorkingOrder, policy: CopyPolicy, instrument: Instrument, target: AccountView
) -> bool:
    """Tell whether what was to be placed has the prices that the source's order has by now.

    At an older price it could be filled at once.
    """
    wanted = waits_for(order, policy, instrument, target)
    return (wanted.price, wanted.limit_price) == (waits.price, waits.limit_price)


def moved_unsent(copy: Copy, order: WorkingOrder, policy: CopyPolicy, target: AccountView) -> bool:
    """Tell whether the source's order was moved before ours has left."""
    for leg in copy.legs:
        if leg.stage is LegStage.OPENING and leg.pending is None and leg.waits is not None:
            instrument = target.instruments.get(leg.symbol)
            return instrument is not None and not still_waits_so(leg.waits, order, policy, instrument, target)
    return False


def later_tick(price: Price, side: Side, kind: OrderType, instrument: Instrument) -> Price:
    """Round an order's price to the tick that the market reaches later."""
    if instrument.tick_size is None:
        return price
    lower = (side is Side.BUY) is (kind is OrderType.LIMIT)
    return round_toward(price, instrument.tick_size, ZERO if lower else price * 2)


def placing(copy: Copy, leg: Leg) -> PlaceOrder:
    assert leg.waits is not None  # its order is a pending one
    waits = leg.waits
    return PlaceOrder(
        leg.cl_ord_id,
        copy.target,
        leg.symbol,
        leg.side,
        waits.order_type,
        leg.volume,
        waits.price,
        waits.limit_price,
        leg.stop_loss,
        leg.take_profit,
        waits.expires_at,
    )


def canceling(copy: Copy, leg: Leg) -> tuple[Copy, Action]:
    """Order the end of a leg's pending order."""
    waits = leg.waits
    assert waits is not None  # its order is a pending one
    assert waits.order_id is not None  # it works
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
    pending = Pending(Purpose.CANCEL, order_id, ZERO)
    leg = evolve(leg, waits=evolve(waits, canceled=True), pending=pending, retry_at=None)
    return replace_leg(copy, leg), CancelOrder(order_id, copy.target, waits.order_id, leg.symbol)


def replacing(
    copy: Copy, leg: Leg, waits: Waits, stop_loss: Price | None, take_profit: Price | None
) -> tuple[Copy, Action]:
    """Order new prices of a leg's pending order."""
    assert leg.waits is not None  # its order is a pending one
    assert leg.waits.order_id is not None  # it works
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
    new = evolve(leg.waits, price=waits.price, limit_price=waits.limit_price)
    pending = Pending(Purpose.REPLACE, order_id, ZERO, stop_loss, take_profit, waits=new)
    action = ReplaceOrder(
        order_id,
        copy.target,
        leg.waits.order_id,
        leg.symbol,
        leg.side,
        new.order_type,
        new.price,
        new.limit_price,
        stop_loss,
        take_profit,
    )
    return replace_leg(copy, evolve(leg, pending=pending, retry_at=None)), action


def take_over(mirror: Copy, position: Position, grace: timedelta, now: datetime) -> tuple[Copy, Copy]:
    """Return the copy of an order, at its end, and the copy of the position that came of it with all that it has.

    What never left is not sent any more.
    """
    legs = tuple(
        evolve(leg, stage=LegStage.CLOSED, retry_at=None)
        if leg.stage is LegStage.OPENING and leg.pending is None
        else evolve(leg, step=0 if leg.pending is not None and leg.pending.purpose not in ENTRIES else 1)
        for leg in mirror.legs
    )
    waiting = any(leg.stage in (LegStage.OPENING, LegStage.WORKING) for leg in legs)
    nothing = not any(leg.live for leg in legs)
    taken = evolve(
        mirror,
        source_position_id=position.position_id,
        opened_at=position.opened_at,
        first_seen_at=now,
        order=None,
        early_at=None,
        fill_by=now + grace if waiting else now if nothing else None,
        reason=None if mirror.flatten is None else Reason.PENDING_ENDED,
        legs=legs,
    )
    ended = evolve(mirror, status=CopyStatus.ENDED, ending=Ending.HANDED_OVER, legs=())
    return ended, taken


def gives_up(copy: Copy, policy: CopyPolicy, target: AccountView, now: datetime) -> Reason | None:
    """Return why a mirrored order must have nothing at the target although the source's works.

    What would be no new risk there any more by the clock, or by the calendar, must not be filled meanwhile. A calendar
    that is missing takes nothing off: it would at every start.
    """
    if policy.schedule is not None and isinstance(policy.schedule.state(now), Closed):
        return Reason.SCHEDULE_CLOSED
    news, instrument = _news(copy, policy, target)
    if news is not None and instrument is not None and news.window(instrument, now) is not None:
        return Reason.NEWS_WINDOW
    due, ends_at = _early_due(copy, policy), _life_ends(copy, policy)
    if due is not None and now >= due:
        return Reason.PENDING_ENDED
    return Reason.PENDING_EXPIRED if ends_at is not None and now >= ends_at else None


def asked_again(copy: Copy, policy: CopyPolicy, target: AccountView, now: datetime) -> datetime | None:
    """Return when `gives_up` may say something else than now by the passing of time alone."""
    news, instrument = _news(copy, policy, target)
    times = (
        _early_due(copy, policy),
        _life_ends(copy, policy),
        None if policy.schedule is None else policy.schedule.state(now).until,
        None if news is None or instrument is None else news.next_window(instrument, now),
    )
    return min((at for at in times if at is not None), default=None)


def is_over_for_good(mirror: Copy) -> bool:
    """Tell whether what became of a mirrored order speaks against copying the position that the source's opens.

    The target, or a person there, ended it; it was filled alone and closed again; it had waited for long enough; or it
    was one of those to be skipped. What another rule took off, or denied, is judged anew with the position.
    """
    alone = mirror.ending is Ending.FLATTENED and mirror.early_at is not None
    unwanted = mirror.reason in (Reason.SKIPPED_FIRST, Reason.PENDING_EXPIRED)
    return alone or unwanted or mirror.ending is Ending.TARGET_CLOSED


def _news(copy: Copy, policy: CopyPolicy, target: AccountView) -> tuple[News | None, Instrument | None]:
    news = None if policy.news is None else target.news.get(policy.news.name)
    return news, None if copy.target_symbol is None else target.instruments.get(copy.target_symbol)


def _life_ends(copy: Copy, policy: CopyPolicy) -> datetime | None:
    """Return when the target's order has waited for as long as it may; what was filled is no order any more."""
    life = policy.mirror.max_life
    if life is None or copy.early_at is not None or copy.order is None:
        return None
    return min((leg.asked_at for leg in copy.legs if leg.asked_at is not None), default=copy.first_seen_at) + life


def _early_due(copy: Copy, policy: CopyPolicy) -> datetime | None:
    """Return when what the target's order opened too early is closed."""
    if copy.early_at is None or policy.mirror.early is Early.KEEP:
        return None
    return copy.early_at + policy.mirror.fill_grace
