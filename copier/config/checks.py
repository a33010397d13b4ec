"""How single keys are read where the type of their class does not say it all: ranges, percents, patterns."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import NewType
from zoneinfo import ZoneInfo

from copier.config.errors import Fault, shown_value
from copier.config.structure import OFF, Reading
from copier.config.units import (
    AMOUNT,
    read_amount,
    read_distance,
    read_duration,
    read_money,
    read_number,
    read_percent,
    read_ratio,
)
from rules.limits.terms import LimitAmount, Percent
from rules.model.values import Money, Side
from rules.policy.curve import EquityCurve
from rules.policy.distances import Distance
from rules.policy.exits import BreakEven, Exits, Trailing
from rules.policy.guard import Guard, StartPolicy
from rules.policy.limits import PolicyLimits, Together
from rules.policy.mismatch import MismatchPolicy
from rules.policy.pacing import SkipFirst, Throttle
from rules.policy.patterns import PatternError, compile_pattern
from rules.policy.pending import Mirror
from rules.policy.series import AfterLosses, Masaniello
from rules.policy.size import Size, VolumePolicy
from rules.policy.stops import FixedStops
from rules.times.cron import Cron

Pattern = NewType("Pattern", str)
"""An RE2 pattern."""
CronText = NewType("CronText", str)
"""A cron expression."""


def above_zero(value: object) -> Decimal:
    """Return a number > 0."""
    number = read_number(value, "a number > 0")
    if number <= 0:
        raise Fault("a number > 0", shown_value(value))
    return number


def at_least_zero(value: object) -> Decimal:
    """Return a number >= 0."""
    number = read_number(value, "a number >= 0")
    if number < 0:
        raise Fault("a number >= 0", shown_value(value))
    return number


def at_least_one(value: object) -> Decimal:
    """Return a number >= 1."""
    number = read_number(value, "a number >= 1")
    if number < 1:
        raise Fault("a number >= 1", shown_value(value))
    return number


def up_to_ten(value: object) -> Decimal:
    """Return a number > 0 and <= 10."""
    number = read_number(value, "a number > 0, at most 10")
    if not 0 < number <= 10:
        raise Fault("a number > 0, at most 10", shown_value(value))
    return number


def ratio_above_zero(value: object) -> Decimal:
    """Return a fraction > 0, also written as a percent."""
    ratio = read_ratio(value)
    if ratio <= 0:
        raise Fault("a fraction > 0", shown_value(value))
    return ratio


def percent_above_zero(value: object) -> Decimal:
    """Return a percent > 0 as a fraction."""
    fraction = read_percent(value)
    if fraction <= 0:
        raise Fault('a percent > 0, such as "1 %"', shown_value(value))
    return fraction


def money_above_zero(value: object) -> Money:
    """Return an amount > 0 with its currency."""
    money = read_money(value)
    if money.amount <= 0:
        raise Fault('money > 0, such as "250 USD"', shown_value(value))
    return money


def distance_above_zero(value: object) -> Distance:
    """Return a price distance > 0."""
    distance = read_distance(value)
    if not distance.amount:
        raise Fault("a price distance > 0", shown_value(value))
    return distance


def amount_above_zero(value: object) -> LimitAmount:
    """Return a percent or cash > 0."""
    amount = read_amount(value)
    if (amount.fraction if isinstance(amount, Percent) else amount.amount) <= 0:
        raise Fault(f"{AMOUNT}, > 0", shown_value(value))
    return amount


def count_above_zero(value: object) -> int:
    """Return a whole number >= 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**9:
        raise Fault("a whole number >= 1", shown_value(value))
    return value


def up_to(most: int, least: int = 1) -> Reading:
    """Return a reading of whole numbers of `least` to `most`."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Fault(f"a whole number from {least} to {most}", shown_value(value))
        return value

    return read


def duration_within(least: timedelta, most: timedelta) -> Reading:
    """Return a reading of durations of `least` to `most`."""

    def read(value: object) -> timedelta:
        duration = read_duration(value)
        if not least <= duration <= most:
            raise Fault(f"a duration from {duration_text(least)} to {duration_text(most)}", shown_value(value))
        return duration

    return read


def duration_text(duration: timedelta) -> str:
    """Return a duration as the config writes it: 8h30m, 500ms."""
    left = duration // timedelta(milliseconds=1)
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def read_pattern(value: object) -> str:
    """Return an RE2 pattern's text once RE2 has taken it."""
    if not isinstance(value, str):
        raise Fault("a pattern in quotes", shown_value(value))
    try:
        compile_pattern(value, "here")
    except PatternError as error:
        raise Fault("a pattern that RE2 takes", str(error).removeprefix("here: ")) from None
    return value


def some_patterns(value: object) -> tuple[str, ...]:
    """Return the RE2 patterns of an array, at least one."""
    if not isinstance(value, list) or not value:
        found = "an empty array" if value == [] else shown_value(value)
        raise Fault("an array of at least one pattern", found)
    return tuple(read_pattern(each) for each in value)


