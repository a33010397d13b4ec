"""The venue orders that wait in the books of one account, and the watch that looks at a quote before the books do."""

from collections.abc import Callable

from adapters.clearstreet.simulator_orders import VenueOrder
from adapters.simulation.broker import Broker
from rules.model.observed import Quote
from rules.model.values import Symbol, VenueOrderId

BeforeQuote = Callable[[Quote], None]


class QuoteWatch:
    """Calls those accounts that have orders waiting in a symbol before its quote reaches the books.

    The books know no marking of sales. So whether a waiting sale still fits the position is the venue's to say, and
    afterwards would be too late. Ten thousand accounts without waiting orders cost a quote nothing.
    """

    def __init__(self, broker: Broker) -> None:
        self._by_symbol: dict[Symbol, dict[BeforeQuote, None]] = {}
        broker.detach()
        broker.market.listen(self._on_quote)
        broker.detach = broker.market.listen(broker.on_quote)

    def watch(self, symbol: Symbol, callback: BeforeQuote, *, wanted: bool) -> None:
        """Have `callback` called before each quote of a symbol reaches the books, or no more."""
        if wanted:
            self._by_symbol.setdefault(symbol, {})[callback] = None
        else:
            callbacks = self._by_symbol.get(symbol, {})
            callbacks.pop(callback, None)
            if not callbacks:
                self._by_symbol.pop(symbol, None)

    def _on_quote(self, quote: Quote) -> None:
        for callback in tuple(self._by_symbol.get(quote.symbol, ())):
            callback(quote)


class Working:
    """Waiting orders by id and by symbol."""

    def __init__(self, watch: QuoteWatch, before_quote: BeforeQuote) -> None:
        self._watch = watch
        self._before_quote = before_quote
        self._by_id: dict[str, VenueOrder] = {}
        self._by_symbol: dict[Symbol, dict[str, VenueOrder]] = {}

    def add(self, order: VenueOrder) -> None:
        """Take in an order."""
        self._by_id[order.order_id] = order
        self._by_symbol.setdefault(order.symbol, {})[order.order_id] = order
        self._watch.watch(order.symbol, self._before_quote, wanted=True)

    def take(self, order_id: VenueOrderId | str) -> VenueOrder | None:
        """Take an order out; None where none of that id waits."""
        order = self._by_id.pop(order_id, None)
        if order is not None:
            held = self._by_symbol[order.symbol]
            del held[order_id]
            if not held:
                del self._by_symbol[order.symbol]
                self._watch.watch(order.symbol, self._before_quote, wanted=False)
        return order

    def get(self, order_id: VenueOrderId) -> VenueOrder | None:
        """Return an order that waits."""
        return self._by_id.get(order_id)

    def orders(self) -> list[VenueOrder]:
        """Return all of them, the oldest first."""
        return list(self._by_id.values())

    def orders_of(self, symbol: Symbol) -> list[VenueOrder]:
        """Return those of one symbol, the oldest first."""
        return list(self._by_symbol.get(symbol, {}).values())
