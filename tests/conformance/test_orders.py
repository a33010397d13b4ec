"""submit(): each action once, as asked, seen in the books; a refusal in the venue's own words; nothing else."""

from decimal import Decimal

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import RequestNotSent, Throttled
from adapters.simulation.records import Purpose, Result
from rules.model.actions import Action
from rules.model.reports import Accepted, Filled, NotFound, NotSent, Rejected, StopsReplaced
from rules.model.values import OmsType, PositionId, Side, Symbol
from tests.conformance.actions import (
    BTCUSD,
    EURUSD,
    STOP,
    TAKE,
    XAUUSD,
    Make,
    by_hand,
    check_filled,
    closing,
    makers,
    opened,
    opening,
    reducing,
    rejected,
    replacing,
    settled,
    stops,
    tag,
)
from tests.conformance.mirror import same_positions
from tests.conformance.venues import HOST, PORT, World, has, needs, states

CANCEL_AFTER = 40
"""Turns of the scheduler: beyond the longest way of an order in any venue's world."""


@pytest.mark.parametrize("side", list(Side))
async def test_an_opening_is_in_the_books_once_with_our_tag(
    trading: World, autojump_clock: MockClock, side: Side
) -> None:
    wanted = stops(trading) if side is Side.BUY else stops(trading, TAKE, STOP)
    position = await opened(trading, opening(volume="0.37", side=side, **wanted))
    assert (position.symbol, position.side, position.volume) == (EURUSD, side, Decimal("0.37"))
    assert (position.stop_loss, position.take_profit) == (wanted.get("stop_loss"), wanted.get("take_profit"))
    [order] = trading.book.orders
    assert (order.tag, order.purpose, order.status) == (tag(), Purpose.OPEN, Result.FILLED)
    snapshot, _ = await trading.account.snapshot()
    assert [shown.tag for shown in snapshot.positions] == [tag() if has(trading, "tags") else None]


async def test_a_close_takes_the_whole_position_and_no_other(trading: World, autojump_clock: MockClock) -> None:
    other = by_hand(trading, symbol=XAUUSD)
    position = await opened(trading, opening())
    report = await settled(trading, closing(position), await trading.account.submit(closing(position)))
    assert isinstance(report, Filled)
    assert (report.position_id, report.volume) == (position.position_id, position.volume)
    assert list(trading.book.positions) == [other.position_id]
    _check_tag(trading)


async def test_a_reduction_takes_exactly_its_part(trading: World, autojump_clock: MockClock) -> None:
    position = await opened(trading, opening(volume="0.37", **stops(trading)))
    action = reducing(position, "0.16")
    report = await settled(trading, action, await trading.account.submit(action))
    assert isinstance(report, Filled)
    assert (report.position_id, report.volume) == (position.position_id, Decimal("0.16"))
    left = trading.book.positions[position.position_id]
    assert left.volume == Decimal("0.21")
    assert (left.stop_loss, left.take_profit) == (position.stop_loss, position.take_profit)
    _check_tag(trading)


@pytest.mark.parametrize("wanted", [(STOP, TAKE), (None, TAKE), (STOP, None), (None, None)])
async def test_stops_are_replaced_both_and_nothing_else(
    trading: World, autojump_clock: MockClock, wanted: tuple[Decimal | None, Decimal | None]
) -> None:
    needs(trading, "stops")
    position = await opened(trading, opening(stop_loss=Decimal("1.05"), take_profit=Decimal("1.25")))
    assert await trading.account.submit(replacing(position, *wanted)) == StopsReplaced(tag(2))
    assert trading.book.positions[position.position_id] == evolve(position, stop_loss=wanted[0], take_profit=wanted[1])
    assert len(trading.book.orders) == 1


async def test_a_refused_order_is_rejected_in_the_venues_words(trading: World, autojump_clock: MockClock) -> None:
    needs(trading, "stops")
    wrong_side = opening(stop_loss=Decimal("2"))
    rejected(await settled(trading, wrong_side, await trading.account.submit(wrong_side)), "Invalid stops")
    assert not trading.book.positions
    position = await opened(trading, opening(2))
    rejected(await trading.account.submit(replacing(position, Decimal("2"), None, 3)), "Invalid stops")
    assert trading.book.positions[position.position_id] == position


