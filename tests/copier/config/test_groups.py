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
