"""What happened, in past tense: everything that the engine can be told.

Events are hints and snapshots are truth. An event names its account; `received_at` is our clock's UTC instant.
"""

from datetime import datetime
from enum import Enum
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.values import AccountId, OrderStatus, PositionId, Price, Symbol, VenueOrderId


class Origin(Enum):
    """How we came to see a state: as it happened, or by looking."""

    LIVE = "live"
    """The venue told us at once. The guards' own ages and deviations apply."""
    RECONCILED = "reconciled"
    """Found at start, after a reconnect or a gap, or by the timer. The start policy applies."""


@frozen
class PositionReported:
    """A position was opened, or is now as given. Sent again on any change, and sometimes without any."""

    account: AccountId
    received_at: datetime
    position: Position


@frozen
class PositionClosed:
    """The venue said that a position is closed. Of what it was, only the id is sure."""

    account: AccountId
    received_at: datetime
    position_id: PositionId
    close_price: Price | None = None
    closed_at: datetime | None = None


@frozen
class SnapshotReceived:
    """The account's complete open positions; what is missing here is not open.

    `requested_at` is when we asked (polled), or None when the venue pushed it: absence proves nothing about what
    changed after it. `certain` is False when the venue cannot vouch for completeness (the first push of a session
    without an end-of-sync mark): an empty one must then be confirmed by asking. `orders` are the complete pending
    orders; None: this snapshot does not tell.
    """

    account: AccountId
    received_at: datetime
    positions: tuple[Position, ...]
    origin: Origin
    requested_at: datetime | None = None
    certain: bool = True
    orders: tuple[WorkingOrder, ...] | None = None


@frozen
class OrderReported:
    """A pending order was placed, or is now as given. Sent again on any change, and sometimes without any."""

    account: AccountId
    received_at: datetime
    order: WorkingOrder


@frozen
class OrderEnded:
    """A pending order works no more. `status` is None where the venue does not say why.

    `position_id` is of the position that it opened or changed, where it was filled and the venue tells.
    """

    account: AccountId
    received_at: datetime
    order_id: VenueOrderId
    status: OrderStatus | None = None
    position_id: PositionId | None = None


@frozen
class AccountReported:
    """The account's figures were reported."""

    account: AccountId
    received_at: datetime
    status: AccountStatus


@frozen
class QuoteReported:
    """A quote on an account arrived; the latest wins."""

    account: AccountId
    received_at: datetime
    quote: Quote


@frozen
class InstrumentReported:
    """An instrument's specification was looked up; `instrument` is None when the account does not have the symbol."""

    account: AccountId
    received_at: datetime
    symbol: Symbol
    instrument: Instrument | None


@frozen
class SessionOpened:
    """A stream session is signed in; its snapshot is still to come."""

    account: AccountId
    received_at: datetime


@frozen
class SessionEnded:
    """A stream session is gone. What the account holds is unknown until the next snapshot."""

    account: AccountId
    received_at: datetime
    reason: str
    refused: bool = False
    """The venue refuses the sign-in; no other session follows."""


Event: TypeAlias = (
    PositionReported
    | PositionClosed
    | SnapshotReceived
    | OrderReported
    | OrderEnded
    | AccountReported
    | QuoteReported
    | InstrumentReported
    | SessionOpened
    | SessionEnded
)
