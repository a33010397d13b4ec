"""A question about new risk once the target's instrument is known: what several gates reckon with."""

from datetime import timedelta
from decimal import Decimal

from attrs import define

from rules.deciding.mirror import waits_for
from rules.gates.alike import Alike
from rules.gates.heard import Heard
from rules.gates.question import Finding, Question
from rules.limits.policy import CapKind
from rules.model.copies import ZERO, Waits
from rules.model.events import Origin
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.state import stops_follow
from rules.model.values import Price, Side, Symbol, Volume
from rules.policy.links import CopyPolicy
from rules.policy.symbols import Mapped
from rules.sizes.common import Commons
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
    policy: CopyPolicy
    side: Side
    """The side that the target would trade on."""
    quote: Quote | None
    """The target's, if it is fresh."""
    alike: Alike
    """What was found for others like it."""
    commons: Commons
    """What the sizes of others have in common with its own."""
    waits: Waits | None
    """What a pending order would wait for at the target, where one is asked for, or a gate lets the copy wait."""

    def expected_price(self) -> Price:
        """Return the price that the order would meet: the target's quote, else the source's own fill; or its own."""
        waits = self.waits
        if waits is not None:
            return waits.price if waits.limit_price is None else waits.limit_price
        quote = self.quote
        return self.question.position.open_price if quote is None else quote.entry(self.side)

    def rates(self) -> Rates:
        """Return what converts money here."""
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
            self.commons,
        )


def market_of(question: Question, heard: Heard, finding: Finding, mapped: Mapped, instrument: Instrument) -> Market:
    """Return the question at the target's instrument."""
    policy, order, target = question.link.policy, question.order, question.target
    quote = target.fresh_quote(mapped.symbol, question.now, QUOTE_AGE_MAX)
    return Market(
        question,
        finding,
        mapped.symbol,
        instrument,
        mapped.max_price_ratio,
        policy,
        heard.side,
        quote,
        _alike(question, heard, quote, instrument),
        heard.commons,
        None if order is None else waits_for(order, policy, instrument, target, question.now),
    )


def _alike(question: Question, heard: Heard, quote: Quote | None, instrument: Instrument) -> Alike:
    """Return what was found for others like it; without a fresh price, and of a growing or another copy, nothing is."""
    if quote is None or question.increase_of is not None or question.reopening or question.order is not None:
        return Alike(heard.gates)
    target = question.target
    shown = (
        question.origin is Origin.LIVE,
        stops_follow(question.source, target),
        target.keeps_take_profit,
        target.stop_loss_lasts,
        str(quote.bid),
        str(quote.ask),
        str(instrument.tick_size),
        str(instrument.stop_distance_min),
    )
    alike = heard.alike.get(shown)
    if alike is None:
        alike = heard.alike[shown] = Alike(heard.gates)
    return alike
