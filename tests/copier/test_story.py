"""A source position's story: every link's decisions with their numbers, each order, each answer, oldest first."""

from datetime import timedelta

from attrs import evolve

from copier.story import headline, story
from rules.policy import LinkState
from rules.reports import NotFound, Rejected
from rules.values import LinkId
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position

PAUSED = evolve(LINK, link_id=LinkId("paused"), state=LinkState.PAUSED)


def told(desk: Desk, wanted: str) -> list[tuple[str, str]]:
    return [(line.who, line.what) for line in story(desk.ledger, wanted)]


async def test_a_copys_life_is_told_in_order() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    [closing] = await desk.closes()
    await desk.fills([closing])
    opening = held.tag
    lines = told(desk, "p1")
    assert lines[:3] == [
        ("source->target", "position: holds 1"),
        ("target", f"order {opening}: open buy 1 EURUSD"),
        ("target", f"order {opening}: filled 1 at 1.1, position {held.position_id}"),
    ]
    assert ("target", f"order {closing.cl_ord_id}: close 1 EURUSD") in lines
    assert lines[-1] == ("source->target", "report: ended, source closed")
    seqs = [line.seq for line in story(desk.ledger, "p1")]
    assert seqs == sorted(set(seqs))


async def test_a_denial_is_told_with_its_steps() -> None:
    desk = await Desk(links=[LINK, PAUSED]).ready()
    await desk.sees(source_position())
    [denied] = [line for line in story(desk.ledger, "p1") if line.who == "paused"]
    assert denied.what == "position: denied, LINK_PAUSED"
    assert denied.steps[-1].startswith("link: LINK_PAUSED - ")


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
