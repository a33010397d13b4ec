"""Caps of an account: positions and lots."""

from decimal import Decimal
from pathlib import Path

from rules.limits_policy import Cap, CapKind
from rules.values import AccountId
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
