"""What a decision looks at, and what it is."""

from datetime import datetime, timedelta

from rules.gates.heard import Heard
from rules.model.actions import Action
from rules.model.beginnings import AT_MARKET, Beginning
from rules.model.copies import Copy
from rules.model.events import Origin
from rules.model.evolving import evolve
from rules.model.frozen import frozen
from rules.model.look_ups import LookUp
from rules.model.memory import NO_MEMORY, LinkMemory
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Trace
from rules.model.values import PositionId, Price, Symbol
from rules.policy.guard import StartOpen
from rules.policy.links import CopyLink
from rules.sizes.series import remember_outcome

BEGINNING_PATIENCE = timedelta(seconds=15)
"""How long it may take at least until the books tell how a position began: they must be older than a possible lag, and
one look may fail."""

_OF_STOPS = (Reason.FILTER_STOPS, Reason.STOP_MISSING)


@frozen
class Context:
    """Everything that a decision may look at; nobody changes it meanwhile.

    `position` is None when the source does not hold it (any more); `price` is then what it was closed at, if known.
    `beside` are open copies of the link, of the position's symbol and side, where sizes keep proportions.
    `legs_before` numbers on from the legs of an earlier life that is remembered no more: their order ids are used up.
    `beginning` is how the position began, None while that is not known.
    `order` is the source's pending order that is to be mirrored; `position` is then what it would open.
    `at_target` are all copies that hold something at the target, where the policy asks what they may lose.
    `heard` is what the link's policy for the symbol says of the position now, where several links are asked at once.
    """

    now: datetime
    link: CopyLink
    source: AccountView
    target: AccountView
    position_id: PositionId
    position: Position | None
    origin: Origin
    copy: Copy | None
    price: Price | None = None
    legs_before: int = 0
    memory: LinkMemory = NO_MEMORY
    beside: tuple[Copy, ...] = ()
    beginning: Beginning | None = AT_MARKET
    order: WorkingOrder | None = None
    at_target: tuple[Copy, ...] = ()
    heard: Heard | None = None

    def for_symbol(self, symbol: Symbol) -> "Context":
        """Return it with the policy that the link has for a symbol of the source."""
        link = self.link.for_symbol(symbol)
        return self if link is self.link else evolve(self, link=link, heard=None)


@frozen
class Decision:
    """What to do: the new record, the orders, why, what to look up, and when to ask again without any event.

    `copy` is None when there is nothing to remember. A record equal to the old one with no orders is no news.
    `memory` is the link's where it changed.
    """

    copy: Copy | None
    actions: tuple[Action, ...] = ()
    trace: Trace = ()
    look_ups: tuple[LookUp, ...] = ()
    look_again_at: datetime | None = None
    memory: LinkMemory | None = None


def with_result(context: Context, ended: Copy) -> Context:
    """Return the context with the result of a copy that has just ended in the link's memory, where sizes follow it."""
    policy = context.link.policy
    if policy.progression is None or ended.target_symbol is None:
        return context
    instrument = context.target.instruments.get(ended.target_symbol)
    row = policy.row or 0
    return evolve(
        context, memory=remember_outcome(context.memory, policy.progression, ended, row, instrument, context.now)
    )


def patience(context: Context, copy: Copy, reason: Reason | None = None) -> timedelta:
    """Return how long a new copy may wait (for `reason`); the start policy's age stands in for the guard's."""
    policy = context.link.policy
    found = copy.origin is Origin.RECONCILED and policy.on_start.open is not StartOpen.SKIP
    longest = policy.on_start.max_age if found else policy.guard.wait_max
    if reason is Reason.BEGINNING_UNKNOWN:
        return max(longest, BEGINNING_PATIENCE)
    if reason is Reason.DELAYED and policy.delay.open is not None:
        return longest + policy.delay.open.most
    return min(longest, policy.guard.wait_for_stop) if reason in _OF_STOPS else longest


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier of two moments, of which any may be none."""
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
