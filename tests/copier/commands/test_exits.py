"""Expected failures become words and a code; bugs keep their traceback."""

from pathlib import Path

import pytest

from copier.commands.exits import explained, leaves
from copier.config.errors import ConfigError, ConfigProblem
from copier.ledger.ledger import LedgerBusy, LedgerFailed, LedgerRefused


def wrong(*lines: int) -> ConfigError:
    return ConfigError([ConfigProblem(Path("c.toml"), line, "key", "a number", "text") for line in lines])


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (wrong(3), 2, "1 problem in the config; nothing was started"),
        (wrong(3, 7), 2, "2 problems in the config; nothing was started"),
        (LedgerRefused("no ledger"), 2, "no ledger"),
        (LedgerBusy("in use by process 7"), 3, "in use by process 7"),
        (LedgerFailed("the disk failed"), 1, "the disk failed"),
        (ExceptionGroup("nursery", [ExceptionGroup("inner", [LedgerFailed("the disk failed")])]), 1, "disk failed"),
    ],
)
def test_an_expected_failure_is_said_on_stderr(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, says: str
) -> None:
    with pytest.raises(SystemExit) as ended, explained():
        raise error
    assert ended.value.code == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""


def test_every_problem_is_said_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), explained():
        raise wrong(3, 7)
    said = capsys.readouterr().err
    assert "c.toml:3" in said
    assert "c.toml:7" in said


def test_a_bug_is_not_explained_away() -> None:
    with pytest.raises(KeyError), explained():
        raise KeyError("bug")


def test_a_bug_beside_an_expected_failure_is_not_hidden() -> None:
    with pytest.raises(ExceptionGroup) as caught, explained():
        raise ExceptionGroup("nursery", [LedgerFailed("disk"), KeyError("bug")])
    assert caught.group_contains(KeyError)


def test_nothing_wrong_is_nothing_said(capsys: pytest.CaptureFixture[str]) -> None:
    with explained():
        pass
    assert capsys.readouterr().err == ""


def test_the_leaves_of_groups_are_found_at_any_depth() -> None:
    one, two = KeyError("1"), KeyError("2")
    assert leaves(ExceptionGroup("a", [one, ExceptionGroup("b", [ExceptionGroup("c", [two])])])) == [one, two]
