"""A question about new risk once the target's instrument is known: what several gates reckon with."""

from datetime import timedelta
from decimal import Decimal

from attrs import define

from rules.instruments import Instrument
from rules.look_ups import LookUp
from rules.observed import Quote
from rules.policy import CopyPolicy
from rules.question import Finding, Question
from rules.reasons import Reason
from rules.trace import Denied
from rules.values import Price, Side, Symbol

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

    @property
    def policy(self) -> CopyPolicy:
        return self.question.link.policy

    @property
    def side(self) -> Side:
        """The side that the target would trade on."""
        side = self.question.position.side
        return side.opposite if self.policy.reverse else side

    def quote(self) -> Quote | None:
        return self.question.target.fresh_quote(self.symbol, self.question.now, QUOTE_AGE_MAX)

    def expected_price(self) -> Price | None:
        """Return the price that a market order would meet: the target's quote, else the source's own fill."""
        quote = self.quote()
        return self.question.position.open_price if quote is None else quote.entry(self.side)

    def source_contract_size(self) -> Decimal | Denied | None:
        """Return the source's contract size, by the position or by the source's own instrument."""
        source, position = self.question.source, self.question.position
        if position.contract_size is not None or self.policy.size.ignore_contract_size:
            return position.contract_size
        if self.instrument.contract_size is None:
            return None
        if position.symbol not in source.instruments:
            self.finding.look_ups.append(LookUp(source.account, position.symbol))
            return Denied("size", Reason.INSTRUMENT_UNKNOWN, (("symbol", position.symbol), ("account", source.account)))
        instrument = source.instruments[position.symbol]
        return None if instrument is None else instrument.contract_size
