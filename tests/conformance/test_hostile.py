"""What a broken or hostile venue says: no crash, no wrong event, and the end of the session names what was found."""

from decimal import Decimal

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import RemoteProtocolError, SessionLost
from rules.model.events import AccountReported, PositionReported, SnapshotReceived
from rules.model.observed import Quote
from rules.model.reports import Filled, Rejected
from rules.model.values import Symbol
from tests.conformance.actions import EURUSD, XAUUSD, by_hand, check_filled, opened, opening, settled, tag
from tests.conformance.mirror import same_positions, streaming
from tests.conformance.venues import World, needs, states

VOLUME, PRICE = "0.37", "1.23457"
"""Numbers that stand nowhere else in what a venue says, so that each can be replaced by its text alone."""

NUMBERS = {
    "not a number": "NaN",
    "infinite": "1e400",
    "tiny": "1e-400",
    "sixty digits": "1" * 60,
    "sixty decimals": "0." + "1" * 60,
    "a million digits": "1" * 1_000_000,
    "below zero": "-0.37",
    "two points": "0.3.7",
    "a word": "many",
    "underscored": "1_000",
}

TEXTS = {
    "control characters": "EUR\x00\x07\x1b[31m\r\nUSD",
    "10 kB": "E" * 10_240,
    "another alphabet": "ЕURUSD",
    "right to left": "\u202eDSURUE",
    "emoji": "🪙/USD",
    "markup": "<script>alert('EURUSD')</script>",
    "percent": "%s%n{0}",
    "path": "../../EURUSD?x=1#y",
    "spaces": "  EUR USD  ",
}

MESSAGES = {
    "half an object": ('"symbol":"EURUSD"', '"symbol":'),
    "a lone surrogate": ("EURUSD", "\\ud800"),
    "deeply nested": ("EURUSD", '","x":' + "[" * 5000 + "]" * 5000 + ',"y":"'),
    "no symbol": ('"EURUSD"', '""'),
    "another side": ("Buy", "Both"),
    "another side, upper case": ('"BUY"', '"BOTH"'),
}


def hostile_position(world: World) -> None:
    world.market.set_quote(Quote(EURUSD, Decimal("1.23449"), Decimal(PRICE), world.now()))
    by_hand(world, VOLUME)


@pytest.mark.parametrize("number", [VOLUME, PRICE])
@pytest.mark.parametrize("what", NUMBERS)
async def test_a_streamed_number_that_cannot_be_ends_the_session_and_is_named(
    streamed: World, autojump_clock: MockClock, what: str, number: str
) -> None:
    assert streamed.tamper is not None
    streamed.tamper.streams_only = True
    async with streaming(streamed) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        streamed.tamper.replaced = {number: NUMBERS[what]}
        told = len(mirror.events)
        hostile_position(streamed)
        error = await mirror.until_lost()
        _check_refusal(error, NUMBERS[what])
        news = [event for event in mirror.events[told:] if not isinstance(event, AccountReported)]
        assert not [event for event in news if isinstance(event, PositionReported)]
        assert all(event.positions == () for event in news if isinstance(event, SnapshotReceived))


@pytest.mark.parametrize("what", NUMBERS)
async def test_a_beginning_with_a_number_that_cannot_be_gives_no_snapshot(
    streamed: World, autojump_clock: MockClock, what: str
) -> None:
    assert streamed.tamper is not None
    hostile_position(streamed)
    streamed.tamper.replaced = {VOLUME: NUMBERS[what]}
    async with streaming(streamed) as mirror:
        _check_refusal(await mirror.until_lost(), NUMBERS[what])
        assert not mirror.of(SnapshotReceived)
    streamed.tamper.replaced = {}
    async with streaming(streamed) as mirror:
        await mirror.until_true()


@pytest.mark.parametrize("what", NUMBERS)
async def test_a_polled_number_that_cannot_be_gives_no_snapshot(
    streamed: World, autojump_clock: MockClock, what: str
) -> None:
    assert streamed.tamper is not None
    hostile_position(streamed)
    streamed.tamper.replaced = {VOLUME: NUMBERS[what]}
    with pytest.raises(SessionLost) as error:
        await streamed.account.snapshot()
    _check_refusal(error.value, NUMBERS[what])
    streamed.tamper.replaced = {}
    snapshot, _ = await streamed.account.snapshot()
    assert same_positions(snapshot.positions, streamed)


@pytest.mark.parametrize("what", [name for name in NUMBERS if name != "below zero"])
async def test_a_balance_that_cannot_be_is_never_told(streamed: World, autojump_clock: MockClock, what: str) -> None:
    needs(streamed, "figures")
    assert streamed.tamper is not None
    streamed.book.deposit(Decimal("7654321"))
    streamed.tamper.replaced = {str(streamed.book.balance): NUMBERS[what]}
    async with streaming(streamed) as mirror:
        _check_refusal(await mirror.until_lost(), NUMBERS[what])
        assert mirror.status is None
    with pytest.raises(SessionLost):
        await streamed.account.snapshot()


