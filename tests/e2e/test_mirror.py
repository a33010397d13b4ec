"""A source's pending orders, mirrored by the service over the venues' own protocols, on its own venue and another."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock

from adapters.simulation.broker import Purpose, Result
from rules.model.identity import is_ours
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, OrderType, PositionId
from rules.policy.links import CopyPolicy
from rules.policy.pending import Late, Mirror, PendingOrders
from tests.e2e.test_beginnings import VENUES, Stage, stage
from tests.simulation.scenario import ONE_TARGET, TWO_TARGET

pytestmark = pytest.mark.slow  # two venues over their real protocols, and a service, for some simulated minutes

TARGETS = (ONE_TARGET, TWO_TARGET)
MIRROR = CopyPolicy("mirror", pending=PendingOrders.MIRROR)
CANCEL = CopyPolicy("cancel", pending=PendingOrders.MIRROR, mirror=Mirror(late=Late.CANCEL))

# MetaCopier shows nothing of an order that was canceled: that it was not filled is believed after a minute.
BELIEVED_S = 90


def ours(it: Stage, target: AccountId) -> list[WorkingOrder]:
    return [order for order in it.world.book(target).working.values() if is_ours(order.tag)]


def opened(it: Stage, target: AccountId) -> Iterator[Decimal]:
    """Yield the lots of each order of ours that opened a position."""
    for order in it.world.book(target).orders:
        if is_ours(order.tag) and order.purpose is Purpose.OPEN and order.status is Result.FILLED:
            yield order.volume


def position_of(it: Stage) -> PositionId:
    [position] = it.source.positions
    return position


@VENUES
async def test_an_order_is_placed_moved_and_taken_off_with_its_sources(
    source: str, target: str, autojump_clock: MockClock
) -> None:
    async with stage(source, target, MIRROR, MIRROR) as it:
        theirs = it.pending(OrderType.LIMIT, -2000)
        await trio.sleep(15)
        for account in TARGETS:
            [mine] = ours(it, account)
            assert (mine.side, mine.order_type, mine.volume) == (theirs.side, theirs.order_type, theirs.volume)
            assert mine.price == theirs.price
        lower = theirs.price - Decimal("0.01")
        it.source.replace_order(theirs.order_id, lower, stop_loss=None, take_profit=None)
        await trio.sleep(15)
        assert [order.price for account in TARGETS for order in ours(it, account)] == [lower, lower]
        it.source.cancel_order(theirs.order_id)
        await trio.sleep(BELIEVED_S)
        for account in TARGETS:
            assert (ours(it, account), list(opened(it, account))) == ([], [])
            assert not it.world.book(account).positions


@VENUES
async def test_the_source_is_filled_and_each_target_has_the_position_once(
    source: str, target: str, autojump_clock: MockClock
) -> None:
    async with stage(source, target, MIRROR, MIRROR) as it:
        theirs = it.pending(OrderType.LIMIT, -50)
        await trio.sleep(15)
        it.moves(-60)  # at its own venue ours is filled by that; at the other nothing moves, and it goes to market
        await trio.sleep(BELIEVED_S)
        position = position_of(it)
        for account in TARGETS:
            assert (ours(it, account), list(opened(it, account))) == ([], [theirs.volume])
            assert it.copy(account, position).expected == theirs.volume
        it.source.close(position)
        await trio.sleep(30)
        for account in TARGETS:
            assert not it.world.book(account).positions
            assert len(list(opened(it, account))) == 1


@VENUES
async def test_what_is_not_filled_in_time_is_given_up_where_the_policy_says_so(
    source: str, target: str, autojump_clock: MockClock
) -> None:
    async with stage(source, target, MIRROR, CANCEL) as it:
        it.pending(OrderType.STOP, 50)
        await trio.sleep(15)
        it.moves(60)
        await trio.sleep(BELIEVED_S)
        assert it.copy(TWO_TARGET, position_of(it)).reason is not None
        assert (ours(it, TWO_TARGET), list(opened(it, TWO_TARGET))) == ([], [])
        assert len(list(opened(it, ONE_TARGET))) == 1


@VENUES
async def test_what_is_filled_alone_is_closed(source: str, target: str, autojump_clock: MockClock) -> None:
    async with stage(source, target, MIRROR, MIRROR) as it:
        it.pending(OrderType.LIMIT, -50)
        await trio.sleep(15)
        book = it.world.book(TWO_TARGET)
        [mine] = ours(it, TWO_TARGET)
        quote = book.market.quotes[mine.symbol]
        book.market.set_quote(type(quote)(mine.symbol, mine.price - quote.ask + quote.bid, mine.price, it.world.now()))
        await trio.sleep(BELIEVED_S)
        assert len(list(opened(it, TWO_TARGET))) == 1
        assert not book.positions
        it.moves(-60)
        await trio.sleep(BELIEVED_S)
        assert len(list(opened(it, TWO_TARGET))) == 1, "what was closed is not opened again"
        assert len(list(opened(it, ONE_TARGET))) == 1
