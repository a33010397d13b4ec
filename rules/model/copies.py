"""What we did about one source position on one link: the record that the ledger keeps.

A `Copy` is never changed, only replaced; the last one written is the truth about what we hold. Its `Leg`s are the
target orders behind it: one, or several when a volume was split or the source grew.
"""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from attrs import field

from rules.model.events import Origin
from rules.model.evolving import evolve
from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.values import (
    AccountId,
    ClOrdId,
    LinkId,
    OmsType,
    OrderType,
    PositionId,
    Price,
    Side,
    Symbol,
    VenueOrderId,
    Volume,
)
from rules.sizes.volumes import WIDE
from rules.stops.managed import Managed

ZERO = Volume(0)

NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Earlier than any position was opened."""


class CopyStatus(Enum):
    """Where a copy is in its life."""

    WAITING = "waiting"
    """Denied for now, by a reason that may clear."""
    ACTIVE = "active"
    ENDED = "ended"
    """Nothing will be opened any more for this source position."""


class Ending(Enum):
    """Why a copy ended."""

    DENIED = "denied"
    REJECTED = "rejected"
    SOURCE_CLOSED = "source_closed"
    TARGET_CLOSED = "target_closed"
    """The target closed it by itself (a stop, a person). It is not reopened."""
    FLATTENED = "flattened"
    HANDED_OVER = "handed_over"
    """It mirrored a pending order that was filled: the copy of the position has taken over what there is."""


class LegStage(Enum):
    """What we know of a leg."""

    OPENING = "opening"
    WORKING = "working"
    """A pending order that waits at the venue."""
    OPEN = "open"
    CLOSED = "closed"
    REJECTED = "rejected"
    GONE = "gone"
    """Closed by the target itself."""

    __hash__ = object.__hash__  # as of `Side`


_LIVE = frozenset({LegStage.OPENING, LegStage.WORKING, LegStage.OPEN})


class Purpose(Enum):
    """What an order of ours is for."""

    OPEN = "open"
    REDUCE = "reduce"
    CLOSE = "close"
    STOPS = "stops"
    PLACE = "place"
    """Places a pending order."""
    REPLACE = "replace"
    CANCEL = "cancel"


ENTRIES = frozenset({Purpose.OPEN, Purpose.PLACE})
"""What a leg begins with: it goes out again under the same id where the venue never saw it."""


@frozen
class Waits:
    """What a leg waits for whose order is a pending one: the prices that were last asked for.

    `canceled` says that we want it gone: that its end then shows in no books is no refusal.
    """

    order_type: OrderType
    price: Price
    limit_price: Price | None = None
    expires_at: datetime | None = None
    order_id: VenueOrderId | None = None
    canceled: bool = False


@frozen
class Pending:
    """The one order of a leg that is under way.

    `volume` is what it opens or closes, in lots (zero for stops); `unknown` says that an answer was lost, `accepted`
    that the venue took the order: it must never go out again, whatever the books show.
    """

    purpose: Purpose
    cl_ord_id: ClOrdId
    volume: Volume = ZERO
    stop_loss: Price | None = None
    take_profit: Price | None = None
    unknown: bool = False
    accepted: bool = False
    expected_price: Price | None = None
    """What a closing is expected to get, where its report tells no price; None in older records."""
    waits: Waits | None = None
    """What a pending order is to be, where it is replaced."""


@frozen
class Exited:
    """What has been closed of a leg: its lots, and the sum of price times lots; None: nobody told a price."""

    lots: Volume
    proceeds: Decimal | None


@frozen
class SetStops:
    """Protective prices that a position at the target shows; None: it has none."""

    stop_loss: Price | None = None
    take_profit: Price | None = None


@frozen
class Leg:
    """One target order and the position that came of it.

    `volume` is what was asked at opening, `held` what we hold now, both in lots. `stop_loss` and `take_profit` are
    what we last asked for: what a person changed since is not fought. `settled_at` is when the last report came; a
    snapshot that was asked for before it proves nothing about this leg.
    """

    number: int
    cl_ord_id: ClOrdId
    symbol: Symbol
    side: Side
    volume: Volume
    stage: LegStage = LegStage.OPENING
    held: Volume = ZERO
    position_id: PositionId | None = None
    expected_price: Price | None = None
    open_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    pending: Pending | None = None
    step: int = 1
    failures: int = 0
    """Tries in a row that came to nothing, for whatever reason: the next one waits longer."""
    refusals: int = 0
    """How often the venue refused the stops that are wanted; bad weather is none. 0 in older records."""
    retry_at: datetime | None = None
    retry_of: Purpose | None = None
    """What waits for `retry_at`: no close waits for refused stops. None in older records: everything waits."""
    settled_at: datetime | None = None
    managed: Managed | None = None
    """The stops of our own that the price has led to; None: none yet."""
    waits: Waits | None = None
    """Of a leg whose order is a pending one."""
    asked_at: datetime | None = None
    """When it was granted; None in older records: with the copy itself."""
    missing: Volume = ZERO
    """Lots that were granted and that it lacks by no rule of ours: rejected, not filled, or closed by the target."""
    stops_refused_at: datetime | None = None
    """When the venue had refused new stops as often as they are tried; None once it took some, or never refused."""
    moved_to: SetStops | None = None
    """Where a person was last seen to have moved its stops, under a policy that asks; None: not seen."""
    exited: Exited | None = None
    """What has been closed; None: nothing, or by a version that did not count it."""

    @property
    def live(self) -> bool:
        return self.stage in _LIVE

    @property
    def expected(self) -> Volume:
        """Lots that it will hold when what is under way has been done."""
        if self.stage is LegStage.OPENING or self.stage is LegStage.WORKING:
            return self.volume
        if self.stage is not LegStage.OPEN:
            return ZERO
        leaving = self.pending.volume if self.pending is not None else ZERO
        return self.held - leaving

    @property
    def most(self) -> Volume:
        """Lots that it may hold, whatever becomes of what is under way."""
        return self.held if self.stage is LegStage.OPEN or not self.live else self.volume


@frozen
class Copy:
    """What a link did about a source position.

    `ratio` is target lots per source lot at entry, exact; `granted` the most lots that the gates allowed so far;
    `followed` the source volume that they were granted for; `refused` the largest source volume whose increase was
    denied. `legs_made` numbers the legs over all lives of the position (a flip begins a new one).
    """

    link_id: LinkId
    source: AccountId
    target: AccountId
    source_position_id: PositionId
    opened_at: datetime
    source_symbol: Symbol
    side: Side
    first_seen_at: datetime
    origin: Origin
    status: CopyStatus
    life: int = 0
    ending: Ending | None = None
    reason: Reason | None = None
    wait_until: datetime | None = None
    target_symbol: Symbol | None = None
    ratio: Fraction = Fraction(0)
    granted: Volume = ZERO
    followed: Volume = ZERO
    refused: Volume = ZERO
    flatten: str | None = None
    """Why everything of it must be closed although the source is open (a limit, a schedule)."""
    left: bool = False
    """Its source closed or turned: everything of it is closed, whatever opens meanwhile under the same id."""
    reopened: int = 0
    """How often it was opened again after the target had closed it."""
    restored: bool = False
    """Lots that a person took away at the target were asked for again: it is done once."""
    approved: bool = False
    """An operator let it be opened."""
    close_at: datetime | None = None
    """Its source closed and its own close waits until then, by its policy; None: nothing holds it back."""
    stop_gap: Price | None = None
    """How much higher the target was quoted than the source at the entry; None where stops are not shifted by it."""
    legs: tuple[Leg, ...] = field(default=())
    legs_made: int = 0
    order: WorkingOrder | None = None
    """The source's pending order that it mirrors, as last seen; None: it copies a position."""
    early_at: datetime | None = None
    """When the target's pending order was seen to be filled while the source's was not."""
    fill_by: datetime | None = None
    """It took over from a mirrored order: what still waits at the target then is taken off."""
    limited: bool = False
    """It was to be opened by a limit order at its source's price, until `fill_by`: the market was too far away."""
    late: bool = False
    """It is opened at market since the pending order that mirrored its beginning was not filled in time."""

    @property
    def key(self) -> tuple[LinkId, PositionId]:
        return (self.link_id, self.source_position_id)

    def is_of(self, position: Position) -> bool:
        """Tell whether it is the copy of `position`, rather than of another life of its id."""
        return position.side is self.side and position.symbol == self.source_symbol

    @property
    def legs_by_number(self) -> dict[int, Leg]:
        return {leg.number: leg for leg in self.legs}

    @property
    def holds(self) -> bool:
        """Tell whether it has, or may yet have, anything at the target."""
        return not _LIVE.isdisjoint([leg.stage for leg in self.legs])  # asked often: a generator costs twice this

    def owns(self, position_id: PositionId, symbol: Symbol, oms: OmsType) -> bool:
        """Tell whether a position at the target is, or on a netting account holds, something of it."""
        if oms is OmsType.NETTING:
            return any(leg.live and leg.symbol == symbol for leg in self.legs)
        return any(leg.live and leg.position_id == position_id for leg in self.legs)

    @property
    def ends_with_source(self) -> bool:
        """Tell whether it ended because its source did, and holds nothing: then nobody asks about it any more."""
        return self.status is CopyStatus.ENDED and self.ending is Ending.SOURCE_CLOSED and not self.holds

    @property
    def expected(self) -> Volume:
        """Lots that it will hold at the target when what is under way has been done."""
        return sum((leg.expected for leg in self.legs), ZERO)

    @property
    def exposure(self) -> Volume:
        """Lots to reckon with before new risk is added: a reduction without an answer may not have been executed."""
        lots = ZERO
        for leg in self.legs:
            unproven = leg.pending is not None and leg.pending.unknown
            lots += leg.most if unproven else leg.expected
        return lots


def replace_leg(copy: Copy, leg: Leg) -> Copy:
    """Return `copy` with the leg of the same number replaced."""
    return evolve(copy, legs=tuple([leg if old.number == leg.number else old for old in copy.legs]))


def with_exit(leg: Leg, lots: Volume, price: Price | None) -> Leg:
    """Return `leg` after `lots` of it were closed at `price`; what it still holds is another matter."""
    before = leg.exited or Exited(ZERO, Decimal(0))
    proceeds = None
    if price is not None and before.proceeds is not None:
        proceeds = WIDE.add(before.proceeds, WIDE.multiply(price, lots))
    return evolve(leg, exited=Exited(before.lots + lots, proceeds))


def grant_no_more(copy: Copy) -> Copy:
    """Return `copy` granted no more than its legs may hold: one of them holds less than it was to hold.

    The least of both, not the difference: reductions since may have taken what is missing off the grant already.
    """
    return evolve(copy, granted=min(copy.granted, sum((leg.most for leg in copy.legs), ZERO)))
