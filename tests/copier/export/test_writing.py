"""Files of tables: exact, harmless in a spreadsheet, for their owner alone, and never in the place of another."""

import csv
import json
import stat
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copier.export.writing import CannotWrite, Exists, Format, Row, harmless, new_file, write_table

AT = datetime(2026, 11, 20, 13, 0, 0, 250, timezone(timedelta(hours=1)))
COLUMNS = ("text", "number", "count", "flag", "at", "nothing")
ROW: Row = ('a, "b"', Decimal("-0.10"), 3, True, AT, None)


def written(path: Path, *rows: Row, format_: Format = Format.CSV) -> str:
    write_table(path, format_, COLUMNS, rows, overwrite=True)
    return path.read_bytes().decode()


def test_csv_is_that_of_rfc_4180_with_exact_numbers(tmp_path: Path) -> None:
    assert written(tmp_path / "x.csv", ROW) == (
        '"text","number","count","flag","at","nothing"\r\n'
        '"a, ""b""","-0.1","3","true","2026-11-20T12:00:00.000250Z",""\r\n'
    )


def test_json_lines_tell_absent_from_empty(tmp_path: Path) -> None:
    text = written(tmp_path / "x.jsonl", ROW, ("", Decimal(0), 0, False, AT, None), format_=Format.JSONL)
    first, second = map(json.loads, text.splitlines())
    assert first == {
        "text": 'a, "b"',
        "number": "-0.1",
        "count": 3,
        "flag": True,
        "at": "2026-11-20T12:00:00.000250Z",
        "nothing": None,
    }
    assert (second["text"], second["number"], second["flag"], second["nothing"]) == ("", "0", False, None)


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://evil")', "+1", "-1+2", "@SUM(A1)", "\t=1", "  =1", "＝1", "|calc"]
)
def test_no_text_of_a_broker_is_a_formula(text: str) -> None:
    assert harmless(text).startswith("'")


def test_what_is_no_formula_stays_as_it_is() -> None:
    assert [harmless(text) for text in ("EURUSD", "a=b", "master->prop", "", "#1")] == [
        "EURUSD",
        "a=b",
        "master->prop",
        "",
        "#1",
    ]
    assert harmless("a\x1b[31mb\x00") == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}"


@pytest.mark.slow  # a hundred texts
@given(st.text(max_size=30))
def test_whatever_a_text_is_its_cell_comes_back_as_one_harmless_cell(text: str) -> None:
    shown = harmless(text)
    assert not shown.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    [row] = csv.reader([f'"{shown.replace(chr(34), chr(34) * 2)}"'.replace("\n", " ")])
    assert len(row) == 1


def test_a_negative_number_is_a_number_and_no_formula(tmp_path: Path) -> None:
    assert '"-0.1"' in written(tmp_path / "x.csv", ROW)


@pytest.mark.parametrize("format_", Format)
def test_the_file_is_for_its_owner_alone_and_nothing_else_is_left(tmp_path: Path, format_: Format) -> None:
    assert write_table(tmp_path / "x", format_, COLUMNS, [ROW, ROW]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


def test_what_lies_there_is_overwritten_only_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("precious")
    with pytest.raises(Exists, match="exists already"):
        write_table(path, Format.CSV, COLUMNS, [ROW])
    assert path.read_text() == "precious"
    path.unlink()
    with pytest.raises(Exists, match="exists already"), new_file(path):
        path.write_text("came meanwhile")
    assert path.read_text() == "came meanwhile"
    write_table(path, Format.CSV, COLUMNS, [ROW], overwrite=True)
    assert path.read_text().startswith('"text"')


def test_what_fails_half_way_leaves_what_was_there_and_no_half(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("precious")

    def broken() -> list[Row]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_table(path, Format.CSV, COLUMNS, (row for _ in (1,) for row in broken()), overwrite=True)
    assert [each.name for each in tmp_path.iterdir()] == ["x.csv"]
    assert path.read_text() == "precious"


def test_a_file_in_the_way_of_the_half_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "x.csv.part").symlink_to(victim)
    write_table(tmp_path / "x.csv", Format.CSV, COLUMNS, [ROW])
    assert victim.read_text() == "precious"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="cannot write"):
        write_table(tmp_path / "nowhere" / "x.csv", Format.CSV, COLUMNS, [ROW])


def test_rows_are_taken_one_by_one(tmp_path: Path) -> None:
    taken: list[int] = []
    told: list[tuple[int, int]] = []

    def rows() -> object:
        for number in range(3):
            taken.append(number)
            yield ROW

    write_table(
        tmp_path / "x.csv",
        Format.CSV,
        COLUMNS,
        rows(),  # type: ignore[arg-type]  # a generator, typed loosely
        on_row=lambda number: told.append((number, len(taken))),
    )
    assert told == [(1, 1), (2, 2), (3, 3)]
    assert AT.astimezone(UTC).hour == 12
