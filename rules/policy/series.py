"""What a person wants sizes to do after copies have won or lost: two progressions, of which a policy has one."""

from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.policy.distances import Distance


@frozen
class AfterLosses:
    """After a loss the next copy is `multiplier` times as large as `size` says, after two its square, and so on.

    `wins` wins one after another end that. What counts is how copies of the link ended at the target, by their prices
    and before costs, in the order in which they ended; copies that are open together have all been sized before. A
    result that nobody knows counts as what makes the next copy smaller. Caps hold as they do without it. Larger copies
    after losses break most firms' rules, of which `copier check` warns where an account has `prop`; a `multiplier`
    below 1 makes smaller ones. The idea: the progressive sizes of other copiers.
    """

    multiplier: Decimal
    levels: int = 3
    wins: int = 1
    reset_after: timedelta = timedelta(days=5)
    even_within: Distance | None = None
    by_symbol: bool = False


@frozen
class Masaniello:
    """Copies come in series of `events`, of which `wins` must win: each is sized so that any such series ends alike.

    `size` says what the first of a series is; the next one is larger after a loss and smaller or larger after a win, by
    what is still missing. A series ends with its last needed win, or when that cannot be reached any more; the next
    begins anew. With `payout = 1`, 10 events and 6 wins a lost series costs at most 3.1 times what the first copy
    risks, and a won one earns 5.1 times that. Results count as with `after_losses`, and larger copies after losses
    break most firms' rules. The idea: the stakes of Masaniello, as other copiers have them.
    """

    events: int
    wins: int
    payout: Decimal = Decimal(1)
    reset_after: timedelta = timedelta(days=30)
    even_within: Distance | None = None
    by_symbol: bool = False


Progression: TypeAlias = AfterLosses | Masaniello