async def test_any_words_of_refusal_come_through(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    position = by_hand(wired)
    for action in (opening(), closing(position), reducing(position)):
        words = "Märket is closed: \t\u202e 取引停止"
        wired.faults.reject(words)
        report = await settled(wired, action, await wired.account.submit(action))
        rejected(report, "Märket is closed")
    assert list(wired.book.positions) == [position.position_id]


@pytest.mark.parametrize("symbol", ["NOPE", "NO/SUCH?", "EUR\nUSD"])
async def test_an_unknown_symbol_is_rejected(trading: World, autojump_clock: MockClock, symbol: str) -> None:
    action = opening(symbol=Symbol(symbol))
    assert isinstance(await settled(trading, action, await trading.account.submit(action)), Rejected)
    assert not trading.book.positions


@pytest.mark.parametrize("make", [closing, reducing, replacing])
async def test_an_action_on_a_position_that_is_gone_is_rejected(
    trading: World, autojump_clock: MockClock, make: Make
) -> None:
    position = await opened(trading, opening())
    trading.book.close(position.position_id)
    assert isinstance(await trading.account.submit(make(position)), Rejected)
    never = evolve(position, position_id=PositionId("999999999"))
    assert isinstance(await trading.account.submit(make(never, number=3)), Rejected)
    assert not trading.book.positions


async def test_closing_what_copies_of_the_other_side_offset_turns_the_net_position(
    netting: World, autojump_clock: MockClock
) -> None:
    bought = await opened(netting, opening(1, "0.30"))
    await settled(netting, sold := opening(2, "0.50", side=Side.SELL), await netting.account.submit(sold))
    assert _net(netting) == Decimal("-0.20")
    action = closing(bought, 3, locked="0.50")
    report = await settled(netting, action, await netting.account.submit(action))
    assert isinstance(report, Filled)
    assert (report.volume, _net(netting)) == (Decimal("0.30"), Decimal("-0.50"))
    assert len(netting.book.orders_with_tag(tag(3))) == 1


async def test_a_close_takes_no_lots_of_the_other_side_for_what_they_offset(
    netting: World, autojump_clock: MockClock
) -> None:
    bought = await opened(netting, opening(1, "0.30"))
    netting.book.close(bought.position_id)
    await settled(netting, sold := opening(2, "0.20", side=Side.SELL), await netting.account.submit(sold))
    assert _net(netting) == Decimal("-0.20")
    for number in (3, 4):
        action = closing(bought, number, locked="0.20")
        await settled(netting, action, await netting.account.submit(action))
        assert _net(netting) == Decimal("-0.20")


async def test_closing_never_opens_what_nothing_offsets(netting: World, autojump_clock: MockClock) -> None:
    bought = await opened(netting, opening(1, "0.30"))
    netting.book.close(bought.position_id, Decimal("0.20"))
    action = closing(bought, 2)
    report = await settled(netting, action, await netting.account.submit(action))
    assert isinstance(report, Filled)
    assert (report.volume, _net(netting)) == (Decimal("0.10"), 0)
    by_hand(netting, "0.40", side=Side.SELL)
    again = closing(bought, 3)
    assert isinstance(await settled(netting, again, await netting.account.submit(again)), Rejected)
    assert _net(netting) == Decimal("-0.40")


async def test_a_throttled_action_is_not_executed_and_may_be_sent_again(
    wired: World, autojump_clock: MockClock
) -> None:
    assert wired.faults is not None
    position = by_hand(wired)
    for action in (opening(), *(make(position, number=n) for n, make in enumerate(makers(wired)[1:], 2))):
        before, orders = dict(wired.book.positions), len(wired.book.orders)
        wired.faults.throttle = 1
        with pytest.raises(Throttled) as throttled:
            await wired.account.submit(action)
        assert 0 < throttled.value.retry_after_s <= 300
        assert (wired.book.positions, len(wired.book.orders)) == (before, orders)
        report = await settled(wired, action, await wired.account.submit(action))
        assert isinstance(report, Filled | StopsReplaced)
    assert len(wired.book.orders_with_tag(tag())) == 1


async def test_a_refused_connection_sends_nothing(wired: World, autojump_clock: MockClock) -> None:
    assert wired.network is not None
    position = by_hand(wired)
    wired.network.refuse(HOST, PORT, True)
    before = dict(wired.book.positions)
    for action in (opening(), *(make(position) for make in makers(wired))):
        try:
            report = await wired.account.submit(action)
        except RequestNotSent as error:
            report = NotSent(action.cl_ord_id, str(error))
        assert isinstance(report, NotSent)
        assert f"{HOST}:{PORT}" in report.reason
    assert (wired.book.positions, len(wired.book.orders)) == (before, 1)
    wired.network.refuse(HOST, PORT, False)
    await opened(wired, opening())


async def test_actions_at_once_all_arrive_once(trading: World, autojump_clock: MockClock) -> None:
    if trading.faults is not None:
        trading.faults.delay_s = 0.2
    symbols = [EURUSD, XAUUSD, BTCUSD, Symbol("GBPUSD"), Symbol("US100"), Symbol("DE40")]
    many = 3 * trading.account.capabilities.parallel_requests
    if trading.book.oms is OmsType.NETTING:
        many = min(many, len(symbols))
    actions = [opening(n, f"0.{n + 1}", symbols[n % len(symbols)]) for n in range(1, min(many, 8) + 1)]
    reports = {}

    async def submit(action: Action) -> None:
        reports[action.cl_ord_id] = await settled(trading, action, await trading.account.submit(action))

    async with trio.open_nursery() as nursery:
        for action in actions:
            nursery.start_soon(submit, action)
    assert len(trading.book.orders) == len(actions)
    for action in actions:
        position = trading.book.position_of_tag(action.cl_ord_id)
        assert position is not None
        assert (position.symbol, position.volume) == (action.symbol, action.volume)
        check_filled(reports[action.cl_ord_id], action, position)


async def test_a_cancelled_opening_leaves_at_most_one_order_which_is_found(
    trading: World, autojump_clock: MockClock
) -> None:
    started = trading.now()
    for steps in range(CANCEL_AFTER):
        action = opening(steps, "0.01")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trading.account.submit, action)
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    await trio.sleep(5)
    for steps in range(CANCEL_AFTER):
        orders = trading.book.orders_with_tag(tag(steps))
        assert len(orders) <= 1
        found = await trading.account.find(tag(steps), started)
        assert isinstance(found, Filled if orders else NotFound)
    assert trading.book.orders_with_tag(tag(CANCEL_AFTER - 1)), (
        "the last ones should have arrived, or nothing was tried"
    )
    assert not trading.book.orders_with_tag(tag(0))


