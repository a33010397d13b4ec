"""New risk to judge, with everything that a gate may look at, and what it is granted."""

from datetime import datetime, timedelta
from fractions import Fraction

from attrs import define, field, frozen

from tests.checker import stops, volumes
from tests.checker.facts import Facts
from tests.checker.links import Link, Rules
from tests.checker.mirror import other, waits_for
from tests.checker.trees import Tree

FRESH = timedelta(seconds=2)
"""A quote older than this judges no price."""

UNTOLD = "?"
"""Stands for a trace where there is none: only what follows from other rows is asked for."""


@define
class Asked:
    """New risk to judge: this source position on this link, with what the ledger says was known then.

    `increase` is the entry's ratio and the lots held, for a copy that grows. `claimed` is a code that only the trace
    can tell of (the target's connection is not in the ledger).
    """

    now: datetime
    link: Link
    rules: Rules
    facts: Facts
    position: Tree
    memory: Tree
    origin: str
    seen_at: datetime
    quote: Tree | None
    source_status: Tree | None
    target_status: Tree | None
    claimed: str | None = None
    increase: tuple[Fraction, Fraction] | None = None
    kept_gap: Fraction | None = None
    approved: bool = False
    order: Tree | None = None
    """The source's pending order whose like is asked for; the position is then what it would open."""
    late: bool = False
    """A mirrored order was not filled in time and is opened at market, or the target closed it, and it is opened
    again."""
    turned_on: set[str] = field(factory=set)
    """Rules that are rarely written and that the answer turns on."""
    held_in: str | None = None
    """In what a copy that grows is."""
    symbol: str = ""
    instrument: Tree = field(factory=dict)
    """Found by a gate, as are the two below and the symbol; read only after it."""
    price_ratio: Fraction | None = None
    limit: Tree | None = None
    stop_loss: Fraction | None = None

    @property
    def side(self) -> str:
        """The side that the target trades on."""
        return other(self.position["side"]) if self.rules.reverse else str(self.position["side"])

    def fresh(self) -> Tree | None:
        return self.quote if self.quote is not None and self.now - self.quote["at"] <= FRESH else None

    @property
    def waits(self) -> Tree | None:
        """What a pending order would wait for at the target, where one is asked for, or a gate lets the copy wait."""
        return self.limit if self.order is None else waits_for(self.order, self.rules, self.instrument, self.now)

    def quoted_entry(self) -> Fraction | None:
        waits = self.waits
        if waits is not None:
            return Fraction(waits["price"] if waits["limit_price"] is None else waits["limit_price"])
        quote = self.fresh()
        return None if quote is None else entry_of(quote, self.side)

    def expected_price(self) -> Fraction:
        price = self.quoted_entry()
        return Fraction(self.position["open_price"]) if price is None else price

    def quote_of(self, account: str, symbol: str) -> Tree | None:
        """Return the last quote that the ledger knows."""
        if account == self.link.target and symbol == self.symbol:
            return self.quote
        return self.facts.quotes.get((account, symbol))


@frozen
class Granted:
    """New risk that every gate let pass."""

    symbol: str
    side: str
    size: volumes.Size
    stops: stops.Pair
    expected_price: Fraction
    gap: Fraction | None
    waits: Tree | None


def entry_of(quote: Tree, side: str) -> Fraction:
    return Fraction(quote["ask"] if side == "buy" else quote["bid"])
