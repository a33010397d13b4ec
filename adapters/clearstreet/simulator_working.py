"""The working orders of one simulated account by symbol; the market is listened to only while there are any."""

from collections.abc import Callable

from adapters.clearstreet.simulator_orders import VenueOrder
from adapters.simulation.market import Market
from rules.observed import Quote
from rules.values import Symbol


class Working:
    """Limit and stop orders that wait for their price. Ten thousand accounts without any cost a quote nothing."""

    def __init__(self, market: Market, on_quote: Callable[[Quote], None]) -> None:
        self._market = market
        self._on_quote = on_quote
        self._by_symbol: dict[Symbol, dict[str, VenueOrder]] = {}
        self._stop: Callable[[], None] | None = None

    def add(self, order: VenueOrder) -> None:
        """Take in a working order."""
        self._by_symbol.setdefault(order.symbol, {})[order.order_id] = order
        if self._stop is None:
            self._stop = self._market.listen(self._on_quote)

    def remove(self, order: VenueOrder) -> None:
        """Take out an order, which may not be here any more."""
        held = self._by_symbol.get(order.symbol, {})
        held.pop(order.order_id, None)
        if not held:
            self._by_symbol.pop(order.symbol, None)
        if not self._by_symbol and self._stop is not None:
            self._stop()
            self._stop = None

    def orders(self) -> list[VenueOrder]:
        """Return all of them."""
        return [order for held in self._by_symbol.values() for order in held.values()]

    def orders_of(self, symbol: Symbol) -> list[VenueOrder]:
        """Return those of one symbol, the oldest first."""
        return list(self._by_symbol.get(symbol, {}).values())
