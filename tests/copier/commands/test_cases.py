"""`copier test`, called in this process."""

import json
from pathlib import Path

import pytest

from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier

CASES = """
[[tests]]
name = "gold is copied"
given = { link = "master->small", open = { symbol = "XAUUSD", side = "buy", volume = 2 } }
expect = { action = "open", volume = 2 }
[[tests]]
name = "silver is [bold] small"
given = { link = "master->small", open = { symbol = "XAGUSD", side = "buy", volume = 2 } }
expect = { action = "open", volume = 1 }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER + CASES, encoding="utf-8")
    return file


def test_a_failing_case_is_told_with_its_line_what_was_found_and_its_trace(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("test", file) == 1
    shown = capsys.readouterr().out
    line = PAPER.count("\n") + CASES[: CASES.index('[[tests]]\nname = "silver')].count("\n") + 1
    assert "ok    gold is copied: open buy 2 XAUUSD" in shown
    assert f"FAIL  silver is [bold] small ({file}:{line})" in shown
    assert "volume: expected 1, found 2" in shown
    assert "size: multiplier" in shown
    assert "2 cases, 1 failed" in shown


def test_words_of_a_name_choose_cases(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("test", file, "-k", "GOLD") == 0
    assert "1 case, 0 failed" in capsys.readouterr().out


def test_no_case_at_all_is_wrong_input(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("test", file, "-k", "platinum") == 2
    assert "none whose name holds 'platinum'" in capsys.readouterr().err
    file.write_text(PAPER, encoding="utf-8")
    assert copier("test", file) == 2


def test_as_json_each_case_tells_what_it_expected_and_found(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("test", file, "--json") == 1
    gold, silver = json.loads(capsys.readouterr().out)
    assert (gold["passed"], gold["found"], gold["misses"]) == (True, "open buy 2 XAUUSD", [])
    assert silver["misses"] == [{"what": "volume", "expected": "1", "found": "2"}]
    assert silver["expected"] == "open, volume 1"
    assert any(line.startswith("size: ") for line in silver["trace"])


def test_a_bad_config_is_told_as_check_tells_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER + CASES.replace("volume = 1 }", "volum = 1 }"), encoding="utf-8")
    assert copier("test", file) == 2
    assert "tests[1].expect.volum" in capsys.readouterr().err
