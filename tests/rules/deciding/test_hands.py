"""What a person changed at a target: left, told, or put back once and never again."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.deciding.hands import StopsMoved, after_lots, after_stops, moved_by_hand
from rules.model.copies import Copy, CopyStatus, Leg, LegStage, Pending, Purpose, SetStops
from rules.model.events import Origin
from rules.model.observed import Position
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Side, Symbol, Volume
from rules.policy.links import CopyPolicy, OnTargetChange, SymbolPolicy
from tests.rules.playbook import EURUSD, T0, position

LATER = T0 + timedelta(seconds=5)
ASKED = SetStops(Decimal("1.09"), Decimal("1.12"))


def held(volume: str = "1", ratio: Fraction = Fraction(1), **changes: object) -> Copy:
    leg = Leg(
        0,
        ClOrdId("o"),
        Symbol("EURUSD"),
        Side.BUY,
        Volume(volume),
        stage=LegStage.OPEN,
        held=Volume(volume),
        position_id=PositionId("t"),
        stop_loss=ASKED.stop_loss,
        take_profit=ASKED.take_profit,
        settled_at=T0,
    )
    return Copy(
        LinkId("l"),
        AccountId("source"),
        AccountId("target"),
        PositionId("p"),
        T0,
        Symbol("EURUSD"),
        Side.BUY,
        T0,
        Origin.LIVE,
        CopyStatus.ACTIVE,
        ratio=ratio,
        granted=Volume(volume),
        followed=Volume(volume) / Decimal(ratio.numerator) * ratio.denominator,
        legs=(evolve(leg, **changes),),
    )


def books(stop_loss: str | None, take_profit: str | None) -> Mapping[PositionId, Position]:
    prices = {
        "stop_loss": None if stop_loss is None else Decimal(stop_loss),
        "take_profit": None if take_profit is None else Decimal(take_profit),
    }
    return {PositionId("t"): position("1", position_id=PositionId("t"), **prices)}


def seen(copy: Copy, stop_loss: str | None, take_profit: str | None) -> list[StopsMoved]:
    return list(moved_by_hand(copy, books(stop_loss, take_profit), LATER, {EURUSD.symbol: EURUSD}))


@pytest.mark.parametrize(
    ("stop_loss", "take_profit"), [("1.08", "1.12"), (None, "1.12"), ("1.09", None), ("1.09", "1.2")]
)
def test_a_price_that_was_asked_for_and_is_another_or_gone_was_moved(
    stop_loss: str | None, take_profit: str | None
) -> None:
    [moved] = seen(held(), stop_loss, take_profit)
    shown = books(stop_loss, take_profit)[PositionId("t")]
    assert moved.shown == SetStops(shown.stop_loss, shown.take_profit)


@pytest.mark.parametrize(("stop_loss", "take_profit"), [("1.09", "1.12"), ("1.09001", "1.11999")])
def test_a_price_that_is_off_by_a_tick_was_not_moved(stop_loss: str, take_profit: str) -> None:
    assert seen(held(), stop_loss, take_profit) == []


def test_a_stop_that_nobody_asked_for_is_a_persons_own() -> None:
    assert seen(held(stop_loss=None, take_profit=None), "1.08", "1.2") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"pending": Pending(Purpose.STOPS, ClOrdId("s"))},
        {"settled_at": LATER},
        {"settled_at": None},
        {"stage": LegStage.CLOSED},
        {"position_id": None},
        {"moved_to": SetStops(Decimal("1.08"), Decimal("1.12"))},
    ],
)
def test_what_the_books_cannot_know_or_was_seen_before_is_left_out(changes: dict[str, object]) -> None:
    assert seen(held(**changes), "1.08", "1.12") == []


def test_stops_are_put_back_once_and_then_left() -> None:
    [moved] = seen(held(), "1.08", "1.12")
    first, again = after_stops(held(), moved, OnTargetChange.RESTORE)
    assert again
    assert first.legs[0].stop_loss == Decimal("1.08"), "taken for the record, so that what is wanted is asked for anew"
    set_again = evolve(first, legs=(evolve(first.legs[0], stop_loss=ASKED.stop_loss),))
    [moved] = seen(set_again, "1.07", "1.12")
    second, again = after_stops(set_again, moved, OnTargetChange.RESTORE)
    assert not again
    assert second.legs[0].stop_loss == ASKED.stop_loss


def test_stops_that_are_only_told_stay_as_they_were_asked_for() -> None:
    [moved] = seen(held(), "1.08", "1.12")
    noted, again = after_stops(held(), moved, OnTargetChange.ALERT)
    assert not again
    assert (noted.legs[0].stop_loss, noted.legs[0].moved_to) == (ASKED.stop_loss, moved.shown)


def test_lots_that_are_asked_for_again_leave_the_ratio_and_lower_what_is_followed() -> None:
    changed, again = after_lots(held("0.6", Fraction(1, 2)), 0, Volume("0.2"), Volume("1.2"), OnTargetChange.RESTORE)
    assert again
    assert changed.restored
    assert (changed.granted, changed.followed, changed.ratio) == (Decimal("0.2"), Decimal("0.4"), Fraction(1, 2))


@pytest.mark.parametrize("on_change", [OnTargetChange.ADOPT, OnTargetChange.ALERT])
def test_lots_that_are_left_are_the_base_from_then_on(on_change: OnTargetChange) -> None:
    changed, again = after_lots(held(), 0, Volume("0.4"), Volume(1), on_change)
    assert not again
    assert (changed.granted, changed.followed, changed.ratio) == (Decimal("0.4"), Decimal(1), Fraction(2, 5))


@pytest.mark.parametrize("changes", [{"restored": True}, {"flatten": "operator"}, {"left": True}])
def test_lots_are_not_asked_for_twice_nor_for_what_is_to_be_closed(changes: dict[str, object]) -> None:
    changed, again = after_lots(evolve(held(), **changes), 0, Volume("0.4"), Volume(1), OnTargetChange.RESTORE)
    assert not again
    assert changed.ratio == Fraction(2, 5)


@given(
    volume=st.integers(2, 10_000),
    taken=st.integers(1, 9_999),
    ratio=st.fractions(Fraction(1, 1000), Fraction(1000)),
)
def test_what_is_followed_after_a_cut_never_covers_more_than_is_left(volume: int, taken: int, ratio: Fraction) -> None:
    lots = Decimal(volume).scaleb(-2)
    left = Decimal(volume - min(taken, volume - 1)).scaleb(-2)
    source = Decimal(10_000)
    copy = evolve(held(str(lots)), ratio=ratio, followed=source)
    changed, _ = after_lots(copy, 0, left, source, OnTargetChange.RESTORE)
    assert changed.followed <= source
    assert Fraction(changed.followed) * ratio <= Fraction(left)


def test_a_policy_minds_hands_where_a_row_of_it_does() -> None:
    told = CopyPolicy("told", on_target_change=OnTargetChange.ALERT)
    assert told.minds_hands
    assert CopyPolicy("as is", per_symbol=(SymbolPolicy("EURUSD", told),)).minds_hands
    assert not CopyPolicy("as is").minds_hands
