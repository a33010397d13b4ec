"""`copier check`, called in this process: what it prints and with which code it ends."""

import json
from pathlib import Path

import pytest

from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier

POLICIES = """
policy = "child"
[policies.base]
guard = { max_age = "3s" }
[policies.child]
extends = "base"
size = { multiplier = 0.5 }
per_symbol = [
    { match = 'XAU.*', size = { multiplier = 0.1 } },
]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    return file


def test_check_prints_what_would_run_and_ends_with_0(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("check", file) == 0
    shown = capsys.readouterr().out
    assert "master" in shown
    assert "small" in shown
    assert "fine" in shown


def test_check_prints_every_error_with_its_line_and_ends_with_2(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER.replace('"2s"', '"soon"').replace('["small"]', '["smal"]'), encoding="utf-8")
    assert copier("check", file) == 2
    captured = capsys.readouterr()
    assert f"{file}:3" in captured.err
    assert "smal" in captured.err
    assert captured.out == ""


def test_check_as_json_is_one_object(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("check", file, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == []
    assert any("master" in line for line in found["summary"])


def test_check_as_json_has_the_errors_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER.replace('"2s"', '"soon"').replace('["small"]', '["smal"]'), encoding="utf-8")
    assert copier("check", file, "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert len(found["problems"]) == 2
    assert found["summary"] == []


def test_check_never_shows_a_secret(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2-very-secret")
    account = """
[accounts.third]
venue = "tradelocker"
server = "BAPIA"
account_id = "L#700001"
email = "somebody@example.com"
password = "${env:PASSWORD}"
developer_api_key = "hunter2-literal"
"""
    file.write_text(PAPER + account, encoding="utf-8")
    for more in ((), ("--json",)):
        copier("check", file, *more)
    captured = capsys.readouterr()
    assert "third" in captured.out
    assert "hunter2" not in captured.out + captured.err


def test_warnings_end_with_2_only_when_one_is_strict(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER + "[policies.unused]\n", encoding="utf-8")
    assert copier("check", file) == 0
    assert "1 warning" in capsys.readouterr().out
    assert copier("check", file, "--strict") == 2
    assert copier("check", file, "--strict", "--json") == 2
    file.write_text(PAPER, encoding="utf-8")
    assert copier("check", file, "--strict") == 0


def line_of(file: Path, part: str) -> int:
    """Return the line of the only place where `part` stands."""
    [line] = [number for number, text in enumerate(file.read_text().splitlines(), 1) if part in text]
    return line


def test_effective_tells_the_line_of_each_value(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER + POLICIES, encoding="utf-8")
    assert copier("check", file, "--effective", "master->small") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == "link master->small, policy child:"
    places = {text.strip(): place for text, place in (line.rsplit("  ", 1) for line in lines)}
    assert places["guard.max_age = 3s"] == f"{file}:{line_of(file, 'max_age')}"
    assert places["size.multiplier = 0.5"] == f"{file}:{line_of(file, '0.5')}"
    assert places["guard.max_spread = off"] == "default"
    assert places["size.multiplier = 0.1"] == f"{file}:{line_of(file, '0.1')}"
    assert places["per_symbol row 1, source XAU.*:"] == f"{file}:{line_of(file, 'per_symbol')}"


def test_effective_as_json_has_every_link_and_what_a_row_changes(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(PAPER + POLICIES, encoding="utf-8")
    assert copier("check", file, "--effective", "--json") == 0
    [link] = json.loads(capsys.readouterr().out)["links"]
    assert (link["link"], link["policy"]) == ("master->small", "child")
    assert {"key": "guard.max_age", "value": "3s", "line": line_of(file, "max_age")} in link["keys"]
    assert {"key": "reverse", "value": "false", "line": None} in link["keys"]
    [row] = link["per_symbol"]
    assert (row["match"], row["on"]) == ("XAU.*", "source")
    assert row["keys"] == [{"key": "size.multiplier", "value": "0.1", "line": line_of(file, "0.1")}]


def test_effective_of_an_unknown_link_names_the_nearest_and_ends_with_2(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("check", file, "--effective", "master->smal") == 2
    assert "did you mean `master->small`?" in capsys.readouterr().err
