"""Copies told row by row: what they opened, when they were over, and what they won by their prices."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.records import CheckpointRecord
from copier.performance.copied import Copied, CopyHistory, Opened, Result, mean, result_of
from rules.model.copies import Ending
from rules.model.events import InstrumentReported, OrderEnded
from rules.model.reports import Canceled, Filled
from rules.model.values import AccountId, OrderStatus, PositionId, Price, Symbol, Volume
from rules.policy.links import LinkState
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.engine.test_engine_mirror import OURS, ends, working
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, filled

DOLLARS = evolve(EURUSD, profit_currency="USD")


def told(desk: Desk, book: CopyHistory | None = None, after: int = 0) -> list[Opened | Copied]:
    """Return what a book makes of the desk's ledger."""
    book = CopyHistory() if book is None else book
    entries = zip(desk.ledger.entries(after), desk.records()[after:], strict=True)
    return [each for entry, record in entries for each in book.take(record, entry.at)]


def result(each: Opened | Copied) -> Result:
    assert isinstance(each, Copied)
    return result_of(each.copy, each.legs, lambda _, symbol: DOLLARS if symbol == EURUSD.symbol else None)


async def trade(desk: Desk, position_id: str = "p1", volume: str = "1", out: str = "1.2") -> None:
    """Let a source position be copied, and closed."""
    [opening] = await desk.sees(source_position(position_id, volume))
    await desk.reports(Filled(opening.cl_ord_id, PositionId(f"t-{position_id}"), Volume(volume), Price("1.1")))
    [closing] = await desk.closes(position_id)
    await desk.reports(Filled(closing.cl_ord_id, PositionId(f"t-{position_id}"), Volume(volume), Price(out)))


async def test_a_copy_is_over_once_with_what_all_its_parts_made() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position(volume="2"))
    await desk.reports(Filled(opening.cl_ord_id, PositionId("t"), Volume(2), Price("1.1")))
    [half] = await desk.sees(source_position(volume="1"))
    await desk.reports(Filled(half.cl_ord_id, PositionId("t"), Volume(1), Price("1.2")))
    begun_at = desk.now - timedelta(milliseconds=1)
    [rest] = await desk.closes()
    await desk.reports(Filled(rest.cl_ord_id, PositionId("t"), Volume(1), Price("1.05")))
    opened, over = told(desk)
    assert isinstance(opened, Opened)
    assert (opened.at, opened.source_price, opened.is_first) == (begun_at, Price("1.1"), True)
    assert isinstance(over, Copied)
    assert (over.begun_at, over.last_at, over.copy.ending) == (begun_at, desk.now, Ending.SOURCE_CLOSED)
    # (1.2 - 1.1) * 1 + (1.05 - 1.1) * 1 = 0.05, times 100,000 units a lot.
    assert result(over) == Result(
        Volume(2), Volume(2), Price("1.1"), Price("1.125"), Decimal("0.05"), Decimal(5000), "USD"
    )


async def test_a_closing_without_a_price_has_no_result_and_nothing_is_guessed() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position())
    await desk.reports(filled(opening))
    for _ in range(2):
        await desk.polls(TARGET)  # it is not there any more
    _, over = told(desk)
    found = result(over)
    assert (found.opened, found.closed, found.open_price, found.close_price) == (1, 1, Price("1.1"), None)
    assert (found.gained, found.amount, found.currency) == (None, None, None)


async def test_a_result_needs_the_contract_size_and_the_currency() -> None:
    desk = await Desk().ready()
    await trade(desk)
    over = told(desk)[-1]
    assert isinstance(over, Copied)
    for known in (None, EURUSD, evolve(DOLLARS, contract_size=None)):
        found = result_of(over.copy, over.legs, lambda _, __, known=known: known)  # type: ignore[misc]  # bound now
        assert (found.gained, found.amount, found.currency) == (Decimal("0.1"), None, None)


async def test_a_sale_wins_when_the_price_falls() -> None:
    link = evolve(LINK, policy=evolve(LINK.policy, reverse=True))
    desk = await Desk(links=[link]).ready()
    await trade(desk, out="1.09")
    assert result(told(desk)[-1]).amount == 1000


