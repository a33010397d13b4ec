"""What a venue says of itself is possible, and is what it then does."""

import pytest
from trio.testing import MockClock

from rules.model.reports import Rejected
from rules.model.values import OmsType
from tests.conformance.actions import by_hand, closing, opening, reducing, replacing
from tests.conformance.venues import KINDS, TRADING, World, open_world, states


async def test_capabilities_are_sane(world: World, autojump_clock: MockClock) -> None:
    said = world.account.capabilities
    assert said.streams
    assert 1 <= said.parallel_requests <= 16
    assert 0 < said.requests_per_s <= 1000
    assert 0 <= said.settle_s <= 600
    assert said.oms is world.book.oms
    assert said == world.account.capabilities


async def test_pending_orders_are_shown_where_the_venue_says_so_and_nowhere_else(
    world: World, autojump_clock: MockClock
) -> None:
    snapshot, _ = await world.account.snapshot()
    assert (snapshot.orders is not None) is world.account.capabilities.pending_orders


async def test_a_volume_grows_only_where_the_venue_says_so(world: World, autojump_clock: MockClock) -> None:
    first = by_hand(world, "0.10")
    by_hand(world, "0.20")
    grown = world.book.positions[first.position_id].volume > first.volume
    assert grown is world.account.capabilities.volumes_grow
    assert grown is (world.account.capabilities.oms is OmsType.NETTING)
    snapshot, _ = await world.account.snapshot()
    assert len(snapshot.positions) == (1 if grown else 2)


async def test_an_account_that_takes_no_orders_rejects_them_and_sends_nothing(
    world: World, autojump_clock: MockClock
) -> None:
    if world.account.capabilities.trades:
        return await _check_trades(world)
    states(world.venue, "as sources only")
    position = by_hand(world)
    orders = len(world.book.orders)
    for action in (opening(), closing(position), reducing(position), replacing(position)):
        assert isinstance(await world.account.submit(action), Rejected)
    assert len(world.book.orders) == orders
    assert world.book.positions == {position.position_id: position}
    return None


@pytest.mark.parametrize("kind", KINDS)
async def test_the_suite_trades_with_every_venue_that_takes_orders(
    kind: str, autojump_clock: MockClock, tmp_path: object
) -> None:
    async with open_world(kind, tmp_path) as opened:  # type: ignore[arg-type]
        assert opened.account.capabilities.trades is (kind in TRADING)


async def _check_trades(world: World) -> None:
    assert not isinstance(await world.account.submit(opening()), Rejected)
