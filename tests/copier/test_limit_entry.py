"""A late signal as a limit order in a running engine: placed, filled, given up, taken off, never doubled."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.engine.inputs import Pulled
from copier.ledger.records import DecisionRecord, LeverRecord
from copier.telling.wording import copy_words
from rules.model.actions import Action, CancelOrder, ClosePosition, OpenPosition, PlaceOrder
from rules.model.copies import Ending, LegStage
from rules.model.events import OrderEnded, Origin, QuoteReported, SnapshotReceived
from rules.model.levers import SetAccount, SetLink, TradingState
from rules.model.observed import Position, Quote
from rules.model.reasons import Reason
from rules.model.reports import Canceled, Filled, NotFound, NotSent, OutcomeUnknown, Placed, Rejected
from rules.model.trace import Denied
from rules.model.values import OmsType, OrderType, PositionId, Side, VenueOrderId
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.guard import Guard, OnDeviation
from rules.policy.links import CopyPolicy, LinkState
from rules.times.schedule import Schedule, Window
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD

PIPS = Distance(Decimal(5), DistanceUnit.PIPS)
GUARD = Guard(max_deviation=PIPS, on_deviation=OnDeviation.LIMIT, limit_for=timedelta(minutes=1))
POLICY = CopyPolicy("late", guard=GUARD)
OURS = VenueOrderId("t1")


async def quoted(desk: Desk, bid: str, ask: str) -> list[Action]:
    quote = Quote(EURUSD.symbol, Decimal(bid), Decimal(ask), desk.now)
    return await desk.takes(QuoteReported(TARGET, desk.now, quote))


async def desk_with(policy: CopyPolicy = POLICY, ask: str = "1.1010", **more: object) -> Desk:
    """Return a desk whose target is quoted ten pips above the source's 1.1."""
    desk = Desk(links=[evolve(LINK, policy=policy)], **more)  # type: ignore[arg-type]
    desk.views[TARGET].takes_orders = True
    await desk.ready()
    await quoted(desk, "1.1009", ask)
    return desk


def signal(**changes: object) -> Position:
    return evolve(source_position("p1"), open_price=Decimal("1.1"), **changes)


async def working(policy: CopyPolicy = POLICY, **changes: object) -> tuple[Desk, PlaceOrder]:
    desk = await desk_with(policy)
    [placed] = await desk.sees(signal(**changes))
    assert isinstance(placed, PlaceOrder)
    assert await desk.reports(Placed(placed.cl_ord_id, OURS)) == []
    return desk, placed


def fill(placed: PlaceOrder) -> Filled:
    return Filled(placed.cl_ord_id, PositionId("tp"), placed.volume, placed.price, OURS)


async def waits(desk: Desk, seconds: float) -> list[Action]:
    desk.now += timedelta(seconds=seconds)
    return await desk.takes()


def only(actions: list[Action]) -> Action:
    [action] = actions
    return action


async def test_a_price_too_far_away_waits_at_the_sources() -> None:
    desk, placed = await working(stop_loss=Decimal("1.09"))
    shown = (placed.side, placed.order_type, placed.volume, placed.price, placed.stop_loss, placed.expires_at)
    assert shown == (Side.BUY, OrderType.LIMIT, 1, Decimal("1.1"), Decimal("1.09"), None)
    assert desk.views[TARGET].volume == 1, "limits count it"
    assert copy_words(desk.copy) == "waits for 1 at the source's price"
    [decided, *_] = [each for each in desk.records("decision") if isinstance(each, DecisionRecord)]
    outcomes = [each.outcome for each in decided.trace if not isinstance(each, Denied)]
    assert outcomes[0] == "waits at the source's price"


async def test_a_price_within_the_guard_is_taken_at_market() -> None:
    desk = await desk_with(ask="1.1005")
    assert isinstance(only(await desk.sees(signal())), OpenPosition)


