"""Values that carry their unit: durations, percents, money, price distances, and plain numbers."""

import re
from datetime import timedelta
from decimal import Decimal

from copier.config.errors import Fault, shown_value
from rules.limits.terms import Cash, LimitAmount, Percent
from rules.model.values import Money, exact
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.mismatch import Tolerance, ToleranceUnit
from rules.policy.pacing import Span

DURATION = 'a duration such as "3s", "500ms" or "8h30m"'
DISTANCE = 'a price distance such as "5 points", "3 pips", "0.1 %" or "0.5"'
MONEY = 'money such as "100000 USD"'
TOLERANCE = 'a tolerance >= 0 such as "1 step", "5 %" or "100 USD"'
AMOUNT = 'an amount such as "4 %" or "4000 USD", or a number in the account\'s currency'
PERCENT = 'a percent such as "4 %"'

# A year is longer than any wait, age or window of the config; Decimal days beyond that overflow a timedelta.
DURATION_MAX = timedelta(days=366)

_MICROSECONDS = {
    "d": Decimal(86_400_000_000),
    "h": Decimal(3_600_000_000),
    "m": Decimal(60_000_000),
    "s": Decimal(1_000_000),
    "ms": Decimal(1_000),
}
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_DURATION_TEXT = re.compile(rf"(?:{_NUMBER} ?(?:d|h|ms|m|s) ?)+", re.ASCII)
_DURATION_PART = re.compile(rf"({_NUMBER}) ?(d|h|ms|m|s)", re.ASCII)
_PERCENT_TEXT = re.compile(r"(.*[^ ]) ?%")
_MONEY_TEXT = re.compile(r"(.*[^ ]) ([A-Z][A-Z0-9]{2,7})")
_STEPS_TEXT = re.compile(r"([0-9.]+) ?(?:steps|step)")
_DISTANCE_TEXT = re.compile(r"(.*?[^ ]) ?(points|point|pips|pip|%|)")
_DISTANCE_UNITS = {
    "": DistanceUnit.PRICE,
    "point": DistanceUnit.POINTS,
    "points": DistanceUnit.POINTS,
    "pip": DistanceUnit.PIPS,
    "pips": DistanceUnit.PIPS,
    "%": DistanceUnit.PERCENT,
}


def read_number(value: object, expected: str = "a number") -> Decimal:
    """Return a TOML number exactly.

    Raises:
        Fault: not a number, or one that `rules.model.values.exact` refuses.
    """
    if isinstance(value, str):
        hint = "write it without quotes" if _is_exact(value) else None
        raise Fault(expected, shown_value(value), hint)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Fault(expected, shown_value(value))
    return _exact(value, expected, value)


def read_duration(value: object) -> timedelta:
    """Return a duration from parts in falling order, each unit at most once: "1d", "8h30m", "2.5s", "500ms".

    Raises:
        Fault: no text, no or unknown units, parts out of order, finer than a microsecond, or longer than a year.
    """
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise Fault(DURATION, shown_value(value), f'write the unit, such as "{str(value)[:20]}s"')
    if not isinstance(value, str) or len(value) > 64 or _DURATION_TEXT.fullmatch(value) is None:
        raise Fault(DURATION, shown_value(value))
    parts = _DURATION_PART.findall(value)
    ranks = [list(_MICROSECONDS).index(unit) for _, unit in parts]
    if ranks != sorted(set(ranks)):
        raise Fault(DURATION, shown_value(value), "each unit once, the longest first")
    microseconds = sum((Decimal(number) * _MICROSECONDS[unit] for number, unit in parts), Decimal(0))
    if microseconds > DURATION_MAX // timedelta(microseconds=1):
        raise Fault(f"a duration of at most {DURATION_MAX.days} days", shown_value(value))
    if microseconds != int(microseconds):
        raise Fault("a duration in whole microseconds", shown_value(value))
    return timedelta(microseconds=int(microseconds))


