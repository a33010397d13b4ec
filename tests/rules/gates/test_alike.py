"""What is found once for targets that show the same: no link is told anything else than it would be told alone."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve

from rules.gates.filters import Filter
from rules.gates.judge import hear, judge_new_risk
from rules.gates.question import Grant, Question
from rules.model.events import Origin
from rules.model.values import OmsType
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.guard import Guard, OnDeviation, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy
from rules.policy.stops import FixedStops, MinDistance, Stops, StopsMode
from tests.rules.gates.test_gates import EURUSD, LIMITED, T0, question, with_quote, with_target
from tests.rules.playbook import position

S = timedelta(seconds=1)


def points(amount: int) -> Distance:
    return Distance(Decimal(amount), DistanceUnit.POINTS)


def at_price(bid: str, ask: str, age_s: float = 0) -> Callable[[Question], Question]:
    return lambda asked: with_quote(asked, bid, ask, age_s)


def trading(**changes: object) -> Callable[[Question], Question]:
    return lambda asked: with_target(asked, instruments={EURUSD.symbol: evolve(EURUSD, **changes)})


TARGETS: dict[str, Callable[[Question], Question]] = {
    "plain": lambda asked: asked,
    "another one like it": lambda asked: with_target(asked, instruments={EURUSD.symbol: evolve(EURUSD)}),
    "more digits": at_price("1.10000", "1.10010"),
    "more digits of the bid": at_price("1.10000", "1.1001"),
    "more digits of the ask": at_price("1.1000", "1.10010"),
    "a better price": at_price("1.0990", "1.0991"),
    "a worse price": at_price("1.1010", "1.1011"),
    "a wide spread": at_price("1.0900", "1.1001"),
    "another thing": at_price("2.1", "2.2"),
    "an old quote": at_price("1.1000", "1.1001", 3),
    "no quote": lambda asked: with_target(asked, quotes={}),
    "a coarse grid": trading(tick_size=Decimal("0.001")),
    "a grid of more digits": trading(tick_size=Decimal("0.000010")),
    "no grid": trading(tick_size=None),
    "stops far away": trading(stop_distance_min=Decimal("0.007")),
    "no take-profits": lambda asked: with_target(asked, keeps_take_profit=False),
    "stops of the day": lambda asked: with_target(asked, stop_loss_lasts=False),
    "netting": lambda asked: with_target(asked, oms=OmsType.NETTING),
    "takes orders": lambda asked: with_target(asked, takes_orders=True),
    "takes orders at a worse price": lambda asked: with_target(at_price("1.1010", "1.1011")(asked), takes_orders=True),
    "at its limit": lambda asked: with_target(asked, denied=LIMITED),
    "found": lambda asked: evolve(asked, origin=Origin.RECONCILED),
    "reopened": lambda asked: evolve(asked, reopening=True, seen_at=asked.now - 30 * S),
    "patient": lambda asked: evolve(asked, seen_at=asked.now - 30 * S),
    "grown": lambda asked: evolve(asked, increase_of=(Fraction(1, 2), Decimal("0.1")), gap=Decimal("0.0003")),
}

POLICIES = {
    "plain": CopyPolicy("plain"),
    "distance": CopyPolicy("distance", stops=Stops(StopsMode.DISTANCE)),
    "distance and points": CopyPolicy(
        "distance", stops=Stops(StopsMode.DISTANCE, add_stop_points=Decimal(5), add_profit_points=Decimal(5))
    ),
    "offset": CopyPolicy("offset", stops=Stops(StopsMode.OFFSET)),
    "fixed": CopyPolicy("fixed", stops=Stops(fixed=FixedStops(points(50), points(70)))),
    "pushed nowhere": CopyPolicy("denies", stops=Stops(min_distance=MinDistance.DENY)),
    "reversed": CopyPolicy("reversed", reverse=True),
    "a stop is required": CopyPolicy("required", filter=Filter(require_stop_loss=True)),
    "a near stop": CopyPolicy("near", limits=PolicyLimits(max_stop_distance=points(505))),
    "a guard": CopyPolicy("guard", guard=Guard(10 * S, points(15), max_spread=points(15))),
    "a limit order": CopyPolicy("limit", guard=Guard(max_deviation=points(15), on_deviation=OnDeviation.LIMIT)),
    "a start": CopyPolicy("start", on_start=StartPolicy(max_age=5 * S, max_deviation=points(15))),
}

POSITIONS = {
    "stops and a price": position(
        stop_loss=Decimal("1.095"), take_profit=Decimal("1.108"), current_price=Decimal("1.1002")
    ),
    "no price": position(stop_loss=Decimal("1.0951"), take_profit=Decimal("1.1084")),
    "no stops": position(),
    "an old one": position(opened_at=T0 - 20 * S, stop_loss=Decimal("1.095")),
}


def answers(asked: Iterable[Question]) -> list[str]:
    """Return the answers as text, since equal prices of other digits make another record."""
    return [repr(judge_new_risk(each)) for each in asked]


@pytest.mark.parametrize("source", POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_link_among_others_is_answered_as_if_it_were_alone(policy: CopyPolicy, source: object) -> None:
    asked = [change(question(policy, position=source)) for change in TARGETS.values()]
    alone = answers(asked)
    one = asked[0]
    for among in (asked, asked[::-1]):
        heard = hear(policy, one.source, one.position, one.now)
        expected = alone if among is asked else alone[::-1]
        assert answers(evolve(each, heard=heard) for each in (*among, *among)) == expected * 2


def test_stops_are_found_once_for_targets_that_show_the_same() -> None:
    one = question(POLICIES["distance"], position=POSITIONS["stops and a price"])
    heard = hear(one.link.policy, one.source, one.position, one.now)
    stops = []
    for name in ("plain", "another one like it", "plain", "more digits"):
        grant, _, _ = judge_new_risk(evolve(TARGETS[name](one), heard=heard))
        assert isinstance(grant, Grant)
        stops.append(grant.stops)
    assert stops[0] is stops[1] is stops[2]
    assert stops[3] is not stops[0]
    assert len(heard.alike) == 2


def test_gates_that_kept_silent_at_a_price_are_not_asked_there_again() -> None:
    one = question(POLICIES["a guard"])
    heard = hear(one.link.policy, one.source, one.position, one.now)
    judge_new_risk(evolve(one, heard=heard))
    judge_new_risk(evolve(TARGETS["a worse price"](one), heard=heard))
    passed, denied = heard.alike.values()
    assert set(passed.gates) < set(heard.gates)
    assert denied.gates is heard.gates