async def test_what_is_asked_while_tokens_expire_is_done_once_or_not_at_all(
    wired: World, autojump_clock: MockClock
) -> None:
    assert wired.faults is not None
    await opened(wired, opening())
    wired.faults.expire_tokens()
    report = await wired.account.submit(opening(2))
    if isinstance(report, NotSent):
        assert not wired.book.orders_with_tag(tag(2))
        report = await wired.account.submit(opening(2))
    assert isinstance(await settled(wired, opening(2), report), Filled)
    assert len(wired.book.orders_with_tag(tag(2))) == 1


async def test_a_snapshot_after_orders_shows_them(trading: World, autojump_clock: MockClock) -> None:
    first = await opened(trading, opening(**stops(trading, STOP, None)))
    await opened(trading, opening(2, symbol=XAUUSD))
    await trading.account.submit(reducing(first, number=3))
    snapshot, _ = await trading.account.snapshot()
    assert same_positions(snapshot.positions, trading)
    assert isinstance(await trading.account.submit(opening(4)), Filled | Accepted)


def _check_tag(trading: World) -> None:
    """A close carries our tag too, or the venue says that it cannot."""
    if trading.book.orders[-1].tag is None:
        states(trading.venue, "tag of a close | none")
    else:
        assert trading.book.orders[-1].tag == tag(2)


def _net(world: World) -> Decimal:
    return sum((held.volume * held.side.sign for held in world.book.positions.values()), Decimal(0))
