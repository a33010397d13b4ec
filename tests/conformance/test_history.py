"""history(): every execution and cash flow of the books, exact, oldest first, since the moment that was asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock

from adapters.base import RemoteProtocolError, SessionLost
from adapters.simulation.records import BookOrder, Purpose, Result
from rules.model.observed import CashFlow, Fill, Position, Quote
from rules.model.values import OmsType, OrderType, PositionId, Side
from tests.conformance.actions import BTCUSD, EURUSD, XAUUSD, by_hand, closing, opened, opening, settled, tag
from tests.conformance.test_hostile import NUMBERS, PRICE, VOLUME
from tests.conformance.venues import World, has, needs

MILLISECOND = timedelta(milliseconds=1)


async def test_an_account_in_which_nothing_happened_has_an_empty_history(
    world: World, autojump_clock: MockClock
) -> None:
    assert world.account.capabilities.history
    assert await world.account.history(await later(world)) == ()


async def test_openings_partial_closes_and_closes_are_told_exactly_and_oldest_first(
    world: World, autojump_clock: MockClock
) -> None:
    since = await later(world)
    await by_hand_all_kinds(world)
    check_fills(world, await fills(world, since), filled(world, since))


async def test_what_a_stop_closed_is_told_as_an_execution_of_nobody(world: World, autojump_clock: MockClock) -> None:
    needs(world, "stops")
    since = await later(world)
    by_hand(world, "0.30", stop_loss=Decimal("1.10"), tag=tag(7))
    by_hand(world, "1.20", XAUUSD, Side.SELL)
    await trio.sleep(1)
    world.market.set_quote(Quote(EURUSD, Decimal("1.0995"), Decimal("1.0996"), world.now()))
    found = await fills(world, since)
    check_fills(world, found, filled(world, since))
    stopped = [fill for fill in found if (fill.symbol, fill.side) == (EURUSD, Side.SELL)]
    assert [(fill.price, fill.tag) for fill in stopped] == [(Decimal("1.0995"), None)]


async def test_a_pending_order_that_was_filled_is_told_when_it_was_filled(
    pending: World, autojump_clock: MockClock
) -> None:
    pending.book.place_order(EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.30"), Decimal("1.15"))
    canceled = pending.book.place_order(EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.20"), Decimal("1.14"))
    since = await later(pending)
    pending.market.set_quote(Quote(EURUSD, Decimal("1.1498"), Decimal("1.1499"), pending.now()))
    pending.book.cancel_order(canceled.order_id)
    found = await fills(pending, since)
    check_fills(pending, found, filled(pending, since))
    assert [fill.volume for fill in found] == [Decimal("0.30")]


async def test_only_what_was_booked_since_then_is_told(world: World, autojump_clock: MockClock) -> None:
    before = await later(world)
    held = await by_hand_all_kinds(world)
    since = await later(world)
    world.book.close(held.position_id)
    by_hand(world, "0.40", EURUSD, Side.SELL)
    assert len(filled(world, since)) == 2
    check_fills(world, await fills(world, since), filled(world, since))
    assert len(await fills(world, before)) == len(filled(world, before))


async def test_asked_twice_it_says_the_same(world: World, autojump_clock: MockClock) -> None:
    since = await later(world)
    held = await by_hand_all_kinds(world)
    first = await world.account.history(since)
    assert len({entry.exec_id for entry in first}) == len(first)
    assert await world.account.history(since) == first
    await world.account.aclose()
    again = world.again()
    assert await again.history(since) == first
    world.book.close(held.position_id)
    whole = await again.history(since)
    assert whole[:-1] == first
    assert whole[-1].exec_id not in {entry.exec_id for entry in first}
    await again.aclose()


async def test_realized_money_and_deposits_add_up_to_the_balance(world: World, autojump_clock: MockClock) -> None:
    since = await later(world)
    balance = world.book.balance
    held = await by_hand_all_kinds(world)
    world.market.set_quote(Quote(BTCUSD, Decimal(50_000), Decimal(50_010), world.now()))
    world.book.close(held.position_id)
    world.book.deposit(Decimal("500.25"))
    await trio.sleep(1)
    world.book.deposit(Decimal(-200))
    found = await world.account.history(since)
    results = [entry for entry in found if isinstance(entry, Fill)]
    flows = [entry for entry in found if isinstance(entry, CashFlow)]
    if has(world, "results"):
        realized = sum((fill.realized_pnl or Decimal(0) for fill in results), Decimal(0))
        assert realized == world.book.balance - balance - Decimal("300.25")
        assert realized != 0
    else:
        assert {fill.realized_pnl for fill in results} == {None}
    if has(world, "deposits"):
        assert [(flow.amount, flow.kind) for flow in flows] == [
            (Decimal("500.25"), "deposit"),
            (Decimal(-200), "withdrawal"),
        ]
        assert abs(flows[1].at - flows[0].at - timedelta(seconds=1)) <= MILLISECOND
    else:
        assert flows == []


async def test_our_own_orders_carry_their_tag_and_others_do_not(trading: World, autojump_clock: MockClock) -> None:
    since = await later(trading)
    position = await opened(trading, opening())
    by_hand(trading, "0.20", XAUUSD)
    await trio.sleep(1)
    action = closing(position)
    await settled(trading, action, await trading.account.submit(action))
    by_symbol = {
        symbol: [fill.tag for fill in await fills(trading, since) if fill.symbol == symbol]
        for symbol in (EURUSD, XAUUSD)
    }
    assert by_symbol[XAUUSD] == [None]
    assert by_symbol[EURUSD][0] == tag()
    of_close = by_symbol[EURUSD][1]
    assert of_close in ({tag(2)} if trading.account.capabilities.oms is OmsType.NETTING else {tag(2), None})


async def test_additions_and_turns_of_a_net_position_are_told(netting: World, autojump_clock: MockClock) -> None:
    since = await later(netting)
    for side, volume in ((Side.BUY, "0.30"), (Side.BUY, "0.20"), (Side.SELL, "0.70"), (Side.BUY, "0.40")):
        netting.book.open(EURUSD, side, Decimal(volume))
        await trio.sleep(1)
    found = await fills(netting, since)
    added = [(fill.side, fill.volume, fill.opens) for fill in found[:2]]
    assert added == [(Side.BUY, Decimal("0.30"), True), (Side.BUY, Decimal("0.20"), True)]
    # A turn is one execution that is both, or two that are one each.
    first = [(fill.volume, fill.opens) for fill in found if fill.side is Side.SELL]
    assert first in (
        [(Decimal("0.70"), None)],
        [(Decimal("0.50"), False), (Decimal("0.20"), True)],
    )
    assert [(fill.volume, fill.opens) for fill in found[2:] if fill.side is Side.BUY] == [(Decimal("0.40"), None)]
    assert sum(fill.side.sign * fill.volume for fill in found) == Decimal("0.20")


@pytest.mark.slow  # more executions than a page of any venue holds
async def test_a_long_past_comes_whole(streamed: World, autojump_clock: MockClock) -> None:
    since = await later(streamed)
    for _ in range(510):
        held = by_hand(streamed, "0.10", BTCUSD)
        await trio.sleep(0.01)
        streamed.book.close(held.position_id)
        await trio.sleep(0.01)
    check_fills(streamed, await fills(streamed, since), filled(streamed, since))


@pytest.mark.parametrize("number", [VOLUME, PRICE])
@pytest.mark.parametrize("what", NUMBERS)
async def test_a_number_that_cannot_be_is_refused(
    streamed: World, autojump_clock: MockClock, what: str, number: str
) -> None:
    assert streamed.tamper is not None
    since = await later(streamed)
    streamed.market.set_quote(Quote(EURUSD, Decimal("1.23449"), Decimal(PRICE), streamed.now()))
    held = by_hand(streamed, VOLUME)
    await trio.sleep(1)
    streamed.book.close(held.position_id)
    streamed.tamper.replaced = {number: NUMBERS[what]}
    with pytest.raises(RemoteProtocolError) as error:
        await streamed.account.history(since)
    text = str(error.value)
    assert len(text) < 1000
    assert "expected" in text or "must" in text
    streamed.tamper.replaced = {}
    check_fills(streamed, await fills(streamed, since), filled(streamed, since))


async def test_another_side_is_never_guessed(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.tamper is not None
    since = await later(streamed)
    by_hand(streamed)
    streamed.tamper.replaced = {'"buy"': '"both"', '"Buy"': '"Both"', '"DealBuy"': '"DealBoth"', "TYPE_BUY": "TYPE_"}
    with pytest.raises(RemoteProtocolError):
        await streamed.account.history(since)


async def test_a_history_that_cannot_be_had_now_is_weather(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.faults is not None
    assert streamed.network is not None
    since = await later(streamed)
    by_hand(streamed)
    streamed.faults.maintenance = True
    with pytest.raises(SessionLost):
        await streamed.account.history(since)
    streamed.faults.maintenance = False
    assert len(await fills(streamed, since)) == 1
    await streamed.account.aclose()
    streamed.network.refuse("venue.test", 80, True)
    again = streamed.again()
    with pytest.raises(SessionLost):
        await again.history(since)
    streamed.network.refuse("venue.test", 80, False)
    assert len(await again.history(since)) == 1
    await again.aclose()


async def test_a_history_goes_on_when_tokens_expire(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.faults is not None
    since = await later(streamed)
    by_hand(streamed)
    assert len(await fills(streamed, since)) == 1
    streamed.faults.expire_tokens()
    assert len(await fills(streamed, since)) == 1


async def later(world: World) -> datetime:
    """Let a moment pass, so that what an account began with lies before it; return the present one."""
    await trio.sleep(1)
    return world.now()


async def by_hand_all_kinds(world: World) -> Position:
    """Open, close in parts, and leave one position open, a second apart; returns the one that is left."""
    first = by_hand(world, "0.30")
    await trio.sleep(1)
    world.book.close(first.position_id, Decimal("0.10"))
    await trio.sleep(1)
    by_hand(world, "1.20", XAUUSD, Side.SELL)
    world.market.set_quote(Quote(EURUSD, Decimal("1.1725"), Decimal("1.1726"), world.now()))
    await trio.sleep(1)
    world.book.close(first.position_id)
    await trio.sleep(1)
    left = by_hand(world, "0.50", BTCUSD)
    await trio.sleep(1)
    return left


def filled(world: World, since: datetime) -> list[BookOrder]:
    """Return the orders that the books have filled since then."""
    return [order for order in world.book.orders if order.status is Result.FILLED and order.at >= since]


async def fills(world: World, since: datetime) -> list[Fill]:
    return [entry for entry in await world.account.history(since) if isinstance(entry, Fill)]


def check_fills(world: World, found: Sequence[Fill], orders: Sequence[BookOrder]) -> None:
    """Hold executions against the orders of the books, one by one, in the order of time."""
    assert [fill.at for fill in found] == sorted(fill.at for fill in found)
    assert len(found) == len(orders)
    for fill, order in zip(found, orders, strict=True):
        assert (fill.symbol, fill.side, fill.volume, fill.price) == (
            order.symbol,
            order.side,
            order.volume,
            order.price,
        )
        assert fill.position_id == own_id(world, order)
        assert fill.opens in (None, order.purpose is Purpose.OPEN)
        assert abs(fill.at - order.at) <= MILLISECOND
        assert fill.realized_pnl in (None, order.realized_pnl)
        assert (fill.realized_pnl is not None) is has(world, "results") or order.purpose is Purpose.OPEN
        assert fill.commission in (None, 0)
        assert fill.swap in (None, 0)


def own_id(world: World, order: BookOrder) -> PositionId:
    """Return the id that the venue shows the position of an order by."""
    assert order.position_id is not None
    return PositionId(order.symbol) if world.ids_again else order.position_id
