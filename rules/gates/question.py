"""What the gates of new risk are asked, and what they answer."""

from datetime import datetime
from fractions import Fraction

from attrs import define, field

from rules.gates.heard import Heard
from rules.model.beginnings import AT_MARKET, Beginning
from rules.model.copies import Copy, Waits
from rules.model.events import Origin
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.memory import NO_MEMORY, LinkMemory
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Note
from rules.model.values import Price, Side, Symbol, Volume
from rules.policy.links import CopyLink
from rules.sizes.sizing import Sized
from rules.stops.stops import TargetStops


@frozen
class Question:
    """New risk to judge: this source position, on this link, now.

    `increase_of` is the copy's entry ratio and expected volume where a copy grows, None for a new copy. `seen_at` is
    when we first saw what is asked for: an increase carries no time of its own. `gap` is the one that a growing copy
    has kept (see `rules.stops.prices.Frame`), `memory` the link's. `reopening`
    says that the target closed a copy of the position before: the position's own age tells nothing then. `beside` are
    the open copies whose proportions it keeps; `beginning` is how the position began, None while that is not known.
    `order` is the source's pending order whose like is asked for; `position` is then what it would open. `at_target`
    are all copies that hold something at the target, where the policy asks what they may lose. `held_in` is the
    target's symbol of a copy that grows. `heard` is what the link's policy says of the position, where it was
    asked for all links of the event; None: it is asked for this one.
    """

    now: datetime
    link: CopyLink
    source: AccountView
    target: AccountView
    position: Position
    origin: Origin
    seen_at: datetime
    increase_of: tuple[Fraction, Volume] | None = None
    gap: Price | None = None
    memory: LinkMemory = NO_MEMORY
    approved: bool = False
    reopening: bool = False
    beside: tuple[Copy, ...] = ()
    beginning: Beginning | None = AT_MARKET
    order: WorkingOrder | None = None
    at_target: tuple[Copy, ...] = ()
    held_in: Symbol | None = None
    heard: Heard | None = None


@frozen
class Grant:
    """New risk that every gate let pass."""

    symbol: Symbol
    side: Side
    instrument: Instrument
    sized: Sized
    stops: TargetStops
    expected_price: Price
    gap: Price | None = None
    waits: Waits | None = None


@define
class Finding:
    """The answer while it is being found, with everything that the rules had to say."""

    trace: list[Note | Denied] = field(factory=list)
    look_ups: list[LookUp] = field(factory=list)

    def deny(self, rule: str, reason: Reason, *numbers: tuple[str, str], until: datetime | None = None) -> Denied:
        return self.no(Denied(rule, reason, numbers, until))

    def no(self, denied: Denied) -> Denied:
        self.trace.append(denied)
        return denied

    def note(self, rule: str, outcome: str, *numbers: tuple[str, str]) -> None:
        self.trace.append(Note(rule, outcome, numbers))
