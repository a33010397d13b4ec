"""Values of a config that carry their unit, read anew: durations, distances, fractions, money."""

import re
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

from attrs import frozen


class Unchecked(Exception):
    """The config, or the ledger, holds something that this checker has not learned: nothing may slip through."""


@frozen
class Span:
    """A price distance: of a price itself, of points, of pips, or of a percentage."""

    amount: Fraction
    unit: str

    def of(self, instrument: dict[str, Any], price: Fraction) -> Fraction | None:
        """Return it in price; None where it counts in ticks that the venue does not tell."""
        if self.unit == "price":
            return self.amount
        if self.unit == "percent":
            return price * self.amount / 100
        tick = instrument["tick_size"]
        return None if tick is None else tick * self.amount * (10 if self.unit == "pips" else 1)


def number(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise Unchecked(f"expected a number, found {value!r}")
    return Fraction(value)


def whole(value: Any) -> int:
    return int(number(value))


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unchecked(f"expected true or false, found {value!r}")
    return value


def word(value: Any) -> str:
    if not isinstance(value, str):
        raise Unchecked(f"expected text, found {value!r}")
    return value


def words(value: Any) -> tuple[str, ...]:
    return tuple(word(each) for each in value)


def ratio(value: Any) -> Fraction:
    if isinstance(value, str):
        return Fraction(value.rstrip("% ").strip()) / 100
    return number(value)


def duration(value: Any) -> timedelta:
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": Fraction(1, 1000)}
    total = Fraction(0)
    for amount, unit in re.findall(r"([0-9.]+) ?(ms|d|h|m|s)", word(value)):
        total += Fraction(amount) * units[unit]
    return timedelta(microseconds=int(total * 1_000_000))


def span(value: Any) -> Span:
    if not isinstance(value, str):
        return Span(number(value), "price")
    found = re.fullmatch(r"([0-9.]+) ?(points?|pips?|%)?", value)
    if found is None:
        raise Unchecked(f"expected a price distance, found {value!r}")
    unit = {None: "price", "%": "percent"}.get(found[2]) or ("points" if found[2].startswith("point") else "pips")
    return Span(Fraction(found[1]), unit)


def spans(*names: str) -> Callable[[Any], dict[str, Span | None]]:
    """Return what reads a table of price distances; those that are not given are None."""

    def read(value: Any) -> dict[str, Span | None]:
        if value.keys() - set(names):
            raise Unchecked(f"expected distances {names}, found {value!r}")
        return {name: span(value[name]) if value.get(name, "off") != "off" else None for name in names}

    return read


def money(value: Any) -> tuple[Fraction, str]:
    amount, currency = word(value).split()
    return Fraction(amount), currency


def cash(amount: Any, base: Fraction) -> Fraction:
    """Return an amount in money: a share of `base`, or cash, whose currency another key of a limit names."""
    if isinstance(amount, str):
        return ratio(amount) * base if amount.endswith("%") else money(amount)[0]
    return number(amount)


def share_or_cash(value: Any) -> tuple[Fraction, str | None]:
    """Return an amount with its currency, None for the account's own, "%" for a share of the account's equity."""
    if not isinstance(value, str):
        return number(value), None
    return (ratio(value), "%") if value.endswith("%") else money(value)


def durations(value: Any) -> tuple[timedelta, timedelta]:
    """Return the least and the most of a duration that is drawn."""
    least, most = value if isinstance(value, list) else (value, value)
    return duration(least), duration(most)


def lots_range(value: Any) -> tuple[Fraction, Fraction]:
    least, most = value
    return number(least), number(most)


def symbol_groups(value: Any) -> tuple[tuple[tuple[str, ...], Fraction], ...]:
    """Return groups of symbols, by patterns, each with the most lots of it."""
    if any(row.keys() != {"symbols", "max_volume"} for row in value):
        raise Unchecked(f"expected groups of symbols, found {value!r}")
    return tuple((words(row["symbols"]), number(row["max_volume"])) for row in value)


def anything(value: Any) -> Any:
    """Take what changes no decision as it is."""
    return value
