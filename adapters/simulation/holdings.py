"""The open positions of one account, indexed by symbol, with margin and floating result kept as running sums."""

from decimal import Decimal

from attrs import evolve

from adapters.simulation.market import Market
from adapters.simulation.money import close_price, margin, result
from rules.model.observed import Position
from rules.model.values import PositionId, Symbol


class Holdings:
    """Positions by id and by symbol. Putting, dropping and both sums cost the same with any number of positions.

    A floating result is valued when its position changes or its symbol is quoted, at the currency rates of then.
    """

    def __init__(self, market: Market, currency: str) -> None:
        self.positions: dict[PositionId, Position] = {}
        self.margin_used = Decimal(0)
        self.floating = Decimal(0)
        self._market = market
        self._currency = currency
        self._by_symbol: dict[Symbol, dict[PositionId, None]] = {}
        self._margins: dict[PositionId, Decimal] = {}
        self._floatings: dict[PositionId, Decimal] = {}

    def put(self, position: Position) -> Position:
        """Take in a new or changed position; returns it with its current price."""
        position_id = position.position_id
        self._forget_sums(position_id)
        valued = self._value(position)
        bound = margin(self._market, position.symbol, position.volume, position.open_price, self._currency)
        self._margins[position_id] = bound
        self.margin_used += bound
        self._by_symbol.setdefault(position.symbol, {})[position_id] = None
        return valued

    def revalue(self, position: Position) -> Position:
        """Value a position that is here at the current quote; returns it with its current price."""
        self.floating -= self._floatings.pop(position.position_id)
        return self._value(position)

    def drop(self, position: Position) -> None:
        """Take a position out that is here."""
        position_id = position.position_id
        self._forget_sums(position_id)
        del self.positions[position_id]
        same_symbol = self._by_symbol[position.symbol]
        del same_symbol[position_id]
        if not same_symbol:
            del self._by_symbol[position.symbol]

    def of_symbol(self, symbol: Symbol) -> tuple[Position, ...]:
        """Return all positions of `symbol`, the oldest first."""
        return tuple(self.positions[position_id] for position_id in self._by_symbol.get(symbol, ()))

    def holds(self, symbol: Symbol) -> bool:
        """Tell whether any position of `symbol` is open."""
        return symbol in self._by_symbol

    def margin_of(self, position_id: PositionId) -> Decimal:
        """Return the margin that one position binds, in the account's currency."""
        return self._margins[position_id]

    def floating_of(self, position_id: PositionId) -> Decimal:
        """Return the floating result of one position, in the account's currency."""
        return self._floatings[position_id]

    def _value(self, position: Position) -> Position:
        # Without a quote a position is worth what it was at the last price that it was dealt at.
        price = close_price(self._market, position) or position.current_price or position.open_price
        floating = result(self._market, position, position.volume, price, self._currency)
        self._floatings[position.position_id] = floating
        self.floating += floating
        valued = evolve(position, current_price=price)
        self.positions[position.position_id] = valued
        return valued

    def _forget_sums(self, position_id: PositionId) -> None:
        self.margin_used -= self._margins.pop(position_id, Decimal(0))
        self.floating -= self._floatings.pop(position_id, Decimal(0))
