"""What a policy says of a source's position before any target is looked at: the same for all links that obey it."""

from attrs import field

from rules.gates.alike import Alike, Gate, Shown
from rules.model.frozen import frozen
from rules.model.trace import Denied, Note, Trace
from rules.model.values import Side
from rules.policy.symbols import Mapped
from rules.sizes.common import Commons


@frozen
class Heard:
    """Of one event and one policy; `rules.gates.judge.hear` tells it.

    Many links follow one event by few policies: who decides for all of them lets each policy be heard once. What is
    remembered with it changes no answer: it is what every link would find by itself.
    """

    row: Trace
    """What the trace of each decision begins with."""
    filtered: Denied | None
    mapped: Mapped | Denied
    named: Note | None
    """Tells what the symbol is called at the target, where a row of a map says so."""
    side: Side
    """The side that the targets would trade on."""
    asks_beginning: bool
    """How the position began counts."""
    gates: tuple[Gate, ...]
    """Those that may have something to say, in their order."""
    own_gates: tuple[Gate, ...]
    """Those of them that may say something else to each of many that are `alike`."""
    alike: dict[Shown, Alike] = field(init=False, factory=dict, eq=False)
    """What was found at targets so far. Few brokers stand behind many accounts."""
    commons: Commons = field(init=False, factory=dict, eq=False)
    """What their sizes have in common."""
