"""Whole rounds under drawn policies: opened, grown, reduced, closed. Nothing is left behind, no cap is passed."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.limits.terms import Cash
from rules.model.actions import Action, ClosePosition, OpenPosition, ReducePosition, raises_exposure
from rules.model.copies import CopyStatus
from rules.model.observed import AccountStatus, Quote
from rules.model.trace import Denied
from rules.model.values import Money, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.exits import BreakEven, Exits, Trailing
from rules.policy.limits import NoStop, OnLimit, PolicyLimits
from rules.policy.links import CopyPolicy, LinkState
from rules.policy.pacing import Delay, Span
from rules.policy.size import BelowMin, OverMax, Size, SizeMode, VolumePolicy
from rules.policy.stops import FixedStops, MinDistance, Stops, StopsLock, StopsMode
from tests.rules.playbook import EURUSD, Playbook, position

D = Decimal
PIPS = DistanceUnit.PIPS
HOUR = timedelta(hours=1)
"""Longer than any hold or delay that is drawn here."""

pips = st.integers(1, 80).map(lambda number: Distance(D(number), PIPS))
spans = st.none() | st.integers(0, 60).map(lambda s: Span(timedelta(seconds=s), timedelta(seconds=s + 5)))
sizes = st.one_of(
    st.builds(Size, multiplier=st.decimals("0.05", "3", places=2)),
    st.just(Size(SizeMode.RISK_AMOUNT, amount=Money(D(300), "USD"), default_stop=Distance(D(50), PIPS))),
    st.just(Size(SizeMode.FIXED, volume=D("0.37"))),
)
volumes = st.builds(
    VolumePolicy,
    min=st.sampled_from(BelowMin),
    max=st.none() | st.decimals("0.02", "2", places=3),
    over_max=st.sampled_from(OverMax),
)
stops = st.builds(
    Stops,
    mode=st.sampled_from(StopsMode),
    lock=st.sampled_from(StopsLock),
    min_distance=st.sampled_from([MinDistance.PUSH, MinDistance.OMIT]),
    fixed=st.builds(FixedStops, stop_loss=st.none() | pips, fallback=st.booleans()),
)
exits = st.builds(
    Exits,
    min_hold=st.none() | st.integers(0, 600).map(lambda s: timedelta(seconds=s)),
    break_even=st.none() | st.builds(BreakEven, pips),
    trailing=st.none() | st.builds(Trailing, pips),
)
limits = st.builds(
    PolicyLimits,
    max_total_volume=st.none() | st.decimals("0.05", "2", places=2),
    max_risk=st.none() | st.just(Cash(D(500))),
    max_risk_per_symbol=st.none() | st.just(Cash(D(700))),
    max_total_risk=st.none() | st.just(Cash(D(600))),
    no_stop=st.sampled_from(NoStop),
    on_limit=st.sampled_from(OnLimit),
)
policies = st.builds(
    CopyPolicy,
    name=st.just("drawn"),
    size=sizes,
    volume=volumes,
    stops=stops,
    exits=exits,
    limits=limits,
    delay=st.builds(Delay, spans, spans),
    reverse=st.booleans(),
)
moves = st.lists(
    st.tuples(
        st.decimals("0.01", "3", places=2),
        st.none() | st.decimals("1.05", "1.15", places=4),
        st.integers(0, 400),
        st.decimals("1.06", "1.14", places=4),
    ),
    min_size=1,
    max_size=6,
)


def settle_all(play: Playbook, orders: list[Action], policy: CopyPolicy) -> None:
    """Let the target execute all that is ordered, and check each order on its way."""
    for _ in range(20):
        if not orders:
            return
        for order in orders:
            if isinstance(order, OpenPosition | ReducePosition | ClosePosition):
                assert order.volume > 0
                assert order.volume % EURUSD.volume_step == 0
        orders = play.fills(orders)
        assert play.copy is not None
        for cap in (policy.volume.max, policy.limits.max_total_volume):
            assert cap is None or play.copy.expected <= cap
        play.target.volume = play.copy.expected
    raise AssertionError("orders without end")


@given(policies, moves)
@pytest.mark.slow  # a hundred rounds of up to seven source states
def test_a_round_ends_with_nothing_held_and_no_close_denied(policy, path):
    play = Playbook(policy)
    play.source.volumes_grow = True
    play.target.status = AccountStatus(D(50_000), D(50_000), "USD", D(0), D(50_000))
    play.target.instruments[Symbol("EURUSD")] = evolve(EURUSD, profit_currency="USD", volume_max=D(1))
    for volume, stop_loss, seconds, price in path:
        play.now += timedelta(seconds=seconds)
        play.target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), price, price + D("0.0001"), play.now)
        opened_at = play.now if play.held is None else play.held.opened_at
        settle_all(play, play.sees(position(str(volume), stop_loss=stop_loss, opened_at=opened_at)), policy)
    play.link = evolve(play.link, state=LinkState.PAUSED)
    play.target.ready, play.target.halted = False, "anna: storm"
    orders = play.sees(None)
    settle_all(play, orders, policy)
    play.now += HOUR
    last = play.again()
    assert not any(raises_exposure(order) for order in last)
    assert not [item for item in play.last.trace if isinstance(item, Denied) and last]
    settle_all(play, last, policy)
    assert play.copy is not None
    assert (play.copy.expected, play.copy.holds) == (0, False)
    assert play.copy.status is CopyStatus.ENDED
    assert play.again() == []
