"""snapshot(), symbols(), instrument() and quote(): what the venue holds when asked, exact, and None for what is not."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import SessionLost
from rules.model.events import Origin
from rules.model.observed import Quote
from rules.model.values import Side, Symbol
from tests.conformance.actions import BTCUSD, EURUSD, STOP, TAKE, XAUUSD, by_hand, trade
from tests.conformance.mirror import same_positions
from tests.conformance.venues import ALIAS, World, has, needs

NO_SYMBOLS = [
    "EURUSDX",
    "eurusd",
    "",
    " ",
    "NO/SUCH?",
    "../EURUSD",
    "EUR\nUSD",
    "\x00",
    "金/USD",
    "%45URUSD",
    "x" * 300,
]


async def test_a_snapshot_is_what_the_books_hold(world: World, autojump_clock: MockClock) -> None:
    by_hand(world, "0.37", stop_loss=STOP, take_profit=TAKE)
    by_hand(world, "1.20", XAUUSD, Side.SELL, stop_loss=Decimal("4200.5"))
    part = by_hand(world, "0.50", BTCUSD)
    world.book.close(part.position_id, Decimal("0.13"))
    snapshot, status = await world.account.snapshot()
    assert same_positions(snapshot.positions, world)
    assert (snapshot.account, snapshot.origin, snapshot.certain) == (ALIAS, Origin.RECONCILED, True)
    figures = world.book.status()
    assert status.currency == figures.currency
    if has(world, "figures"):
        assert (status.balance, status.equity) == (figures.balance, figures.equity)
    else:
        assert (status.balance, status.equity) == (None, None)
    assert status.margin_used in (None, figures.margin_used)
    assert status.margin_free in (None, figures.margin_free)


async def test_an_empty_account_has_an_empty_snapshot(world: World, autojump_clock: MockClock) -> None:
    snapshot, status = await world.account.snapshot()
    assert (snapshot.positions, snapshot.certain) == ((), True)
    assert status.balance == (world.book.balance if has(world, "figures") else None)


async def test_a_snapshot_says_when_it_was_asked_for(world: World, autojump_clock: MockClock) -> None:
    await world.account.snapshot()  # signed in
    await trio.sleep(1)
    if world.faults is not None:
        world.faults.delay_s = 0.5
    asked_at = world.now()
    snapshot, _ = await world.account.snapshot()
    assert snapshot.requested_at == asked_at
    assert snapshot.requested_at <= snapshot.received_at <= world.now()
    assert (snapshot.received_at > asked_at) is (world.faults is not None)


async def test_a_snapshot_while_a_hand_trades_shows_only_what_was_true(world: World, autojump_clock: MockClock) -> None:
    random = Random(3)
    if world.faults is not None:
        world.faults.delay_s = 0.05
    for _ in range(20):
        trade(world, random)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trade_soon, world, random)
            snapshot, _ = await world.account.snapshot()
        for position in snapshot.positions:
            assert position.volume in {was.volume for was in world.told.ever[position.position_id]}
    snapshot, _ = await world.account.snapshot()
    assert same_positions(snapshot.positions, world)


async def test_symbols_are_all_of_the_venues(world: World, autojump_clock: MockClock) -> None:
    symbols = list(await world.account.symbols())
    assert len(symbols) == len(set(symbols))
    assert set(symbols) == set(world.market.instruments)


async def test_an_instrument_is_specified_exactly(world: World, autojump_clock: MockClock) -> None:
    for symbol in world.market.instruments:
        assert await world.account.instrument(symbol) == world.specification(symbol)


async def test_a_quote_is_the_markets_latest(world: World, autojump_clock: MockClock) -> None:
    for bid, ask in (("1.16000", "1.16008"), ("1.23457", "1.2346")):
        world.market.set_quote(Quote(EURUSD, Decimal(bid), Decimal(ask), world.now()))
        quote = await world.account.quote(EURUSD)
        if not has(world, "quotes"):
            assert quote is None
            continue
        assert quote is not None
        assert (quote.symbol, quote.bid, quote.ask) == (EURUSD, Decimal(bid), Decimal(ask))
        assert quote.at <= world.now()
        await trio.sleep(1)


@pytest.mark.parametrize("name", NO_SYMBOLS)
async def test_what_the_account_does_not_have_is_none(world: World, autojump_clock: MockClock, name: str) -> None:
    assert await world.account.instrument(Symbol(name)) is None
    assert await world.account.quote(Symbol(name)) is None


async def test_a_symbol_without_a_quote_has_none(world: World, autojump_clock: MockClock) -> None:
    del world.market.quotes[EURUSD]
    assert await world.account.quote(EURUSD) is None
    assert await world.account.instrument(XAUUSD) is not None


async def test_an_instrument_that_takes_no_orders_says_so(world: World, autojump_clock: MockClock) -> None:
    needs(world, "refusals by instrument")
    world.market.instruments[EURUSD] = evolve(world.market.instruments[EURUSD], tradable=False)
    instrument = await world.account.instrument(EURUSD)
    assert instrument is not None
    assert not instrument.tradable


async def test_looks_at_a_venue_under_maintenance_are_weather(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    wired.faults.maintenance = True
    looks: list[Callable[[], Awaitable[object]]] = [wired.account.snapshot, wired.account.symbols]
    if has(wired, "quotes"):
        looks.append(lambda: wired.account.quote(EURUSD))
    for look in looks:
        with pytest.raises(SessionLost):
            await look()
    wired.faults.maintenance = False
    await wired.account.snapshot()


async def test_looks_go_on_when_tokens_expire(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    await wired.account.snapshot()
    wired.faults.expire_tokens()
    snapshot, _ = await wired.account.snapshot()
    assert same_positions(snapshot.positions, wired)


async def test_closing_an_account_twice_is_fine(world: World, autojump_clock: MockClock) -> None:
    await world.account.aclose()
    await world.account.aclose()
    again = world.again()
    await again.snapshot()
    await again.aclose()
    await again.aclose()


async def _trade_soon(world: World, random: Random) -> None:
    await trio.sleep(random.choice((0, 0.03, 0.06)))
    trade(world, random)
