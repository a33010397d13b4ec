"""The table of the suite: what counts as a case, and that the page in the documentation is of today's cases."""

import ast
import re
from pathlib import Path

from rules.model.frozen import frozen
from tests.conformance.table import NO_CASES, lines, page, table_of
from tests.conformance.venues import KINDS

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "conformance.md"


@frozen
class Ran:
    nodeid: str
    outcome: str = "passed"


def test_variants_of_a_case_are_one_cell_and_one_failure_shows() -> None:
    where = "tests/conformance/test_orders.py::test_a_case"
    ran = [Ran(f"{where}[paper-netting-buy]"), Ran(f"{where}[paper-netting-sell]", "failed"), Ran(f"{where}[x-paper]")]
    assert table_of(ran) == {"orders: a case": {"paper-netting": "FAILED", "paper": "yes"}}
    assert table_of([Ran(f"{where}[paper-1]", "skipped"), Ran(f"{where}[paper-2]")]) == {
        "orders: a case": {"paper": "yes"}
    }


def test_what_runs_over_no_venue_is_no_case() -> None:
    assert table_of([Ran("tests/rules/test_x.py::test_a[paper]"), Ran("tests/conformance/test_x.py::test_b")]) == {}


def test_the_terminal_and_the_page_show_the_same_cells() -> None:
    table = table_of([Ran("tests/conformance/test_orders.py::test_a_case[paper]")])
    assert lines(table)[-1].split()[3:] == ["yes" if kind == "paper" else "." for kind in KINDS]
    row = page(table).splitlines()[-1]
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["yes" if kind == "paper" else "" for kind in KINDS]


def test_the_page_in_the_documentation_names_todays_cases_and_kinds() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"| case | {' | '.join(KINDS)} |" in text, "make conformance writes it anew"
    named = set(re.findall(r"^\| (\w+: [^|]+) \|", text, re.MULTILINE))
    assert named == _cases(), "make conformance writes it anew"
    assert "FAILED" not in text


def _cases() -> set[str]:
    found = set()
    for file in HERE.glob("test_*.py"):
        if file.stem in NO_CASES:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_case(node):
                case = node.name.removeprefix("test_").replace("_", " ")
                found.add(f"{file.stem.removeprefix('test_')}: {case}")
    return found


def _is_case(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a test runs over kinds of venue: in a world of one, or named by the kind itself."""
    asked = {argument.arg: ast.unparse(argument.annotation or ast.Constant(None)) for argument in node.args.args}
    return node.name.startswith("test_") and ("kind" in asked or "World" in asked.values())
