"""`copier alerts list` and `copier alerts acknowledge`, without a service and with one."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from copier.commands.exits import FAILED, FINE, OTHER_INSTANCE, WRONG_INPUT
from copier.commands.kept_alerts import acknowledge
from copier.ledger.codec import decode, encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import AcknowledgedRecord, AlertRecord, LeverRecord
from copier.service.control import control_path, serve_control
from rules.model.levers import Acknowledge
from rules.model.values import AccountId
from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import HOSTILE, copier
from tests.rules.playbook import T0

LOST = AlertRecord("session.lost", "timeout", AccountId("small"))
BACK = AlertRecord("session.lost", "back after 3 s", AccountId("small"), over=True)
ORPHAN = AlertRecord("orphan", f"position {HOSTILE} is nobody's", AccountId("small"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config whose ledger holds a lost session (1) that is back (2), and an orphan (3)."""
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    ledger = Ledger.open(tmp_path / "copier.db")
    for number, record in enumerate((LOST, BACK, ORPHAN)):
        ledger.append([Entry("alert", record.account, encode(record))], T0 + timedelta(minutes=number))
    ledger.close()
    return file


def acknowledged(file: Path) -> list[AcknowledgedRecord]:
    ledger = Ledger.open(file.with_name("copier.db"), readonly=True)
    try:
        return [decode(AcknowledgedRecord, entry.body) for entry in ledger.entries(kinds=("acknowledged",))]
    finally:
        ledger.close()


def listed(file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert copier("alerts", "list", file, "--json", *options) == FINE
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_those_that_nobody_has_seen_are_listed_first(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acknowledge("3", file, note="closed it") == FINE
    assert [each["seq"] for each in listed(file, capsys)] == [1, 3, 2]
    assert [each["seq"] for each in listed(file, capsys, "--open")] == [1]
    seen = listed(file, capsys)[1]["acknowledged"]
    assert isinstance(seen, dict)
    assert (seen["note"], bool(seen["by"])) == ("closed it", True)


def test_the_list_says_of_each_whether_somebody_has_seen_it(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert acknowledge("3", file, note=f"mine {HOSTILE}") == FINE
    capsys.readouterr()
    assert copier("alerts", "list", file) == FINE
    shown = capsys.readouterr().out
    for word in ("open", "seen", "over", "timeout", "mine"):
        assert word in shown
    assert HOSTILE not in shown


def test_several_are_acknowledged_at_once_each_but_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acknowledge(" 1, 3,1", file) == FINE
    assert capsys.readouterr().out == "2 alerts acknowledged\n"
    assert acknowledge("1", file, note="again") == FINE
    assert capsys.readouterr().out == "0 alerts acknowledged, 1 had been before\n"
    assert [(each.alert, each.note) for each in acknowledged(file)] == [(1, ""), (3, "")]


def test_all_that_is_open_is_acknowledged(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acknowledge("all", file) == FINE
    assert [each.alert for each in acknowledged(file)] == [1, 3], "the end of one needs nobody"
    assert listed(file, capsys, "--open") == []
    assert acknowledge("all", file) == FINE
    assert "every alert is acknowledged" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["2", "4", "999", "1,4"])
def test_what_is_no_alert_to_acknowledge_is_refused_and_nothing_is_done(
    file: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    assert acknowledge(wrong, file) == FAILED
    assert "there is no alert" in capsys.readouterr().err
    assert acknowledged(file) == []


@pytest.mark.parametrize("wrong", ["", "one", "1;2", "-1", "1,", "\N{SUPERSCRIPT TWO}", "9" * 16])
def test_what_is_no_number_is_told(file: Path, capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    assert acknowledge(wrong, file) == WRONG_INPUT
    assert "expected numbers of alerts" in capsys.readouterr().err


def test_a_note_is_bounded(file: Path) -> None:
    assert acknowledge("1", file, note="x" * 5000) == FINE
    assert [len(each.note) for each in acknowledged(file)] == [500]


def test_who_acknowledged_is_among_what_happened(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acknowledge("3", file, note="mine") == FINE
    capsys.readouterr()
    assert copier("events", file) == FINE
    last = capsys.readouterr().out.splitlines()[-1]
    assert "seen" in last
    assert "alert 3 by" in last
    assert "mine" in last


def test_a_service_that_does_not_answer_keeps_its_ledger(file: Path) -> None:
    busy = Ledger.open(file.with_name("copier.db"))
    try:
        with pytest.raises(SystemExit) as ended:
            acknowledge("1", file)
        assert ended.value.code == OTHER_INSTANCE
    finally:
        busy.close()


async def test_a_running_service_is_asked(file: Path) -> None:
    asked: list[LeverRecord] = []

    async def obey(record: LeverRecord) -> str:
        asked.append(record)
        return "2 alerts acknowledged"

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, control_path(file.with_name("copier.db")), obey)
        assert await trio.to_thread.run_sync(lambda: acknowledge("all", file, note="morning")) == FINE
        nursery.cancel_scope.cancel()
    assert [(record.lever, record.why) for record in asked] == [(Acknowledge((1, 3)), "morning")]


async def test_the_longest_command_fits_the_control_socket(file: Path) -> None:
    """As many alerts as one takes, of a ledger of ten years, with the longest note."""
    asked: list[LeverRecord] = []

    async def obey(record: LeverRecord) -> str:
        asked.append(record)
        return "200 alerts acknowledged"

    wanted = tuple(range(10**9, 10**9 + 200))
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, control_path(file.with_name("copier.db")), obey)
        numbers, note = ",".join(map(str, wanted)), "\N{GRINNING FACE}" * 600
        assert await trio.to_thread.run_sync(lambda: acknowledge(numbers, file, note=note)) == FINE
        nursery.cancel_scope.cancel()
    assert [record.lever for record in asked] == [Acknowledge(wanted)]
