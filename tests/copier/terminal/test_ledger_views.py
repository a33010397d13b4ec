"""The views without a service: what the ledger alone knows."""

import json
from pathlib import Path

import pytest

from copier.ledger.ledger import Ledger
from copier.terminal.happenings import Stages, latest, of_ledger
from tests.copier.commands.test_levers import file as breached
from tests.copier.commands.test_read import HOSTILE, copier, file, told
from tests.copier.desk import Desk

__all__ = ["breached", "file", "told"]  # fixtures


def test_positions_are_what_the_copies_hold(file: Path, told: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("positions", file, "--json") == 0
    [held] = json.loads(capsys.readouterr().out)
    [leg] = next(copy.legs for copy in told.book.all() if copy.source_position_id == "p1" and copy.holds)
    assert (held["position"], held["volume"], held["source_position"]) == (leg.position_id, "1", "p1")
    assert held["current_price"] is None, "the ledger has no prices of now"


def test_events_are_the_last_decisions_with_their_reasons(
    file: Path, told: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("events", file) == 0
    shown = capsys.readouterr().out
    assert "LINK_PAUSED" in shown
    assert "holds 1" in shown
    assert HOSTILE not in shown
    assert copier("events", file, "--json", "--last", "1") == 0
    [last] = json.loads(capsys.readouterr().out)
    assert last["event"] == "decision"


def test_links_tell_a_lever_that_was_left_for_the_next_start(
    file: Path, told: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("close-only", "master->small", file, "--why", "winding up") == 0
    capsys.readouterr()
    assert copier("links", file, "--json") == 0
    [link] = json.loads(capsys.readouterr().out)
    assert (link["state"], link["lever"], link["lever_why"]) == ("close_only", "close_only", "winding up")
    assert copier("links", file) == 0
    assert "no service is running" in capsys.readouterr().out


def test_lifted_limit_is_told_with_its_lever_and_alert(breached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("reset-limit", "small/max_loss", breached, "--why", "new phase", "--yes") == 0
    capsys.readouterr()
    assert copier("events", breached) == 0
    shown = capsys.readouterr().out
    assert "alert     small" in shown
    assert "new phase" in shown


def test_what_is_followed_begins_after_what_was_told(file: Path, told: Desk) -> None:
    ledger = Ledger.open(file.parent / "copier.db", readonly=True)
    try:
        everything = latest(ledger, 100, Stages())
        assert latest(ledger, 2, Stages()) == everything[-2:]
        assert list(of_ledger(ledger, ledger.last_seq, Stages())) == []
        assert list(of_ledger(ledger, 0, Stages())) == everything
    finally:
        ledger.close()


def test_nothing_has_happened_in_a_new_ledger(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Ledger.open(file.parent / "copier.db").close()
    assert copier("events", file) == 0
    assert capsys.readouterr().out == "nothing has happened yet\n"
