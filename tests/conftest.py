"""What every test run does: shows, and on request writes, the table of the conformance suite; says what it lacked."""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings

from tests.browser.missing import NO_BROWSER, skipped_for_it
from tests.conformance.table import lines, page, table_of

# The same examples in every run, and no example fails because the machine is slow.
settings.register_profile("everywhere", deadline=None, derandomize=True)
settings.load_profile("everywhere")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance-page", type=Path, help="write the conformance suite's table to this file")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    stats = terminalreporter.stats
    blind = skipped_for_it(stats.get("skipped", []))
    if blind:
        terminalreporter.section("THE DASHBOARD WAS NOT LOOKED AT", yellow=True)
        terminalreporter.line(f"{blind} tests were skipped, {NO_BROWSER}")
    table = table_of(chain(*(stats.get(outcome, []) for outcome in ("passed", "failed", "error", "skipped"))))
    if not table:
        return
    terminalreporter.section(f"conformance: {len(table)} cases")
    for line in lines(table):
        terminalreporter.line(line)
    file = config.getoption("--conformance-page")
    if file is not None:
        file.write_text(page(table), encoding="utf-8")