async def test_its_fill_is_the_copy() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    assert desk.looked_for == [placed]
    assert await desk.reports(fill(placed)) == []
    assert (desk.copy.expected, copy_words(desk.copy)) == (1, "holds 1")
    assert await waits(desk, 120) == [], "its time is over, and it holds"
    closed = only(await desk.closes("p1"))
    assert isinstance(closed, ClosePosition)
    assert closed.position_id == "tp"


async def test_what_is_not_filled_in_time_is_given_up_for_good() -> None:
    desk, placed = await working()
    assert await waits(desk, 59) == []
    gone = only(await waits(desk, 1.1))
    assert isinstance(gone, CancelOrder)
    await desk.reports(Canceled(gone.cl_ord_id))
    assert desk.looked_for == [placed], "it may have been filled a moment before"
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert (desk.copy.ending, desk.copy.reason) == (Ending.DENIED, Reason.LIMIT_NOT_FILLED)
    await quoted(desk, "1.0999", "1.1")
    assert await desk.sees(signal(stop_loss=Decimal("1.08"))) == []


async def test_what_was_filled_while_it_was_given_up_is_kept() -> None:
    desk, placed = await working()
    gone = only(await waits(desk, 60.1))
    await desk.reports(Rejected(gone.cl_ord_id, "it works no more"))
    assert await desk.reports(fill(placed)) == []
    assert desk.copy.expected == 1


async def test_a_source_that_closes_takes_it_off_and_what_was_filled_meanwhile_is_closed() -> None:
    desk, placed = await working()
    gone = only(await desk.closes("p1"))
    assert isinstance(gone, CancelOrder)
    await desk.reports(Canceled(gone.cl_ord_id))
    assert isinstance(only(await desk.reports(fill(placed))), ClosePosition)
    desk, placed = await working()
    gone = only(await desk.closes("p1"))
    await desk.reports(Canceled(gone.cl_ord_id))
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert list(desk.book.all()) == []


async def test_a_source_that_reduces_ends_the_wait() -> None:
    desk, placed = await working()
    gone = only(await desk.sees(signal(volume=Decimal("0.4"))))
    assert isinstance(gone, CancelOrder), "filled it would be too much"
    await desk.reports(Canceled(gone.cl_ord_id))
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert desk.copy.reason is Reason.LIMIT_NOT_FILLED


@pytest.mark.parametrize(
    "lever",
    [SetLink(LINK.link_id, LinkState.PAUSED), SetAccount(TARGET, TradingState.HALTED)],
)
async def test_what_forbids_new_risk_takes_it_off(lever: SetLink | SetAccount) -> None:
    desk, _ = await working()
    orders = await desk.takes(Pulled(LeverRecord(lever, "anna", "storm"), lambda _: None))
    assert isinstance(only(orders), CancelOrder)


async def test_a_schedule_that_closes_takes_it_off() -> None:
    minute = Schedule("minute", "UTC", (Window("0 12 * * *", timedelta(seconds=30)),))
    desk, _ = await working(evolve(POLICY, schedule=minute))
    assert isinstance(only(await waits(desk, 30)), CancelOrder)


async def test_an_answer_that_is_lost_places_nothing_again_until_it_is_proven_to_have_never_been() -> None:
    desk = await desk_with()
    placed = only(await desk.sees(signal()))
    assert await desk.reports(OutcomeUnknown(placed.cl_ord_id, "no answer")) == []
    assert await desk.sees(signal(stop_loss=Decimal("1.08"))) == []
    again = only(await desk.reports(NotFound(placed.cl_ord_id)))
    assert isinstance(again, PlaceOrder)
    assert again.cl_ord_id == placed.cl_ord_id
    await desk.reports(OutcomeUnknown(again.cl_ord_id, "no answer"))
    assert await waits(desk, 61) == [], "nobody knows yet"
    gone = only(await desk.reports(Placed(placed.cl_ord_id, OURS)))
    assert isinstance(gone, CancelOrder)


