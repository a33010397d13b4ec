"""Pending orders as they are sent: once, as asked, refused in the venue's words, found after lost answers."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import RequestNotSent, SessionLost, Throttled
from adapters.simulation.records import Result
from copier.service.dispatch import judge_by_books
from rules.model.actions import Action, CancelOrder, ReplaceOrder
from rules.model.observed import WorkingOrder
from rules.model.reports import Canceled, Filled, NotFound, NotSent, Placed, Rejected, Replaced, Report
from rules.model.values import OrderType, Side, Symbol, VenueOrderId
from tests.conformance.actions import EURUSD, XAUUSD, opening, rejected, settled, tag
from tests.conformance.actions import opened as opened_at_market
from tests.conformance.mirror import same_positions
from tests.conformance.pending import (
    AWAY,
    LIMIT,
    STOP,
    by_hand,
    canceling,
    moving,
    opened_by,
    placed,
    placing,
    quote,
    same_orders,
    stops,
)
from tests.conformance.venues import HOST, PORT, World, has, states

EACH_KIND = pytest.mark.parametrize(("side", "order_type"), list(AWAY))
MAKERS = pytest.mark.parametrize("make", [lambda order: moving(order, "1.14"), canceling])


async def lost(world: World, action: Action) -> None:
    """Submit an action and check that its outcome is called unknown."""
    with pytest.raises(SessionLost) as error:
        await world.account.submit(action)
    assert not isinstance(error.value, RequestNotSent)


async def judged(world: World, action: ReplaceOrder | CancelOrder) -> Report | None:
    """Return what the books say of a change without an answer, as the dispatcher reads them."""
    snapshot, _ = await world.account.snapshot()
    return judge_by_books(action, snapshot)


# Placing


@EACH_KIND
async def test_a_placed_order_waits_in_the_books_once_as_asked_with_our_tag(
    placing_world: World, autojump_clock: MockClock, side: Side, order_type: OrderType
) -> None:
    world = placing_world
    wanted = stops(world, "1.05123", "1.25") if side is Side.BUY else stops(world, "1.25", "1.05123")
    action = placing(1, side, order_type, volume=Decimal("0.37"), **wanted)
    order = await placed(world, action)
    assert (order.symbol, order.side, order.order_type) == (EURUSD, side, order_type)
    assert (order.volume, order.price) == (Decimal("0.37"), action.price)
    assert {name: getattr(order, name) for name in wanted} == wanted
    assert order.limit_price is None
    assert order.expires_at is None or not has(world, "orders that last")
    assert world.book.working == {order.order_id: order}
    assert (world.book.orders, world.book.positions) == ([], {})
    snapshot, _ = await world.account.snapshot()
    assert same_orders(snapshot.orders, world)
    [shown] = snapshot.orders or ()
    assert shown.tag == tag() or not has(world, "tags")


@EACH_KIND
async def test_a_placed_order_that_fills_gives_a_position_that_is_found_by_its_tag(
    placing_world: World, autojump_clock: MockClock, side: Side, order_type: OrderType
) -> None:
    world = placing_world
    submitted_at = world.now()
    order = await placed(world, placing(1, side, order_type))
    quote(world, "1.14" if order.price < Decimal("1.16") else "1.18")
    position = opened_by(world, order)
    found = await world.account.find(tag(), submitted_at)
    assert isinstance(found, Filled)
    assert (found.position_id, found.volume) == (position.position_id, Decimal("0.30"))
    assert found.price in (None, position.open_price)
    assert found.venue_order_id in (None, order.order_id)
    snapshot, _ = await world.account.snapshot()
    assert (same_positions(snapshot.positions, world), snapshot.orders) == (True, ())
    assert [shown.tag for shown in snapshot.positions] == [tag() if has(world, "tags") else None]


@EACH_KIND
async def test_a_price_on_the_wrong_side_of_the_market_is_rejected(
    placing_world: World, autojump_clock: MockClock, side: Side, order_type: OrderType
) -> None:
    world = placing_world
    wrong = AWAY[side.opposite, order_type]
    action = placing(1, side, order_type, price=wrong)
    report = await settled(world, action, await world.account.submit(action))
    if not has(world, "refusals of reached prices"):
        assert isinstance(report, Filled)
        assert [each.volume for each in world.book.positions.values()] == [report.volume] == [action.volume]
        return
    rejected(report, "Invalid price")
    assert (world.book.working, world.book.positions) == ({}, {})
    found = await world.account.find(tag(), world.now() - timedelta(seconds=1))
    assert isinstance(found, Rejected | NotFound)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"volume": Decimal("0.37123")}, "Invalid volume"),
        ({"price": Decimal("1.123456789")}, "Invalid price"),
        ({"stop_loss": Decimal("1.2")}, "Invalid stops"),
        ({"symbol": Symbol("NO/SUCH?")}, ""),
    ],
)
async def test_what_the_venue_does_not_take_is_rejected_and_leaves_nothing(
    placing_world: World, autojump_clock: MockClock, words: dict[str, object], text: str
) -> None:
    world = placing_world
    action = placing(1, **words)
    if action.stop_loss is not None and not has(world, "stops"):
        pytest.skip(f"{world.venue} has no stops")
    report = await settled(world, action, await world.account.submit(action))
    if isinstance(report, Placed):  # where a venue fits a volume to its grid
        [order] = world.book.working.values()
        assert order.volume < action.volume
        states(world.venue, "snapped to the grid")
    else:
        rejected(report, text)
        assert world.book.working == {}
    assert world.book.positions == {}


async def test_any_words_of_refusal_come_through(wired_placing: World, autojump_clock: MockClock) -> None:
    assert wired_placing.faults is not None
    wired_placing.faults.reject("Märket is closed: \t\u202e 取引停止")
    action = placing()
    report = await settled(wired_placing, action, await wired_placing.account.submit(action))
    rejected(report, "Märket is closed")
    assert wired_placing.book.working == {}


@pytest.mark.parametrize(
    "words",
    [
        {"order_type": OrderType.STOP_LIMIT, "price": Decimal("1.17"), "limit_price": Decimal("1.165")},
        {"expires_at": timedelta(hours=1)},
    ],
)
async def test_what_a_venue_does_not_have_is_rejected_and_never_placed_as_something_else(
    placing_world: World, autojump_clock: MockClock, words: dict[str, object]
) -> None:
    world = placing_world
    lasts = words.get("expires_at")
    if isinstance(lasts, timedelta):
        words = {**words, "expires_at": world.now() + lasts}
    action = evolve(placing(), **words)
    report = await settled(world, action, await world.account.submit(action))
    if lasts is not None and has(world, "orders that last"):
        assert world.account.capabilities.orders_expire is isinstance(report, Placed)
    if isinstance(report, Placed):
        [order] = world.book.working.values()
        for name in ("order_type", "price", "limit_price"):
            assert getattr(order, name) == getattr(action, name)
        assert order.expires_at == action.expires_at or not (action.expires_at or has(world, "orders that last"))
        snapshot, _ = await world.account.snapshot()
        assert same_orders(snapshot.orders, world)
    else:
        assert isinstance(report, Rejected)
        assert (world.book.working, world.book.orders) == ({}, [])


async def test_orders_at_once_all_arrive_once(placing_world: World, autojump_clock: MockClock) -> None:
    world = placing_world
    if world.faults is not None:
        world.faults.delay_s = 0.2
    actions = [placing(n, *kind, volume=Decimal(n) / 100) for n, kind in enumerate([*AWAY, *AWAY], start=1)]
    reports = {}

    async def submit(action: Action) -> None:
        reports[action.cl_ord_id] = await settled(world, action, await world.account.submit(action))

    async with trio.open_nursery() as nursery:
        for action in actions:
            nursery.start_soon(submit, action)
    assert len(world.book.working) == len(actions)
    for action in actions:
        [order] = world.book.working_with_tag(action.cl_ord_id)
        assert (order.side, order.volume, order.price) == (action.side, action.volume, action.price)
        assert reports[action.cl_ord_id] == Placed(action.cl_ord_id, order.order_id)


# Replacing and canceling


async def test_a_replaced_order_has_the_new_price_and_nothing_else_is_changed(
    placing_world: World, autojump_clock: MockClock
) -> None:
    world = placing_world
    order = await placed(world, placing(1, volume=Decimal("0.37"), **stops(world, "1.05", "1.25")))
    action = moving(order, "1.14123")
    assert await world.account.submit(action) == Replaced(tag(2))
    assert world.book.working == {order.order_id: evolve(order, price=Decimal("1.14123"))}
    assert await judged(world, action) == Replaced(tag(2))
    assert world.book.orders == []


@pytest.mark.parametrize("prices", [("1.04", "1.26"), (None, "1.25"), ("1.05", None), (None, None)])
async def test_stops_of_an_order_are_replaced_both_and_nothing_else(
    placing_world: World, autojump_clock: MockClock, prices: tuple[str | None, str | None]
) -> None:
    world = placing_world
    if not has(world, "stops"):
        pytest.skip(f"{world.venue} has no stops")
    order = await placed(world, placing(1, **stops(world, "1.05", "1.25")))
    wanted = stops(world, *prices)
    assert await world.account.submit(moving(order, "1.15", **wanted)) == Replaced(tag(2))
    assert world.book.working == {order.order_id: evolve(order, **wanted)}


async def test_a_stop_order_is_replaced_at_its_own_price(placing_world: World, autojump_clock: MockClock) -> None:
    order = await placed(placing_world, placing(1, Side.SELL, STOP))
    assert await placing_world.account.submit(moving(order, "1.14")) == Replaced(tag(2))
    assert placing_world.book.working == {order.order_id: evolve(order, price=Decimal("1.14"))}


async def test_a_canceled_order_is_gone_and_no_other(placing_world: World, autojump_clock: MockClock) -> None:
    world = placing_world
    order, other = await placed(world, placing()), by_hand(world, Side.SELL, STOP)
    action = canceling(order)
    assert await world.account.submit(action) == Canceled(tag(2))
    assert world.book.working == {other.order_id: other}
    [ended] = world.book.orders
    assert (ended.order_id, ended.status) == (order.order_id, Result.CANCELED)
    assert await judged(world, action) == Canceled(tag(2))


async def test_a_refused_replacement_leaves_the_order_as_it_was(
    placing_world: World, autojump_clock: MockClock
) -> None:
    world = placing_world
    order = await placed(world, placing())
    report = await world.account.submit(moving(order, "1.17"))
    if not has(world, "refusals of reached prices"):
        assert report == Replaced(tag(2))
        assert [each.volume for each in world.book.positions.values()] == [order.volume]
        assert world.book.working == {}
        return
    rejected(report, "Invalid price")
    assert world.book.working == {order.order_id: order}


@MAKERS
async def test_an_action_on_an_order_that_is_gone_is_rejected_and_changes_nothing(
    placing_world: World, autojump_clock: MockClock, make: object
) -> None:
    world = placing_world
    canceled, filled = await placed(world, placing(11)), await placed(world, placing(12, Side.SELL, LIMIT))
    world.book.cancel_order(canceled.order_id)
    quote(world, "1.18")
    before = dict(world.book.positions)
    assert len(before) == 1
    never = evolve(filled, order_id=VenueOrderId("999999999"))
    for order in (canceled, filled, never):
        assert isinstance(await world.account.submit(make(order)), Rejected)  # type: ignore[operator]
    assert (world.book.working, world.book.positions) == ({}, before)


async def test_foreign_orders_are_never_touched(placing_world: World, autojump_clock: MockClock) -> None:
    world = placing_world
    theirs = [by_hand(world, *kind) for kind in AWAY] + [by_hand(world, symbol=XAUUSD, price=Decimal(4000))]
    before = dict(world.book.working)
    order = await placed(world, placing())
    await world.account.submit(moving(order, "1.14"))
    assert await world.account.submit(canceling(order, 3)) == Canceled(tag(3))
    await opened_at_market(world, opening(4, symbol=XAUUSD))
    assert world.book.working == before
    assert len(theirs) == len(before)


async def test_placing_replacing_and_canceling_again_and_again_ends_with_nothing(
    placing_world: World, autojump_clock: MockClock
) -> None:
    world = placing_world
    for number in range(10):
        order = await placed(world, placing(3 * number))
        assert isinstance(await world.account.submit(moving(order, "1.14", 3 * number + 1)), Replaced)
        assert isinstance(await world.account.submit(canceling(order, 3 * number + 2)), Canceled)
    assert world.book.working == {}
    assert [order.status for order in world.book.orders] == [Result.CANCELED] * 10


# Weather


async def test_a_throttled_action_is_not_executed_and_may_be_sent_again(
    wired_placing: World, autojump_clock: MockClock
) -> None:
    world = wired_placing
    assert world.faults is not None
    order = by_hand(world, Side.SELL, STOP)
    for action in (placing(), moving(order, "1.14"), canceling(order, 3)):
        before, ended = dict(world.book.working), len(world.book.orders)
        world.faults.throttle = 1
        with pytest.raises(Throttled) as throttled:
            await world.account.submit(action)
        assert 0 < throttled.value.retry_after_s <= 300
        assert (world.book.working, len(world.book.orders)) == (before, ended)
        report = await settled(world, action, await world.account.submit(action))
        assert isinstance(report, Placed | Replaced | Canceled)
    assert len(world.book.working_with_tag(tag())) == 1


async def test_a_refused_connection_sends_nothing(wired_placing: World, autojump_clock: MockClock) -> None:
    world = wired_placing
    assert world.network is not None
    order = by_hand(world)
    world.network.refuse(HOST, PORT, True)
    for action in (placing(), moving(order, "1.14"), canceling(order)):
        try:
            report = await world.account.submit(action)
        except RequestNotSent as error:
            report = NotSent(action.cl_ord_id, str(error))
        assert isinstance(report, NotSent)
    assert world.book.working == {order.order_id: order}
    world.network.refuse(HOST, PORT, False)
    await placed(world, placing())


async def test_a_lost_answer_leaves_one_order_which_is_found(wired_placing: World, autojump_clock: MockClock) -> None:
    world = wired_placing
    assert world.faults is not None
    submitted_at = world.now()
    world.faults.lose_answers = 1
    await lost(world, placing())
    [order] = world.book.working_with_tag(tag())
    assert await world.account.find(tag(), submitted_at) == Placed(tag(), order.order_id)
    await trio.sleep(world.account.capabilities.settle_s + 60)
    assert await world.account.find(tag(), submitted_at) == Placed(tag(), order.order_id)
    assert len(world.book.working) == 1


async def test_another_process_finds_the_order_too(placing_world: World, autojump_clock: MockClock) -> None:
    world = placing_world
    submitted_at = world.now()
    order = await placed(world, placing())
    await world.account.aclose()
    again = world.again()
    assert await again.find(tag(), submitted_at) == Placed(tag(), order.order_id)
    await again.aclose()


async def test_a_lost_request_leaves_nothing_and_is_not_found(placing_world: World, autojump_clock: MockClock) -> None:
    world = placing_world
    submitted_at = world.now()
    await world.account.snapshot()
    world.lose_request()
    await lost(world, placing())
    await trio.sleep(world.account.capabilities.settle_s + 60)
    assert await world.account.find(tag(), submitted_at) == NotFound(tag())
    assert (world.book.working, world.book.orders) == ({}, [])


@MAKERS
async def test_a_lost_answer_to_a_change_is_seen_in_the_books(
    wired_placing: World, autojump_clock: MockClock, make: object
) -> None:
    world = wired_placing
    assert world.faults is not None
    order = await placed(world, placing())
    action: ReplaceOrder | CancelOrder = make(order)  # type: ignore[operator]
    world.faults.lose_answers = 1
    await lost(world, action)
    assert world.book.working.get(order.order_id) != order
    assert isinstance(await judged(world, action), Replaced | Canceled)


@MAKERS
async def test_a_lost_change_changes_nothing_and_the_books_say_so(
    placing_world: World, autojump_clock: MockClock, make: object
) -> None:
    world = placing_world
    order = await placed(world, placing())
    action: ReplaceOrder | CancelOrder = make(order)  # type: ignore[operator]
    world.lose_request()
    await lost(world, action)
    assert await judged(world, action) == NotFound(tag(2))
    assert world.book.working == {order.order_id: order}


@pytest.mark.parametrize("end", ["canceled", "closed again", "stopped out"])
async def test_what_became_of_an_order_whose_answer_was_lost_is_found_or_nothing_is_claimed(
    wired_placing: World, autojump_clock: MockClock, end: str
) -> None:
    world = wired_placing
    assert world.faults is not None
    submitted_at = world.now()
    world.faults.lose_answers = 1
    await lost(world, placing())
    [order] = world.book.working_with_tag(tag())
    found = await _after(world, order, end, submitted_at)
    if end in ("closed again", "stopped out"):
        assert isinstance(found, Filled)
        assert found.volume == Decimal("0.30")
    elif found == NotFound(tag()):
        states(world.venue, "a pending order that ended unfilled | leaves nothing to find")
    else:
        assert found == Canceled(tag())


async def test_find_tells_a_market_order_and_pending_ones_apart(
    placing_world: World, autojump_clock: MockClock
) -> None:
    world = placing_world
    submitted_at = world.now()
    at_market = await opened_at_market(world, opening(1, symbol=XAUUSD))
    limit, stop = await placed(world, placing(2)), await placed(world, placing(3, Side.BUY, STOP))
    found = await world.account.find(tag(1), submitted_at)
    assert isinstance(found, Filled)
    assert found.position_id == at_market.position_id
    for number, order in ((2, limit), (3, stop)):
        assert await world.account.find(tag(number), submitted_at) == Placed(tag(number), order.order_id)
    assert await world.account.find(tag(9), submitted_at) == NotFound(tag(9))


async def _after(world: World, order: WorkingOrder, end: str, submitted_at: object) -> Report:
    """Let an order end, and return what is found of it later."""
    match end:
        case "canceled":
            world.book.cancel_order(order.order_id)
        case "closed again":
            quote(world, "1.149")
            world.book.close(opened_by(world, order).position_id)
        case "stopped out":
            quote(world, "1.149")
            world.book.replace_stops(opened_by(world, order).position_id, Decimal("1.145"), None)
            quote(world, "1.14")
            assert world.book.positions == {}
    await trio.sleep(20)
    return await world.account.find(tag(), submitted_at)  # type: ignore[arg-type]
