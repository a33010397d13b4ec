"""find() and lost answers: what nobody answered is in the books once or not at all, and the books tell which."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock

from adapters.base import RequestNotSent, SessionLost
from rules.model.actions import Action
from rules.model.observed import Quote
from rules.model.reports import Filled, NotFound, Rejected
from rules.model.values import Side
from tests.conformance.actions import (
    EURUSD,
    Make,
    by_hand,
    check_filled,
    closing,
    makers,
    opened,
    opening,
    reducing,
    replacing,
    settled,
    stops,
    tag,
)
from tests.conformance.mirror import same_positions
from tests.conformance.venues import World, has, needs, states


async def lost(world: World, action: Action) -> None:
    """Submit an action and check that its outcome is called unknown."""
    with pytest.raises(SessionLost) as error:
        await world.account.submit(action)
    assert not isinstance(error.value, RequestNotSent)


async def test_a_lost_answer_leaves_one_order_which_is_found(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    submitted_at = wired.now()
    wired.faults.lose_answers = 1
    await lost(wired, opening(volume="0.37", **stops(wired)))
    [order] = wired.book.orders
    position = wired.book.position_of_tag(tag())
    assert position is not None
    assert order.tag == tag()
    check_filled(await wired.account.find(tag(), submitted_at), opening(volume="0.37"), position)
    await trio.sleep(wired.account.capabilities.settle_s + 60)
    check_filled(await wired.account.find(tag(), submitted_at), opening(volume="0.37"), position)
    assert len(wired.book.orders) == 1


async def test_another_process_finds_the_order_too(trading: World, autojump_clock: MockClock) -> None:
    submitted_at = trading.now()
    if trading.faults is not None:
        trading.faults.lose_answers = 1
        await lost(trading, opening())
    else:  # no answer can be lost on a way that there is not: the process that would hear it ends
        states(trading.venue, "no answer can be lost")
        await trading.account.submit(opening())
    position = trading.book.position_of_tag(tag())
    assert position is not None
    await trading.account.aclose()
    again = trading.again()
    check_filled(await again.find(tag(), submitted_at), opening(), position)
    await again.aclose()


async def test_a_lost_request_leaves_nothing_and_is_not_found(trading: World, autojump_clock: MockClock) -> None:
    submitted_at = trading.now()
    await trading.account.snapshot()
    trading.lose_request()
    await lost(trading, opening())
    await trio.sleep(trading.account.capabilities.settle_s + 60)
    assert await trading.account.find(tag(), submitted_at) == NotFound(tag())
    assert not trading.book.orders
    assert not trading.book.positions


async def test_an_order_that_never_was_is_not_found(trading: World, autojump_clock: MockClock) -> None:
    await opened(trading, opening())
    by_hand(trading, "0.01", "XAUUSD")
    assert await trading.account.find(tag(9), trading.now()) == NotFound(tag(9))


@pytest.mark.parametrize("make", [closing, reducing, replacing])
async def test_a_lost_answer_to_a_change_is_seen_in_the_snapshot(
    wired: World, autojump_clock: MockClock, make: Make
) -> None:
    assert wired.faults is not None
    if make not in makers(wired):
        needs(wired, "stops")
    position = await opened(wired, opening())
    wired.faults.lose_answers = 1
    await lost(wired, make(position))
    assert wired.book.positions.get(position.position_id) != position
    snapshot, _ = await wired.account.snapshot()
    assert same_positions(snapshot.positions, wired)


@pytest.mark.parametrize("make", [closing, reducing, replacing])
async def test_a_lost_change_changes_nothing(wired: World, autojump_clock: MockClock, make: Make) -> None:
    if make not in makers(wired):
        needs(wired, "stops")
    position = await opened(wired, opening())
    wired.lose_request()
    await lost(wired, make(position))
    assert wired.book.positions[position.position_id] == position
    snapshot, _ = await wired.account.snapshot()
    assert same_positions(snapshot.positions, wired)


async def test_an_order_that_was_closed_again_is_found(trading: World, autojump_clock: MockClock) -> None:
    submitted_at = trading.now()
    position = await opened(trading, opening(volume="0.37"))
    await trio.sleep(20)
    trading.book.close(position.position_id)
    check_filled(await trading.account.find(tag(), submitted_at), opening(volume="0.37"), position)


async def test_an_order_that_was_stopped_out_is_found(trading: World, autojump_clock: MockClock) -> None:
    needs(trading, "stops")
    submitted_at = trading.now()
    position = await opened(trading, opening(stop_loss=Decimal("1.15"), side=Side.BUY))
    trading.market.set_quote(Quote(EURUSD, Decimal("1.14"), Decimal("1.14008"), trading.now()))
    assert not trading.book.positions
    check_filled(await trading.account.find(tag(), submitted_at), opening(), position)


@pytest.mark.parametrize("closed_too", [False, True])
async def test_what_an_order_opened_is_told_whole_though_a_part_was_closed_since(
    trading: World, autojump_clock: MockClock, closed_too: bool
) -> None:
    submitted_at = trading.now()
    position = await opened(trading, opening(volume="0.37"))
    trading.book.close(position.position_id, Decimal("0.16"))
    await trio.sleep(20)
    if closed_too:
        trading.book.close(position.position_id)
    found = await trading.account.find(tag(), submitted_at)
    if isinstance(found, Filled) and not closed_too and found.volume == Decimal("0.21"):
        states(trading.venue, "found with the lots that are still open")
    else:
        check_filled(found, opening(volume="0.37"), position)


async def test_a_rejected_order_is_never_found_filled(trading: World, autojump_clock: MockClock) -> None:
    submitted_at = trading.now()
    action = opening(stop_loss=Decimal("2")) if has(trading, "stops") else opening(volume="1000000")
    assert isinstance(await settled(trading, action, await trading.account.submit(action)), Rejected)
    found = await trading.account.find(tag(), submitted_at)
    assert isinstance(found, Rejected | NotFound)


async def test_find_tells_orders_of_one_kind_apart(trading: World, autojump_clock: MockClock) -> None:
    submitted_at = trading.now()
    symbols = ("EURUSD", "GBPUSD", "XAUUSD")
    positions = [await opened(trading, opening(n, f"0.1{n}", symbols[n])) for n in range(3)]
    for n, position in enumerate(positions):
        check_filled(await trading.account.find(tag(n), submitted_at), opening(n, f"0.1{n}"), position)


async def test_find_in_bad_weather_is_weather_and_no_answer(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    submitted_at = wired.now()
    position = await opened(wired, opening())
    wired.faults.maintenance = True
    with pytest.raises(SessionLost):
        await wired.account.find(tag(), submitted_at)
    wired.faults.maintenance = False
    check_filled(await wired.account.find(tag(), submitted_at), opening(), position)


async def test_find_does_not_mind_clocks_that_differ(trading: World, autojump_clock: MockClock) -> None:
    position = await opened(trading, opening())
    for minutes in (-5, 5):
        found = await trading.account.find(tag(), trading.now() + timedelta(minutes=minutes))
        check_filled(found, opening(), position)
        assert len(trading.book.orders) == 1
    trading.book.close(position.position_id)
    for minutes in (-5, 5):
        found = await trading.account.find(tag(), trading.now() + timedelta(minutes=minutes))
        check_filled(found, opening(), position)


async def test_an_answer_that_takes_too_long_is_an_unknown_outcome(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    submitted_at = wired.now()
    await wired.account.snapshot()
    list(await wired.account.symbols())
    wired.faults.delay_s = 100
    with trio.fail_after(600):
        await lost(wired, opening())
    wired.faults.delay_s = 0
    await trio.sleep(200)
    orders = wired.book.orders_with_tag(tag())
    assert len(orders) <= 1
    found = await wired.account.find(tag(), submitted_at)
    assert isinstance(found, Filled if orders else NotFound)