@pytest.mark.parametrize("what", [name for name in NUMBERS if name != "below zero"])
async def test_a_stop_that_cannot_be_is_never_told(streamed: World, autojump_clock: MockClock, what: str) -> None:
    """A stop may come by a message of its own: its session may live, and then shows none."""
    needs(streamed, "stops")
    assert streamed.tamper is not None
    async with streaming(streamed) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        streamed.tamper.replaced = {"1.10234": NUMBERS[what]}
        position = by_hand(streamed, stop_loss=Decimal("1.10234"))
        await trio.sleep(60)
        assert mirror.lost is None or isinstance(mirror.lost, SessionLost)
        shown = mirror.positions.get(position.position_id)
        assert shown is None or shown.stop_loss is None


@pytest.mark.parametrize("what", MESSAGES)
async def test_a_broken_message_ends_the_session_or_changes_nothing(
    streamed: World, autojump_clock: MockClock, what: str
) -> None:
    assert streamed.tamper is not None
    old, new = MESSAGES[what]
    async with streaming(streamed) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        streamed.tamper.replaced = {old: new}
        by_hand(streamed)
        await trio.sleep(60)
        assert mirror.lost is None or isinstance(mirror.lost, SessionLost)
        assert mirror.lost is not None or same_positions(mirror.positions.values(), streamed)
    streamed.tamper.replaced = {}
    async with streaming(streamed) as mirror:
        await mirror.until_true()


@pytest.mark.parametrize("what", NUMBERS)
async def test_a_quote_that_cannot_be_is_never_given(streamed: World, autojump_clock: MockClock, what: str) -> None:
    needs(streamed, "quotes")
    assert streamed.tamper is not None
    streamed.market.set_quote(Quote(EURUSD, Decimal("1.23449"), Decimal(PRICE), streamed.now()))
    assert await streamed.account.quote(EURUSD) is not None
    streamed.tamper.replaced = {PRICE: NUMBERS[what]}
    with pytest.raises(SessionLost) as error:
        await streamed.account.quote(EURUSD)
    _check_refusal(error.value, "")


@pytest.mark.parametrize("what", NUMBERS)
async def test_an_order_in_books_that_cannot_be_read_is_not_called_missing(
    wired: World, autojump_clock: MockClock, what: str
) -> None:
    assert wired.tamper is not None
    submitted_at = wired.now()
    position = await opened(wired, opening(volume=VOLUME))
    wired.tamper.replaced = {VOLUME: NUMBERS[what]}
    with pytest.raises(SessionLost):
        await wired.account.find(tag(), submitted_at)
    wired.tamper.replaced = {}
    check_filled(await wired.account.find(tag(), submitted_at), opening(volume=VOLUME), position)


@pytest.mark.parametrize("what", TEXTS)
async def test_a_hostile_symbol_comes_whole_or_ends_the_session(
    world: World, autojump_clock: MockClock, what: str
) -> None:
    symbol = _add_symbol(world, TEXTS[what])
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        by_hand(world, symbol=symbol)
        by_hand(world, symbol=XAUUSD)
        await trio.sleep(60)
        if mirror.lost is None:
            await mirror.until_true()
        else:
            _check_refusal(mirror.lost, "")
    try:
        snapshot, _ = await world.account.snapshot()
    except SessionLost as error:
        _check_refusal(error, "")
    else:
        assert same_positions(snapshot.positions, world)


@pytest.mark.parametrize("what", TEXTS)
async def test_a_hostile_comment_changes_nothing(world: World, autojump_clock: MockClock, what: str) -> None:
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        by_hand(world, comment=TEXTS[what], magic="7")
        await mirror.until_true()
    snapshot, _ = await world.account.snapshot()
    assert same_positions(snapshot.positions, world)


@pytest.mark.parametrize("what", TEXTS)
async def test_an_order_for_a_hostile_symbol_is_executed_or_rejected(
    trading: World, autojump_clock: MockClock, what: str
) -> None:
    action = opening(symbol=_add_symbol(trading, TEXTS[what]))
    assert await trading.account.quote(action.symbol) is None or len(action.symbol) < 20_000
    report = await settled(trading, action, await trading.account.submit(action))
    assert isinstance(report, Filled | Rejected)
    assert len(trading.book.positions) == isinstance(report, Filled)


def test_a_venue_without_a_wire_says_so() -> None:
    states("paper", "There is no connection")


def _add_symbol(world: World, name: str) -> Symbol:
    symbol = Symbol(name)
    world.market.instruments[symbol] = evolve(world.market.instruments[EURUSD], symbol=symbol)
    world.market.set_quote(evolve(world.market.quotes[EURUSD], symbol=symbol))
    return symbol


def _check_refusal(error: Exception, found: str) -> None:
    """The text says what was expected and what was found, and is short enough to be read."""
    assert isinstance(error, RemoteProtocolError), error
    text = str(error)
    assert len(text) < 1000
    assert "expected" in text or "must" in text
    assert found[:10] in text or "JSON" in text or "digits" in text, text