async def test_what_was_denied_is_over_at_once_and_has_traded_nothing() -> None:
    desk = await Desk(links=[evolve(LINK, state=LinkState.PAUSED)]).ready()
    await desk.sees(source_position())
    await desk.closes()
    [denied] = told(desk)
    assert isinstance(denied, Copied)
    assert (denied.copy.ending, denied.has_traded, denied.begun_at) == (Ending.DENIED, False, None)
    assert result(denied) == Result(Volume(0), Volume(0), None, None, None, None, None)


async def test_a_book_that_begins_at_a_checkpoint_goes_on_as_one_that_read_it_all() -> None:
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, DOLLARS))
    await trade(desk, "p1")
    [opening] = await desk.sees(source_position("p2"))
    await desk.reports(Filled(opening.cl_ord_id, PositionId("t2"), Volume(1), Price("1.1")))
    rows = desk.ledger.last_seq
    book = CopyHistory()
    assert list(book.take(CheckpointRecord(tuple(desk.book.all()), (), desk.now), desk.now)) == []
    [closing] = await desk.closes("p2")
    await desk.reports(Filled(closing.cl_ord_id, PositionId("t2"), Volume(1), Price("1.3")))
    [late], [*_, early] = told(desk, book, rows), told(desk)
    assert result(late) == result(early)
    assert isinstance(late, Copied)
    assert late.begun_at is not None, "when it was asked for stands in its leg"
    assert book.alive == {}


async def test_a_copy_that_was_over_before_the_checkpoint_is_not_told_again() -> None:
    desk = await Desk(links=[evolve(LINK, state=LinkState.PAUSED)]).ready()
    await desk.sees(source_position())
    book = CopyHistory()
    list(book.take(CheckpointRecord(tuple(desk.book.all()), (), desk.now), desk.now))
    rows = desk.ledger.last_seq
    await desk.closes()
    assert told(desk, book, rows) == []


async def test_books_know_the_instruments_that_rows_told() -> None:
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, DOLLARS))
    await trade(desk)
    book = CopyHistory()
    told(desk, book)
    assert book.instrument_of(TARGET, EURUSD.symbol) == DOLLARS
    assert book.instrument_of(AccountId("other"), Symbol("EURUSD")) is None


async def test_a_mirrored_order_that_was_filled_is_one_trade_of_the_position() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(Filled(placed.cl_ord_id, PositionId("tp"), placed.volume, Price("1.1"), OURS))
    filled_at = desk.now
    desk.now += timedelta(seconds=1)
    await ends(desk, OrderStatus.FILLED, "p1")
    await desk.sees(source_position())
    [closing] = await desk.closes()
    await desk.reports(Filled(closing.cl_ord_id, PositionId("tp"), Volume(1), Price("1.2")))
    opened, over = told(desk)
    assert isinstance(opened, Opened)
    assert (opened.at, opened.copy.order is None) == (filled_at, False)
    assert isinstance(over, Copied)
    assert (over.copy.source_position_id, over.begun_at) == ("p1", filled_at)
    assert result(over).amount == 10_000


async def test_a_mirrored_order_that_was_canceled_has_traded_nothing() -> None:
    desk, placed = await working()
    [cancel] = await ends(desk, OrderStatus.CANCELED)
    await desk.reports(Canceled(cancel.cl_ord_id))
    await desk.reports(Canceled(placed.cl_ord_id))
    [over] = told(desk)
    assert isinstance(over, Copied)
    assert not over.has_traded


async def test_what_is_opened_again_is_another_trade() -> None:
    policy = evolve(LINK.policy, reopen=1)
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    await desk.copied(source_position())
    for _ in range(2):
        await desk.polls(TARGET)  # it is not there any more
    await desk.fills(desk.sent[1:])
    [closing] = await desk.closes()
    await desk.fills([closing])
    rows = told(desk)
    assert [(type(each), each.copy.life) for each in rows] == [(Opened, 0), (Copied, 0), (Opened, 1), (Copied, 1)]
    first, second = result(rows[1]), result(rows[3])
    assert (first.closed, first.gained) == (1, None), "no row tells at which price the target closed it"
    assert (second.closed, second.gained) == (1, 0)


def test_a_mean_price_has_at_most_twelve_digits() -> None:
    assert mean(Decimal(10), Volume(3)) == Decimal("3.33333333333")
    assert mean(Decimal("1.1"), Volume(1)) == Decimal("1.1")
    assert mean(None, Volume(1)) is None
    assert mean(Decimal(0), Volume(0)) is None
