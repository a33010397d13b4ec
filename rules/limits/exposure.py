"""What would be left of an account if every stop-loss were hit now."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.values import Price, Symbol


@frozen
class AtStops:
    """`equity` after every stop was hit at its price, without costs; None where it cannot be told.

    `unstopped` positions have no stop-loss, so that nothing bounds their loss; `unpriced` ones are of instruments
    whose contract size is not known, or that do not settle in the account's currency.
    """

    equity: Decimal | None
    unstopped: int = 0
    unpriced: int = 0


def at_stops(
    balance: Decimal | None,
    currency: str | None,
    positions: Iterable[Position],
    instruments: Mapping[Symbol, Instrument | None],
) -> AtStops:
    """Return what is left of `balance` when each position is closed at its stop-loss.

    Args:
        balance: without floating results; None: not known.
        currency: the account's; None: not known, so that no instrument can be told to settle in it.
        positions: everything that the account holds.
        instruments: what is known of the account's symbols.
    """
    left, unstopped, unpriced = balance, 0, 0
    for position in positions:
        if position.stop_loss is None:
            unstopped += 1
            continue
        result = result_at(position, position.stop_loss, instruments.get(position.symbol), currency)
        if result is None:
            unpriced += 1
        elif left is not None:
            left += result
    return AtStops(None if unstopped or unpriced else left, unstopped, unpriced)


def result_at(position: Position, price: Price, instrument: Instrument | None, currency: str | None) -> Decimal | None:
    """Return what closing the position at `price` would bring, in the account's currency; None where unknown."""
    size = position.contract_size
    if size is None and instrument is not None:
        size = instrument.contract_size
    if size is None or instrument is None or currency is None or instrument.profit_currency != currency:
        return None
    return (price - position.open_price) * position.side.sign * position.volume * size
