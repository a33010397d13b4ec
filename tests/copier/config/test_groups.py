"""Groups: one name for several accounts."""

from pathlib import Path

import pytest

from tests.copier.config.files import ACCOUNTS, load, one_problem, problems_of

THIRD = '[accounts.third]\nvenue = "toy"\nlogin = "3"\ntoken = "${env:TOKEN}"\n'
GROUPS = '[groups]\nprop = ["small", "third"]\n'


def link(*targets: str) -> str:
    return f'[[links]]\nsource = "master"\ntargets = {list(targets)}\n'


def test_a_group_among_the_targets_stands_for_its_accounts(tmp_path: Path):
    configuration = load(tmp_path, ACCOUNTS + THIRD + GROUPS + link("group:prop"))
    assert [one.link_id for one in configuration.links] == ["master->small", "master->third"]
    assert configuration.warnings == ()


def test_an_account_of_a_group_that_is_a_target_already_is_told(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + THIRD + GROUPS + link("small", "group:prop"))
    assert (problem.key, problem.found) == ("links[0].targets[1]", "a second link master->small")


def test_a_group_that_holds_the_source_is_told(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + THIRD + GROUPS.replace("small", "master") + link("group:prop"))
    assert (problem.key, problem.found) == ("links[0].targets[0]", "a loop master -> master")


@pytest.mark.parametrize(
    ("groups", "key", "found", "hint"),
    [
        ('prop = ["smal"]', "groups.prop[0]", 'the unknown account "smal"', "did you mean `small`?"),
        ('prop = ["small", "small"]', "groups.prop[1]", '"small" again', None),
        ("prop = [3]", "groups.prop[0]", "3", None),
        ("prop = []", "groups.prop", "an empty one", None),
        ('prop = "small"', "groups.prop", '"small"', None),
    ],
)
def test_a_bad_group_is_one_problem(tmp_path: Path, groups: str, key: str, found: str, hint: str | None):
    problem = one_problem(tmp_path, f"{ACCOUNTS}[groups]\n{groups}\n{link('group:prop')}")
    assert (problem.key, problem.found, problem.hint) == (key, found, hint)


def test_an_unknown_group_names_the_nearest(tmp_path: Path):
    problems = problems_of(tmp_path, ACCOUNTS + THIRD + GROUPS + link("group:porp"))
    assert [(problem.key, problem.hint) for problem in problems] == [("links[0].targets[0]", "did you mean `prop`?")]


def test_groups_that_are_no_table_are_told(tmp_path: Path):
    assert one_problem(tmp_path, "groups = 3\n" + ACCOUNTS + link("small")).key == "groups"


def test_a_group_that_nobody_names_draws_a_warning(tmp_path: Path):
    [warning] = load(tmp_path, ACCOUNTS + THIRD + GROUPS + link("small")).warnings
    assert warning.key == "groups.prop"


LIMIT = '[[limits]]\naccount = "group:prop"\nkind = "max_loss"\namount = "10 %"\n'
CAP = '[[limits]]\naccount = "group:prop"\nkind = "max_positions"\namount = 3\n'


def test_a_limit_of_a_group_is_a_limit_of_each_of_its_accounts(tmp_path: Path):
    configuration = load(tmp_path, ACCOUNTS + THIRD + GROUPS + LIMIT + CAP)
    assert [limit.limit_id for limit in configuration.limits] == ["small/max_loss", "third/max_loss"]
    assert [cap.account for cap in configuration.caps] == ["small", "third"]
    assert configuration.warnings == ()


def test_a_mistake_in_a_limit_of_a_group_is_told_once_in_its_line(tmp_path: Path):
    text = ACCOUNTS + THIRD + GROUPS + CAP + LIMIT.replace('"10 %"', '"ten"')
    problem = one_problem(tmp_path, text)
    assert (problem.key, problem.line) == ("limits[1].amount", text.count("\n"))


def test_a_limit_of_an_unknown_group_is_told(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + THIRD + GROUPS + LIMIT + LIMIT.replace("prop", "porp"))
    assert (problem.key, problem.hint) == ("limits[1].account", "did you mean `prop`?")


def test_a_second_limit_of_an_account_beside_its_groups_is_told(tmp_path: Path):
    own = LIMIT.replace("group:prop", "third")
    problem = one_problem(tmp_path, ACCOUNTS + THIRD + GROUPS + LIMIT + own)
    assert (problem.key, "a second limit third/max_loss" in problem.found) == ("limits[1]", True)
