"""What the engine wants done at a target, in the imperative. Pure data; each carries its own `cl_ord_id`."""

from typing import TypeAlias

from attrs import frozen

from rules.values import AccountId, ClOrdId, PositionId, Price, Side, Symbol, Volume


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

    `side` is the position's own side.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    position_id: PositionId
    symbol: Symbol
    side: Side
    volume: Volume
    remaining: Volume
    expected_price: Price | None = None


@frozen
class ClosePosition:
    """Close what we hold of a position: `volume` lots, on a hedging account the whole of it.

    `side` is the position's own side.
    """

    cl_ord_id: ClOrdId
    account: AccountId
    position_id: PositionId
    symbol: Symbol
    side: Side
    volume: Volume
    expected_price: Price | None = None


@frozen
class ReplaceStops:
    """Set both protective prices of a position; None removes one."""

    cl_ord_id: ClOrdId
    account: AccountId
    position_id: PositionId
    symbol: Symbol
    stop_loss: Price | None
    take_profit: Price | None


Action: TypeAlias = OpenPosition | ReducePosition | ClosePosition | ReplaceStops


def raises_exposure(action: Action) -> bool:
    """Tell whether the action is new risk. Everything else goes first when a target must be asked slowly."""
    return isinstance(action, OpenPosition)
