"""Mismatches of a running engine: when they begin, what they do, when they end, and what a restart keeps."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.ledger.records import CheckpointRecord, DecisionRecord, MismatchRecord
from rules.books.mismatch import MismatchKind
from rules.model.actions import ReplaceStops
from rules.model.copies import Ending
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.reports import Filled, Rejected
from rules.model.values import PositionId
from rules.policy.links import CopyLink
from rules.policy.mismatch import MismatchAction, MismatchPolicy
from tests.copier.desk import LINK, SOURCE, TARGET, Desk, target_position
from tests.copier.fakes import source_position
from tests.rules.playbook import shape


def link(action: MismatchAction = MismatchAction.ALERT) -> CopyLink:
    return evolve(LINK, policy=evolve(LINK.policy, mismatch=MismatchPolicy(action=action)))


def events(desk: Desk) -> list[tuple[str, bool]]:
    """Return the mismatches of the ledger: each its kind, and whether it ended."""
    records = desk.records("mismatch")
    return [(each.mismatch.kind.value, each.ended) for each in records if isinstance(each, MismatchRecord)]


async def waits(desk: Desk, seconds: float, *positions: Position) -> None:
    """Let time pass, and the target show its books then."""
    desk.now += timedelta(seconds=seconds)
    await desk.polls(TARGET, *positions)


async def rejected(desk: Desk) -> None:
    """Let the target reject a copy."""
    [order] = await desk.sees(source_position())
    await desk.reports(Rejected(order.cl_ord_id, "not enough money"))


async def test_a_copy_that_the_venue_rejected_is_missing_after_the_grace() -> None:
    desk = await Desk().ready()
    await rejected(desk)
    await waits(desk, 0)
    assert events(desk) == []
    await waits(desk, 10)
    assert events(desk) == [("missing", False)]
    [record] = desk.records("mismatch")
    assert isinstance(record, MismatchRecord)
    assert record.mismatch.positions == ("p1",)
    assert (record.mismatch.desired, record.mismatch.why) == (1, "the venue rejected the order")


async def test_the_books_are_asked_for_when_the_grace_ends() -> None:
    desk = await Desk().ready()
    await rejected(desk)
    await waits(desk, 0)
    desk.polled.clear()
    desk.now += timedelta(seconds=10)
    await desk.takes()
    assert desk.polled == [TARGET]


async def test_a_mismatch_ends_when_its_source_closes_and_is_told_once() -> None:
    desk = await Desk().ready()
    await rejected(desk)
    for _ in range(4):
        await waits(desk, 10)
    await desk.closes()
    await waits(desk, 1)
    await waits(desk, 60)
    assert events(desk) == [("missing", False), ("missing", True)]


async def test_an_order_in_flight_is_no_mismatch_within_the_grace() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    await waits(desk, 5)
    position = target_position(desk, order, source_position())
    await desk.reports(Filled(order.cl_ord_id, position.position_id, Decimal(1)))
    await waits(desk, 60, position)
    assert events(desk) == []


async def test_a_difference_that_is_another_one_now_has_a_grace_of_its_own() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    await waits(desk, 0, evolve(held, volume=Decimal("1.2")))
    await desk.sees(evolve(source_position(), volume=Decimal("0.5")))
    await waits(desk, 9, evolve(held, volume=Decimal("1.2")))
    await waits(desk, 9, evolve(held, volume=Decimal("1.2")))
    assert events(desk) == []
    await waits(desk, 1, evolve(held, volume=Decimal("1.2")))
    assert events(desk) == [("volume", False)]


async def test_a_denied_copy_is_no_mismatch() -> None:
    desk = await Desk(links=[evolve(LINK, state=LINK.state.PAUSED)]).ready()
    await desk.sees(source_position())
    await waits(desk, 0)
    await waits(desk, 60)
    assert events(desk) == []


async def test_what_the_target_closed_by_itself_is_missing_until_the_source_closes() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    for _ in range(3):
        await waits(desk, 6)
    assert desk.copy.ending is Ending.TARGET_CLOSED
    assert events(desk) == [("missing", False)]


async def test_a_position_that_nobody_owns_is_no_mismatch() -> None:
    desk = await Desk().ready()
    by_hand = source_position("by-hand")
    await waits(desk, 0, by_hand)
    await waits(desk, 60, by_hand)
    assert events(desk) == []


async def test_a_close_that_the_venue_keeps_refusing_is_an_unexpected_position() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position())
    [close] = await desk.closes()
    await desk.reports(Rejected(close.cl_ord_id, "market closed"))
    await waits(desk, 0, held)
    await waits(desk, 10, held)
    assert events(desk) == [("unexpected", False)]


async def test_close_only_denies_new_risk_while_the_mismatch_lasts() -> None:
    desk = await Desk(links=[link(MismatchAction.CLOSE_ONLY)]).ready()
    await rejected(desk)
    await waits(desk, 0)
    await waits(desk, 10)
    assert await desk.sees(source_position("p2")) == []
    decisions = [each for each in desk.records("decision") if isinstance(each, DecisionRecord)]
    assert decisions[-1].copy.reason is Reason.LINK_CLOSE_ONLY
    await desk.closes("p1")
    await waits(desk, 1)
    assert shape(await desk.sees(source_position("p3"))) == [("open", "1.00")]


async def test_flatten_closes_what_the_link_holds_of_the_instrument_and_lets_it_open_nothing() -> None:
    desk = await Desk(links=[link(MismatchAction.FLATTEN)]).ready()
    await desk.copied(source_position("p1"))
    other = await desk.copied(source_position("p2"))
    orders = []
    for _ in range(4):
        desk.now += timedelta(seconds=30)
        orders += await desk.polls(TARGET, other)
    assert shape(orders) == [("close", "1.00")]
    assert await desk.fills(orders) == []
    assert await desk.sees(source_position("p3")) == []
    [copy] = [each for each in desk.book.all() if each.source_position_id == "p3"]
    assert copy.reason is Reason.LINK_CLOSE_ONLY
    assert desk.book.get((LINK.link_id, PositionId("p2"))).ending is Ending.FLATTENED  # type: ignore[union-attr]


async def test_close_only_survives_a_restart() -> None:
    desk = await Desk(links=[link(MismatchAction.CLOSE_ONLY)]).ready()
    await rejected(desk)
    await waits(desk, 0)
    await waits(desk, 10)
    again = Desk(desk.ledger, links=[link(MismatchAction.CLOSE_ONLY)], now=desk.now)
    await again.takes_books(source_position())
    await again.polls(TARGET)
    assert await again.sees(source_position("p2")) == []
    assert events(again) == [("missing", False)], "the restart found what lasted, and told nothing again"


async def test_a_target_seen_before_the_source_ends_no_mismatch() -> None:
    desk = await Desk().ready()
    await rejected(desk)
    await waits(desk, 0)
    await waits(desk, 10)
    again = Desk(desk.ledger, now=desk.now)
    await again.polls(TARGET)
    assert events(again) == [("missing", False)]


async def test_a_mismatch_of_an_account_that_is_gone_from_the_config_ends_at_the_start() -> None:
    desk = await Desk().ready()
    await rejected(desk)
    await waits(desk, 0)
    await waits(desk, 10)
    again = Desk(desk.ledger, links=[], accounts=[SOURCE], now=desk.now)
    await again.polls(SOURCE)
    assert events(again) == [("missing", False), ("missing", True)]


async def test_a_checkpoint_keeps_what_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copier.engine.engine.CHECKPOINT_ROWS", 1)
    monkeypatch.setattr("copier.engine.engine.CHECKPOINT_ROWS_A_COPY", 1)
    desk = await Desk().ready()
    await rejected(desk)
    await waits(desk, 0)
    await waits(desk, 10)
    await desk.sees(source_position("p2"))
    await desk.takes()
    assert [type(each) for each in desk.records()][-1] is CheckpointRecord
    again = Desk(desk.ledger, now=desk.now)
    await again.takes_books(source_position())
    await again.polls(TARGET)
    assert events(again) == [("missing", False)]


async def test_resync_closes_what_is_held_too_much() -> None:
    desk = await Desk(links=[link(MismatchAction.RESYNC)]).ready()
    held = await desk.copied(source_position())
    grown = evolve(held, volume=Decimal("1.5"))
    await waits(desk, 0, grown)
    before = len(desk.sent)
    await waits(desk, 10, grown)
    assert shape(desk.sent[before:]) == [("reduce", "0.50")]


async def test_resync_sets_stops_again_that_are_gone() -> None:
    desk = await Desk(links=[link(MismatchAction.RESYNC)]).ready()
    held = await desk.copied(source_position("p1", stop_loss=Decimal("1.05")))
    bare = evolve(held, stop_loss=None)
    await waits(desk, 0, bare)
    before = len(desk.sent)
    await waits(desk, 10, bare)
    [order] = desk.sent[before:]
    assert isinstance(order, ReplaceStops)
    assert order.stop_loss == Decimal("1.05")


async def test_resync_opens_nothing() -> None:
    desk = await Desk(links=[link(MismatchAction.RESYNC)]).ready()
    await rejected(desk)
    before = len(desk.sent)
    for _ in range(4):
        await waits(desk, 10)
    assert desk.sent[before:] == []
    assert events(desk) == [("missing", False)]


async def test_a_missing_stop_loss_is_told_and_left_to_the_person_by_default() -> None:
    desk = await Desk().ready()
    held = await desk.copied(source_position("p1", stop_loss=Decimal("1.05")))
    before = len(desk.sent)
    await waits(desk, 0, evolve(held, stop_loss=None))
    await waits(desk, 10, evolve(held, stop_loss=None))
    assert events(desk) == [(MismatchKind.STOPS.value, False)]
    assert desk.sent[before:] == []
