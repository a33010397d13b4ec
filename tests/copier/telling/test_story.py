"""A source position's story: every link's decisions with their numbers, each order, each answer, oldest first."""

from datetime import timedelta

import pytest
from attrs import evolve

from copier.telling.story import find, headline, outcomes, story
from rules.model.events import InstrumentReported, QuoteReported
from rules.model.observed import Quote
from rules.model.reports import Filled, NotFound, Rejected
from rules.model.values import LinkId, PositionId, Price, Volume
from rules.policy.links import LinkState
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD

PAUSED = evolve(LINK, link_id=LinkId("paused"), state=LinkState.PAUSED)


def told(desk: Desk, wanted: str) -> list[tuple[str, str]]:
    return [(line.who, line.what) for line in story(find(desk.ledger, wanted))]


async def test_a_copys_life_is_told_in_order() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    [closing] = await desk.closes()
    await desk.fills([closing])
    opening = held.tag
    lines = told(desk, "p1")
    assert lines[:4] == [
        ("source", "the source holds buy 1 EURUSD opened at 1.1"),
        ("source->target", "the source changed: holds 1"),
        ("target", f"order {opening}: open buy 1 EURUSD"),
        ("target", f"order {opening}: filled 1 at 1.1, position {held.position_id}"),
    ]
    assert ("target", f"order {closing.cl_ord_id}: close 1 EURUSD") in lines
    assert ("source", "the source closed it") in lines
    assert lines[-1] == ("source->target", "an order was answered: ended, source closed")
    seqs = [line.seq for line in story(find(desk.ledger, "p1"))]
    assert seqs == sorted(set(seqs))


async def test_a_denial_is_told_with_its_steps() -> None:
    desk = await Desk(links=[LINK, PAUSED]).ready()
    await desk.sees(source_position())
    [denied] = [line for line in story(find(desk.ledger, "p1")) if line.who == "paused"]
    assert denied.what == "the source changed: denied, LINK_PAUSED"
    assert denied.steps[0].startswith("link: LINK_PAUSED - ")
    assert denied.steps[-1] == "known: source equity 100000 USD, target equity 100000 USD"


async def test_a_decision_is_told_with_the_price_that_it_met_and_how_old_that_was() -> None:
    desk = await Desk().ready()
    quote = Quote(EURUSD.symbol, Price("1.1"), Price("1.1001"), desk.now)
    await desk.takes(QuoteReported(TARGET, desk.now, quote))
    await desk.sees(source_position("p1"))
    desk.now += timedelta(seconds=7)
    await desk.sees(source_position("p2"))
    known = [line.steps[-1] for name in ("p1", "p2") for line in story(find(desk.ledger, name)) if line.steps]
    figures = "source equity 100000 USD, target equity 100000 USD"
    assert known == [
        f"known: EURUSD 1.1/1.1001 at the target, {figures}",
        f"known: EURUSD 1.1/1.1001 at the target, 7 s old, {figures}",
    ]


async def test_what_became_of_it_on_each_link_is_told_first() -> None:
    desk = await Desk(links=[LINK, PAUSED]).ready()
    for account in (LINK.source, TARGET):
        instrument = evolve(EURUSD, profit_currency="USD")
        await desk.takes(InstrumentReported(account, desk.now, EURUSD.symbol, instrument))
    [opening] = await desk.sees(source_position())
    assert outcomes(find(desk.ledger, "p1")) == [
        "paused: denied, LINK_PAUSED: The link is paused.",
        "source->target: copied as buy 1 EURUSD, holds 1 now",
    ]
    await desk.reports(Filled(opening.cl_ord_id, PositionId("t1"), Volume(1), Price("1.1")))
    [closing] = await desk.closes()
    await desk.reports(Filled(closing.cl_ord_id, PositionId("t1"), Volume(1), Price("1.0999")))
    assert outcomes(find(desk.ledger, "t1")) == [
        "source->target: copied as buy 1 EURUSD, ended, source closed, -10.00 USD before costs"
    ]
    assert outcomes(find(desk.ledger, "other")) == []


async def test_a_target_position_and_an_order_lead_to_the_same_story() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    assert held.tag is not None
    assert told(desk, held.position_id) == told(desk, held.tag) == told(desk, "p1")


async def test_an_order_that_went_out_again_is_told_twice() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    await desk.reports(NotFound(order.cl_ord_id))
    lines = [what for _, what in told(desk, "p1") if "open buy" in what]
    assert len(lines) == 2


async def test_other_positions_have_no_part_in_it() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position("p1"))
    [other] = await desk.sees(source_position("p2"))
    await desk.reports(Rejected(other.cl_ord_id, "no money"))
    assert not any("no money" in what for _, what in told(desk, "p1"))
    assert any("rejected: no money" in what for _, what in told(desk, "p2"))
    assert told(desk, "p") == []


async def test_an_id_that_is_escaped_in_the_ledger_is_found() -> None:
    desk = await Desk().ready()
    await desk.sees(source_position(name := 'p"\\\u00e9\U0001f4b6\n1'))
    assert told(desk, name)
    assert outcomes(find(desk.ledger, name))


@pytest.mark.slow  # writes a thousand rows
async def test_a_netted_position_of_more_copies_than_can_be_looked_for_is_told_whole() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position("p0"))
    for number in range(1, 1100):
        copy = evolve(desk.copy, source_position_id=PositionId(f"p{number}"))
        desk.engine._journal.decision(copy, "position")
    await desk.engine._journal.commit(desk.now)
    assert len({who for who, _ in told(desk, held.position_id)}) == 3
    assert len(outcomes(find(desk.ledger, held.position_id))) == 1100


def test_the_headline_says_what_was_found() -> None:
    assert headline("p1", 3) == "p1: 3 entries"
    assert headline("p\x1b1", 0) == "the ledger holds nothing about p\N{REPLACEMENT CHARACTER}1"


async def test_a_mismatch_is_part_of_its_positions_story() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    await desk.reports(Rejected(order.cl_ord_id, "no money"))
    for _ in range(2):
        desk.now += timedelta(seconds=10)
        await desk.polls(TARGET)
    assert told(desk, "p1")[-1] == (
        "source->target",
        "mismatch missing: EURUSD should be long 1 and is not there (the venue rejected the order)",
    )
