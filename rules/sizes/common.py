"""What the sizes of one event have in common at targets of one contract size: read by the first, for all of them."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

from rules.model.frozen import frozen
from rules.model.trace import Numbers
from rules.policy.expressions import Ratio

_OF_ALL: Final = frozenset(
    {
        "source_volume",
        "source_price",
        "source_balance",
        "source_equity",
        "source_margin_free",
        "source_reference",
        "source_contract_size",
        "target_contract_size",
        "contract_ratio",
        "multiplier",
        "cost_per_lot",
        "volume",
        "percent",
    }
)
"""Variables that the policy, the source and the contract sizes say. A target's money and prices are its own, and so is
what they convert."""


@frozen
class Common:
    """Of one event, one policy and one contract size at the target: variables that are the same there, and their texts.

    `own` are the places and names of the others, whose numbers in `numbers` are those of whoever was the first.
    """

    ratios: dict[str, Ratio]
    numbers: Numbers
    own: tuple[tuple[int, str], ...]


Commons: TypeAlias = dict[Decimal | None, Common]
"""By the contract size at the target; empty at the beginning of an event."""


@lru_cache(maxsize=64)  # one for each mode, and those that people wrote
def nothing_read(variables: tuple[str, ...]) -> Common:
    """Return what is in common before anybody has read the variables of a formula."""
    return Common({}, tuple((name, "") for name in variables), tuple(enumerate(variables)))


def common_of(ratios: dict[str, Ratio], numbers: Sequence[tuple[str, str]]) -> Common:
    """Return what others have in common with a target at which all variables are known."""
    own = tuple((place, name) for place, (name, _) in enumerate(numbers) if name not in _OF_ALL)
    shared = {name: ratio for name, ratio in ratios.items() if name in _OF_ALL}
    return Common(shared, tuple(numbers), own)
