"""The keys of a [[limits]] row on losses and profits, and how their values are read."""

import re
from datetime import time, timedelta
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.checks import duration_within, or_off, ratio_above_zero
from copier.config.errors import Fault, nearest, one_of, shown_value
from copier.config.structure import read_zone
from copier.config.units import read_amount, read_number
from rules.limits.conduct_policy import BudgetKind, PositionRuleKind
from rules.limits.policy import CapKind
from rules.limits.terms import (
    AmountOf,
    Anchor,
    Comparator,
    FlattenScope,
    Flows,
    LimitAmount,
    LimitKind,
    LockOf,
    Metric,
    OnBreach,
    Part,
    Trailing,
)
from rules.model.frozen import frozen

_RESET = 'a time of day such as "00:00" or "17:00 America/New_York"'
_RESET_TEXT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?(?: (\S+))?", re.ASCII)


def read_fraction(value: object) -> Decimal:
    """Return a fraction above 0 and not above 1, also written as a percent."""
    fraction = ratio_above_zero(value)
    if fraction > 1:
        raise Fault('a fraction of at most 1, or a percent of at most "100 %"', shown_value(value))
    return fraction


class FlatByKind(Enum):
    """When the account must be flat."""

    FLAT_BY = "flat_by"


class ConsistencyKind(Enum):
    """How even profits must be."""

    CONSISTENCY = "consistency"


class MinDaysKind(Enum):
    """On how many days must be traded."""

    MIN_DAYS = "min_days"


class InactivityKind(Enum):
    """How long nothing may be traded."""

    INACTIVITY = "inactivity"


_ENUMS: tuple[type[Enum], ...] = (
    LimitKind,
    CapKind,
    PositionRuleKind,
    FlatByKind,
    BudgetKind,
    ConsistencyKind,
    MinDaysKind,
    InactivityKind,
)
_KINDS = tuple(str(kind.value) for kinds in _ENUMS for kind in kinds)
"""Every kind of [[limits]] row."""


KINDS_ON_MONEY = frozenset(kind.value for kind in LimitKind)
"""Those that are judged by balance and equity."""


def _read_kind(value: object) -> LimitKind:
    if value in {kind.value for kind in LimitKind}:
        return LimitKind(value)
    text = value[:60] if isinstance(value, str) else ""
    raise Fault(one_of(_KINDS), shown_value(value), nearest(text, _KINDS))


def read_cash(value: object) -> Decimal:
    """Return an amount >= 0 in the account's currency."""
    number = read_number(value, "a number >= 0 in the account's currency")
    if number < 0:
        raise Fault("a number >= 0 in the account's currency", shown_value(value))
    return number


@frozen
class Reset:
    """A reset whose zone may be left to the service."""

    at: time
    zone: ZoneInfo | None


def read_reset(value: object) -> Reset:
    """Return a local time of day, with its zone where one is written."""
    match = _RESET_TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Fault(_RESET, shown_value(value))
    at = time(int(match[1]), int(match[2]), int(match[3] or 0))
    return Reset(at, None if match[4] is None else read_zone(match[4]))


_STAGE = {"read": or_off(read_fraction)}

# A hold outlasts a spike, not a session: after a day its limit protects nothing.
_HOLD = duration_within(timedelta(milliseconds=1), timedelta(days=1))


def _read_parts(value: object) -> frozenset[Part]:
    parts = [part.value for part in Part]
    if not isinstance(value, list) or any(each not in parts for each in value):
        raise Fault(f"an array of {', '.join(parts)}", shown_value(value))
    return frozenset(Part(each) for each in value)


def _lock_floor(value: object) -> Decimal:
    fraction = ratio_above_zero(value)
    if fraction > Decimal("1.5"):
        raise Fault('a percent above 0 and not above "150 %"', shown_value(value))
    return fraction


class Weekday(Enum):
    """The day on which weeks begin."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class TargetPeriod(Enum):
    """How long a profit target collects."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    TOTAL = "total"
    """From the initial balance on, without end."""


@frozen
class LockKeys:
    """A floor that jumps once and then stays: at a profit it becomes a share of what the account was worth then."""

    profit: LimitAmount = field(
        metadata={"doc": "Over the initial balance: `5 %` of it, or cash. What sets the lock off.", "read": read_amount}
    )
    floor: Decimal = field(metadata={"doc": 'Where the floor is put: `"95 %"` of `of`.', "read": _lock_floor})
    metric: Metric = field(
        default=Metric.BALANCE, metadata={"doc": "Whether the profit is of the `balance` or of the `equity`."}
    )
    of: LockOf = field(default=LockOf.TRIGGER, metadata={"doc": "What `floor` is a share of."})


