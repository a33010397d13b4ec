"""What a policy says by itself is heard once for many links: none of them is told anything else than alone."""

from datetime import timedelta

import pytest
from attrs import evolve

from rules.gates.filters import Filter
from rules.gates.judge import _MARKET_GATES, hear, judge_new_risk
from rules.gates.question import Question
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.policy.guard import Guard
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy
from rules.policy.pacing import SkipFirst, Throttle
from rules.policy.symbols import SymbolMap, SymbolRow
from tests.rules.gates.test_gates import CLOSED, NEWS, question
from tests.rules.playbook import T0

MINUTE = timedelta(minutes=1)
LIMITED = Denied("limits", Reason.LIMIT_MAX_LOSS)
POLICIES = {
    "plain": CopyPolicy("plain"),
    "a row of a map": CopyPolicy("mapped", symbols=SymbolMap((SymbolRow("EUR.*", to="\\0"),))),
    "a map that denies": CopyPolicy("mapped", symbols=SymbolMap((SymbolRow("EUR.*", deny=True),))),
    "a filter": CopyPolicy("filtered", filter=Filter(symbols=("GBP.*",))),
    "a row of per_symbol": CopyPolicy("row", row=2),
    "a schedule": CopyPolicy("night", schedule=CLOSED),
    "news": CopyPolicy("news", news=NEWS),
    "what is skipped": CopyPolicy("skips", skip_first=SkipFirst(1, MINUTE)),
    "a throttle": CopyPolicy("throttled", throttle=Throttle(0, MINUTE)),
    "an approval": CopyPolicy("asked", approval=True),
    "the source's limits": CopyPolicy("obeys", limits=PolicyLimits(obey_source=True)),
    "hedges": CopyPolicy("blocks", limits=PolicyLimits(block_hedging=True)),
    "positions": CopyPolicy("few", limits=PolicyLimits(max_positions=0)),
    "an age": CopyPolicy("young", guard=Guard(max_age=timedelta(0))),
}


def asked(policy: CopyPolicy, minutes: int) -> Question:
    """Return a question `minutes` after T0, when the schedule is closed for five; the source's limits forbid risk."""
    found = question(policy)
    source = evolve(found.source, denied=LIMITED)
    return evolve(found, source=source, now=T0 + minutes * MINUTE)


@pytest.mark.parametrize("minutes", [0, 1, 30])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_gate_that_is_left_out_would_have_said_nothing(policy: CopyPolicy, minutes: int) -> None:
    one = asked(policy, minutes)
    heard = hear(policy, one.source, one.position, one.now)
    every = evolve(heard, gates=_MARKET_GATES)
    assert judge_new_risk(evolve(one, heard=every)) == judge_new_risk(evolve(one, heard=heard)) == judge_new_risk(one)


@pytest.mark.parametrize("name", ["a schedule", "news", "what is skipped", "an approval", "the source's limits"])
def test_a_gate_that_is_asked_for_is_not_left_out(name: str) -> None:
    one = asked(POLICIES[name], 1)
    answer, _, _ = judge_new_risk(one)
    assert isinstance(answer, Denied)
    plain = hear(POLICIES["plain"], one.source, one.position, one.now)
    assert set(plain.gates) < set(hear(POLICIES[name], one.source, one.position, one.now).gates)
