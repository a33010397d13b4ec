"""What became of an action at the venue. No answer is not a rejection: it is `OutcomeUnknown`."""

from datetime import datetime
from typing import TypeAlias

from attrs import field

from rules.model.frozen import frozen
from rules.model.values import ClOrdId, PositionId, Price, VenueOrderId, Volume


@frozen
class Filled:
    """The order was executed.

    `position_id` and `volume` are of the position that it opened or changed: `volume` lots were opened or closed.
    `price` is None where the venue does not tell it. `opened` is of a close on a netting account that somebody else's
    trade overtook: nothing was left to close, so it opened as many lots on the other side, in `position_id`.
    """

    cl_ord_id: ClOrdId
    position_id: PositionId
    volume: Volume
    price: Price | None = None
    venue_order_id: VenueOrderId | None = None
    opened: Volume = field(default=Volume(0))


@frozen
class Accepted:
    """The venue took the order and has not said what became of it; it can be asked by our tag."""

    cl_ord_id: ClOrdId
    venue_order_id: VenueOrderId | None = None


@frozen
class StopsReplaced:
    """The protective prices are as asked."""

    cl_ord_id: ClOrdId


@frozen
class Placed:
    """The pending order works at the venue."""

    cl_ord_id: ClOrdId
    venue_order_id: VenueOrderId


@frozen
class Replaced:
    """The pending order's prices are as asked."""

    cl_ord_id: ClOrdId


@frozen
class Canceled:
    """The pending order works no more: canceled as asked, or, where a placing is looked for later, ended unfilled.

    Where only the list of pending orders could tell, it may have been filled a moment before: the positions show that.
    """

    cl_ord_id: ClOrdId


@frozen
class Rejected:
    """The venue said no, in its own words."""

    cl_ord_id: ClOrdId
    text: str


@frozen
class NotSent:
    """Nothing left this process, or the venue refused to look at it (rate limit): it may be tried again."""

    cl_ord_id: ClOrdId
    reason: str
    retry_at: datetime | None = None


@frozen
class OutcomeUnknown:
    """The request may or may not have been executed. Only the venue's books can tell."""

    cl_ord_id: ClOrdId
    reason: str


@frozen
class NotFound:
    """The venue's books, asked after the settle time, hold no trace of the order: it was never executed."""

    cl_ord_id: ClOrdId


Report: TypeAlias = (
    Filled | Accepted | StopsReplaced | Placed | Replaced | Canceled | Rejected | NotSent | OutcomeUnknown | NotFound
)
