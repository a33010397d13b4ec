"""What a source's symbol is called at the target, by the map's rows in order, with Python's own `re`."""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

from attrs import frozen

from tests.checker.text import Unchecked, ratio

ROW_KEYS = {"match", "to", "deny", "why", "max_price_ratio"}


@frozen
class Renamed:
    """The target's name. `by_row`: a row of the map gave it; `price_ratio` is that row's own."""

    name: str
    by_row: bool
    price_ratio: Fraction | None = None


def rename(rows: list[dict[str, Any]] | None, symbol: str) -> Renamed | None:
    """Return the target's name of a symbol; None: a row denies it. Without a row that matches, the name stays."""
    for row in rows or ():
        if row.keys() - ROW_KEYS:
            raise Unchecked(f"a row of a symbol map: {sorted(row.keys() - ROW_KEYS)}")
        found = re.fullmatch(row["match"], symbol, re.DOTALL)
        if found is None:
            continue
        if row.get("deny"):
            return None
        own = row.get("max_price_ratio")
        name = re.sub(
            r"\\g<(\w+)>|\\(\d+)",
            lambda reference: found[reference[1] or int(reference[2])] or "",  # noqa: B023  # called at once
            row.get("to", r"\0"),
        )
        return Renamed(name, True, None if own is None else ratio(own))
    return Renamed(symbol, False)


@lru_cache(maxsize=1024)
def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern is of the whole text."""
    return re.fullmatch(pattern, text, re.DOTALL) is not None