def read_cron(value: object) -> str:
    """Return a cron expression's text once it is known to fire."""
    expected = 'a cron expression of five fields such as "0 8 * * mon-fri"'
    if not isinstance(value, str):
        raise Fault(expected, shown_value(value))
    try:
        Cron(value, ZoneInfo("UTC"))  # what makes an expression bad is the same in every zone
    except ValueError as error:
        raise Fault(expected, str(error)[:200]) from None
    return value


def least_and_most(value: object) -> tuple[Decimal, Decimal]:
    """Return [least, most] in lots, 0 <= least <= most."""
    expected = "[least, most] in lots, such as [0.01, 50]"
    if not isinstance(value, list) or len(value) != 2:
        raise Fault(expected, shown_value(value))
    least, most = (read_number(item, expected) for item in value)
    if not 0 <= least <= most:
        raise Fault(expected, f"[{least}, {most}]")
    return least, most


def or_off(read: Callable[[object], object]) -> Reading:
    """Return a reading that takes "off" for None."""
    return lambda value: None if value == OFF else read(value)


def some_sides(value: object) -> tuple[Side, ...]:
    """Return the sides of an array, at least one."""
    sides = [side.value for side in Side]
    if not isinstance(value, list) or not value or any(item not in sides for item in value):
        found = ", ".join(shown_value(item) for item in value[:4]) if isinstance(value, list) else shown_value(value)
        raise Fault('an array of "buy", "sell" or both', f"[{found}]" if isinstance(value, list) else found)
    return tuple(Side(item) for item in value)


_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_AGE = duration_within(_MILLISECOND, timedelta(days=366))

TEXT_READINGS: Mapping[object, Reading] = {Pattern: read_pattern, CronText: read_cron}
"""How texts of a kind of their own are read."""

POLICY_READINGS: Mapping[type, Mapping[str, Reading]] = {
    Size: {
        "multiplier": above_zero,
        "volume": above_zero,
        "source_reference": or_off(above_zero),
        "target_reference": or_off(above_zero),
        "percent": percent_above_zero,
        "initial": above_zero,
        "amount": money_above_zero,
        "cost_per_lot": at_least_zero,
    },
    VolumePolicy: {"max": or_off(above_zero), "max_amplification": at_least_one},
    Guard: {
        "max_age": or_off(_AGE),
        "limit_for": duration_within(timedelta(seconds=1), _DAY),
        "max_price_ratio": or_off(ratio_above_zero),
        # The longest that an order may wait for a stop, a quote or a sign-in before the market has moved on.
        "wait_default": duration_within(timedelta(0), _DAY),
        "wait_for_stop": duration_within(timedelta(0), _DAY),
    },
    FixedStops: {"stop_loss": or_off(distance_above_zero), "take_profit": or_off(distance_above_zero)},
    StartPolicy: {"max_age": _AGE},
    PolicyLimits: {
        "max_positions": or_off(count_above_zero),
        "max_total_volume": or_off(above_zero),
        "max_volume_per_symbol": or_off(above_zero),
        "max_risk": or_off(amount_above_zero),
        "max_risk_per_symbol": or_off(amount_above_zero),
        "max_total_risk": or_off(amount_above_zero),
        "max_leverage": or_off(above_zero),
        "min_free_margin": or_off(amount_above_zero),
        "max_stop_distance": or_off(distance_above_zero),
    },
    Together: {"symbols": some_patterns, "max_volume": above_zero},
    # A day's opens are few enough to be remembered one by one.
    Throttle: {"max_opens": up_to(1000), "window": duration_within(timedelta(seconds=1), _DAY)},
    # What is kept is a row of the ledger for each sample, and no average is longer than a season of days.
    EquityCurve: {
        "samples": up_to(200, least=2),
        "every": duration_within(timedelta(minutes=1), timedelta(days=7)),
    },
    # Ten times ten losses long is as far from a size as anybody can mean.
    AfterLosses: {
        "multiplier": up_to_ten,
        "levels": up_to(10),
        "wins": up_to(100),
        "reset_after": duration_within(timedelta(minutes=1), timedelta(days=366)),
        "even_within": or_off(distance_above_zero),
    },
    # A series of a hundred is longer than anybody follows.
    Masaniello: {
        "events": up_to(100, least=2),
        "wins": up_to(99),
        "payout": up_to_ten,
        "reset_after": duration_within(timedelta(minutes=1), timedelta(days=366)),
        "even_within": or_off(distance_above_zero),
    },
    SkipFirst: {"count": up_to(1000), "reset_after": duration_within(timedelta(seconds=1), timedelta(days=7))},
    BreakEven: {"trigger": distance_above_zero},
    Trailing: {"distance": distance_above_zero},
    Exits: {"min_hold": or_off(_AGE), "ignore_close_for": or_off(_AGE), "max_open": or_off(_AGE)},
    # Below the time that an order takes, every copy would be a mismatch first; in an hour the trade is over.
    Mirror: {
        "fill_grace": duration_within(timedelta(seconds=1), _DAY),
        # Below a minute it would be gone before most markets move; a year is what a good-till-canceled order lasts.
        "max_life": or_off(duration_within(timedelta(minutes=1), timedelta(days=366))),
    },
    MismatchPolicy: {"grace": duration_within(timedelta(0), timedelta(hours=1))},
}
