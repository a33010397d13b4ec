"""What one event comes to at targets that show the same: found once, by the first link that asks, for all of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from attrs import define

from rules.model.frozen import frozen
from rules.model.trace import Denied
from rules.stops.stops import TargetStops

if TYPE_CHECKING:  # which is asked by questions, of which this is a part
    from rules.gates.market import Market

Gate: TypeAlias = "Callable[[Market], Denied | None]"

Shown: TypeAlias = tuple[str | bool, ...]
"""What a target shows that prices and stops are judged by. Numbers are text: equal ones of more digits make stops of
more digits, and a record must not depend on who asked first."""


@frozen
class Placed:
    """The stops of a copy that is about to be opened, and those of them that the opening carries."""

    stops: TargetStops
    opened: TargetStops
    too_far: Denied | None
    """What forbids them, where a stop-loss must not lie so far away."""


@define
class Alike:
    """Of one event, one policy and one `Shown`: what holds for any new copy, as far as somebody has found it."""

    gates: tuple[Gate, ...]
    """Those that may have something to say there."""
    placed: Placed | None = None
