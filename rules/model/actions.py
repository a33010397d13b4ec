"""What the engine wants done at a target, in the imperative. Pure data; each carries its own `cl_ord_id`."""

from datetime import datetime
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.model.values import AccountId, ClOrdId, OrderType, PositionId, Price, Side, Symbol, VenueOrderId, Volume

NOTHING = Volume(0)


@frozen
class OpenPosition:
    """Open (on a netting account: open or add to) a position at market.

    `volume` is in lots on the instrument's grid; stops are absolute prices; `expected_price` is what the decision
    reckoned with (None: unknown), for slippage and for venues without quotes of their own.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    symbol: Symbol
    side: Side
    volume: Volume
    stop_loss: Price | None = None
    take_profit: Price | None = None
    expected_price: Price | None = None


@frozen
class ReducePosition:
    """Close part of a position: `volume` lots of it, which leaves `remaining` lots (> 0) of what we hold in it.

    `side` is the position's own side. `locked` and `opening` are for netting accounts, see `ClosePosition`.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    position_id: PositionId
    symbol: Symbol
    side: Side
    volume: Volume
    remaining: Volume
    expected_price: Price | None = None
    locked: Volume = NOTHING
    opening: ClOrdId | None = None


@frozen
class ClosePosition:
    """Close what we hold of a position: `volume` lots, on a hedging account the whole of it.

    `side` is the position's own side; on a netting account the side on which we hold the lots. `locked` are all lots of
    our copies on the other side there: so many of these may be offset, so that the net position does not show them, and
    closing them grows or turns it. What may be closed at most is told by `closable`.
    `opening` is the order that opened the lots, so that what a stop ended is told from what was opened since; None in
    older records.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    position_id: PositionId
    symbol: Symbol
    side: Side
    volume: Volume
    expected_price: Price | None = None
    locked: Volume = NOTHING
    opening: ClOrdId | None = None


def closable(action: ClosePosition | ReducePosition, net: Volume) -> Volume:
    """Return how many of its lots an order may close on a netting account; beyond them it would open others.

    Args:
        net: what the position holds on the action's side; below zero, what it holds on the other one. That many of the
            other copies' lots offset nothing of ours.
    """
    return max(min(action.volume, net + action.locked), NOTHING)


@frozen
class ReplaceStops:
    """Set both protective prices of a position; None removes one.

    `side` is the side on which we hold the lots: prices for one side are none for the other. None in older records.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    position_id: PositionId
    symbol: Symbol
    stop_loss: Price | None
    take_profit: Price | None
    side: Side | None = None


@frozen
class PlaceOrder:
    """Place a pending order; `price`, `limit_price` and the stops as in `rules.model.observed.WorkingOrder`.

    `volume` is in lots on the instrument's grid. It works until it is filled or canceled, or until `expires_at`.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    symbol: Symbol
    side: Side
    order_type: OrderType
    volume: Volume
    price: Price
    limit_price: Price | None = None
    stop_loss: Price | None = None
    take_profit: Price | None = None
    expires_at: datetime | None = None


@frozen
class ReplaceOrder:
    """Set all prices of a pending order; None removes a stop. Its volume and its expiry stay.

    `side` and `order_type` are the order's own.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    order_id: VenueOrderId
    symbol: Symbol
    side: Side
    order_type: OrderType
    price: Price
    limit_price: Price | None
    stop_loss: Price | None
    take_profit: Price | None


@frozen
class CancelOrder:
    """Cancel a pending order: what is still to fill of it."""

    cl_ord_id: ClOrdId
    account: AccountId
    order_id: VenueOrderId
    symbol: Symbol


Action: TypeAlias = (
    OpenPosition | ReducePosition | ClosePosition | ReplaceStops | PlaceOrder | ReplaceOrder | CancelOrder
)


def raises_exposure(action: Action) -> bool:
    """Tell whether the action is new risk. Everything else goes first when a target must be asked slowly."""
    return isinstance(action, OpenPosition | PlaceOrder)
