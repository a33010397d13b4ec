"""Stops of netted positions through the engine: set, moved with their sources, tried again, and never fought."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.engine.net_stops import AGAIN
from rules.deciding.settling import STOPS_TRIES
from rules.model.actions import ReplaceStops
from rules.model.observed import Position
from rules.model.values import OmsType, PositionId, Side
from rules.policy.links import CopyPolicy
from rules.policy.stops import Aggregate
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

P1 = source_position("p1", stop_loss=Decimal("1.05"), take_profit=Decimal("1.3"))
P2 = source_position("p2", volume="3", stop_loss=Decimal("1.07"))
SHORT = source_position("p3", volume="0.5", side=Side.SELL, stop_loss=Decimal("1.2"))


def desk_of(aggregate: Aggregate) -> Desk:
    return Desk(links=[evolve(LINK, policy=CopyPolicy("sum", aggregate=aggregate))], oms=OmsType.NETTING)


def net(volume: str, stop_loss: str | None = None, take_profit: str | None = None) -> Position:
    prices = [None if each is None else Decimal(each) for each in (stop_loss, take_profit)]
    position = source_position("n1", volume=volume)
    return evolve(position, position_id=PositionId("n1"), stop_loss=prices[0], take_profit=prices[1])


async def holding(aggregate: Aggregate, *positions: Position) -> Desk:
    desk = await desk_of(aggregate).ready()
    for position in positions:
        assert shape(await desk.fills(await desk.sees(position))) == []
    return desk


async def looks(desk: Desk, *positions: Position) -> list[tuple[str, str]]:
    """Let the books, asked long enough after the last look, show these; what is set is taken by the venue."""
    desk.now += AGAIN
    orders = await desk.polls(TARGET, *positions)
    await desk.fills(orders)
    return shape(orders)


@pytest.mark.parametrize(("aggregate", "stop_loss"), [(Aggregate.TIGHTEST, "1.07"), (Aggregate.WEIGHTED, "1.06500")])
async def test_the_sum_gets_one_pair_of_stops(aggregate: Aggregate, stop_loss: str) -> None:
    desk = await holding(aggregate, P1, P2, SHORT)
    [order] = await desk.polls(TARGET, net("3.5"))
    assert isinstance(order, ReplaceStops)
    assert (order.position_id, order.side) == ("n1", Side.BUY)
    assert (order.stop_loss, order.take_profit) == (Decimal(stop_loss), Decimal("1.3"))


async def test_without_the_key_it_gets_none() -> None:
    desk = await holding(Aggregate.NONE, P1, P2)
    assert await looks(desk, net("4")) == []


async def test_they_follow_what_the_sources_do() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1, P2)
    assert await looks(desk, net("4")) == [("stops", "1.07")]
    assert await looks(desk, net("4", "1.07", "1.3")) == []
    await desk.sees(evolve(P2, stop_loss=Decimal("1.08")))
    assert await looks(desk, net("4", "1.07", "1.3")) == [("stops", "1.08")]
    await desk.fills(await desk.closes("p2"))
    assert await looks(desk, net("1", "1.08", "1.3")) == [("stops", "1.05")]


async def test_a_stop_that_no_copy_asks_for_any_more_is_removed() -> None:
    desk = await holding(Aggregate.TIGHTEST, P2)
    await looks(desk, net("3"))
    await desk.sees(evolve(P2, stop_loss=None))
    assert await looks(desk, net("3", "1.07")) == [("stops", "None")]
    assert await looks(desk, net("3")) == []


async def test_nothing_is_set_while_an_order_is_under_way_or_lots_of_others_are_in_it() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1)
    assert await looks(desk, net("5")) == [], "four lots are somebody else's"
    await desk.sees(P2)
    assert await looks(desk, net("1")) == [], "three are under way"


async def test_what_the_books_do_not_show_is_asked_for_again_and_told_at_last() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1)
    for _ in range(STOPS_TRIES):
        assert desk.alerts == []
        assert await looks(desk, net("1")) == [("stops", "1.05")]
    assert await looks(desk, net("1")) == []
    assert desk.alerts == ["stop_loss"]
    ids = {order.cl_ord_id for order in desk.sent if isinstance(order, ReplaceStops)}
    assert len(ids) == STOPS_TRIES, "each try has an id of its own"


async def test_a_look_right_after_the_order_asks_for_nothing() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1)
    assert shape(await desk.polls(TARGET, net("1"))) == [("stops", "1.05")]
    desk.now += timedelta(seconds=5)
    assert await desk.polls(TARGET, net("1")) == []


async def test_what_a_person_moves_is_left() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1)
    await looks(desk, net("1"))
    await looks(desk, net("1", "1.05", "1.3"))
    for _ in range(3):
        assert await looks(desk, net("1", "1.02", "1.3")) == []
    await desk.sees(evolve(P1, stop_loss=Decimal("1.06")))
    assert await looks(desk, net("1", "1.02", "1.3")) == [("stops", "1.06")]


async def test_a_stop_that_ends_with_the_session_is_entered_anew_and_without_a_take_profit() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1)
    desk.views[TARGET].stop_loss_lasts = desk.views[TARGET].keeps_take_profit = False
    await looks(desk, net("1"))
    assert await looks(desk, net("1", "1.05")) == []
    desk.now += timedelta(hours=16)
    [order] = await desk.polls(TARGET, net("1"))
    assert isinstance(order, ReplaceStops)
    assert (order.stop_loss, order.take_profit) == (Decimal("1.05"), None)


async def test_a_source_that_is_not_seen_yet_changes_nothing() -> None:
    desk = await holding(Aggregate.TIGHTEST, P1, P2)
    await looks(desk, net("4"))
    policy = CopyPolicy("sum", aggregate=Aggregate.TIGHTEST)
    links = [evolve(LINK, policy=policy)]
    again = Desk(desk.ledger, links=links, oms=OmsType.NETTING, now=desk.now + timedelta(minutes=1))
    assert await looks(again, net("4", "1.02", "1.3")) == []
