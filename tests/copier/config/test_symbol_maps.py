from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from copier.config.symbol_presets import symbol_preset
from rules.model.trace import Denied
from rules.model.values import Symbol
from rules.policy.symbols import Mapped
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem, problems_of

USE = f'{ACCOUNTS}{LINK}[policies.default]\nsymbols = "m"\n'


def test_rows_map_in_their_order(tmp_path: Path):
    text = (
        USE
        + r"""
[symbols.m]
map = [
  { match = 'NAS100|US100', to = 'US100.cash', max_price_ratio = "2 %" },
  { match = '(?P<pair>[A-Z]{6})(\.m)?', to = '\g<pair>' },
  { match = '.*', deny = true },
]
"""
    )
    symbols = load(tmp_path, text).links[0].policy.symbols
    assert symbols is not None
    assert symbols.resolve(Symbol("EURUSD.m")) == Mapped(Symbol("EURUSD"), 2)
    assert not isinstance(symbols.resolve(Symbol("x")), Mapped)


@pytest.mark.parametrize(
    ("row", "key", "found"),
    [
        ("{ match = '(', to = 'x' }", "[0].match", "missing"),
        ("{ match = '(?<=a)b', to = 'x' }", "[0].match", "look-behind"),
        (r"{ match = 'a', to = '\g<pair>' }", "[0]", "names the group pair"),
        ("{ match = 'a', to = 'b', deny = true }", "[0]", "exclude each other"),
        ("{ match = 'a', roll = [{ from = 2026-09-14, to = 'b' }], to = 'c' }", "[0]", "found both"),
        ("{ match = 'a', roll = [{ from = '2026-09-14', to = 'b' }] }", "[0].roll[0].from", '"2026-09-14"'),
        ("{ match = 'a', roll = [{ from = 2026-09-14T12:00:00, to = 'b' }] }", "[0].roll[0].from", "2026-09-14"),
        ("{ match = 'a', roll = [{ to = 'b' }] }", "[0].roll[0]", "a table without it"),
        ("{ match = 'a', until = 2026-09-14 }", "[0]", "there is none"),
        ("{ preset = 'futures', roll = [{ from = 2026-09-14, to = 'b' }] }", "[0].roll", "`roll`"),
        ("{ to = 'b' }", "[0]", "a table without it"),
        ("{ match = 'a', too = 'b' }", "[0].too", "the unknown key `too`"),
        ("{ match = 'a', max_price_ratio = 0 }", "[0].max_price_ratio", "0"),
        ("'a'", "[0]", '"a"'),
    ],
)
def test_a_bad_row_is_told_in_its_line(tmp_path: Path, row: str, key: str, found: str):
    text = f"{USE}[symbols.m]\nmap = [\n\n{row},\n]\n"
    problem = one_problem(tmp_path, text)
    assert (problem.line, problem.key) == (text.count("\n") - 1, f"symbols.m.map{key}")
    assert found in problem.found


ROLL = """
[service]
timezone = "America/New_York"
[symbols.m]
map = [
  { match = '(?P<root>NQ|ES)1!', until = 2027-06-14, roll = [
      { from = 2026-09-14, to = 'M\\g<root>Z6' },
      { from = 2026-12-14T14:30:00Z, to = 'M\\g<root>H7' },
  ] },
]
"""


def test_contracts_begin_at_midnight_of_the_service_or_at_a_time(tmp_path: Path):
    symbols = load(tmp_path, USE + ROLL).links[0].policy.symbols
    assert symbols is not None
    found = symbols.resolve(Symbol("ES1!"))
    assert isinstance(found, Mapped)
    assert found.contracts == (
        (datetime(2026, 9, 14, 4, tzinfo=UTC), Symbol("MESZ6")),
        (datetime(2026, 12, 14, 14, 30, tzinfo=UTC), Symbol("MESH7")),
    )
    assert found.until == datetime(2027, 6, 14, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "today", "key"),
    [
        (ROLL, date(2027, 5, 31), None),
        (ROLL, date(2027, 6, 1), "until"),
        (ROLL, date(2027, 6, 20), "until"),
        (ROLL.replace("until = 2027-06-14, ", ""), date(2027, 3, 24), None),
        (ROLL.replace("until = 2027-06-14, ", ""), date(2027, 3, 25), "roll"),
    ],
)
def test_a_roll_that_ends_soon_draws_a_warning(tmp_path: Path, text: str, today: date, key: str | None):
    warnings = load(tmp_path, USE + text, today=today).warnings
    assert [each.key for each in warnings] == ([] if key is None else [f"symbols.m.map[0].{key}"])
    assert all("M\\g<root>H7" in each.found for each in warnings)


def test_every_bad_row_is_told(tmp_path: Path):
    text = f"{USE}[symbols.m]\nmap = [\n{{ match = '(' }},\n{{ match = ')' }},\n]\n"
    assert [problem.key for problem in problems_of(tmp_path, text)] == [
        "symbols.m.map[0].match",
        "symbols.m.map[1].match",
    ]


def test_a_row_that_no_symbol_reaches_draws_a_warning(tmp_path: Path):
    rows = "{ match = 'A', to = 'B' },\n{ match = 'A', to = 'C' },\n{ match = '.*', deny = true },\n{ match = 'D' },\n"
    warnings = load(tmp_path, f"{USE}[symbols.m]\nmap = [\n{rows}]\n").warnings
    assert [warning.key for warning in warnings] == ["symbols.m.map[1]", "symbols.m.map[3]"]
    assert [warning.found[:5] for warning in warnings] == ["row 1", "row 3"]


