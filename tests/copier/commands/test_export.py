"""`copier ledger export`, called in this process."""

import csv
import json
from pathlib import Path

import pytest
import trio

from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier
from tests.copier.commands.test_replay import _trade

pytestmark = pytest.mark.slow  # each test trades on a ledger that syncs to the disk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config whose ledger holds one trade, of a source position with a hostile id."""
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    trio.run(_trade, tmp_path / "copier.db")
    return file


def test_a_table_is_written_by_the_end_of_its_name(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.with_name("copies.csv")
    assert copier("ledger", "export", "copies", out, file) == 0
    assert capsys.readouterr().out == f"1 copies in {out}\n"
    with out.open(newline="", encoding="utf-8") as text:
        [row] = csv.DictReader(text)
    assert (row["link"], row["result"], row["currency"]) == ("master->small", "10000", "USD")
    assert "\x1b" not in row["source_position"]


def test_what_was_written_is_told_to_programs_as_well(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.with_name("copies.csv")
    assert copier("ledger", "export", "copies", out, file, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"table": "copies", "rows": 1, "file": str(out)}


def test_json_lines_hold_the_same(file: Path) -> None:
    out = file.with_name("copies.txt")
    assert copier("ledger", "export", "copies", out, file, "--format", "jsonl") == 0
    [row] = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    assert (row["result"], row["over_at"][-1]) == ("10000", "Z")


def test_a_ledger_of_another_machine_needs_no_config(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "orders.csv"
    assert copier("ledger", "export", "orders", out, tmp_path / "none.toml", "--ledger", tmp_path / "copier.db") == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3


def test_nothing_is_overwritten_unasked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = file.with_name("alerts.csv")
    out.write_text("precious")
    assert copier("ledger", "export", "alerts", out, file) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert copier("ledger", "export", "alerts", out, file, "--overwrite") == 0
    assert out.read_text().startswith('"seq"')


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--from", "yesterday"), "--from: expected a day such as 2026-11-20"),
        (("--to", "2026-11-20T15:00:00"), "--to: expected a day such as 2026-11-20, or an instant with its zone"),
        (("--from", "2026-11-21", "--to", "2026-11-20"), "expected --to after --from"),
        (("--account", "prop"), "--account: expected one of master, small, found 'prop'"),
        (("--link", "small->master"), "--link: expected one of master->small, found 'small->master'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    file: Path, given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("ledger", "export", "copies", file.with_name("x.csv"), file, *given) == 2
    assert said in capsys.readouterr().err
    assert not file.with_name("x.csv").exists()


def test_a_name_that_says_no_format_needs_one(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("ledger", "export", "copies", file.with_name("x.parquet"), file) == 2
    assert "expected --format csv or jsonl" in capsys.readouterr().err


def test_days_are_those_of_the_config(file: Path) -> None:
    text = PAPER.replace("[service]", '[service]\ntimezone = "Pacific/Auckland"', 1)
    file.write_text(text, encoding="utf-8")  # the trade was on 2026-11-20 12:00 UTC: 01:00 of the 21st there
    for day, copies in (("2026-11-20", 0), ("2026-11-21", 1)):
        out = file.with_name(f"{day}.jsonl")
        assert copier("ledger", "export", "copies", out, file, "--from", day, "--to", day) == 0
        assert len(out.read_text().splitlines()) == copies
