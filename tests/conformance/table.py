"""The table of the conformance suite: each case against each kind of venue, as a run has found it."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from tests.conformance.venues import KINDS

FOLDER = "tests/conformance/"

NO_CASES = {"test_folders", "test_table"}
"""They are about the source, and open no account."""

_RANK = ("FAILED", "yes", "skipped")
"""Which of a case's variants speaks for all."""

_HEAD = """# Conformance

One suite runs over every venue and every way in which its accounts keep positions: `make test` prints this table, and
`make conformance` writes it. The other side is the venue's simulator, which foreign clients accept too (`tests/peers`);
nothing here was run against a live account.

`yes`: passes, with all the variants that there are for this account. `skipped`: the account does not have what the case
is about, by its capabilities or by what its page says. Empty: not for this account, since it takes no orders, has no
wire on which something could be lost, or keeps positions the other way.
"""


class Report(Protocol):
    """What pytest reports of a test."""

    nodeid: str
    outcome: str


Table = Mapping[str, Mapping[str, str]]
"""By case, by kind of venue: what became of all its variants together."""


def table_of(reports: Iterable[Report]) -> Table:
    """Return the table of a run; what is no case against a kind of venue is left out."""
    table: dict[str, dict[str, str]] = {}
    for report in reports:
        found = re.fullmatch(rf"{FOLDER}(\w+)\.py::test_(\w+)\[(.*)\]", report.nodeid, re.DOTALL)
        kind = None if found is None else _kind_of(found[3])
        if found is None or kind is None or found[1] in NO_CASES:
            continue
        cells = table.setdefault(f"{found[1].removeprefix('test_')}: {found[2].replace('_', ' ')}", {})
        word = {"passed": "yes", "skipped": "skipped"}.get(report.outcome, "FAILED")
        cells[kind] = min(word, cells.get(kind, word), key=_RANK.index)
    return dict(sorted(table.items()))


def lines(table: Table) -> list[str]:
    """Return the table for a terminal."""
    kinds = list(KINDS)
    width = max(map(len, table), default=0)
    heads = [f"{number}: {kind}" for number, kind in enumerate(kinds, 1)]
    shown = [", ".join(heads), " " * width + "  " + " ".join(f"{number:>3}" for number in range(1, len(kinds) + 1))]
    marks = {"yes": "yes", "": ".", "skipped": "-"}
    for case, cells in table.items():
        row = " ".join(f"{marks.get(cells.get(kind, ''), cells.get(kind, '')):>3}" for kind in kinds)
        shown.append(f"{case:{width}}  {row}")
    return shown


def page(table: Table) -> str:
    """Return the table as a page of the documentation."""
    kinds = list(KINDS)
    rows = [f"| {case} | {' | '.join(cells.get(kind, '') for kind in kinds)} |" for case, cells in table.items()]
    head = f"| case | {' | '.join(kinds)} |\n|---|{'---|' * len(kinds)}"
    return f"{_HEAD}\n{len(table)} cases.\n\n{head}\n" + "\n".join(rows) + "\n"


def _kind_of(variant: str) -> str | None:
    """Return the kind of venue that a variant's name holds: the longest that stands there as a whole."""
    found = [kind for kind in KINDS if re.search(rf"(?:^|-){re.escape(kind)}(?:-|$)", variant)]
    return max(found, key=len, default=None)
