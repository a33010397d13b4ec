"""What became of a source position, out of records."""

from decimal import Decimal

from attrs import evolve

from copier.replay.trades import Trade, TradeBook, outcome_words
from rules.model.instruments import Instrument
from rules.model.reports import Filled, Rejected
from rules.model.values import AccountId, PositionId, Price, Symbol, Volume
from rules.policy.links import LinkState
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, filled

DOLLARS = evolve(EURUSD, profit_currency="USD")


def trade_of(desk: Desk) -> Trade:
    """Return the only trade that the desk's ledger tells of."""
    book = TradeBook()
    for record in desk.records():
        book.take(record, desk.now)
    [trade] = book.trades.values()
    return trade


def dollars(account: AccountId, symbol: Symbol) -> Instrument | None:
    return DOLLARS if (account, symbol) == (TARGET, EURUSD.symbol) else None


async def test_a_result_is_the_sum_of_all_deals_by_their_prices() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position(volume="2"))
    await desk.reports(Filled(opening.cl_ord_id, PositionId("t"), Volume(2), Price("1.1")))
    [half] = await desk.sees(source_position(volume="1"))
    await desk.reports(Filled(half.cl_ord_id, PositionId("t"), Volume(1), Price("1.2")))
    assert trade_of(desk).result(dollars) is None, "it is not over"
    [rest] = await desk.closes()
    await desk.reports(Filled(rest.cl_ord_id, PositionId("t"), Volume(1), Price("1.05")))
    trade = trade_of(desk)
    assert trade.result(dollars) == (Decimal(5000), "USD")
    assert (trade.opened, outcome_words(trade)) == (2, "copied")
    assert trade.result(lambda _, __: None) is None
    assert trade.result(lambda _, __: EURUSD) is None, "its currency is not known"


async def test_what_a_target_closed_by_itself_has_no_price_and_so_no_result() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position())
    await desk.reports(filled(opening))
    for _ in range(2):
        await desk.polls(TARGET)
    trade = trade_of(desk)
    assert [(deal.opens, deal.volume, deal.price) for deal in trade.deals] == [
        (True, 1, Price("1.1")),
        (False, 1, None),
    ]
    assert trade.result(dollars) is None


async def test_what_was_not_copied_says_why() -> None:
    desk = await Desk(links=[evolve(LINK, state=LinkState.PAUSED)]).ready()
    await desk.sees(source_position())
    trade = trade_of(desk)
    assert outcome_words(trade) == "denied, LINK_PAUSED"
    assert trade.result(dollars) is None


async def test_what_waits_and_what_the_venue_refused_is_told_so() -> None:
    desk = Desk()
    await desk.polls(LINK.source)
    await desk.sees(source_position())
    assert outcome_words(trade_of(desk)) == "waits, TARGET_NOT_READY"
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position())
    await desk.reports(Rejected(opening.cl_ord_id, "no money"))
    assert outcome_words(trade_of(desk)) == "rejected by the venue"
