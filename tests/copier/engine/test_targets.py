"""A target's books against our records: two looks before a finding counts, and nothing of others is touched."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.ledger.records import TARGET_CLOSED_IT, DecisionRecord
from rules.limits.policy import Cap, CapKind, Limit
from rules.limits.terms import FlattenScope, LimitKind, Percent
from rules.model.actions import ClosePosition, ReplaceStops
from rules.model.copies import CopyStatus, Ending, LegStage
from rules.model.events import Origin, SnapshotReceived
from rules.model.observed import AccountStatus, Position
from rules.model.reports import Filled, NotFound, Rejected
from rules.model.values import OmsType, PositionId, Side, Symbol
from rules.policy.links import CopyPolicy, OnTargetChange
from tests.copier.desk import LINK, SOURCE, TARGET, Desk, target_position
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

OURS = "cp" + "a" * 20
"""A tag of our shape that this ledger has never given."""


def foreign(position_id: str = "hand", **changes: object) -> Position:
    return evolve(source_position(position_id), **changes)


# What the target closed or changed


async def test_one_look_without_the_position_proves_nothing() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    desk.polled.clear()
    await desk.polls(TARGET)
    assert desk.copy.status is CopyStatus.ACTIVE
    assert TARGET in desk.polled, "the second look is asked for at once"


async def test_two_looks_without_the_position_end_the_copy() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    await desk.polls(TARGET)
    await desk.polls(TARGET)
    assert (desk.copy.status, desk.copy.ending) == (CopyStatus.ENDED, Ending.TARGET_CLOSED)


async def test_what_the_target_closed_at_once_is_taken_in_the_order_of_the_copies() -> None:
    desk = await Desk().ready()
    names = [f"p{number}" for number in range(12)]
    for name in names:
        await desk.copied(source_position(name))
    await desk.polls(TARGET)
    await desk.polls(TARGET)
    decided = [record for record in desk.records("decision") if isinstance(record, DecisionRecord)]
    closed = [record.copy for record in decided if record.because == TARGET_CLOSED_IT]
    assert [copy.source_position_id for copy in closed if copy.status is CopyStatus.ACTIVE] == names


async def test_what_the_target_closed_is_opened_again_once_where_the_policy_says_so() -> None:
    desk = await Desk(links=[evolve(LINK, policy=CopyPolicy("again", reopen=1))]).ready()
    await desk.copied(source_position())
    await desk.polls(TARGET)
    [opening] = await desk.polls(TARGET)
    assert shape([opening]) == [("open", "1.00")]
    await desk.fills([opening])
    desk.now += timedelta(minutes=1)
    await desk.polls(TARGET)
    assert await desk.polls(TARGET) == []
    assert desk.copy.ending is Ending.TARGET_CLOSED


async def test_a_position_that_is_back_at_the_second_look_was_never_gone() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    for _ in range(5):
        await desk.polls(TARGET)
        await desk.polls(TARGET, held)
    assert desk.copy.status is CopyStatus.ACTIVE
    assert shape(await desk.closes()) == [("close", "1.00")]


async def test_books_that_were_asked_for_before_the_fill_say_nothing_about_it() -> None:
    desk = await Desk().ready()
    asked_at = desk.now
    await desk.copied(source_position())
    for _ in range(3):
        await desk.takes(SnapshotReceived(TARGET, desk.now, (), Origin.RECONCILED, asked_at))
    assert desk.copy.status is CopyStatus.ACTIVE


async def test_what_a_hand_took_away_is_the_base_from_then_on() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    half = evolve(held, volume=Decimal("0.5"))
    await desk.polls(TARGET, half)
    assert await desk.polls(TARGET, half) == [], "it is not fought"
    assert shape(await desk.sees(source_position(volume="0.5"))) == [("reduce", "0.25")]


def minding(on_change: OnTargetChange, **changes: object) -> Desk:
    policy = CopyPolicy("minds", on_target_change=on_change, **changes)  # type: ignore[arg-type]  # keys of a policy
    return Desk(links=[evolve(LINK, policy=policy)])


async def test_lots_that_a_hand_took_away_are_opened_again_once_and_told() -> None:
    desk = await minding(OnTargetChange.RESTORE).ready()
    held = await desk.copied(source_position())
    half = evolve(held, volume=Decimal("0.5"))
    assert await desk.polls(TARGET, half) == [], "one look proves nothing"
    [opening] = await desk.polls(TARGET, half)
    assert shape([opening]) == [("open", "0.50")]
    await desk.fills([opening])
    rest = target_position(desk, opening, source_position())
    rest = evolve(rest, volume=Decimal("0.5"))
    assert desk.alerts == ["target.changed"]
    fewer = evolve(rest, volume=Decimal("0.2"))
    desk.now += timedelta(minutes=1)
    await desk.polls(TARGET, half, fewer)
    assert await desk.polls(TARGET, half, fewer) == [], "it is not fought"
    assert shape(await desk.closes()) == [("close", "0.5"), ("close", "0.2")]


async def test_lots_that_a_gate_refuses_to_open_again_are_left_and_followed() -> None:
    desk = await minding(OnTargetChange.RESTORE).ready()
    held = await desk.copied(source_position())
    desk.views[TARGET].halted = "by hand"
    half = evolve(held, volume=Decimal("0.5"))
    await desk.polls(TARGET, half)
    assert await desk.polls(TARGET, half) == []
    desk.views[TARGET].halted = None
    desk.now += timedelta(minutes=5)
    assert await desk.polls(TARGET, half) == [], "a denial is final"
    assert await desk.sees(source_position(volume="0.6")) == [], "0.5 is less than 0.6"
    assert shape(await desk.sees(source_position(volume="0.3"))) == [("reduce", "0.20")]


async def test_stops_that_a_hand_moved_are_set_again_once() -> None:
    desk = await minding(OnTargetChange.RESTORE).ready()
    held = await desk.copied(source_position(stop_loss=Decimal("1.09")))
    moved = evolve(held, stop_loss=Decimal("1.05"))
    await desk.polls(TARGET, moved)
    [order] = await desk.polls(TARGET, moved)
    assert isinstance(order, ReplaceStops)
    assert order.stop_loss == Decimal("1.09")
    await desk.fills([order])
    desk.now += timedelta(minutes=1)
    await desk.polls(TARGET, moved)
    assert await desk.polls(TARGET, moved) == [], "what is changed again is left"
    assert desk.alerts == ["target.changed"]


async def test_what_was_put_back_is_remembered_over_a_restart() -> None:
    desk = await minding(OnTargetChange.RESTORE).ready()
    held = await desk.copied(source_position(stop_loss=Decimal("1.09")))
    moved = evolve(held, stop_loss=Decimal("1.05"))
    await desk.polls(TARGET, moved)
    await desk.fills(await desk.polls(TARGET, moved))
    policy = CopyPolicy("minds", on_target_change=OnTargetChange.RESTORE)
    again = Desk(desk.ledger, links=[evolve(LINK, policy=policy)], now=desk.now + timedelta(minutes=1))
    await again.polls(SOURCE, source_position(stop_loss=Decimal("1.09")))
    await again.polls(TARGET, moved)
    assert await again.polls(TARGET, moved) == []


@pytest.mark.parametrize("on_change", [OnTargetChange.ADOPT, OnTargetChange.ALERT])
async def test_stops_that_a_hand_moved_are_left_and_told_once_where_the_policy_wants_it(
    on_change: OnTargetChange,
) -> None:
    desk = await minding(on_change).ready()
    held = await desk.copied(source_position(stop_loss=Decimal("1.09")))
    for stop_loss in ("1.05", "1.05", "1.04"):
        for _ in range(3):
            assert await desk.polls(TARGET, evolve(held, stop_loss=Decimal(stop_loss))) == []
    assert desk.alerts == (["target.changed"] * 2 if on_change is OnTargetChange.ALERT else [])


async def test_an_order_under_way_is_not_judged() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    await desk.sees(source_position(volume="0.5"))
    reduced = evolve(held, volume=Decimal("0.5"))
    for _ in range(3):
        await desk.polls(TARGET, reduced)
    assert desk.copy.legs[0].pending is not None
    assert desk.copy.legs[0].held == 1


# What executed late


async def test_an_opening_that_was_given_up_and_shows_at_two_looks_is_taken_back() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    await desk.reports(Rejected(order.cl_ord_id, "the venue took the order and its books show nothing of it"))
    late = foreign("t9", tag=order.cl_ord_id)
    await desk.polls(TARGET, late)
    assert desk.copy.status is CopyStatus.ENDED
    await desk.polls(TARGET, late)
    assert desk.copy.status is CopyStatus.ACTIVE
    assert desk.copy.legs[0].stage is LegStage.OPEN
    assert shape(await desk.closes()) == [("close", "1")]


async def test_a_late_execution_whose_source_is_gone_is_closed_after_two_looks() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    await desk.closes()
    await desk.reports(NotFound(order.cl_ord_id))
    assert len(desk.book) == 0
    late = foreign("t9", tag=order.cl_ord_id)
    assert await desk.polls(TARGET, late) == []
    [closing] = await desk.polls(TARGET, late)
    assert isinstance(closing, ClosePosition)
    assert closing.position_id == "t9"
    assert desk.alerts == ["orphan"]


async def test_books_older_than_our_close_make_neither_an_order_nor_an_alert() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    asked_at = desk.now
    await desk.fills(await desk.closes())
    assert await desk.takes(SnapshotReceived(TARGET, desk.now, (held,), Origin.RECONCILED, asked_at)) == []
    assert await desk.polls(TARGET) == []
    assert desk.alerts == []


# What nobody owns


async def test_a_foreign_position_is_never_touched() -> None:
    desk = await Desk(close_orphans=True).ready()
    for _ in range(3):
        assert await desk.polls(TARGET, foreign(), foreign("other", tag="someone-else", side=Side.SELL)) == []
    assert desk.alerts == []


async def test_an_orphan_is_alerted_once_and_left_alone() -> None:
    desk = await Desk().ready()
    for _ in range(4):
        assert await desk.polls(TARGET, foreign(tag=OURS)) == []
    assert desk.alerts == ["orphan"]


async def test_an_orphan_is_closed_where_the_person_asked_for_it() -> None:
    desk = await Desk(close_orphans=True).ready()
    await desk.polls(TARGET, foreign(tag=OURS))
    closing = await desk.polls(TARGET, foreign(tag=OURS))
    assert shape(closing) == [("close", "1")]
    assert await desk.polls(TARGET, foreign(tag=OURS)) == [], "asked once"


async def test_an_adopted_position_is_forgotten_when_it_is_gone() -> None:
    desk = await Desk(close_orphans=True).ready()
    await desk.polls(TARGET, foreign(tag=OURS))
    await desk.fills(await desk.polls(TARGET, foreign(tag=OURS)))
    await desk.polls(TARGET)
    assert len(desk.book) == 0


async def test_a_refused_close_of_an_adopted_position_is_tried_again_also_after_a_restart() -> None:
    desk = await Desk(close_orphans=True).ready()
    await desk.polls(TARGET, foreign(tag=OURS))
    [closing] = await desk.polls(TARGET, foreign(tag=OURS))
    await desk.reports(Rejected(closing.cl_ord_id, "market closed"))
    after = Desk(desk.ledger, now=desk.now + timedelta(seconds=10))
    assert shape(await after.polls(TARGET, foreign(tag=OURS))) == [("close", "1")]


async def test_an_adopted_position_that_comes_back_is_closed_again_under_a_new_id() -> None:
    desk = await Desk(close_orphans=True).ready()
    await desk.polls(TARGET, foreign(tag=OURS))
    [first] = await desk.polls(TARGET, foreign(tag=OURS))
    await desk.fills([first])
    await desk.polls(TARGET)
    assert len(desk.book) == 0
    await desk.polls(TARGET, foreign(tag=OURS))
    [second] = await desk.polls(TARGET, foreign(tag=OURS))
    assert shape([second]) == [("close", "1")]
    assert second.cl_ord_id != first.cl_ord_id


async def test_a_foreign_position_that_a_limit_closed_and_the_books_still_show_is_closed_again() -> None:
    everything = Limit("all", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.05")), scope=FlattenScope.ACCOUNT)
    desk = await Desk(limits=[everything]).ready()
    broke = AccountStatus(Decimal(100_000), Decimal(90_000), "USD")
    await desk.polls(TARGET, foreign(), status=broke)
    [first] = await desk.polls(TARGET, foreign(), status=broke)
    asked_at = desk.now
    await desk.fills([first])
    stale = SnapshotReceived(TARGET, desk.now, (foreign(),), Origin.RECONCILED, asked_at)
    assert await desk.takes(stale) + await desk.takes(stale) == [], "the books were asked for before the close"
    orders = [order for _ in range(3) for order in await desk.polls(TARGET, foreign(), status=broke)]
    assert shape(orders) == [("close", "1")]
    assert orders[0].cl_ord_id != first.cl_ord_id


async def test_an_order_that_the_venue_executed_twice_is_told_and_the_second_position_closed() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    double = evolve(held, position_id=PositionId("t9"))
    await desk.polls(TARGET, held, double)
    [closing] = await desk.polls(TARGET, held, double)
    assert isinstance(closing, ClosePosition)
    assert closing.position_id == "t9"
    assert desk.alerts == ["orphan"]
    await desk.fills([closing])
    for _ in range(3):
        assert await desk.polls(TARGET, held) == []
    assert shape(await desk.closes()) == [("close", "1.00")], "the first one is still ours"


# Netting targets: a tag says who opened the position, not whose its lots are


async def test_lots_that_a_hand_added_to_our_netted_position_stay_when_we_close_ours() -> None:
    desk = await Desk(oms=OmsType.NETTING, close_orphans=True).ready()
    held = await desk.copied(source_position())
    both = evolve(held, volume=Decimal(3))
    assert await desk.polls(TARGET, both) == []
    closing = await desk.closes()
    assert shape(closing) == [("close", "1.00")]
    await desk.fills(closing)
    rest = evolve(held, volume=Decimal(2))
    for _ in range(4):
        assert await desk.polls(TARGET, rest) == []


async def test_a_netted_position_that_nobody_accounts_for_is_alerted_and_not_closed() -> None:
    desk = await Desk(oms=OmsType.NETTING, close_orphans=True).ready()
    for _ in range(4):
        assert await desk.polls(TARGET, foreign(tag=OURS)) == []
    assert desk.alerts == ["orphan"]


async def test_a_netted_position_that_went_away_ends_all_its_copies() -> None:
    desk = await Desk(oms=OmsType.NETTING).ready()
    for number in (1, 2):
        [order] = await desk.sees(source_position(f"p{number}"))
        await desk.fills([order])
    for _ in range(2):
        await desk.polls(TARGET)
    assert {copy.ending for copy in desk.book.all()} == {Ending.TARGET_CLOSED}


async def test_legs_that_cancel_each_other_are_not_lost_because_a_hand_trades_beside_them() -> None:
    desk = await Desk(oms=OmsType.NETTING).ready()
    for position in (source_position("p1"), source_position("p2", side=Side.SELL)):
        await desk.fills(await desk.sees(position))
    for _ in range(3):
        await desk.polls(TARGET, foreign(position_id=PositionId("hand"), volume=Decimal(2)))
    assert {copy.status for copy in desk.book.all()} == {CopyStatus.ACTIVE}


async def test_a_leg_that_others_offset_is_closed_with_what_is_locked_and_the_turned_position_is_no_orphan() -> None:
    desk = await Desk(oms=OmsType.NETTING, close_orphans=True).ready()
    for position in (source_position("p1"), source_position("p2", side=Side.SELL, volume=Decimal(2))):
        await desk.fills(await desk.sees(position))
    turned = foreign(position_id=PositionId("turned"), side=Side.SELL, volume=Decimal(1), tag=OURS)
    for _ in range(3):
        assert await desk.polls(TARGET, turned) == []
    assert desk.alerts == []
    [order] = await desk.closes("p1")
    assert isinstance(order, ClosePosition)
    assert (order.side, order.volume, order.locked) == (Side.BUY, 1, 2)


async def test_a_close_that_nothing_offsets_has_nothing_locked() -> None:
    desk = await Desk(oms=OmsType.NETTING).ready()
    await desk.fills(await desk.sees(source_position("p1")))
    await desk.fills(await desk.sees(source_position("p2")))
    [order] = await desk.closes("p1")
    assert isinstance(order, ClosePosition)
    assert order.locked == 0


async def test_what_a_close_opened_since_a_stop_was_faster_is_closed_again_at_once() -> None:
    desk = await Desk(oms=OmsType.NETTING).ready()
    for position in (source_position("p1"), source_position("p2", side=Side.SELL, volume=Decimal(2))):
        await desk.fills(await desk.sees(position))
    [close] = await desk.closes("p1")
    assert isinstance(close, ClosePosition)
    opened = Filled(close.cl_ord_id, PositionId("t9"), close.volume, opened=close.volume)
    [again] = await desk.reports(opened)
    assert isinstance(again, ClosePosition)
    assert (again.position_id, again.side, again.volume) == ("t9", close.side.opposite, close.volume)
    assert desk.alerts == ["overtaken"]
    assert await desk.reports(opened) == [], "a report is taken once"
    desk = Desk(desk.ledger, oms=OmsType.NETTING, now=desk.now)
    await desk.ready()
    assert await desk.fills([again]) == []
    assert {copy.source_position_id for copy in desk.book.all() if copy.holds} == {"p2"}


async def test_a_second_close_that_is_overtaken_too_is_closed_in_its_turn() -> None:
    desk = await Desk(oms=OmsType.NETTING).ready()
    await desk.copied(source_position())
    [order] = await desk.closes()
    for number in range(3):
        assert isinstance(order, ClosePosition)
        side = order.side
        [order] = await desk.reports(Filled(order.cl_ord_id, PositionId(f"t{number}"), Decimal(1), opened=Decimal(1)))
        assert isinstance(order, ClosePosition)
        assert order.side is side.opposite
    assert await desk.fills([order]) == []
    assert not any(copy.holds for copy in desk.book.all())


# What caps of the account count


async def test_what_others_hold_counts_for_the_accounts_caps() -> None:
    desk = await Desk().ready()
    view = desk.engine.views[TARGET]
    view.caps = (Cap(TARGET, CapKind.MAX_POSITIONS, Decimal(9)),)
    held = await desk.copied(source_position())
    await desk.polls(TARGET, held, foreign(), foreign("hand-2", volume=Decimal("0.5")))
    assert (view.copies, view.foreign) == (1, 2)
    assert view.foreign_volume == foreign().volume + Decimal("0.5")
    await desk.polls(TARGET, held)
    assert (view.foreign, view.foreign_volume) == (0, Decimal(0))


async def test_of_a_netted_position_only_what_is_beyond_our_legs_counts_for_the_caps() -> None:
    desk = await Desk(oms=OmsType.NETTING).ready()
    view = desk.engine.views[TARGET]
    view.caps = (Cap(TARGET, CapKind.MAX_POSITIONS, Decimal(9)),)
    held = await desk.copied(source_position())
    await desk.polls(TARGET, evolve(held, volume=Decimal(3)), foreign("other", symbol=Symbol("GBPUSD")))
    assert (view.foreign, view.foreign_volume) == (1, 2 + foreign().volume)
    [order] = await desk.sees(source_position("p2"))
    await desk.polls(TARGET, evolve(held, volume=held.volume + order.volume))
    assert (view.foreign, view.foreign_volume) == (0, 0), "an order under way may have been executed"