async def test_what_never_left_is_sent_again_within_its_time_only() -> None:
    desk = await desk_with(evolve(POLICY, guard=evolve(GUARD, limit_for=timedelta(seconds=3))))
    placed = only(await desk.sees(signal()))
    await desk.reports(NotSent(placed.cl_ord_id, "too many requests"))
    assert only(await waits(desk, 1)) == placed
    assert desk.engine.wanted(placed)
    await desk.reports(NotSent(placed.cl_ord_id, "too many requests"))
    assert await waits(desk, 2) == []
    assert not desk.engine.wanted(placed)
    assert desk.copy.reason is Reason.LIMIT_NOT_FILLED


async def test_a_venue_that_ends_orders_by_itself_is_told_when_and_its_end_is_no_alert() -> None:
    desk = await desk_with()
    desk.views[TARGET].orders_expire = True
    placed = only(await desk.sees(signal()))
    assert isinstance(placed, PlaceOrder)
    assert placed.expires_at == desk.now + timedelta(minutes=1)
    await desk.reports(Placed(placed.cl_ord_id, OURS))
    desk.now += timedelta(seconds=59)
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert (desk.copy.reason, desk.alerts) == (Reason.LIMIT_NOT_FILLED, [])
    assert desk.copy.legs[0].stage is LegStage.CLOSED
    for _ in range(3):
        desk.now += timedelta(seconds=30)
        await desk.takes(SnapshotReceived(TARGET, desk.now, (), Origin.RECONCILED, desk.now, orders=()))
    assert desk.records("mismatch") == []


async def test_what_somebody_takes_off_stays_off() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    assert await desk.reports(Canceled(placed.cl_ord_id)) == []
    assert (desk.copy.ending, desk.alerts) == (Ending.TARGET_CLOSED, ["target.closed"])


async def test_a_restart_gives_up_in_time_and_takes_what_was_filled_meanwhile() -> None:
    desk, _ = await working()
    again = Desk(desk.ledger, links=[evolve(LINK, policy=POLICY)], now=desk.now + timedelta(seconds=50))
    again.views[TARGET].takes_orders = True
    await again.polls(TARGET)
    assert await again.polls(SOURCE, signal()) == []
    assert isinstance(only(await waits(again, 11)), CancelOrder)


@pytest.mark.parametrize(
    ("source", "target", "takes"),
    [
        (OmsType.NETTING, OmsType.HEDGING, True),
        (OmsType.HEDGING, OmsType.NETTING, True),
        (OmsType.HEDGING, OmsType.HEDGING, False),
    ],
)
async def test_where_it_cannot_wait_it_is_denied(source: OmsType, target: OmsType, takes: bool) -> None:
    desk = await desk_with()
    desk.views[SOURCE].oms, desk.views[TARGET].oms, desk.views[TARGET].takes_orders = source, target, takes
    assert await desk.sees(signal()) == []
    assert desk.copy.reason is Reason.PRICE_DEVIATION


async def test_a_reversed_copy_waits_on_its_own_side() -> None:
    desk = await desk_with(evolve(POLICY, reverse=True))
    await quoted(desk, "1.0989", "1.0990")
    placed = only(await desk.sees(signal()))
    assert isinstance(placed, PlaceOrder)
    assert (placed.side, placed.order_type, placed.price) == (Side.SELL, OrderType.LIMIT, Decimal("1.1"))


async def test_what_a_start_finds_is_judged_by_the_start_policy() -> None:
    start = evolve(POLICY.on_start, max_deviation=PIPS)
    desk = Desk(links=[evolve(LINK, policy=evolve(POLICY, on_start=start))])
    desk.views[TARGET].takes_orders = True
    await desk.polls(TARGET)
    await quoted(desk, "1.1009", "1.1010")
    assert await desk.polls(SOURCE, signal(opened_at=desk.now)) == []
    assert desk.copy.reason is Reason.DENIED_STALE
