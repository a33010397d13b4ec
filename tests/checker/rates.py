"""One currency in another, by the quotes that stand in the ledger: the pair, its inverse, or a way over USD or EUR."""

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.checker.refusals import No
from tests.checker.symbols import rename

if TYPE_CHECKING:
    from tests.checker.asked import Asked

OLD = timedelta(days=4)
CENTS = {"USC": ("USD", 100), "EUC": ("EUR", 100), "GBX": ("GBP", 100)}


def rate(asked: "Asked", held: str | None, wanted: str | None) -> Fraction:
    """Return how much of `wanted` one unit of `held` is."""
    if held is None or wanted is None:
        raise No("CURRENCY_RATE_UNKNOWN")
    (one, parts), (other, wholes) = CENTS.get(held, (held, 1)), CENTS.get(wanted, (wanted, 1))
    scale = Fraction(wholes, parts)
    if one == other:
        return scale
    ways = [(one, other)] + [(one, pivot, other) for pivot in ("USD", "EUR") if pivot not in (one, other)]
    for way in ways:
        found = [pair_rate(asked, *pair) for pair in pairwise(way)]
        if all(isinstance(each, Fraction) for each in found):
            total = scale
            for each in found:
                assert isinstance(each, Fraction)
                total *= each
            return total
        if "unseen" in found:
            raise No("QUOTE_UNKNOWN")
    raise No("CURRENCY_RATE_UNKNOWN")


def pair_rate(asked: "Asked", base: str, quoted: str) -> Fraction | str:
    """Return what a unit of `base` is in `quoted`; else "absent", or "unseen" where a venue may yet tell."""
    unseen = False
    for account in (asked.link.target, asked.link.source):
        for one, other in ((base, quoted), (quoted, base)):
            for symbol in names(asked, account, one + other):
                price = middle(asked, account, symbol, other)
                if isinstance(price, Fraction):
                    return price if one == base else 1 / price
                unseen = unseen or price == "unseen"
    return "unseen" if unseen else "absent"


def names(asked: "Asked", account: str, pair: str) -> list[str]:
    if account != asked.link.target:
        return [pair]
    renamed = rename(asked.rules.rows, pair)
    name = None if renamed is None else renamed.at(asked.now)
    return [pair] if name in (None, pair) else [pair, name]


def middle(asked: "Asked", account: str, symbol: str, currency: str) -> Fraction | str:
    instrument = asked.facts.instruments.get((account, symbol), "unseen")
    if instrument == "unseen":
        return "unseen"
    if instrument is None or instrument["profit_currency"] not in (None, currency):
        return "absent"
    quote = asked.quote_of(account, symbol)
    if quote is None or asked.now - quote["at"] > OLD:
        return "unseen"
    return Fraction((quote["bid"] + quote["ask"]) / 2)
