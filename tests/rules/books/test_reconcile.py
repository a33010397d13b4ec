"""What a target's books prove against the records, and what they do not."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.books.reconcile import LegGone, LegShrunk, TargetFinding, compare_target, lose_leg, revive_leg, shrink_leg
from rules.model.copies import Copy, CopyStatus, Ending, Leg, LegStage, Pending, Purpose
from rules.model.events import Origin
from rules.model.observed import Position
from rules.model.values import AccountId, ClOrdId, LinkId, OmsType, PositionId, Side, Symbol, Volume
from tests.rules.playbook import T0, position

LATER = T0 + timedelta(seconds=5)


def copy(name: str, volume: str = "1", side: Side = Side.BUY, **changes: object) -> Copy:
    """Return a copy that holds a position `t-<name>`."""
    leg = Leg(
        0,
        ClOrdId(f"o-{name}"),
        Symbol("EURUSD"),
        side,
        Volume(volume),
        stage=LegStage.OPEN,
        held=Volume(volume),
        position_id=PositionId(f"t-{name}"),
        settled_at=T0,
    )
    return Copy(
        LinkId("l"),
        AccountId("source"),
        AccountId("target"),
        PositionId(name),
        T0,
        Symbol("EURUSD"),
        side,
        T0,
        Origin.LIVE,
        CopyStatus.ACTIVE,
        ratio=Fraction(1),
        granted=Volume(volume),
        followed=Volume(volume),
        legs=(evolve(leg, **changes),),
    )


def books(*positions: Position) -> dict[PositionId, Position]:
    return {each.position_id: each for each in positions}


def shows(name: str, volume: str = "1", side: Side = Side.BUY) -> Position:
    return position(volume, position_id=PositionId(f"t-{name}"), side=side)


def found(copies: Iterable[Copy], *positions: Position, oms: OmsType = OmsType.HEDGING) -> list[TargetFinding]:
    return compare_target(list(copies), books(*positions), LATER, oms)


def gone(name: str) -> LegGone:
    return LegGone((LinkId("l"), PositionId(name)), 0)


def shrunk(name: str, held: str) -> LegShrunk:
    return LegShrunk((LinkId("l"), PositionId(name)), 0, Volume(held))


# Hedging


def test_books_that_agree_prove_nothing() -> None:
    assert found([copy("a"), copy("b", "2")], shows("a"), shows("b", "2"), shows("foreign")) == []


def test_a_missing_position_is_a_lost_leg_and_a_smaller_one_a_shrunk_leg() -> None:
    assert found([copy("a"), copy("b")], shows("b", "0.4")) == [gone("a"), shrunk("b", "0.4")]


def test_a_larger_position_is_somebody_elses_business() -> None:
    assert found([copy("a")], shows("a", "3")) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"pending": Pending(Purpose.CLOSE, ClOrdId("c"), Volume(1))},
        {"settled_at": None},
        {"settled_at": LATER},
        {"settled_at": LATER + timedelta(seconds=1)},
        {"stage": LegStage.OPENING},
        {"stage": LegStage.CLOSED, "held": Volume(0)},
        {"stage": LegStage.GONE, "held": Volume(0)},
    ],
)
@pytest.mark.parametrize("oms", list(OmsType))
def test_a_leg_that_the_books_cannot_know_yet_is_left_out(changes: dict[str, object], oms: OmsType) -> None:
    assert found([copy("a", **changes)], oms=oms) == []


# Netting


def net(name: str, volume: str, side: Side = Side.BUY) -> Position:
    return shows(name, volume, side)


def test_one_position_stands_for_all_legs_of_its_symbol() -> None:
    copies = [copy("a", "1"), copy("b", "2")]
    assert found(copies, net("x", "3"), oms=OmsType.NETTING) == []
    assert found(copies, oms=OmsType.NETTING) == [gone("a"), gone("b")]


def test_what_is_missing_is_taken_from_the_newest_legs() -> None:
    copies = [copy("a", "1"), copy("b", "2")]
    assert found(copies, net("x", "2.5"), oms=OmsType.NETTING) == [shrunk("b", "1.5")]
    assert found(copies, net("x", "0.5"), oms=OmsType.NETTING) == [gone("b"), shrunk("a", "0.5")]


def test_a_position_that_turned_around_took_all_legs_with_it() -> None:
    assert found([copy("a", "1")], net("x", "1", Side.SELL), oms=OmsType.NETTING) == [gone("a")]


def test_legs_of_both_sides_are_judged_by_their_sum() -> None:
    copies = [copy("a", "3"), copy("b", "1", Side.SELL)]
    assert found(copies, net("x", "2"), oms=OmsType.NETTING) == []
    assert found(copies, net("x", "1"), oms=OmsType.NETTING) == [shrunk("a", "2")]


def test_legs_that_cancel_each_other_out_cannot_be_missing() -> None:
    copies = [copy("a", "1"), copy("b", "1", Side.SELL)]
    assert found(copies, oms=OmsType.NETTING) == []
    assert found(copies, net("x", "2"), oms=OmsType.NETTING) == []


def test_a_stop_ends_the_older_legs_where_those_that_came_since_make_up_what_is_there() -> None:
    older, newer = copy("a", "1", asked_at=T0), copy("b", "2", asked_at=T0 + timedelta(minutes=1))
    assert found([newer, older], net("x", "2"), oms=OmsType.NETTING) == [gone("a")]
    large, turned = copy("a", "3", asked_at=T0), copy("b", "1", Side.SELL, asked_at=T0 + timedelta(minutes=1))
    assert found([large, turned], net("x", "1", Side.SELL), oms=OmsType.NETTING) == [gone("a")]


def test_a_symbol_with_an_order_under_way_is_not_judged() -> None:
    moving = copy("b", pending=Pending(Purpose.REDUCE, ClOrdId("c"), Volume("0.5")))
    assert found([copy("a"), moving], oms=OmsType.NETTING) == []


@pytest.mark.parametrize("stage", [LegStage.OPEN, LegStage.CLOSED])
def test_netted_position_is_not_judged_by_books_older_than_an_order_of_any_of_its_copies(stage):
    late = copy("b", "1.5", settled_at=LATER, stage=stage)
    copies = [copy("a", "1.7", Side.SELL), copy("c", "0.9", Side.SELL), late]
    assert found(copies, net("x", "1.1", Side.SELL), oms=OmsType.NETTING) == []


@settings(max_examples=60)
@given(
    volumes=st.lists(st.tuples(st.integers(1, 50), st.sampled_from(Side)), min_size=1, max_size=6),
    observed=st.integers(-200, 200),
)
def test_after_the_findings_we_never_claim_more_than_the_position_has(
    volumes: list[tuple[int, Side]], observed: int
) -> None:
    copies = [copy(str(number), str(volume), side) for number, (volume, side) in enumerate(volumes)]
    exposure = sum(volume * side.sign for volume, side in volumes)
    side = Side.BUY if observed > 0 else Side.SELL
    shown = [net("x", str(abs(observed)), side)] if observed else []
    left = exposure
    for finding in found(copies, *shown, oms=OmsType.NETTING):
        leg = copies[int(finding.key[1])].legs[0]
        kept = finding.held if isinstance(finding, LegShrunk) else Volume(0)
        assert 0 <= kept < leg.held
        left -= int((leg.held - kept) * leg.side.sign)
    if exposure and exposure * observed > 0:
        assert left == (exposure if abs(observed) >= abs(exposure) else observed)


# Corrections


def test_a_lost_leg_is_not_granted_any_more() -> None:
    lost = lose_leg(copy("a"), 0)
    assert (lost.legs[0].stage, lost.granted, lost.holds) == (LegStage.GONE, 0, False)


def test_what_a_hand_left_is_the_base_from_then_on() -> None:
    left = shrink_leg(copy("a", "2"), 0, Volume("0.5"), Volume(4))
    assert (left.granted, left.followed, left.ratio) == (Volume("0.5"), Volume(4), Fraction(1, 8))
    assert left.legs[0].held == Volume("0.5")


@pytest.mark.parametrize("source", [None, Volume(0)])
def test_without_a_source_volume_the_ratio_stays(source: Volume | None) -> None:
    left = shrink_leg(copy("a", "2"), 0, Volume(1), source)
    assert (left.granted, left.ratio) == (1, 1)


def test_a_leg_that_executed_late_lives_again() -> None:
    ended = evolve(
        copy("a", stage=LegStage.REJECTED, held=Volume(0), position_id=None),
        status=CopyStatus.ENDED,
        ending=Ending.REJECTED,
        granted=Volume(0),
    )
    late = position("0.8", position_id=PositionId("t9"), open_price=Decimal("1.3"))
    revived = revive_leg(ended, 0, late, LATER)
    [leg] = revived.legs
    assert (revived.status, revived.ending, revived.granted) == (CopyStatus.ACTIVE, None, Volume("0.8"))
    assert (leg.stage, leg.held, leg.position_id, leg.settled_at) == (LegStage.OPEN, Volume("0.8"), "t9", LATER)
