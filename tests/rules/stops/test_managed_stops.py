"""Stops of our own that follow the price."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.actions import ReplaceStops
from rules.model.copies import Leg
from rules.model.observed import Position, Quote
from rules.model.values import Side, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.exits import BreakEven, Exits, Trailing
from rules.policy.links import CopyPolicy
from rules.policy.stops import Stops, StopsMode
from rules.stops.managed import NONE_YET, Managed, follow_price
from tests.rules.playbook import EURUSD, Playbook, position, shape

D = Decimal


def pips(number: int) -> Distance:
    return Distance(D(number), DistanceUnit.PIPS)


EVEN = Exits(break_even=BreakEven(pips(30), pips(2)))
REVERSE = Exits(reverse_break_even=BreakEven(pips(30), pips(2)))
TRAIL = Exits(trailing=Trailing(pips(20), activate=pips(10), step=pips(5)))


def follow(exits: Exits, *prices: str, side: Side = Side.BUY, managed: Managed = NONE_YET) -> Managed:
    for price in prices:
        managed = follow_price(exits, managed, side, EURUSD, D("1.1000"), D(price))
    return managed


def test_break_even_locks_the_entry_and_stays():
    assert follow(EVEN, "1.1029") == NONE_YET
    assert follow(EVEN, "1.1030").stop_loss == D("1.1002")
    assert follow(EVEN, "1.1030", "1.0900").stop_loss == D("1.1002")
    assert follow(EVEN, "1.0970", side=Side.SELL).stop_loss == D("1.0998")
    assert follow(Exits(break_even=BreakEven(pips(30))), "1.1030").stop_loss == D("1.1000")


def test_reverse_break_even_takes_the_entry_once_in_loss_and_stays():
    assert follow(REVERSE, "1.0971") == NONE_YET
    assert follow(REVERSE, "1.0970", "1.1000").take_profit == D("1.1002")
    assert follow(REVERSE, "1.1030", side=Side.SELL).take_profit == D("1.0998")


def test_a_trailing_stop_begins_with_its_profit_and_moves_by_steps():
    assert follow(TRAIL, "1.1009") == NONE_YET
    assert follow(TRAIL, "1.1010").stop_loss == D("1.0990")
    assert follow(TRAIL, "1.1010", "1.1014").stop_loss == D("1.0990"), "less than a step"
    assert follow(TRAIL, "1.1010", "1.1015", "1.1011").stop_loss == D("1.0995")
    assert follow(TRAIL, "1.0990", "1.0985", side=Side.SELL).stop_loss == D("1.1005")


def test_of_break_even_and_trailing_the_tighter_stop_counts():
    both = evolve(EVEN, trailing=TRAIL.trailing)
    assert follow(both, "1.1015").stop_loss == D("1.0995")
    assert follow(both, "1.1030").stop_loss == D("1.1010")
    assert follow(evolve(both, trailing=Trailing(pips(40))), "1.1030").stop_loss == D("1.1002")


def test_where_nobody_tells_what_a_point_is_nothing_is_managed():
    blind = evolve(EURUSD, tick_size=None)
    both = evolve(EVEN, trailing=TRAIL.trailing, reverse_break_even=REVERSE.reverse_break_even)
    assert follow_price(both, NONE_YET, Side.BUY, blind, D("1.1"), D(9)) == NONE_YET


prices = st.decimals("1.05", "1.15", places=4)


@given(st.lists(prices, min_size=1, max_size=20), st.sampled_from(Side), st.sampled_from([EVEN, TRAIL, REVERSE]))
def test_what_was_reached_is_never_loosened(path, side, exits):
    managed = NONE_YET
    for price in path:
        before, managed = managed, follow_price(exits, managed, side, EURUSD, D("1.1"), price)
        if before.stop_loss is not None:
            assert managed.stop_loss is not None
            assert (managed.stop_loss - before.stop_loss) * side.sign >= 0
        assert before.take_profit in (None, managed.take_profit)
        assert follow_price(exits, managed, side, EURUSD, D("1.1"), price) == managed, "asked twice, the same"


# Through decisions


def opened(exits: Exits, held: Position | None = None, stops: Stops | None = None) -> Playbook:
    play = Playbook(CopyPolicy("managed", exits=exits, stops=stops or Stops()))
    play.fills(play.sees(held or position()))
    return play


def quoted(play: Playbook, bid: str) -> list[object]:
    """Let the target's quote have moved, and the next look come."""
    play.now += timedelta(seconds=5)
    symbol = Symbol("EURUSD")
    play.target.quotes[symbol] = Quote(symbol, D(bid), D(bid) + D("0.0001"), play.now)
    return list(play.again())


def leg(play: Playbook) -> Leg:
    assert play.copy is not None
    return play.copy.legs[0]


def test_a_managed_stop_is_set_at_the_venue_and_kept_when_the_price_comes_back() -> None:
    play = opened(EVEN)
    assert play.last.look_again_at == play.now + timedelta(seconds=5)
    assert [(look_up.symbol, look_up.quote, look_up.awaited) for look_up in play.last.look_ups] == [
        ("EURUSD", True, False)
    ]
    [order] = quoted(play, "1.1030")
    assert isinstance(order, ReplaceStops)
    assert order.stop_loss == D("1.1002")
    play.fills([order])
    assert quoted(play, "1.1005") == []
    assert leg(play).managed == Managed(stop_loss=D("1.1002"))


def test_the_tighter_of_the_sources_stop_and_ours_counts() -> None:
    stopped = position(stop_loss=D("1.0950"), take_profit=D("1.2"))
    play = opened(EVEN, stopped)
    [order] = quoted(play, "1.1030")
    play.fills([order])
    assert play.sees(evolve(stopped, stop_loss=D("1.0960"))) == [], "the source's is looser than ours"
    [tighter] = play.sees(evolve(stopped, stop_loss=D("1.1004")))
    assert isinstance(tighter, ReplaceStops)
    assert (tighter.stop_loss, tighter.take_profit) == (D("1.1004"), D("1.2"))


@pytest.mark.parametrize("mode", [StopsMode.NONE, StopsMode.DISTANCE])
def test_stops_of_our_own_need_none_of_the_source(mode: StopsMode) -> None:
    play = opened(REVERSE, stops=Stops(mode))
    [order] = quoted(play, "1.0960")
    assert isinstance(order, ReplaceStops)
    assert (order.stop_loss, order.take_profit) == (None, D("1.1002"))


def test_without_a_quote_nothing_moves_and_one_is_asked_for() -> None:
    play = opened(EVEN)
    assert leg(play).managed is None
    for _ in range(3):
        assert play.waits(5) == []
        assert play.last.look_again_at == play.now + timedelta(seconds=5)
        assert len(play.last.look_ups) == 1


def test_a_close_goes_before_a_managed_stop() -> None:
    play = opened(EVEN)
    play.held = None
    assert shape(quoted(play, "1.1030")) == [("close", "1.00")]  # type: ignore[arg-type]
