"""One pair of stops for a netted position: the tightest, or the mean by lots, of its own side."""

from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.copies import SetStops
from rules.model.values import Side
from rules.policy.stops import Aggregate
from rules.stops.net import Share, net_stops, without_profit
from tests.rules.playbook import EURUSD

TICK = evolve(EURUSD, tick_size=Decimal("0.01"))


def share(
    volume: str, stop_loss: str | None, take_profit: str | None = None, side: Side = Side.BUY, how: str = "weighted"
) -> Share:
    prices = [None if each is None else Decimal(each) for each in (stop_loss, take_profit)]
    return Share(side, Decimal(volume), SetStops(*prices), Aggregate(how))


def both(stop_loss: str | None, take_profit: str | None) -> SetStops:
    return SetStops(*(None if each is None else Decimal(each) for each in (stop_loss, take_profit)))


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, both("1.09", "1.12")), (Side.SELL, both("1.08", "1.13"))])
def test_the_tightest_is_the_one_that_is_reached_first(side: Side, expected: SetStops) -> None:
    shares = [share("1", "1.08", "1.13", side, "tightest"), share("2", "1.09", "1.12", side, "tightest")]
    assert net_stops(shares, side, TICK) == expected


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, both("1.09", "1.12")), (Side.SELL, both("1.08", "1.13"))])
def test_the_mean_is_by_lots_and_rounded_to_the_tick_that_is_reached_first(side: Side, expected: SetStops) -> None:
    # (1 * 1.08 + 2 * 1.09) / 3 = 1.08666...; (1 * 1.13 + 2 * 1.12) / 3 = 1.12333...
    shares = [share("1", "1.08", "1.13", side), share("2", "1.09", "1.12", side)]
    assert net_stops(shares, side, TICK) == expected


def test_a_mean_that_lies_on_a_tick_is_not_rounded() -> None:
    assert net_stops([share("1", "1.08"), share("1", "1.10")], Side.BUY, TICK) == both("1.09", None)


def test_lots_without_a_stop_are_not_in_the_mean() -> None:
    assert net_stops([share("1", "1.08"), share("9", None)], Side.BUY, TICK) == both("1.08", None)


def test_the_other_side_is_not_asked() -> None:
    assert net_stops([share("3", "1.08"), share("1", "1.2", "1.0", Side.SELL)], Side.BUY, TICK) == both("1.08", None)


def test_where_one_asks_for_the_tightest_that_holds_for_all() -> None:
    shares = [share("5", "1.05"), share("1", "1.08", how="tightest"), share("1", "1.2", how="none")]
    assert net_stops(shares, Side.BUY, TICK) == both("1.08", None)


def test_without_any_stop_there_is_none() -> None:
    assert net_stops([share("1", None)], Side.BUY, TICK) == SetStops()
    assert net_stops([], Side.BUY, TICK) == SetStops()


def test_a_venue_that_keeps_no_take_profit_gets_none() -> None:
    assert without_profit(both("1.08", "1.12")) == both("1.08", None)


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(1, 5000), st.sampled_from(list(Aggregate)[1:])), min_size=1),
    st.sampled_from(list(Side)),
)
def test_one_stop_lies_between_those_of_the_shares_but_for_a_tick(
    drawn: list[tuple[int, int, Aggregate]], side: Side
) -> None:
    shares = [
        Share(side, Decimal(lots).scaleb(-2), SetStops(Decimal(price).scaleb(-3), None), how)
        for lots, price, how in drawn
    ]
    prices = [each.stops.stop_loss for each in shares if each.stops.stop_loss is not None]
    found = net_stops(shares, side, TICK).stop_loss
    assert found is not None
    assert min(prices) - Decimal("0.01") <= found <= max(prices) + Decimal("0.01")


@pytest.mark.parametrize(("side", "expected"), [(Side.BUY, both("1.09", "1.12")), (Side.SELL, both("1.08", "1.13"))])
def test_where_no_tick_is_known_a_mean_is_no_price_and_the_one_that_is_reached_first_is_taken(
    side: Side, expected: SetStops
) -> None:
    shares = [share("1", "1.08", "1.13", side), share("2", "1.09", "1.12", side)]
    assert net_stops(shares, side, evolve(TICK, tick_size=None)) == expected