@frozen
class LimitKeys:
    """One rule of one account on its losses or profits, in force with or without any link."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: LimitKind = field(
        metadata={
            "doc": "A `daily_loss` begins anew at each `reset`, a weekly, monthly, quarterly or yearly one with its"
            " week, month, quarter or year; `max_loss` counts from the beginning or trails; `profit_target` is reached"
            " rather than breached.",
            "read": _read_kind,
        }
    )
    amount: LimitAmount = field(
        metadata={
            "doc": 'How much may be lost (or is to be won): `"4 %"`, `"4000 USD"`, or a number.',
            "read": read_amount,
        }
    )
    name: str | None = field(
        default=None,
        metadata={"doc": "Tells two limits of one kind apart. The limit's state is kept under it: do not rename it."},
    )
    of: AmountOf | None = field(
        default=None,
        metadata={"doc": "What a percent is of: by default the anchor of what begins anew, else the initial balance."},
    )
    anchor: Anchor | None = field(
        default=None,
        metadata={
            "doc": "What a day (week, month, ...) counts from: by default the higher of balance and equity, the balance"
            " of a profit target."
        },
    )
    metric: Metric | None = field(
        default=None,
        metadata={"doc": "Which figure is compared: by default the equity of a loss, the balance of a profit target."},
    )
    include: frozenset[Part] = field(
        default=frozenset(Part),
        metadata={
            "doc": "What the metric counts besides closed profit. Without `floating`, equity is the balance; costs can"
            " be left out of what begins anew, where the venue tells its history.",
            "read": _read_parts,
        },
    )
    trailing: Trailing = field(
        default=Trailing.NONE, metadata={"doc": "What lifts the high-water mark of a `max_loss`."}
    )
    initial_balance: Decimal | None = field(
        default=None,
        metadata={
            "doc": "In the account's currency. Without it the first balance ever seen stands in, as an estimate.",
            "read": read_cash,
        },
    )
    currency: str | None = field(
        default=None,
        metadata={"doc": "The account's currency: figures that come in another are not judged, and take no new risk."},
    )
    high_water_mark: Decimal | None = field(
        default=None,
        metadata={"doc": "Where the mark of an account taken over in profit starts.", "read": read_cash},
    )
    reset: Reset | None = field(
        default=None,
        metadata={
            "doc": 'When days begin: `"17:00 America/New_York"`; the service\'s zone where none is given.'
            " Everything but a `max_loss` without end-of-day trailing and a `profit_target` of all time requires it.",
            "read": read_reset,
        },
    )
    period: TargetPeriod = field(
        default=TargetPeriod.TOTAL, metadata={"doc": "Of a `profit_target`: how long it collects."}
    )
    week_starts: Weekday = field(
        default=Weekday.MONDAY, metadata={"doc": "The local day whose reset begins a week, of a weekly limit."}
    )
    hold: timedelta | None = field(
        default=None,
        metadata={
            "key": "for",
            "doc": "How long a breach must last before it counts; up to 1 day. Stages do not wait for it.",
            "read": _HOLD,
        },
    )
    comparator: Comparator = field(
        default=Comparator.LE, metadata={"doc": "`le`: touching the floor is a breach; `lt`: only passing it."}
    )
    warn_at: Decimal | None = field(
        default=Decimal("0.75"), metadata={"doc": "Part of the amount whose loss draws a warning.", **_STAGE}
    )
    block_at: Decimal | None = field(
        default=None, metadata={"doc": "Part whose loss stops new risk while it lasts.", **_STAGE}
    )
    flatten_at: Decimal | None = field(
        default=None,
        metadata={"doc": "Part whose loss closes everything in `scope` and stops new risk until the reset.", **_STAGE},
    )
    halt_at: Decimal | None = field(
        default=None,
        metadata={"doc": "Part whose loss stops new risk until a person resets the limit; closes nothing.", **_STAGE},
    )
    on_breach: OnBreach = field(
        default=OnBreach.FLATTEN,
        metadata={"doc": "What follows a breach, or a target that is reached. `block` only pauses until the reset."},
    )
    lock: LimitAmount | None = field(
        default=None,
        metadata={
            "doc": "A trailing floor never passes the initial balance plus this percent or cash.",
            "read": read_amount,
        },
    )
    lock_when: LockKeys | None = field(
        default=None, metadata={"doc": "At a profit the floor of a `max_loss` is put somewhere for good; see below."}
    )
    flows: Flows | None = field(
        default=None,
        metadata={
            "doc": "What deposits and withdrawals do to anchors, peaks and marks: by default `shift` of what begins"
            " anew, else `ignore`. The venue's history tells of them."
        },
    )
    scope: FlattenScope = field(
        default=FlattenScope.COPIES, metadata={"doc": "What is closed: what links own, or the whole `account`."}
    )
    resets_below: bool = field(
        default=False,
        metadata={
            "doc": "Of a `profit_target`: one that was reached ends as soon as its figure is below the level again,"
            " not only at the reset; `halt` still waits for a person."
        },
    )
