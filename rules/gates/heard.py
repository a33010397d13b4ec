"""What a policy says of a source's position before any target is looked at: the same for all links that obey it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

from rules.model.trace import Denied, Note, Trace
from rules.policy.symbols import Mapped

if TYPE_CHECKING:  # which asks questions, of which this is a part
    from rules.gates.market import Market


@frozen
class Heard:
    """Of one event and one policy; `rules.gates.judge.hear` tells it.

    Many links follow one event by few policies: who decides for all of them lets each policy be heard once.
    """

    row: Trace
    """What the trace of each decision begins with."""
    filtered: Denied | None
    mapped: Mapped | Denied
    named: Note | None
    """Tells what the symbol is called at the target, where a row of a map says so."""
    gates: "tuple[Callable[[Market], Denied | None], ...]"
    """Those that may have something to say, in their order."""
