"""The actions that the tests submit, and a hand at the venue that trades beside us."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from random import Random

import trio

from adapters.simulation.records import OrderRefused
from rules.model.actions import Action, ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.model.identity import cl_ord_id
from rules.model.observed import Position, Quote
from rules.model.reports import Accepted, Filled, NotFound, Rejected, Report
from rules.model.values import ClOrdId, LinkId, OmsType, PositionId, Price, Side, Symbol
from tests.conformance.venues import ALIAS, START, World, has

EURUSD, XAUUSD, BTCUSD = Symbol("EURUSD"), Symbol("XAUUSD"), Symbol("BTCUSD")
STOP, TAKE = Decimal("1.10000"), Decimal("1.20000")

Make = Callable[..., Action]
"""Makes an action on a position: `closing`, `reducing` or `replacing`."""


def tag(number: int = 1) -> ClOrdId:
    return cl_ord_id(LinkId("a->b"), PositionId("7"), START, 1, number)


def opening(
    number: int = 1, volume: str = "0.30", symbol: str = EURUSD, side: Side = Side.BUY, **stops: Price
) -> OpenPosition:
    return OpenPosition(tag(number), ALIAS, Symbol(symbol), side, Decimal(volume), **stops)


def closing(position: Position, number: int = 2, locked: str = "0") -> ClosePosition:
    held = (position.symbol, position.side, position.volume)
    return ClosePosition(tag(number), ALIAS, position.position_id, *held, locked=Decimal(locked))


def reducing(position: Position, volume: str = "0.10", number: int = 2) -> ReducePosition:
    part = Decimal(volume)
    left = position.volume - part
    return ReducePosition(
        tag(number), ALIAS, position.position_id, position.symbol, position.side, part, remaining=left
    )


def replacing(
    position: Position, stop_loss: Price | None = STOP, take_profit: Price | None = TAKE, number: int = 2
) -> ReplaceStops:
    prices = (stop_loss, take_profit)
    return ReplaceStops(tag(number), ALIAS, position.position_id, position.symbol, *prices, side=position.side)


def stops(world: World, stop_loss: Price | None = STOP, take_profit: Price | None = TAKE) -> dict[str, Price]:
    """Return these stops for an opening; none where the venue keeps none."""
    wanted = {"stop_loss": stop_loss, "take_profit": take_profit}
    return {name: price for name, price in wanted.items() if price is not None and has(world, "stops")}


def makers(world: World) -> list[Make]:
    """Return what makes the actions that a venue takes on a position."""
    return [closing, reducing, *([replacing] if has(world, "stops") else [])]


def by_hand(
    world: World, volume: str = "0.30", symbol: str = EURUSD, side: Side = Side.BUY, **options: object
) -> Position:
    """Open a position as somebody else would, without stops where there are none; return it as the books hold it."""
    if not has(world, "stops"):
        options = {name: value for name, value in options.items() if name not in ("stop_loss", "take_profit")}
    order = world.book.open(Symbol(symbol), side, Decimal(volume), **options)  # type: ignore[arg-type]
    assert order.position_id is not None
    return world.book.positions[order.position_id]


async def settled(world: World, action: Action, report: Report) -> Report:
    """Return what became of an action that was taken, as the dispatcher finds it out."""
    submitted_at = world.now() - timedelta(seconds=1)
    with trio.fail_after(60):
        while isinstance(report, Accepted):
            await trio.sleep(0.5)
            found = await world.account.find(action.cl_ord_id, submitted_at)
            report = report if isinstance(found, NotFound) else found
    return report


async def opened(world: World, action: OpenPosition) -> Position:
    """Submit an opening, check what is said of it against the books, and return the position."""
    report = await settled(world, action, await world.account.submit(action))
    position = world.book.position_of_tag(action.cl_ord_id)
    assert position is not None
    check_filled(report, action, position)
    return position


def check_filled(report: Report, action: OpenPosition, position: Position) -> None:
    assert isinstance(report, Filled), report
    assert (report.cl_ord_id, report.position_id) == (action.cl_ord_id, position.position_id)
    assert report.volume == action.volume
    assert report.price in (None, position.open_price)


def rejected(report: Report, words: str) -> None:
    assert isinstance(report, Rejected), report
    assert words in report.text


def trade(world: World, random: Random) -> None:
    """Let a hand do one thing at the venue: open, reduce, close, move stops, or move the market."""
    book, held = world.book, list(world.book.positions.values())
    step = random.randrange(5) if held else 0
    position = random.choice(held) if held else None
    try:
        match step:
            case 0:
                side = random.choice((Side.BUY, Side.SELL))
                book.open(random.choice((EURUSD, XAUUSD)), side, Decimal(random.randint(2, 30)) / 100)
            case 1 if position is not None and position.volume > Decimal("0.01"):
                book.close(position.position_id, Decimal("0.01"))
            case 2 if position is not None:
                book.close(position.position_id)
            case 3 if position is not None and has(world, "stops"):
                away = position.open_price * Decimal("0.1") * position.side.sign
                stop = (position.open_price - away).quantize(Decimal("0.01"))
                book.replace_stops(position.position_id, random.choice((None, stop)), None)
            case _:
                quote = world.market.quotes[EURUSD]
                shift = Decimal(random.randint(-20, 20)) / 100_000
                world.market.set_quote(Quote(EURUSD, quote.bid + shift, quote.ask + shift, world.now()))
    except OrderRefused:
        assert book.oms is OmsType.NETTING or step in (0, 3)