def read_span(value: object) -> Span:
    """Return a duration, or an even draw between two, of at most an hour: `"2s"` or `["1s", "5s"]`.

    Raises:
        Fault: neither, longer, or the first is not the shorter one.
    """
    expected = 'a duration such as "2s", or two such as ["1s", "5s"], of at most 1h'
    parts = value if isinstance(value, list) else [value, value]
    try:
        least, most = (read_duration(part) for part in parts)
    except (Fault, ValueError):
        raise Fault(expected, shown_value(value)) from None
    if not least <= most <= timedelta(hours=1):
        raise Fault(expected, shown_value(value))
    return Span(least, most)


def read_percent(value: object) -> Decimal:
    """Return a percent as a fraction: "4 %" -> 0.04.

    Raises:
        Fault: no text of this form.
    """
    match = _PERCENT_TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Fault(PERCENT, shown_value(value), "write the percent sign in quotes" if _is_exact(value) else None)
    return _exact(match[1], PERCENT, value).scaleb(-2)


def read_ratio(value: object) -> Decimal:
    """Return a fraction, written as a number (0.1) or as a percent ("10 %").

    Raises:
        Fault: neither.
    """
    expected = 'a fraction such as 0.1, or a percent such as "10 %"'
    try:
        return read_percent(value) if isinstance(value, str) else read_number(value)
    except Fault as fault:
        raise Fault(expected, fault.found) from None


def read_money(value: object) -> Money:
    """Return an amount with its currency.

    Raises:
        Fault: no text of this form.
    """
    match = _MONEY_TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Fault(MONEY, shown_value(value), "write the currency in capitals" if _is_exact(value) else None)
    return Money(_exact(match[1], MONEY, value), match[2])


def read_amount(value: object) -> LimitAmount:
    """Return a percent or cash; a number without a currency is in the account's own.

    Raises:
        Fault: neither.
    """
    try:
        if not isinstance(value, str):
            return Cash(read_number(value))
        if value.rstrip().endswith("%"):
            return Percent(read_percent(value))
        money = read_money(value)
    except Fault as fault:
        raise Fault(AMOUNT, fault.found) from None
    return Cash(money.amount, money.currency)


def read_distance(value: object) -> Distance:
    """Return a price distance >= 0; a number without a unit is a distance in price.

    Raises:
        Fault: no such text, or negative.
    """
    if isinstance(value, str):
        match = _DISTANCE_TEXT.fullmatch(value)
        if match is None:
            raise Fault(DISTANCE, shown_value(value))
        amount, unit = _exact(match[1], DISTANCE, value), _DISTANCE_UNITS[match[2]]
    else:
        amount, unit = read_number(value, DISTANCE), DistanceUnit.PRICE
    if amount < 0:
        raise Fault("a distance >= 0", shown_value(value))
    return Distance(amount, unit)


def read_tolerance(value: object) -> Tolerance:
    """Return a tolerance of lots: steps, a percent, or cash.

    Raises:
        Fault: no text of one of these forms.
    """
    text = value if isinstance(value, str) else ""
    match = _STEPS_TEXT.fullmatch(text)
    try:
        if match is not None:
            return Tolerance(_exact(match[1], TOLERANCE, value), ToleranceUnit.STEPS)
        if text.endswith("%"):
            percent = read_percent(text)
            if percent >= 0:
                return Tolerance(percent, ToleranceUnit.PERCENT)
        money = read_money(text)
        if money.amount >= 0:
            return Tolerance(money.amount, ToleranceUnit.CASH, money.currency)
    except Fault:
        pass
    raise Fault(TOLERANCE, shown_value(value))


def _exact(text: object, expected: str, value: object) -> Decimal:
    try:
        return exact(text)
    except ValueError:
        raise Fault(f"{expected} of at most 20 digits", shown_value(value)) from None


def _is_exact(value: object) -> bool:
    try:
        exact(value)
    except ValueError:
        return False
    return True
