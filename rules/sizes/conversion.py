"""Money of one currency in another, by what the accounts quote. What no quote tells is never guessed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from attrs import field

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import Symbol
from rules.policy.expressions import Exact
from rules.policy.symbols import Mapped, SymbolMap, map_symbol
from rules.sizes.volumes import fraction

RATE_AGE_MAX = timedelta(days=4)
"""Over a weekend with a holiday there is no newer rate, and rates between accounts' currencies move little in it."""

RATE_AGE_FRESH = timedelta(minutes=5)
"""An older rate still converts, while a newer one is asked for."""

PIVOTS = ("USD", "EUR")
"""Currencies through which two others are converted that nobody quotes against each other."""

CENTS = {"USC": ("USD", 100), "EUC": ("EUR", 100), "GBX": ("GBP", 100)}
"""Currencies of cent accounts, and the pence of London's shares: so many of them are one of the other."""


@frozen
class Rates:
    """Conversions at one moment.

    Pairs are looked for in `views`, in their order, by their own names; in the first also as `symbols`, a map from
    source to target, calls them. What must be asked of a venue for that is added to `look_ups`.
    """

    now: datetime
    views: tuple[AccountView, ...] = ()
    symbols: SymbolMap | None = None
    look_ups: list[LookUp] = field(factory=list)

    def rate(self, held: str | None, wanted: str | None) -> Fraction | Denied:
        """Return how much of `wanted` one unit of `held` is, > 0; a waiting denial while a quote is looked up.

        None stands for a currency that the venue does not tell: it converts into nothing.
        """
        if held == wanted and held is not None:
            return Fraction(1)
        numbers = (("from", held or "unknown"), ("to", wanted or "unknown"))
        if held is None or wanted is None:
            return Denied("currency", Reason.CURRENCY_RATE_UNKNOWN, numbers)
        (one, units), (other, parts) = CENTS.get(held, (held, 1)), CENTS.get(wanted, (wanted, 1))
        if one == other:
            return Fraction(parts, units)
        ways = ((one, other), *((one, pivot, other) for pivot in PIVOTS if pivot not in (one, other)))
        for way in ways:
            missing: list[LookUp] = []
            rate = self._along(way, missing)
            if rate is not None:
                return rate * Fraction(parts, units)
            if missing:
                self.look_ups.extend(missing)
                return Denied("currency", Reason.QUOTE_UNKNOWN, numbers)
        return Denied("currency", Reason.CURRENCY_RATE_UNKNOWN, numbers)

    def _along(self, way: tuple[str, ...], missing: list[LookUp]) -> Fraction | None:
        """Return the product of the pairs' rates; None: one is not quoted, or must be asked for first."""
        whole = Fraction(1)
        known = True
        for base, quoted in pairwise(way):
            rate = self._pair(base, quoted, missing)
            known &= rate is not None
            whole *= rate or 1
        return whole if known else None

    def _pair(self, one: str, other: str, missing: list[LookUp]) -> Fraction | None:
        """Return the mid price of a pair, or of its inverse."""
        asked: list[LookUp] = []
        for view in self.views:
            for base, quoted in ((one, other), (other, one)):
                for symbol in self._names(view, Symbol(base + quoted)):
                    price = self._mid(view, symbol, quoted, asked)
                    if price is not None:
                        return price if base == one else 1 / price
        missing.extend(asked)
        return None

    def _names(self, view: AccountView, pair: Symbol) -> tuple[Symbol, ...]:
        mapped = map_symbol(self.symbols, pair, self.now) if view is self.views[0] else None
        return (pair, mapped.symbol) if isinstance(mapped, Mapped) and mapped.symbol != pair else (pair,)

    def _mid(self, view: AccountView, symbol: Symbol, quoted: str, missing: list[LookUp]) -> Fraction | None:
        if symbol not in view.instruments:
            missing.append(LookUp(view.account, symbol, quote=True))
            return None
        instrument = view.instruments[symbol]
        # A name is not enough: the instrument itself must be priced in that currency, where the venue tells it.
        if instrument is None or instrument.profit_currency not in (None, quoted):
            return None
        quote = view.fresh_quote(symbol, self.now, RATE_AGE_MAX)
        if quote is None:
            missing.append(LookUp(view.account, symbol, quote=True))
            return None
        if self.now - quote.at > RATE_AGE_FRESH:
            self.look_ups.append(LookUp(view.account, symbol, quote=True, awaited=False))
        return fraction(quote.mid())


def lot_worth(
    instrument: Instrument, currency: str | None, rates: Callable[[], Rates], ignore_currency: bool
) -> Exact | Denied:
    """Return what one lot gains when its price rises by 1, in money of `currency`, > 0.

    Args:
        instrument: its contract size and profit currency count.
        currency: the account's.
        rates: makes what converts the one into the other; most accounts trade in their own currency and need none.
        ignore_currency: takes the profit currency for the account's.
    """
    size = instrument.contract_size
    if size is None or size <= 0:
        return Denied("size", Reason.CONTRACT_SIZE_UNKNOWN, (("symbol", instrument.symbol),))
    if ignore_currency or (instrument.profit_currency == currency and currency is not None):
        return size
    rate = rates().rate(instrument.profit_currency, currency)
    return rate if isinstance(rate, Denied) else fraction(size) * rate
