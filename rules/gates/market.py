"""A question about new risk once the target's instrument is known: what several gates reckon with."""

from datetime import timedelta
from decimal import Decimal

from attrs import define, field

from rules.deciding.mirror import waits_for
from rules.gates.question import Finding, Question
from rules.limits.policy import CapKind
from rules.model.copies import ZERO, Waits
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import Price, Side, Symbol, Volume
from rules.policy.links import CopyPolicy
from rules.sizes.conversion import Rates
from rules.sizes.variables import Basis

QUOTE_AGE_MAX = timedelta(seconds=2)
"""A quote older than this judges no deviation and no spread. Two round trips to a slow venue."""


@define
class Market:
    """The question with the target's symbol and instrument, and the finding that its gates add to."""

    question: Question
    finding: Finding
    symbol: Symbol
    instrument: Instrument
    max_price_ratio: Decimal | None
    policy: CopyPolicy = field(init=False)
    side: Side = field(init=False)
    """The side that the target would trade on."""
    quote: Quote | None = field(init=False)
    """The target's, if it is fresh."""
    limit: Waits | None = field(init=False, default=None)
    """Where a copy waits at its source's price, once a gate let it."""

    def __attrs_post_init__(self) -> None:
        question = self.question
        self.policy = question.link.policy
        side = question.position.side
        self.side = side.opposite if self.policy.reverse else side
        self.quote = question.target.fresh_quote(self.symbol, question.now, QUOTE_AGE_MAX)

    def expected_price(self) -> Price:
        """Return the price that the order would meet: the target's quote, else the source's own fill; or its own."""
        waits = self.waits
        if waits is not None:
            return waits.price if waits.limit_price is None else waits.limit_price
        quote = self.quote
        return self.question.position.open_price if quote is None else quote.entry(self.side)

    @property
    def waits(self) -> Waits | None:
        """What a pending order would wait for at the target, where one is asked for."""
        question = self.question
        if question.order is None:
            return self.limit
        return waits_for(question.order, self.policy, self.instrument, question.target, question.now)

    @property
    def rates(self) -> Rates:
        question = self.question
        views = (question.target, question.source)
        return Rates(question.now, views, self.policy.symbols, self.finding.look_ups)

    def held(self, symbol: Symbol, side: Side) -> Volume:
        """Return the target's lots, at most; what is not ours counts where the policy says so."""
        target = self.question.target
        lots = target.lots.get((symbol, side), ZERO)
        if target.foreign_lots and self.policy.limits.count_foreign:
            lots += target.foreign_lots.get((symbol, side), ZERO)
        return lots

    def held_both(self, symbol: Symbol) -> Volume:
        """Return the target's lots of both sides together."""
        return self.held(symbol, Side.BUY) + self.held(symbol, Side.SELL)

    def account_cap(self, kind: CapKind) -> Decimal | None:
        """Return the target account's own cap of that kind, the lowest of several."""
        target = self.question.target
        if not target.caps:
            return None
        return min((cap.allowed(target.status) for cap in target.caps if cap.kind is kind), default=None)

    def gap(self) -> Price | None:
        """Return how much higher the target is quoted than the source, where the source could close; None: unknown."""
        question, quote = self.question, self.quote
        closing = question.position.side.opposite
        there = question.source.fresh_quote(question.position.symbol, question.now, QUOTE_AGE_MAX)
        price = question.position.current_price if there is None else there.entry(closing)
        return None if quote is None or price is None else quote.entry(closing) - price

    def basis(self, stop_loss: Price | None) -> Basis:
        """Return what a size is reckoned from where the target's final stop is `stop_loss`."""
        question, quote = self.question, self.quote
        return Basis(
            question.position,
            question.source,
            question.target,
            self.instrument,
            question.now,
            self.expected_price() if quote is not None or self.waits is not None else None,
            stop_loss,
            self.policy.symbols,
            self.finding.look_ups,
        )