@pytest.mark.parametrize(
    ("rows", "key"),
    [
        ("{ match = 'A|B', to = 'x' }, { match = 'B|C' }, { match = 'C?|A' }, { match = '(C|A)' }", "symbols.m.map[3]"),
        ("{ match = 'US.*', to = 'x' }, { match = 'US30|US100(\\.cash)?', to = 'y' }", "symbols.m.map[1]"),
        ("{ preset = 'indices' }, { match = 'USTEC', to = 'US100' }", "symbols.m.map[1]"),
        ("{ preset = 'metals' }, { preset = 'forex' }, { preset = 'metals', suffix = 'm' }", "symbols.m.map[2]"),
        ("{ match = '.*', deny = true }, { preset = 'metals' }", "symbols.m.map[1]"),
    ],
)
def test_a_row_whose_names_earlier_rows_take_draws_a_warning(tmp_path: Path, rows: str, key: str):
    (warning,) = load(tmp_path, f"{USE}[symbols.m]\nmap = [{rows}]\n").warnings
    assert warning.key == key
    assert "take" in warning.found


@pytest.mark.parametrize(
    "rows",
    [
        "{ match = 'USTEC', to = 'NQ' }, { preset = 'indices' }, { match = '.*', deny = true }",
        "{ match = 'A', to = 'B' }, { match = 'A|B', to = 'C' }",
        "{ match = 'US.*', to = 'x' }, { match = '[A-Z]{4}', to = 'y' }",
    ],
)
def test_a_row_that_takes_some_name_draws_none(tmp_path: Path, rows: str):
    assert load(tmp_path, f"{USE}[symbols.m]\nmap = [{rows}]\n").warnings == ()


def test_a_preset_is_a_row_after_own_rows_and_before_the_rest(tmp_path: Path):
    rows = """
  { match = 'GER40', to = 'DAX' },
  { preset = "forex" },
  { preset = "indices", suffix = ".cash", names = { JP225 = "JP225" }, max_price_ratio = "3 %" },
  { match = '.*', deny = true },
"""
    symbols = load(tmp_path, f"{USE}[symbols.m]\nmap = [{rows}]\n").links[0].policy.symbols
    assert symbols is not None
    found = {name: symbols.resolve(Symbol(name)) for name in ("GER40", "DE40", "#Japan225", "EUR/USDm", "US300")}
    assert found["GER40"] == Mapped(Symbol("DAX"), 1)
    assert found["EUR/USDm"] == Mapped(Symbol("EURUSD"), 2, None, "forex")
    assert found["DE40"] == Mapped(Symbol("GER40.cash"), 3, Decimal("0.03"), "indices")
    assert found["#Japan225"] == Mapped(Symbol("JP225"), 3, Decimal("0.03"), "indices")
    assert isinstance(found["US300"], Denied)


def test_a_denial_tells_the_preset_the_reason_and_the_row_of_the_config(tmp_path: Path):
    rows = "{ match = 'A', deny = true, why = 'not traded' }, { preset = 'metals' }"
    symbols = load(tmp_path, f"{USE}[symbols.m]\nmap = [{rows}]\n").links[0].policy.symbols
    assert symbols is not None
    own, shipped = symbols.resolve(Symbol("A")), symbols.resolve(Symbol("GOLDm"))
    assert isinstance(own, Denied)
    assert own.numbers == (("symbol", "A"), ("match", "A"), ("why", "not traded"), ("row", "1"))
    assert isinstance(shipped, Denied)
    assert shipped.numbers[-2:] == (("preset", "metals"), ("row", "2"))


@pytest.mark.parametrize(
    ("row", "key", "found", "hint"),
    [
        ("{ preset = 'indexes' }", "[0].preset", 'the unknown preset "indexes"', "did you mean `indices`?"),
        ("{ preset = 'forex', match = 'A' }", "[0]", "both", None),
        ("{ preset = 'forex', to = 'A' }", "[0].to", "`to`", None),
        ("{ preset = 'forex', deny = true }", "[0].deny", "`deny`", None),
        ("{ match = 'A', suffix = 'm' }", "[0].suffix", "`suffix`", None),
        ("{ preset = 'indices', names = { US100 = 'x' } }", "[0].names.US100", '"US100"', "did you mean `NAS100`?"),
        ("{ preset = 'indices', names = { EURUSD = 'x' } }", "[0].names.EURUSD", '"EURUSD"', None),
        ("{ preset = 'indices', names = { NAS100 = 1 } }", "[0].names", "a table", None),
        ("{ preset = 'forex', max_price_ratio = 0 }", "[0].max_price_ratio", "0", None),
    ],
)
def test_a_bad_preset_row_is_told_in_its_line(tmp_path: Path, row: str, key: str, found: str, hint: str | None):
    text = f"{USE}[symbols.m]\nmap = [\n\n{row},\n]\n"
    problem = one_problem(tmp_path, text)
    assert (problem.line, problem.key) == (text.count("\n") - 1, f"symbols.m.map{key}")
    assert (problem.found, problem.hint) == (found, hint)


@pytest.mark.parametrize(("days", "warned"), [(180, False), (181, True)])
def test_a_preset_that_nobody_looked_at_for_half_a_year_draws_a_warning(tmp_path: Path, days: int, warned: bool):
    text = f"{USE}[symbols.m]\nmap = [{{ preset = 'forex' }}]\n"
    today = symbol_preset("forex").as_of + timedelta(days=days)
    keys = [warning.key for warning in load(tmp_path, text, today=today).warnings]
    assert keys == (["symbols.m.map[0].preset"] if warned else [])
