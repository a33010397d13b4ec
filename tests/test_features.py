"""The page of features names every row of its lists once, and only keys that the config has."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
SECTION = re.compile(r"^## \[policies\.NAME(?:\.([a-z_.]+))?\]$")
KEY = re.compile(r"^\| `([a-z_]+)` \|")
NAMED = re.compile(r"`((?:[a-z_]+\.)+[a-z_]+)(?: = [^`]*)?`")
SIZES = {"MetaCopier's settings": 162, "MetaApi's CopyFactory": 48, "All products": 163}


def lists() -> dict[str, list[str]]:
    """Return the rows of each list of the page by its heading."""
    found: dict[str, list[str]] = {}
    for line in (DOCS / "features.md").read_text().splitlines():
        if line.startswith("## "):
            found[line[3:]] = []
        elif re.match(r"\| \d", line):
            found[next(reversed(found))].append(line)
    return found


def policy_keys() -> set[str]:
    """Return what a policy can hold, by the generated reference: `size.mode`."""
    found: set[str] = set()
    section: str | None = None
    for line in (DOCS / "config.md").read_text().splitlines():
        if line.startswith("## "):
            match = SECTION.match(line)
            section = None if match is None else match[1] or ""
        elif section is not None and (key := KEY.match(line)):
            found.add(f"{section}.{key[1]}".lstrip("."))
    return found


@pytest.mark.parametrize(("heading", "size"), SIZES.items())
def test_no_row_of_a_list_is_missing_or_left_open(heading: str, size: int) -> None:
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in lists()[heading]]
    assert [int(number) for number, *_ in rows] == list(range(1, size + 1))
    assert [row for row in rows if len(row) != 3 or not row[2] or "@" in row[2]] == []


def test_every_key_that_the_page_names_exists() -> None:
    keys = policy_keys()
    assert {"size.mode", "limits.max_risk"} <= keys
    named = {key for rows in lists().values() for row in rows for key in NAMED.findall(row)}
    known = keys | {"lock_when.profit"}
    assert named - known == set()
