"""What decisions were made on is kept, bounded, and never costs a commit of its own."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.engine.observations import QUOTE_EVERY
from copier.ledger.codec import decode, encode
from copier.ledger.journal import WAITING_MAX
from copier.ledger.records import DecisionRecord, FirstSeen, Known, ObservedRecord
from rules.model.events import InstrumentReported, Origin, PositionClosed, PositionReported, QuoteReported
from rules.model.observed import Quote
from rules.model.values import AccountId, Price, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.exits import Exits, Trailing
from rules.policy.links import CopyPolicy
from rules.policy.stops import Stops, StopsLock
from rules.stops.managed import Managed
from tests.copier.desk import FULL, LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.copier.telling.test_wording import COPY
from tests.rules.playbook import EURUSD, T0

QUOTE = Quote(EURUSD.symbol, Price("1.1"), Price("1.2"), T0)


def observed(desk: Desk) -> list[ObservedRecord]:
    """Return what was kept, but for the first sights of accounts."""
    records = [record for record in desk.records("observed") if isinstance(record, ObservedRecord)]
    return [record for record in records if not isinstance(record.event, FirstSeen)]


async def test_a_position_that_opens_changes_and_closes_is_kept_as_it_was_seen() -> None:
    desk = await Desk().ready()
    position = source_position()
    await desk.copied(position)
    await desk.polls(SOURCE, evolve(position, stop_loss=Price("1.05")))
    await desk.closes()
    events = [(record.event, record.origin) for record in observed(desk)]
    assert [type(event) for event, _ in events] == [PositionReported, PositionReported, PositionClosed]
    assert [origin for _, origin in events] == [Origin.LIVE, Origin.RECONCILED, Origin.LIVE]
    assert isinstance(events[0][0], PositionReported)
    assert events[0][0].position == position


async def test_a_new_price_alone_is_not_kept() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    before = desk.ledger.last_seq
    await desk.sees(source_position(current_price=Price("1.3")))
    assert desk.ledger.last_seq == before


async def test_what_accounts_hold_that_no_link_copies_from_is_not_kept() -> None:
    other = AccountId("other")
    desk = await Desk(accounts=(SOURCE, TARGET, other)).ready()
    await desk.sees(source_position("own"), TARGET)
    await desk.takes(InstrumentReported(other, desk.now, EURUSD.symbol, EURUSD))
    await desk.sees(source_position())
    assert [record.event.account for record in observed(desk)] == [SOURCE]


async def test_a_close_while_we_were_away_is_kept() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    after = Desk(desk.ledger, now=desk.now + timedelta(hours=1))
    await after.polls(TARGET)
    await after.polls(SOURCE)
    assert isinstance(observed(after)[-1].event, PositionClosed)


async def test_observations_wait_for_a_commit_that_something_else_needs() -> None:
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, EURUSD))
    assert desk.ledger.last_seq == 0
    await desk.sees(source_position())
    assert observed(desk)[0].event == InstrumentReported(TARGET, desk.now, EURUSD.symbol, EURUSD)


async def test_only_so_many_observations_wait() -> None:
    desk = await Desk().ready()
    for number in range(1, WAITING_MAX):  # the first is that the source was seen
        assert desk.ledger.last_seq == 0
        await desk.takes(InstrumentReported(TARGET, desk.now, Symbol(f"S{number}"), None))
    assert desk.ledger.last_seq == WAITING_MAX


async def test_the_first_sight_of_a_source_is_kept_for_each_run() -> None:
    desk = await Desk().ready()
    await desk.polls(SOURCE)
    await desk.copied(source_position())
    after = Desk(desk.ledger, now=desk.now)
    await after.polls(TARGET)
    await after.polls(SOURCE)
    seen = [record.event for record in after.records("observed") if isinstance(record, ObservedRecord)]
    assert [event.account for event in seen if isinstance(event, FirstSeen)] == [SOURCE, SOURCE]


async def test_an_instrument_is_kept_when_it_is_new_or_changed() -> None:
    desk = await Desk().ready()
    other = evolve(EURUSD, tradable=False)
    for instrument in (EURUSD, EURUSD, other, other, EURUSD):
        await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, instrument))
    await desk.sees(source_position())
    told = [record.event.instrument for record in observed(desk) if isinstance(record.event, InstrumentReported)]
    assert told == [EURUSD, other, EURUSD]


async def test_quotes_are_kept_now_and_then() -> None:
    desk = await Desk().ready()
    start = desk.now
    for after in (timedelta(0), timedelta(seconds=1), QUOTE_EVERY):
        await desk.takes(QuoteReported(TARGET, start + after, QUOTE))
    await desk.sees(source_position())
    quotes = [record.event.received_at for record in observed(desk) if isinstance(record.event, QuoteReported)]
    assert quotes == [start, start + QUOTE_EVERY]


async def test_a_decision_carries_the_prices_and_figures_that_it_met() -> None:
    desk = await Desk().ready()
    quote = evolve(QUOTE, at=desk.now)
    await desk.takes(QuoteReported(TARGET, desk.now, quote))
    await desk.sees(source_position())
    [record] = [each for each in desk.records("decision") if isinstance(each, DecisionRecord)]
    assert record.known == Known(EURUSD.symbol, quote, FULL, FULL)
    assert decode(DecisionRecord, encode(record)) == record


def test_a_decision_of_an_older_ledger_knows_nothing_of_that() -> None:
    body = encode(DecisionRecord(COPY, "position")).replace(b',"known":null', b"")
    assert b"known" not in body
    assert decode(DecisionRecord, body).known is None


async def test_a_stop_that_the_price_led_is_kept_with_that_price() -> None:
    trailing = Trailing(Distance(Decimal("0.01"), DistanceUnit.PRICE), step=Distance(Decimal(1), DistanceUnit.PRICE))
    policy = CopyPolicy("trails", exits=Exits(trailing=trailing), stops=Stops(lock=StopsLock.ALL))
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    await desk.copied(source_position(stop_loss=Price("1.0")))
    quote = Quote(EURUSD.symbol, Price("1.2"), Price("1.2001"), desk.now)
    await desk.takes(QuoteReported(TARGET, desk.now, quote))
    desk.now += timedelta(seconds=5)
    assert await desk.takes() == [], "the stop is locked, and nothing is ordered"
    record = desk.records("decision")[-1]
    assert isinstance(record, DecisionRecord)
    assert record.copy.legs[0].managed == Managed(Price("1.19"))
    assert record.known is not None
    assert record.known.quote == quote
