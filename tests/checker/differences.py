"""What a check finds: where a ledger and the documents differ, and how much was recomputed."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import define, field, frozen


@frozen
class Difference:
    """Something that the ledger says and the documents do not, or the other way round."""

    seq: int
    text: str

    def __str__(self) -> str:
        return f"row {self.seq}: {self.text}"


@define
class Checked:
    """What came of one ledger. `counts` has each kind of order and each code of a denial that was recomputed."""

    differences: list[Difference] = field(factory=list)
    counts: Counter[str] = field(factory=Counter)


def differing(expected: Any, found: Any, path: str = "") -> Iterable[str]:
    """Yield where two trees differ; what this checker has not learned must be as if it were not there."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys([*expected, *found]):
            if key in expected or is_set(found[key]):
                yield from differing(expected.get(key), found.get(key), f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differing(one, other, f"{path}[{number}]")
    elif expected != found:
        yield f"{path}: expected {expected}, found {found}"


def is_set(value: Any) -> bool:
    """Tell whether anything in a value says more than nothing."""
    return any(is_set(each) for each in value.values()) if isinstance(value, dict) else bool(value)
