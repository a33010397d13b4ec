"""What in a config can hardly be meant draws a warning, and only what is certain."""

from pathlib import Path

import pytest

from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem


def warned(folder: Path, text: str) -> list[tuple[str, str]]:
    """Return key and finding of each warning of a config whose link obeys policy p."""
    warnings = load(folder, f'{ACCOUNTS}{LINK}policy = "p"\n{text}').warnings
    return [(warning.key, warning.found) for warning in warnings]


@pytest.mark.parametrize(
    "lines",
    [
        "filter = { symbols = ['XAU.*'], not_symbols = ['XAU.*'] }",
        "filter = { symbols = ['XAUUSD', 'XAGUSD'], not_symbols = ['XA.USD'] }",
        "filter = { not_symbols = ['.*'] }",
        "pending = 'skip'\nfilter = { order_types = ['limit', 'stop'] }",
        "symbols = 's'\nfilter = { symbols = ['OIL|GAS'] }\n[symbols.s]\nmap = [{ match = 'OIL|GAS', deny = true }]",
    ],
)
def test_a_filter_that_lets_nothing_pass_is_warned_of(tmp_path: Path, lines: str):
    [(key, _)] = warned(tmp_path, f"[policies.p]\n{lines}\n")
    assert key.startswith("policies.p.filter.")


def test_a_pattern_that_the_filter_refuses_itself_is_warned_of(tmp_path: Path):
    lines = "filter = { symbols = ['EUR.*', 'XAU(USD|EUR)'], not_symbols = ['XAU.*'] }"
    [(key, found)] = warned(tmp_path, f"[policies.p]\n{lines}\n")
    assert key == "policies.p.filter.symbols"
    assert "`XAU(USD|EUR)`" in found


@pytest.mark.parametrize(
    "lines",
    [
        "filter = { symbols = ['XAU.*'], not_symbols = ['XAUUSD'] }",
        "filter = { symbols = ['XAUUSD|XAGUSD'], not_symbols = ['XAUUSD'] }",
        "filter = { not_symbols = ['BTC.*'] }",
        "pending = 'skip'\nfilter = { order_types = ['market', 'stop'] }",
        "per_symbol = [{ match = 'XAUUSD', reverse = true }, { match = 'XAU.*', reverse = true }]",
        "per_symbol = [{ match = 'A', on = 'target', reverse = true }, { match = 'A', reverse = true }]",
    ],
)
def test_what_may_be_meant_draws_no_warning(tmp_path: Path, lines: str):
    assert warned(tmp_path, f"[policies.p]\n{lines}\n") == []


@pytest.mark.parametrize("first", ["XAU.*", "XAUUSD|XAGUSD", ".*", "XAUUSD"])
def test_a_row_after_one_that_takes_all_of_it_is_warned_of(tmp_path: Path, first: str):
    rows = f"per_symbol = [\n{{ match = '{first}', reverse = true }},\n{{ match = 'XAUUSD', reverse = false }},\n]"
    text = f'{ACCOUNTS}{LINK}policy = "p"\n[policies.p]\n{rows}\n'
    [warning] = load(tmp_path, text).warnings
    assert (warning.key, warning.line) == ("policies.p.per_symbol[1]", text.count("\n") - 1)
    assert warning.found == "row 1 takes all that it would"


def test_a_row_for_symbols_that_the_filter_refuses_is_warned_of(tmp_path: Path):
    lines = "filter = { symbols = ['EUR.*'] }\nper_symbol = [{ match = 'XAU(USD|EUR)', reverse = true }]"
    [(key, found)] = warned(tmp_path, f"[policies.p]\n{lines}\n")
    assert key == "policies.p.per_symbol[0]"
    assert found.startswith("none: the filter")


def test_a_warning_of_a_sum_stands_where_the_value_was_written_and_is_told_once(tmp_path: Path):
    text = """[policies.p]
extends = "base"
[policies.base]
filter = { symbols = ['XAU'], not_symbols = ['XAU'] }
"""
    [(key, _)] = warned(tmp_path, text)
    assert key == "policies.base.filter.symbols"


TWIN = '[accounts.twin]\nvenue = "toy"\nlogin = "1"\ntoken = "${env:TOKEN}"\n'


def test_an_account_under_two_names_is_warned_of(tmp_path: Path):
    [warning] = load(tmp_path, ACCOUNTS + TWIN + LINK).warnings
    assert (warning.key, warning.found) == ("accounts.twin", "the same as `master`")


def test_a_copy_from_an_account_onto_itself_under_another_name_is_a_loop(tmp_path: Path):
    text = ACCOUNTS + TWIN + LINK + '[[links]]\nsource = "small"\ntargets = ["twin"]\n'
    problem = one_problem(tmp_path, text)
    assert problem.found == "a loop small -> master -> small"
    assert problem.hint == "`twin` is the same account as `master`"
    text = ACCOUNTS + TWIN + '[[links]]\nsource = "master"\ntargets = ["twin"]\n'
    assert one_problem(tmp_path, text).found == "a loop master -> twin"


@pytest.mark.parametrize(
    ("guard", "found"),
    [('max_age = "3s"', ["3s"]), ("", ["5s"]), ('max_age = "5m"', []), ('wait_default = "30s"', [])],
)
def test_an_approval_that_nobody_can_give_in_time_is_warned_of(tmp_path: Path, guard: str, found: list[str]):
    warnings = warned(tmp_path, f"[policies.p]\napproval = true\nguard = {{ {guard} }}\n")
    assert warnings == [("policies.p.approval", each) for each in found]


def test_a_table_about_mirrored_orders_is_warned_of_where_none_is(tmp_path: Path):
    lines = "[policies.p]\nmirror = { late = 'cancel' }\n"
    assert warned(tmp_path, lines) == [("policies.p.mirror.late", "no order is mirrored: it has no effect")]
    assert warned(tmp_path, lines + "pending = 'on_fill'\nper_symbol = [{ match = 'X', pending = 'mirror' }]\n") == []
