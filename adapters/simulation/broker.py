"""The broker behind simulated venues: one matching core for many accounts' books on one market."""

from decimal import Decimal

from adapters.base import UtcNow
from adapters.simulation.book import Book
from adapters.simulation.market import Market
from adapters.simulation.records import (
    BookOrder,
    Change,
    ClosedPosition,
    OrderChanged,
    OrderGone,
    OrderRefused,
    PositionChanged,
    PositionGone,
    Purpose,
    Result,
    StatusChanged,
)
from rules.model.observed import Quote
from rules.model.values import OmsType, Symbol

__all__ = [
    "Book",
    "BookOrder",
    "Broker",
    "Change",
    "ClosedPosition",
    "OrderChanged",
    "OrderGone",
    "OrderRefused",
    "PositionChanged",
    "PositionGone",
    "Purpose",
    "Result",
    "StatusChanged",
]

FIRST_ID = 1_000_001
"""Ids are numeric text of seven digits and more, as venues show them; a bare 1 would look like a volume in a log."""


class Broker:
    """Accounts' books on one market. A new quote of the market marks all books at once."""

    def __init__(self, market: Market, now: UtcNow) -> None:
        self.market = market
        self.books: dict[str, Book] = {}
        self.next_id = FIRST_ID
        self.now = now
        # Only the books that hold a symbol, or an order of it, are visited when its quote arrives: ten thousand idle
        # accounts cost nothing.
        self._holders: dict[Symbol, dict[str, Book]] = {}
        self.detach = market.listen(self.on_quote)

    def add_account(self, name: str, oms: OmsType, balance: Decimal, currency: str = "USD") -> Book:
        """Open a new account.

        Args:
            name: unique at this broker.
            balance: its first deposit, in `currency`, >= 0.
        Raises:
            ValueError: the name is taken.
        """
        if name in self.books:
            raise ValueError(f"account name must be new, was {name!r}")
        book = Book(name, oms, balance, currency, self.market, self.now, self._take_id, self._holds)
        self.books[name] = book
        return book

    def on_quote(self, quote: Quote) -> None:
        """Mark the books that hold the quote's symbol, or an order of it.

        The market calls this itself; once more changes nothing.
        """
        for book in tuple(self._holders.get(quote.symbol, {}).values()):
            book.mark(quote)

    def _take_id(self) -> int:
        taken = self.next_id
        self.next_id += 1
        return taken

    def _holds(self, book: Book, symbol: Symbol, holds: bool) -> None:
        if holds:
            self._holders.setdefault(symbol, {})[book.name] = book
        else:
            self._holders.get(symbol, {}).pop(book.name, None)
