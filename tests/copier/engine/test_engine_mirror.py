"""A source's pending orders, mirrored: placed, moved, canceled, filled on one side or on both."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.engine.inputs import CalendarRead, Pulled
from copier.ledger.records import ORDER_GONE, AlertRecord, LeverRecord
from copier.replay.trades import TradeBook, outcome_words
from copier.telling.wording import because_words, copy_words
from copier.web.dto.copies import copy_of as show_copy
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
)
from rules.model.copies import Copy, CopyStatus, Ending, LegStage
from rules.model.events import InstrumentReported, OrderEnded, OrderReported, Origin, SnapshotReceived
from rules.model.levers import SetLink
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.reports import Canceled, Filled, NotSent, Placed, Rejected, Replaced
from rules.model.values import OmsType, OrderStatus, OrderType, PositionId, Price, Side, VenueOrderId
from rules.policy.guard import Guard
from rules.policy.links import CopyPolicy, LinkState, SymbolPolicy
from rules.policy.pending import Early, Late, Mirror, PendingOrders
from rules.policy.size import BelowMin, VolumePolicy
from rules.times.news import Calendar, Impact, NewsEvent, NewsPolicy, OnMissing
from rules.times.schedule import Schedule, Window
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.rules.playbook import EURUSD, position

MIRROR = CopyPolicy("mirror", pending=PendingOrders.MIRROR)
OURS = VenueOrderId("t1")
O1 = VenueOrderId("1")
PAUSE, RESUME = SetLink(LINK.link_id, LinkState.PAUSED), SetLink(LINK.link_id, LinkState.ACTIVE)
NEWS = NewsPolicy("tight", before=timedelta(minutes=5), after=timedelta(minutes=5), on_missing=OnMissing.ALLOW)


def order(**changes: object) -> WorkingOrder:
    base = WorkingOrder(O1, EURUSD.symbol, Side.BUY, OrderType.LIMIT, Decimal(1), Decimal("1.1"))
    return evolve(base, **changes)  # type: ignore[arg-type]


async def desk_with(policy: CopyPolicy = MIRROR, **more: object) -> Desk:
    desk = Desk(links=[evolve(LINK, policy=policy)], **more)  # type: ignore[arg-type]
    desk.views[TARGET].takes_orders = True
    return await desk.ready()


async def told(desk: Desk, **changes: object) -> list[Action]:
    return await desk.takes(OrderReported(SOURCE, desk.now, order(**changes)))


async def ends(desk: Desk, status: OrderStatus | None, opened: str | None = None) -> list[Action]:
    return await desk.takes(OrderEnded(SOURCE, desk.now, O1, status, None if opened is None else PositionId(opened)))


async def working(policy: CopyPolicy = MIRROR) -> tuple[Desk, PlaceOrder]:
    """Return a desk whose target has the mirrored order."""
    desk = await desk_with(policy)
    [placed] = await told(desk)
    assert isinstance(placed, PlaceOrder)
    assert await desk.reports(Placed(placed.cl_ord_id, OURS)) == []
    return desk, placed


def fill(placed: PlaceOrder) -> Filled:
    return Filled(placed.cl_ord_id, PositionId("tp"), placed.volume, placed.price, OURS)


async def waits(desk: Desk, seconds: float) -> list[Action]:
    desk.now += timedelta(seconds=seconds)
    return await desk.takes()


async def looks(
    desk: Desk, *held: Position, after_s: float = 0.1, orders: tuple[WorkingOrder, ...] = ()
) -> list[Action]:
    desk.now += timedelta(seconds=after_s)
    return await desk.takes(SnapshotReceived(SOURCE, desk.now, held, Origin.RECONCILED, desk.now, orders=orders))


def only(actions: list[Action]) -> Action:
    [action] = actions
    return action


def copy_of(desk: Desk, position_id: str) -> Copy:
    copy = desk.book.get((LINK.link_id, PositionId(position_id)))
    assert copy is not None
    return copy


async def test_an_order_is_placed_as_it_is() -> None:
    desk, placed = await working()
    shown = (placed.side, placed.order_type, placed.volume, placed.price)
    assert shown == (Side.BUY, OrderType.LIMIT, Decimal(1), Decimal("1.1"))
    assert desk.copy.legs[0].stage is LegStage.WORKING
    assert desk.views[TARGET].volume == 1, "limits count it"


async def test_a_reversed_order_is_of_the_other_kind() -> None:
    desk = await desk_with(evolve(MIRROR, reverse=True))
    placed = only(await told(desk))
    assert isinstance(placed, PlaceOrder)
    assert (placed.side, placed.order_type, placed.price) == (Side.SELL, OrderType.STOP, Decimal("1.1"))


async def test_an_order_that_is_moved_is_followed() -> None:
    desk, _placed = await working()
    moved = only(await told(desk, price=Decimal("1.05"), stop_loss=Decimal(1)))
    assert isinstance(moved, ReplaceOrder)
    assert (moved.order_id, moved.price, moved.stop_loss) == (OURS, Decimal("1.05"), Decimal(1))
    assert await desk.reports(Replaced(moved.cl_ord_id)) == []
    assert await told(desk, price=Decimal("1.05"), stop_loss=Decimal(1)) == []


async def test_an_order_that_is_canceled_takes_ours_with_it() -> None:
    desk, placed = await working()
    gone = only(await ends(desk, OrderStatus.CANCELED))
    assert isinstance(gone, CancelOrder)
    assert await desk.reports(Canceled(gone.cl_ord_id)) == []
    assert desk.looked_for == [placed], "it may have been filled a moment before"
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert list(desk.book.all()) == []


async def test_what_filled_while_it_was_canceled_is_closed() -> None:
    desk, placed = await working()
    gone = only(await ends(desk, OrderStatus.CANCELED))
    await desk.reports(Rejected(gone.cl_ord_id, "it works no more"))
    assert desk.looked_for == [placed]
    closed = only(await desk.reports(fill(placed)))
    assert isinstance(closed, ClosePosition)
    assert closed.volume == 1


async def test_both_filled_is_one_copy_and_no_other_order() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    assert desk.looked_for == [placed]
    assert await desk.reports(fill(placed)) == []
    assert await ends(desk, OrderStatus.FILLED, "p1") == []
    assert await desk.sees(position()) == []
    assert desk.copy.source_position_id == "p1"
    assert desk.copy.expected == 1
    closed = only(await desk.closes("p1"))
    assert isinstance(closed, ClosePosition)
    assert closed.position_id == "tp"


async def test_the_source_fills_first_and_ours_a_moment_later() -> None:
    desk, placed = await working()
    assert await desk.sees(position()) == []
    assert await ends(desk, OrderStatus.FILLED, "p1") == []
    assert await waits(desk, 1) == []
    assert await desk.takes(OrderEnded(TARGET, desk.now, OURS)) == []
    assert await desk.reports(fill(placed)) == []
    assert await waits(desk, 10) == []
    assert (desk.copy.source_position_id, desk.copy.expected) == ("p1", 1)


async def late(policy: CopyPolicy) -> tuple[Desk, list[Action]]:
    """Let ours not be filled in time, and return what is ordered when it has been taken off."""
    desk, placed = await working(policy)
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    gone = only(await waits(desk, 5))
    assert isinstance(gone, CancelOrder)
    assert await desk.reports(Canceled(gone.cl_ord_id)) == []
    return desk, await desk.reports(Canceled(placed.cl_ord_id))


async def test_ours_that_is_not_filled_in_time_goes_to_market() -> None:
    desk, orders = await late(MIRROR)
    opened = only(orders)
    assert isinstance(opened, OpenPosition)
    await desk.fills([opened])
    assert desk.copy.expected == 1


async def test_ours_that_is_not_filled_in_time_is_given_up() -> None:
    desk, orders = await late(evolve(MIRROR, mirror=Mirror(late=Late.CANCEL)))
    assert orders == []
    assert desk.copy.reason is not None
    assert desk.copy.reason.value == "PENDING_NOT_FILLED"


async def early(policy: CopyPolicy) -> tuple[Desk, list[Action]]:
    desk, placed = await working(policy)
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    assert await desk.reports(fill(placed)) == []
    return desk, await waits(desk, 5)


async def test_ours_that_is_filled_alone_is_closed_after_the_grace_and_not_opened_again() -> None:
    desk, orders = await early(MIRROR)
    closed = only(orders)
    assert isinstance(closed, ClosePosition)
    assert await desk.fills([closed]) == []
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    reason = copy_of(desk, "p1").reason
    assert reason is not None
    assert reason.value == "PENDING_ENDED"


async def test_ours_that_is_filled_alone_may_be_kept_and_ends_with_the_sources_order() -> None:
    desk, orders = await early(evolve(MIRROR, mirror=Mirror(early=Early.KEEP)))
    assert orders == []
    closed = only(await ends(desk, OrderStatus.EXPIRED))
    assert isinstance(closed, ClosePosition)


async def test_what_a_person_leaves_of_ours_that_was_filled_alone_is_the_base_of_its_position() -> None:
    desk, _orders = await early(evolve(MIRROR, mirror=Mirror(early=Early.KEEP)))
    left = position("0.5", position_id=PositionId("tp"))
    for _ in range(2):
        assert await desk.polls(TARGET, left) == []
    assert copy_of(desk, "order:1").granted == Decimal("0.5")
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    reduced = only(await desk.sees(position("0.5")))
    assert isinstance(reduced, ReducePosition)
    assert reduced.remaining == Decimal("0.25"), "half of what was left"


async def test_ours_that_a_person_cancels_is_not_placed_again_and_its_position_not_copied() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert (desk.copy.status, desk.copy.ending) == (CopyStatus.ENDED, Ending.TARGET_CLOSED)
    assert await told(desk, price=Decimal("1.09")) == []
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    assert copy_of(desk, "p1").ending is Ending.DENIED


async def test_an_order_gone_without_a_reason_keeps_ours_until_the_books_tell() -> None:
    desk, _placed = await working()
    desk.now += timedelta(seconds=5)
    assert await ends(desk, None) == []
    assert await waits(desk, 1) == []
    assert isinstance(only(await looks(desk, after_s=2)), CancelOrder)


async def test_a_filled_part_is_followed() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(fill(placed))
    await ends(desk, OrderStatus.FILLED, "p1")
    reduced = only(await desk.sees(position("0.4")))
    assert type(reduced).__name__ == "ReducePosition"


async def test_another_volume_begins_anew() -> None:
    desk, placed = await working()
    gone = only(await told(desk, volume=Decimal(2)))
    assert isinstance(gone, CancelOrder)
    await desk.reports(Canceled(gone.cl_ord_id))
    again = only(await desk.reports(Canceled(placed.cl_ord_id)))
    assert isinstance(again, PlaceOrder)
    assert again.volume == 2
    assert again.cl_ord_id != placed.cl_ord_id


async def test_a_restart_remembers_the_order_and_finds_the_position_that_it_became() -> None:
    desk, placed = await working()
    again = Desk(desk.ledger, links=[evolve(LINK, policy=MIRROR)], now=desk.now + timedelta(minutes=1))
    again.views[TARGET].takes_orders = True
    assert await again.polls(TARGET) == []
    assert await looks(again, position()) == []
    copies = [copy for copy in again.book.all() if copy.holds]
    assert [(copy.source_position_id, copy.legs[0].cl_ord_id) for copy in copies] == [("p1", placed.cl_ord_id)]
    assert all(isinstance(action, CancelOrder) for action in again.sent)


def test_prices_meet_the_tick_that_is_reached_later() -> None:
    from rules.deciding.mirror import waits_for

    target = Desk().views[TARGET]
    between = Price(Decimal("1.100005"))
    prices = {
        (side, kind): waits_for(order(side=side, order_type=kind, price=between), MIRROR, EURUSD, target).price
        for side in Side
        for kind in (OrderType.LIMIT, OrderType.STOP)
    }
    low, high = Decimal("1.1"), Decimal("1.10001")
    assert prices[Side.BUY, OrderType.LIMIT] == prices[Side.SELL, OrderType.STOP] == low
    assert prices[Side.BUY, OrderType.STOP] == prices[Side.SELL, OrderType.LIMIT] == high


async def test_an_order_that_was_moved_before_ours_left_is_placed_at_its_new_price() -> None:
    desk = await desk_with()
    placed = only(await told(desk))
    assert await desk.reports(NotSent(placed.cl_ord_id, "too many requests", desk.now + timedelta(seconds=1))) == []
    again = only(await told(desk, price=Decimal("1.05")))
    assert isinstance(again, PlaceOrder)
    assert (again.price, again.cl_ord_id != placed.cl_ord_id) == (Decimal("1.05"), True)


async def test_an_order_that_was_moved_or_filled_while_ours_was_queued_does_not_let_it_leave() -> None:
    desk = await desk_with()
    placed = only(await told(desk))
    assert desk.engine.wanted(placed)
    await told(desk, price=Decimal("1.05"))
    assert not desk.engine.wanted(placed)
    await told(desk)
    assert desk.engine.wanted(placed)
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    assert not desk.engine.wanted(placed)
    assert await desk.reports(NotSent(placed.cl_ord_id, "no longer wanted")) == []
    assert isinstance(only(await waits(desk, 1)), OpenPosition), "what never left is not sent any more"


async def test_a_part_that_the_source_was_filled_is_not_waited_for_whole() -> None:
    desk, placed = await working()
    await ends(desk, OrderStatus.FILLED, "p1")
    gone = only(await desk.sees(position("0.4")))
    assert isinstance(gone, CancelOrder), "filled it would be too much"
    await desk.reports(Canceled(gone.cl_ord_id))
    opened = only(await desk.reports(Canceled(placed.cl_ord_id)))
    assert isinstance(opened, OpenPosition)
    assert opened.volume == Decimal("0.4")


async def test_what_was_filled_late_is_as_old_as_the_time_since_its_grace() -> None:
    desk, placed = await working(evolve(MIRROR, guard=Guard(max_age=timedelta(seconds=3))))
    await ends(desk, OrderStatus.FILLED, "p1")
    await desk.sees(position())
    gone = only(await waits(desk, 5))
    await desk.reports(Canceled(gone.cl_ord_id))
    desk.now += timedelta(seconds=4)
    assert await desk.reports(Rejected(placed.cl_ord_id, "its books show nothing of it")) == []
    assert copy_of(desk, "p1").reason is Reason.TOO_OLD


async def test_an_order_has_no_age() -> None:
    desk = await desk_with(evolve(MIRROR, guard=Guard(max_age=timedelta(seconds=3))))
    [placed] = await told(desk, placed_at=desk.now - timedelta(days=3))
    assert isinstance(placed, PlaceOrder)


async def test_a_paused_link_takes_the_order_off_and_the_position_is_judged_anew() -> None:
    desk, placed = await working()
    gone = only(await desk.takes(Pulled(LeverRecord(PAUSE, "anna", "lunch"), lambda _: None)))
    assert isinstance(gone, CancelOrder)
    await desk.reports(Canceled(gone.cl_ord_id))
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert (desk.copy.ending, desk.copy.reason) == (Ending.FLATTENED, Reason.LINK_PAUSED)
    await desk.takes(Pulled(LeverRecord(RESUME, "anna", "back"), lambda _: None))
    assert await told(desk, price=Decimal("1.09")) == [], "it is not placed again"
    await ends(desk, OrderStatus.FILLED, "p1")
    assert isinstance(only(await desk.sees(position())), OpenPosition)


async def test_news_ahead_take_the_order_off_when_their_window_opens() -> None:
    desk, _placed = await working(evolve(MIRROR, news=NEWS))
    event = NewsEvent(desk.now + timedelta(minutes=15), desk.now + timedelta(minutes=15), "CPI", "USD", Impact.HIGH)
    calendar = Calendar(desk.now, desk.now + timedelta(days=1), (event,))
    assert await desk.takes(CalendarRead(NEWS.name, calendar)) == []
    assert await waits(desk, 599) == []
    assert isinstance(only(await waits(desk, 1)), CancelOrder)
    assert desk.copy.reason is Reason.NEWS_WINDOW


async def test_a_schedule_that_closes_takes_the_order_off() -> None:
    quarter = Schedule("quarter", "UTC", (Window("0 12 * * *", timedelta(minutes=15)),))
    desk, _placed = await working(evolve(MIRROR, schedule=quarter))
    desk.now = desk.now.replace(hour=12, minute=15, second=0, microsecond=0)
    assert isinstance(only(await desk.takes()), CancelOrder)
    assert desk.copy.reason is Reason.SCHEDULE_CLOSED


async def test_only_the_rows_that_mirror_have_orders() -> None:
    row = SymbolPolicy("XAU.*", MIRROR)
    desk = await desk_with(CopyPolicy("plain", per_symbol=(row,)))
    assert await told(desk) == []
    assert list(desk.book.all()) == []


async def test_a_config_that_mirrors_no_more_takes_its_orders_off() -> None:
    desk, _placed = await working()
    again = Desk(desk.ledger, links=[evolve(LINK, policy=CopyPolicy("plain"))], now=desk.now + timedelta(minutes=1))
    again.views[TARGET].takes_orders = True
    await again.polls(TARGET)
    assert isinstance(only(await looks(again, orders=(order(),))), CancelOrder)


@pytest.mark.parametrize(
    ("source", "target", "takes"),
    [
        (OmsType.NETTING, OmsType.HEDGING, True),
        (OmsType.HEDGING, OmsType.NETTING, True),
        (OmsType.HEDGING, OmsType.HEDGING, False),
    ],
)
async def test_where_orders_cannot_be_mirrored_positions_are_copied_when_they_are_filled(
    source: OmsType, target: OmsType, takes: bool
) -> None:
    desk = await desk_with()
    desk.views[SOURCE].oms, desk.views[TARGET].oms, desk.views[TARGET].takes_orders = source, target, takes
    assert await told(desk) == []
    assert desk.copy.reason is Reason.PENDING_UNSUPPORTED
    await ends(desk, OrderStatus.FILLED, "p1")
    assert isinstance(only(await desk.sees(position())), OpenPosition)


async def test_an_order_that_somebody_takes_off_is_told_and_one_of_ours_is_not() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(Canceled(placed.cl_ord_id))
    [told_of] = [record for record in desk.records("alert") if isinstance(record, AlertRecord)]
    assert told_of.text == f"{LINK.link_id}: our pending order t1 of EURUSD ended at the target: it is not placed again"
    desk, placed = await working()
    gone = only(await ends(desk, OrderStatus.CANCELED))
    await desk.reports(Canceled(gone.cl_ord_id), Canceled(placed.cl_ord_id))
    assert desk.alerts == []


async def test_the_trade_of_a_mirrored_order_is_that_of_its_position() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(fill(placed))
    await ends(desk, OrderStatus.FILLED, "p1")
    await desk.sees(position())
    closed = only(await desk.closes("p1"))
    await desk.reports(Filled(closed.cl_ord_id, PositionId("tp"), placed.volume, Price("1.2")))
    book = TradeBook()
    for record in desk.records():
        book.take(record, desk.now)
    [trade] = book.trades.values()
    assert (trade.copy.source_position_id, trade.opened, outcome_words(trade)) == ("p1", 1, "copied")
    result = trade.result(lambda _, __: evolve(EURUSD, profit_currency="USD"))
    assert result == (Decimal(10_000), "USD")


async def test_a_position_that_an_older_list_still_shows_after_a_restart_is_not_copied_again() -> None:
    desk = await Desk().ready()
    await desk.fills(await desk.sees(position()))
    again = Desk(desk.ledger, now=desk.now + timedelta(seconds=10))
    await again.polls(TARGET)
    asked_at = again.now - timedelta(seconds=3)
    first = SnapshotReceived(SOURCE, again.now, (), Origin.RECONCILED)
    closed = await again.takes(first)
    assert isinstance(only(closed), ClosePosition)
    await again.fills(closed)
    again.now += timedelta(milliseconds=30)
    assert await again.takes(SnapshotReceived(SOURCE, again.now, (position(),), Origin.RECONCILED, asked_at)) == []


async def test_an_order_that_is_told_before_the_source_was_seen_whole_is_mirrored_then() -> None:
    desk = Desk(links=[evolve(LINK, policy=MIRROR)])
    desk.views[TARGET].takes_orders = True
    await desk.polls(TARGET)
    assert await told(desk) == []
    assert isinstance(only(await looks(desk, orders=(order(),))), PlaceOrder)


async def test_an_order_that_never_left_is_placed_after_a_restart_when_its_instrument_is_known() -> None:
    desk = await desk_with()
    placed = only(await told(desk))
    await desk.reports(NotSent(placed.cl_ord_id, "the venue is away"))
    again = Desk(desk.ledger, links=[evolve(LINK, policy=MIRROR)], now=desk.now + timedelta(seconds=2))
    again.views[TARGET].takes_orders = True
    again.views[TARGET].instruments.clear()
    await again.polls(TARGET)
    assert await looks(again, orders=(order(),)) == []
    assert any(look_up.account == TARGET for look_up in again.looked_up)
    resent = only(await again.takes(InstrumentReported(TARGET, again.now, EURUSD.symbol, EURUSD)))
    assert resent == placed


async def test_an_order_that_was_moved_and_filled_while_we_were_down_is_found_by_its_position() -> None:
    desk, placed = await working()
    again = Desk(desk.ledger, links=[evolve(LINK, policy=MIRROR)], now=desk.now + timedelta(minutes=1))
    again.views[TARGET].takes_orders = True
    await again.polls(TARGET)
    moved = position(open_price=Price("1.3"), opened_at=again.now)
    assert await looks(again, moved) == []
    assert (again.book.get((LINK.link_id, moved.position_id)) or desk.copy).legs[0].cl_ord_id == placed.cl_ord_id


async def test_what_was_denied_before_a_restart_did_not_come_of_an_order_that_is_gone_after_it() -> None:
    policy = evolve(MIRROR, volume=VolumePolicy(min=BelowMin.DENY))
    desk, _ = await working(policy)
    tiny = position(volume=Decimal("0.001"), opened_at=desk.now)
    await looks(desk, tiny, orders=(order(),))
    await looks(desk, tiny, orders=(order(),), after_s=3)
    assert copy_of(desk, "p1").reason is Reason.VOLUME_BELOW_MIN
    again = Desk(desk.ledger, links=[evolve(LINK, policy=policy)], now=desk.now + timedelta(seconds=1))
    again.views[TARGET].takes_orders = True
    await again.polls(TARGET)
    await looks(again, tiny)
    assert (copy_of(again, "p1").reason, copy_of(again, "p1").legs) == (Reason.VOLUME_BELOW_MIN, ())


async def test_a_mirrored_order_is_looked_at_once_when_its_grace_is_over() -> None:
    desk, _orders = await early(evolve(MIRROR, mirror=Mirror(early=Early.KEEP)))
    for _ in range(3):
        due = desk.engine.due_at()
        assert due is None or due > desk.now, "a timer in the past would be asked for ever"
        await waits(desk, 5)


async def test_what_never_left_when_the_source_is_filled_is_opened_at_market_at_once() -> None:
    desk = await desk_with()
    placed = only(await told(desk))
    await desk.reports(NotSent(placed.cl_ord_id, "too many requests", desk.now + timedelta(seconds=30)))
    await ends(desk, OrderStatus.FILLED, "p1")
    assert isinstance(only(await desk.sees(position())), OpenPosition)


async def test_a_mirrored_order_is_told_in_words() -> None:
    desk, placed = await working()
    assert copy_words(desk.copy) == "waits for 1, as the source's order does"
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(fill(placed))
    assert copy_words(desk.copy) == "holds 1"
    assert copy_of(desk, "order:1").order is not None
    shown = show_copy(desk.copy)
    assert (shown.source_position, shown.source_order) == ("order:1", "1")
    assert {because_words(each) for each in ("order", ORDER_GONE, "order filled")} == {
        "the source's pending order changed",
        "our pending order works no more",
        "the source's pending order was filled",
    }


async def test_a_cancel_that_is_refused_or_not_sent_is_asked_again_after_a_pause_that_grows() -> None:
    desk, placed = await working()
    gone = only(await ends(desk, OrderStatus.CANCELED))
    for pause in (1, 2):
        assert await desk.reports(NotSent(gone.cl_ord_id, "no way there")) == []
        assert await waits(desk, pause - 0.1) == []
        gone = only(await waits(desk, 0.1))
        assert isinstance(gone, CancelOrder)
    for pause in (8, 16):
        assert await desk.reports(Rejected(gone.cl_ord_id, "the market is closed")) == []
        assert await desk.reports(Placed(placed.cl_ord_id, OURS)) == [], "it works still"
        assert await waits(desk, pause - 0.1) == []
        gone = only(await waits(desk, 0.1))
        assert isinstance(gone, CancelOrder)


LIFE = timedelta(hours=1)
SHORT = evolve(MIRROR, mirror=Mirror(max_life=LIFE))


async def test_an_order_that_has_waited_for_long_enough_is_taken_off_and_its_position_not_copied() -> None:
    desk, placed = await working(SHORT)
    assert placed.expires_at is None, "this venue ends none by itself"
    assert await waits(desk, 3599) == []
    gone = only(await waits(desk, 1))
    assert isinstance(gone, CancelOrder)
    await desk.reports(Canceled(gone.cl_ord_id), Canceled(placed.cl_ord_id))
    assert (desk.copy.ending, desk.copy.reason) == (Ending.FLATTENED, Reason.PENDING_EXPIRED)
    assert await told(desk, price=Decimal("1.09"), volume=Decimal(2)) == [], "it is not placed again"
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    assert copy_of(desk, "p1").reason is Reason.PENDING_ENDED


async def test_its_position_is_closed_where_it_was_filled_while_it_was_taken_off() -> None:
    desk, placed = await working(SHORT)
    gone = only(await waits(desk, 3600))
    await ends(desk, OrderStatus.FILLED, "p1")
    assert await desk.sees(position()) == []
    await desk.reports(Rejected(gone.cl_ord_id, "it works no more"))
    assert isinstance(only(await desk.reports(fill(placed))), ClosePosition)


async def test_what_was_filled_has_no_life_to_end() -> None:
    desk, placed = await working(evolve(SHORT, mirror=Mirror(max_life=LIFE, early=Early.KEEP)))
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(fill(placed))
    assert await waits(desk, 7200) == []
    assert desk.copy.expected == 1


async def test_a_restart_remembers_how_long_it_has_waited() -> None:
    desk, _ = await working(SHORT)
    again = Desk(desk.ledger, links=[evolve(LINK, policy=SHORT)], now=desk.now + LIFE - timedelta(seconds=1))
    again.views[TARGET].takes_orders = True
    await again.polls(TARGET)
    assert await looks(again, orders=(order(),)) == []
    assert isinstance(only(await waits(again, 1)), CancelOrder)


@pytest.mark.parametrize(("source_s", "ends_s"), [(None, 3600), (7200, 3600), (60, 60)])
async def test_a_venue_that_ends_orders_by_itself_is_told_when(source_s: int | None, ends_s: int) -> None:
    desk = await desk_with(SHORT)
    desk.views[TARGET].orders_expire = True
    its_end = None if source_s is None else desk.now + timedelta(seconds=source_s)
    placed = only(await told(desk, expires_at=its_end))
    assert isinstance(placed, PlaceOrder)
    assert placed.expires_at == desk.now + timedelta(seconds=ends_s)
    await desk.reports(Placed(placed.cl_ord_id, OURS))
    desk.now += timedelta(seconds=1)
    moved = only(await told(desk, expires_at=its_end, price=Decimal("1.05")))
    assert isinstance(moved, ReplaceOrder), "its end is no other one for that"
