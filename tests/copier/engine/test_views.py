"""What the engine starts from."""

from datetime import timedelta

from adapters.base import Capabilities
from copier.engine.views import empty_views
from copier.rulebook import Rulebook
from rules.limits.conduct_policy import PositionRule, PositionRuleKind
from rules.model.values import AccountId, OmsType

A, B = AccountId("a"), AccountId("b")


def hold(account: AccountId, minutes: int, name: str) -> PositionRule:
    return PositionRule(name, account, PositionRuleKind.MIN_HOLD, within=timedelta(minutes=minutes))


def test_the_longest_of_an_accounts_minimum_times_counts_and_no_other_rule_on_time() -> None:
    open_time = PositionRule("x", B, PositionRuleKind.MAX_OPEN_TIME, within=timedelta(hours=1))
    able = Capabilities(OmsType.HEDGING, streams=True, trades=True, volumes_grow=False)
    rulebook = Rulebook(conduct=(hold(A, 1, "i"), hold(A, 2, "j"), hold(A, 1, "k"), open_time))
    views = empty_views({A: able, B: able}, rulebook)
    assert (views[A].min_hold, views[B].min_hold) == (timedelta(minutes=2), None)
