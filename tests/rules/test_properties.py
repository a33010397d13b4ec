"""Laws that hold of every policy, whatever sources, venues and people do: 200,000 steps of drawn walks."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from rules.limits.terms import Cash
from rules.model.instruments import Instrument, Rounding
from rules.policy.guard import Guard
from rules.policy.limits import NoStop, OnLimit, PolicyLimits
from rules.policy.links import CopyPolicy
from rules.policy.series import AfterLosses, Masaniello
from rules.policy.size import BelowMin, OverMax, Size, SizeMode, VolumePolicy
from rules.policy.stops import Stops, StopsMode
from tests.rules.playbook import EURUSD
from tests.rules.walk import walk

WALKS = 125
STEPS = 200
SHARDS = 8
"""So that the workers share them: 8 x 125 x 200 = 200,000 steps."""

SERIES: tuple[dict[str, Any], ...] = (
    {},
    {"after_losses": AfterLosses(Decimal(3))},
    {"after_losses": AfterLosses(Decimal("0.4"), wins=2)},
    {"masaniello": Masaniello(5, 3, Decimal("0.7"))},
)
"""Sizes that follow results; the walks' own closes win and lose."""

PHASES = (Phase.generate,)
"""A walk is long, and shrinking it takes minutes: what failed is told by its seed and step instead."""

_lots = st.sampled_from([Decimal(text) for text in ("0.02", "0.1", "0.25", "1", "3.3", "12")])
_risks = st.none() | st.none() | st.sampled_from([Cash(Decimal(20)), Cash(Decimal(450)), Cash(Decimal(9_000))])
_grids = st.sampled_from([("0.01", "0.01", "50"), ("0.1", "0.1", "5"), ("0.05", "0.02", "2.5"), ("1", "1", "100")])


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    """Return EURUSD with another grid: minimum, step, maximum."""
    least, step, most = draw(_grids)
    grid = {"volume_min": Decimal(least), "volume_step": Decimal(step), "volume_max": Decimal(most)}
    return evolve(EURUSD, **grid, profit_currency="USD")


@st.composite
def policies(draw: st.DrawFn) -> CopyPolicy:
    """Return a policy of any size mode that needs no currencies, with any caps."""
    mode = draw(st.sampled_from([SizeMode.MULTIPLIER, SizeMode.FIXED, SizeMode.EQUITY_RATIO, SizeMode.BALANCE_RATIO]))
    size = Size(mode, draw(st.sampled_from([Decimal(text) for text in ("0.1", "0.33", "1", "2.5")])), draw(_lots))
    volume = VolumePolicy(
        draw(st.sampled_from(BelowMin)),
        draw(st.none() | _lots),
        draw(st.sampled_from(OverMax)),
        draw(st.sampled_from(Rounding)),
        draw(st.sampled_from([Decimal(1), Decimal(2), Decimal(50)])),
    )
    limits = PolicyLimits(
        draw(st.none() | st.just(1)),
        draw(st.none() | _lots),
        draw(st.none() | _lots),
        on_limit=draw(st.sampled_from(OnLimit)),
        max_risk_per_symbol=draw(_risks),
        max_total_risk=draw(_risks),
        no_stop=draw(st.sampled_from(NoStop)),
    )
    return CopyPolicy(
        "drawn",
        size=evolve(size, ignore_currency=True),
        volume=volume,
        guard=Guard(max_price_ratio=None),
        stops=Stops(draw(st.sampled_from([StopsMode.PRICE, StopsMode.DISTANCE, StopsMode.NONE]))),
        limits=limits,
        reverse=draw(st.booleans()),
        **draw(st.sampled_from(SERIES)),
    )


@pytest.mark.slow  # 25,000 steps, each a decision asked three times
@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_walk_breaks_a_law(shard: int) -> None:
    steps = 0

    @settings(max_examples=WALKS, suppress_health_check=list(HealthCheck), phases=PHASES)
    @seed(shard)
    @given(policies(), instruments(), st.binary(min_size=2 * STEPS, max_size=2 * STEPS))
    def walks(policy: CopyPolicy, instrument: Instrument, moves: bytes) -> None:
        nonlocal steps
        steps += walk(policy, instrument, moves)

    walks()
    assert steps >= WALKS * STEPS
