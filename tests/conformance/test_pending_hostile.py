"""Pending orders of a broken or hostile venue: a number that cannot be is never told, and nothing of it stays."""

from decimal import Decimal

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import RemoteProtocolError, SessionLost
from copier.service.dispatch import judge_by_books
from rules.model.reports import NotFound
from rules.model.values import Side, Symbol
from tests.conformance.actions import EURUSD
from tests.conformance.mirror import streaming
from tests.conformance.pending import by_hand, canceling, known, placed, placing, same_orders, until_orders
from tests.conformance.test_hostile import NUMBERS, TEXTS
from tests.conformance.venues import World

VOLUME, PRICE = "0.37", "1.12345"
"""Numbers that stand nowhere else in what a venue says, so that each can be replaced by its text alone."""

EACH_NUMBER = pytest.mark.parametrize("number", [VOLUME, PRICE])


@pytest.fixture
async def broken(pending: World) -> World:
    """A venue whose words can be changed on their way."""
    if pending.tamper is None:
        pytest.skip(f"{pending.venue} has no wire")
    return pending


def hostile_order(world: World) -> None:
    by_hand(world, volume=Decimal(VOLUME), price=Decimal(PRICE))


@EACH_NUMBER
@pytest.mark.parametrize("what", NUMBERS)
async def test_a_polled_pending_order_that_cannot_be_gives_no_snapshot(
    broken: World, autojump_clock: MockClock, what: str, number: str
) -> None:
    assert broken.tamper is not None
    hostile_order(broken)
    broken.tamper.replaced = {number: NUMBERS[what]}
    with pytest.raises(SessionLost) as error:
        await broken.account.snapshot()
    _check_refusal(error.value)
    broken.tamper.replaced = {}
    snapshot, _ = await broken.account.snapshot()
    assert same_orders(snapshot.orders, broken)


@EACH_NUMBER
@pytest.mark.parametrize("what", NUMBERS)
async def test_a_streamed_pending_order_that_cannot_be_is_never_told(
    broken: World, autojump_clock: MockClock, what: str, number: str
) -> None:
    assert broken.tamper is not None
    async with streaming(broken) as mirror:
        await until_orders(mirror)
        broken.tamper.replaced = {number: NUMBERS[what]}
        hostile_order(broken)
        await trio.sleep(60)
        assert mirror.lost is None or isinstance(mirror.lost, SessionLost)
        assert known(mirror).orders == {}
        assert mirror.positions == {}
    broken.tamper.replaced = {}
    async with streaming(broken) as mirror:
        await until_orders(mirror)


@pytest.mark.parametrize("what", TEXTS)
async def test_a_pending_order_of_a_hostile_symbol_comes_whole_or_not_at_all(
    pending: World, autojump_clock: MockClock, what: str
) -> None:
    symbol, market = Symbol(TEXTS[what]), pending.market
    market.instruments[symbol] = evolve(market.instruments[EURUSD], symbol=symbol)
    market.set_quote(evolve(market.quotes[EURUSD], symbol=symbol))
    by_hand(pending, symbol=symbol)
    other = by_hand(pending, Side.SELL)
    try:
        snapshot, _ = await pending.account.snapshot()
    except SessionLost as error:
        _check_refusal(error)
    else:
        assert same_orders(snapshot.orders, pending)
    async with streaming(pending) as mirror:
        await trio.sleep(60)
        assert mirror.lost is None or isinstance(mirror.lost, SessionLost)
        if mirror.lost is None:
            await until_orders(mirror)
        assert set(known(mirror).orders) <= set(pending.book.working)
    assert other.order_id in pending.book.working


@pytest.mark.parametrize("what", NUMBERS)
async def test_a_pending_order_that_cannot_be_read_is_not_called_missing(
    wired_placing: World, autojump_clock: MockClock, what: str
) -> None:
    world = wired_placing
    assert world.tamper is not None
    order = await placed(world, placing(volume=Decimal(VOLUME)))
    cancel = canceling(order)
    world.tamper.replaced = {VOLUME: NUMBERS[what]}
    with pytest.raises(SessionLost):
        await world.account.snapshot()
    world.tamper.replaced = {}
    snapshot, _ = await world.account.snapshot()
    assert judge_by_books(cancel, snapshot) == NotFound(cancel.cl_ord_id)


def _check_refusal(error: Exception) -> None:
    """The text says what was expected and is short enough to be read."""
    assert isinstance(error, RemoteProtocolError), error
    assert len(str(error)) < 1000
    assert "expected" in str(error) or "must" in str(error)
