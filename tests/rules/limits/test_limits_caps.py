"""Caps whose amount grows with the account: Topstep's and Apex's scaling, on both sides of each step."""

from decimal import Decimal

import pytest

from rules.limits.policy import Cap, CapKind, Tier, TierBy
from rules.model.observed import AccountStatus
from rules.model.values import AccountId

D = Decimal
TIERS = (Tier(D(1500), D(4)), Tier(D(3000), D(5)))


def cap(**parts: object) -> Cap:
    given = {"tiers": TIERS, "initial_balance": D(50_000)} | parts
    return Cap(AccountId("a"), CapKind.MAX_TOTAL_VOLUME, D(3), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("balance", "allowed"),
    [("49000", 3), ("51499.99", 3), ("51500", 4), ("52999.99", 4), ("53000", 5), ("90000", 5)],
)
def test_highest_tier_that_was_reached_counts(balance: str, allowed: int):
    assert cap().allowed(AccountStatus(D(balance), D(0), "USD")) == allowed


def test_equity_and_balance_count_from_nothing():
    figures = AccountStatus(D(1500), D(3000), "USD")
    assert cap(by=TierBy.BALANCE, initial_balance=None).allowed(figures) == 4
    assert cap(by=TierBy.EQUITY, initial_balance=None).allowed(figures) == 5


@pytest.mark.parametrize("status", [None, AccountStatus(None, D(90_000), "USD")])
def test_unknown_figure_allows_the_least_of_all(status: AccountStatus | None):
    assert cap().allowed(status) == 3
    falling = cap(tiers=(Tier(D(1500), D(2)),))
    assert falling.allowed(status) == 2


def test_cap_without_tiers_needs_no_figures():
    assert cap(tiers=(), initial_balance=None).allowed(None) == 3


def test_tiers_of_profit_need_an_initial_balance():
    with pytest.raises(ValueError, match=r"initial_balance is required"):
        cap(initial_balance=None)
