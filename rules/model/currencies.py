"""Which currencies a symbol's price hangs on, as far as its name and its instrument tell."""

import re
from typing import Final

from rules.model.instruments import Instrument

# The currencies whose news move the pairs that retail brokers list; the majors, then those of common crosses.
_KNOWN: Final = re.compile(
    "EUR|GBP|AUD|NZD|USD|CAD|CHF|JPY|NOK|SEK|DKK|PLN|HUF|CZK|TRY|ZAR|MXN|SGD|HKD|CNH|CNY|ILS|THB|INR|BRL"
)
_PAIR: Final = re.compile(r"(?:FX\.|frx|m\.|#)?([A-Z]{3})[/._-]?([A-Z]{3})(?![A-Z])")


def currencies_of(instrument: Instrument) -> frozenset[str] | None:
    """Return the currencies of an instrument: those of a pair's name, and the one of its profit; None: not known.

    A name that begins with two codes of three capitals, the second a known currency, is a pair (`XAUUSD` has one
    currency). For an index or a share only the venue can tell.
    """
    pair = _PAIR.match(instrument.symbol)
    found = {instrument.profit_currency} if instrument.profit_currency is not None else set()
    if pair is not None and _KNOWN.fullmatch(pair[2]):
        found |= {code for code in pair.groups() if _KNOWN.fullmatch(code)}
    return frozenset(found) or None
