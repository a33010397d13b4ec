"""The reading commands, called in this process: what they print and with which code they end."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio
from attrs import evolve

from copier.__main__ import app
from copier.ledger.ledger import Entry, Ledger
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.values import LinkId, Volume
from rules.policy.links import LinkState
from tests.copier.commands.shell import PAPER
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import T0

HOSTILE = "p\x1b[31m1"


def copier(*arguments: str | Path) -> int:
    """Run a command and return its exit code."""
    try:
        code = app([str(each) for each in arguments], exit_on_error=True, result_action="return_value")
    except SystemExit as end:
        code = end.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    return file


@pytest.fixture
def told(file: Path) -> Desk:
    """A ledger that holds one copy, one denial and a limit; the service that wrote it has ended."""
    return trio.run(_tell, file)


async def _tell(file: Path) -> Desk:
    paused = evolve(LINK, link_id=LinkId("paused"), state=LinkState.PAUSED)
    limit = Limit("[bold]daily", TARGET, LimitKind.MAX_LOSS, Percent(Volume("0.1")))
    ledger = Ledger.open(file.parent / "copier.db")
    desk = await Desk(ledger, links=[LINK, paused], limits=[limit]).ready()
    await desk.copied(source_position())
    desk.now += timedelta(seconds=1)
    await desk.sees(source_position(HOSTILE))
    ledger.close()
    return desk


# explain


@pytest.mark.parametrize("wanted", ["p1", "its order", "its target position"])
def test_explain_tells_a_copys_whole_story_by_any_of_its_ids(
    file: Path, told: Desk, capsys: pytest.CaptureFixture[str], wanted: str
) -> None:
    [leg] = next(copy.legs for copy in told.book.all() if copy.source_position_id == "p1" and copy.holds)
    ids: dict[str, str | None] = {"its order": leg.cl_ord_id, "its target position": leg.position_id}
    assert copier("explain", ids.get(wanted) or wanted, file) == 0
    shown = capsys.readouterr().out
    for part in ("the source changed: holds 1", "open buy 1 EURUSD", "filled 1 at 1.1"):
        assert part in shown, part
    assert ("LINK_PAUSED" in shown) is (wanted == "p1"), "a source position tells of every link"


def test_explain_shows_no_control_characters(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("explain", HOSTILE, file) == 0
    assert "\x1b[31m" not in capsys.readouterr().out


def test_explain_as_json_is_a_list_of_lines(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("explain", "p1", file, "--json") == 0
    lines: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    assert {"at", "seq", "who", "what", "steps"} == set(lines[0])


def test_explain_of_an_unknown_id_ends_with_1(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("explain", "nobody", file) == 1
    assert "holds nothing about nobody" in capsys.readouterr().out


# status


def test_status_shows_what_is_held_and_that_nothing_runs(
    file: Path, told: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("status", file) == 0
    shown = capsys.readouterr().out
    assert "service not running" in shown
    assert "holds 1" in shown
    assert "[bold]daily" in shown, "a name is text, not markup"


def test_status_as_json_names_each_living_copy(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("status", file, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["running"] is False
    assert [(copy["source_position"], copy["volume"]) for copy in found["copies"]] == [
        ("p1", "1"),
        (HOSTILE, "1"),
    ]
    assert found["limits"] == [{"limit": "[bold]daily", "stage": "ok"}]


def test_status_sees_that_a_service_runs(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    writer = Ledger.open(file.parent / "copier.db")
    try:
        assert copier("status", file, "--json") == 0
    finally:
        writer.close()
    assert json.loads(capsys.readouterr().out)["running"] is True


def test_a_ledger_that_does_not_exist_is_said_clearly(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (("status",), ("explain", "p1"), ("ledger", "verify")):
        assert copier(*command, file) in (1, 2)
        assert "copier.db" in capsys.readouterr().err
    assert not (file.parent / "copier.db").exists(), "reading makes no file"


# ledger verify


def test_verify_of_a_good_ledger_ends_with_0(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("ledger", "verify", file) == 0
    assert "all as written" in capsys.readouterr().out


def test_verify_finds_the_row_that_was_tampered_with(
    file: Path, told: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file.parent / "copier.db"
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_are_never_changed")
    connection.execute("UPDATE entries SET account = 'somebody' WHERE seq = 3")
    connection.close()
    assert copier("ledger", "verify", file) == 1
    assert "row 3" in capsys.readouterr().out
    assert copier("ledger", "verify", "--ledger", path, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["entries"], found["first_bad_seq"]) == (2, 3)


def test_verify_reads_a_ledger_without_any_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger.open(tmp_path / "other.db")
    ledger.append([Entry("alert", "a", b"{}")], T0)
    ledger.close()
    assert copier("ledger", "verify", "--ledger", tmp_path / "other.db", "--json") == 0
    assert json.loads(capsys.readouterr().out)["entries"] == 1


# ledger backup


def test_a_backup_is_made_beside_a_running_service_and_never_over_anything(
    file: Path, told: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = file.parent / "tonight.db"
    entries = told.ledger.last_seq
    writer = Ledger.open(file.parent / "copier.db")
    try:
        assert copier("ledger", "backup", copy, file) == 0
        assert capsys.readouterr().out == f"{entries} entries, all as written, in {copy}\n"
        assert copier("ledger", "verify", "--ledger", copy) == 0
        assert copier("ledger", "backup", copy, file) == 2
        assert "exists already" in capsys.readouterr().err
    finally:
        writer.close()
    assert copier("ledger", "backup", file.parent / "2.db", "--ledger", file.parent / "copier.db", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"entries": entries, "copy": str(file.parent / "2.db")}
    assert copier("ledger", "backup", file.parent / "no" / "3.db", file) == 1
