"""Caps of an account: positions and lots."""

from decimal import Decimal
from pathlib import Path

import pytest

from rules.limits.policy import Cap, CapKind, Tier, TierBy
from rules.model.values import AccountId
from tests.copier.config.files import ACCOUNTS, load, one_problem


def row(kind: str, amount: str, account: str = "small") -> str:
    return f'[[limits]]\naccount = "{account}"\nkind = "{kind}"\namount = {amount}\n'


def test_caps_stand_beside_loss_limits(tmp_path: Path):
    loss = '[[limits]]\naccount = "small"\nkind = "max_loss"\namount = 4000\n'
    text = ACCOUNTS + row("max_positions", "5") + loss + row("max_total_volume", "2.5")
    config = load(tmp_path, text)
    assert config.caps == (
        Cap(AccountId("small"), CapKind.MAX_POSITIONS, Decimal(5)),
        Cap(AccountId("small"), CapKind.MAX_TOTAL_VOLUME, Decimal("2.5")),
    )
    assert len(config.limits) == 1
    assert "limit small/max_positions: 5" in config.summary()


def test_a_cap_counts_in_whole_positions(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + row("max_positions", "2.5"))
    assert (problem.key, problem.expected) == ("limits[0].amount", "a whole number of positions")


def test_a_cap_of_nothing_is_a_mistake(tmp_path: Path):
    assert one_problem(tmp_path, ACCOUNTS + row("max_total_volume", "0")).key == "limits[0].amount"


def test_a_cap_of_an_unknown_account_names_the_nearest(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + row("max_positions", "5", account="smal"))
    assert problem.key == "limits[0].account"
    assert problem.hint is not None
    assert "small" in problem.hint


def test_an_unknown_kind_lists_all_kinds(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + row("max_position", "5"))
    assert problem.key == "limits[0].kind"
    for kind in ("daily_loss", "max_loss", "max_positions", "max_total_volume"):
        assert kind in problem.expected
    assert problem.hint is not None
    assert "max_positions" in problem.hint


def test_tiers_allow_more_from_a_figure_on(tmp_path: Path):
    tiers = "tiers = [{ from = 1500, amount = 4 }, { from = 3000.5, amount = 5 }]\ninitial_balance = 50_000\n"
    config = load(tmp_path, ACCOUNTS + row("max_total_volume", "3") + tiers)
    [cap] = config.caps
    assert cap.tiers == (Tier(Decimal(1500), Decimal(4)), Tier(Decimal("3000.5"), Decimal(5)))
    assert (cap.by, cap.initial_balance) == (TierBy.PROFIT, 50_000)
    assert "limit small/max_total_volume: 3, 4 from profit 1500, 5 from profit 3000.5" in config.summary()


@pytest.mark.parametrize(
    ("kind", "more", "key"),
    [
        ("max_total_volume", "tiers = [{ from = 1, amount = 2 }]", "initial_balance"),
        ("max_total_volume", 'by = "balance"\ntiers = [{ from = 1, amount = 0 }]', "tiers[0].amount"),
        ("max_positions", 'by = "balance"\ntiers = [{ from = 1, amount = 2.5 }]', "amount"),
    ],
)
def test_tiers_that_cannot_be_are_one_problem(tmp_path: Path, kind: str, more: str, key: str):
    assert one_problem(tmp_path, ACCOUNTS + row(kind, "1") + more + "\n").key == f"limits[0].{key}"
