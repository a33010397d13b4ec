"""Links: who copies whom."""

from pathlib import Path

import pytest

from rules.policy.links import LinkState
from tests.copier.config.files import ACCOUNTS, LINK, line_of, load, one_problem, problems_of

THIRD = '[accounts.third]\nvenue = "toy"\nlogin = "3"\ntoken = "${env:TOKEN}"\n'


def link(source: str, *targets: str) -> str:
    return f'[[links]]\nsource = "{source}"\ntargets = {list(targets)}\n'


GOOD = link("master", "small")


def test_a_row_with_two_targets_is_two_links(tmp_path: Path):
    links = load(tmp_path, ACCOUNTS + THIRD + link("master", "small", "third") + 'state = "close_only"\n').links
    assert [one.link_id for one in links] == ["master->small", "master->third"]
    assert {one.state for one in links} == {LinkState.CLOSE_ONLY}


def test_many_sources_may_share_a_target(tmp_path: Path):
    links = load(tmp_path, ACCOUNTS + THIRD + link("master", "small") + link("third", "small")).links
    assert [one.source for one in links] == ["master", "third"]


@pytest.mark.parametrize(
    ("text", "key", "found", "hint"),
    [
        (link("mastr", "small"), "source", 'the unknown account "mastr"', "did you mean `master`?"),
        (link("master", "x"), "targets[0]", 'the unknown account "x"', None),
        (link("master"), "targets", "an empty array", None),
        (link("master", "master"), "targets[0]", "a loop master -> master", None),
        (link("master", "small", "small"), "targets[1]", "a second link master->small", None),
        (GOOD + 'policy = "carefull"\n', "policy", 'the unknown policy "carefull"', "did you mean `careful`?"),
        (GOOD + 'state = "stopped"\n', "state", '"stopped"', None),
        (GOOD + "overide = {}\n", "overide", "the unknown key `overide`", "did you mean `override`?"),
        (GOOD + "override = 3\n", "override", "no table", None),
        ('[[links]]\nsource = "master"\ntargets = "small"\n', "targets", '"small"', "put it into brackets"),
        ('[[links]]\nsource = "master"\n', "", "a table without it", None),
    ],
)  # fmt: skip
def test_a_bad_link_is_one_problem(tmp_path: Path, text: str, key: str, found: str, hint: str | None):
    problem = one_problem(tmp_path, f"{ACCOUNTS}{text}[policies.careful]\n")
    assert (problem.key, problem.found, problem.hint) == (f"links[0]{'.' if key else ''}{key}", found, hint)


def test_a_loop_is_told_at_the_link_that_closes_it(tmp_path: Path):
    text = ACCOUNTS + THIRD + link("master", "small") + link("small", "third") + link("third", "master")
    problem = one_problem(tmp_path, text)
    assert (problem.key, problem.found) == ("links[2].targets[0]", "a loop third -> master -> small -> third")
    assert problem.line == text.count("\n")


def test_a_pair_written_twice_in_different_rows_is_told_at_the_second(tmp_path: Path):
    text = ACCOUNTS + LINK + LINK
    assert one_problem(tmp_path, text).key == "links[1].targets[0]"


def test_a_chain_and_a_diamond_are_no_loops(tmp_path: Path):
    text = ACCOUNTS + THIRD + link("master", "small", "third") + link("small", "third")
    assert len(load(tmp_path, text).links) == 3


def test_an_account_with_mistakes_of_its_own_is_still_known_to_links(tmp_path: Path):
    text = ACCOUNTS.replace('login = "2"', 'login = "two"') + LINK
    assert one_problem(tmp_path, text).line == line_of(text, "two")


def test_every_unknown_target_is_told(tmp_path: Path):
    text = f'{ACCOUNTS}[[links]]\nsource = "master"\ntargets = [\n"a1",\n"b1",\n]\n'
    assert [problem.line for problem in problems_of(tmp_path, text)] == [text.count("\n") - 2, text.count("\n") - 1]
