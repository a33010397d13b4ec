"""How problems are written."""

from pathlib import Path

import pytest

from copier.config.errors import ConfigError, ConfigProblem, format_problem, key_text, nearest, one_of, shown_value


def test_a_problem_is_one_line_with_all_that_is_known():
    problem = ConfigProblem(Path("c.toml"), 3, "links[0].source", "one of a, b", '"c"', "did you mean `a`?")
    assert format_problem(problem) == 'c.toml:3: links[0].source: expected one of a, b, found "c" (did you mean `a`?)'
    assert format_problem(ConfigProblem(Path("c.toml"), None, "", "a", "b")) == "c.toml: expected a, found b"


def test_problems_come_in_the_order_of_the_file():
    def at(line: int | None) -> ConfigProblem:
        return ConfigProblem(Path("c"), line, "", "", "")

    assert [problem.line for problem in ConfigError([at(9), at(None), at(2)]).problems] == [None, 2, 9]


def test_key_paths_are_written_as_a_person_writes_them():
    assert key_text(("links", 0, "targets", 12)) == "links[0].targets[12]"
    assert key_text(("accounts", "a b.c", "x-y_z")) == 'accounts."a b.c".x-y_z'
    assert key_text(()) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb\x1b[0m", '"a\\nb\\x1b[0m"'),
        ("x" * 100, '"' + "x" * 57 + '..."'),
        (True, "true"),
        ({}, "a table"),
        ([], "an array"),
        (1.5, "1.5"),
    ],
)
def test_values_are_shown_on_one_short_line(value: object, text: str):
    assert shown_value(value) == text


def test_only_near_words_are_suggested():
    assert nearest("multipler", ["multiplier", "mode"]) == "did you mean `multiplier`?"
    assert nearest("zzz", ["multiplier", "mode"]) is None


def test_choices_are_listed_in_order_and_bounded():
    assert one_of(["b", "a"]) == "one of a, b"
    assert one_of([]) == "nothing, as none is defined"
    assert one_of([f"n{number:02}" for number in range(30)]).endswith("n19, ...")
