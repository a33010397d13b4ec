"""Reads the [[limits]] on an account's conduct: single positions, hours, and budgets of orders and lots."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.checks import TEXT_READINGS, CronText, above_zero, duration_within, or_off, ratio_above_zero
from copier.config.limit_keys import FlatByKind, Reset, TargetPeriod, Weekday, read_reset
from copier.config.limit_rows import has_kind, read_rows, rows_of_kinds
from copier.config.reader import Reader
from copier.config.structure import make_converter
from copier.config.units import read_amount
from rules.limits.conduct_policy import Budget, BudgetKind, Conduct, FlatBy, Follow, PositionRule, PositionRuleKind
from rules.limits.days import Period, ResetTime
from rules.limits.terms import FlattenScope, LimitAmount, Percent
from rules.model.frozen import frozen
from rules.model.values import AccountId, Volume
from rules.times.cron import Cron

_NAME = "Tells two limits of one kind apart."
_WITHIN = duration_within(timedelta(seconds=1), timedelta(days=366))
_LASTS = duration_within(timedelta(minutes=1), timedelta(days=7))
_SCOPE = "What is closed: what links own, or the whole `account`."


@frozen
class PositionRuleKeys:
    """What no single position of the account may do, whoever opened it."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: PositionRuleKind = field(metadata={"doc": "What is watched."})
    name: str | None = field(default=None, metadata={"doc": _NAME})
    amount: LimitAmount | None = field(
        default=None,
        metadata={"doc": "Of `per_trade_loss`: `2 %` of the balance, or cash.", "read": read_amount},
    )
    within: timedelta | None = field(
        default=None,
        metadata={
            "doc": "Of `max_open_time`, `min_hold` and `stop_required`: how long after its opening.",
            "read": _WITHIN,
        },
    )
    volume: Decimal | None = field(
        default=None, metadata={"doc": "Of `max_position_volume`: how many lots.", "read": above_zero}
    )
    follow: Follow = field(default=Follow.CLOSE, metadata={"doc": "What follows an offence; `min_hold` has none."})
    scope: FlattenScope = field(default=FlattenScope.COPIES, metadata={"doc": _SCOPE})


@frozen
class FlatByKeys:
    """At each firing of `at` everything is closed, and no new risk is taken for as long as it lasts.

    The end of a session, the weekend, the last trade before a maintenance.
    """

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: FlatByKind = field(metadata={"doc": "This kind."})
    at: tuple[CronText, ...] = field(metadata={"doc": 'Cron expressions, such as `["10 15 * * mon-fri"]`.'})
    lasts: timedelta = field(
        metadata={"key": "for", "doc": "How long the account stays flat; from 1 min to 7 days.", "read": _LASTS}
    )
    name: str | None = field(default=None, metadata={"doc": _NAME})
    timezone: ZoneInfo | None = field(default=None, metadata={"doc": "IANA zone; the service's where none is given."})
    no_new_before: timedelta = field(
        default=timedelta(0),
        metadata={
            "doc": "How long before each firing no new risk is taken any more; up to 1 day.",
            "read": duration_within(timedelta(0), timedelta(days=1)),
        },
    )
    scope: FlattenScope = field(default=FlattenScope.COPIES, metadata={"doc": _SCOPE})


@frozen
class BudgetKeys:
    """How much of something an account may use up from one reset to the next. Closing is never denied by it."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: BudgetKind = field(metadata={"doc": "What is counted."})
    amount: Decimal = field(metadata={"doc": "How many orders or lots.", "read": above_zero})
    reset: Reset = field(metadata={"doc": 'When counting begins anew: `"00:00 Europe/Prague"`.', "read": read_reset})
    name: str | None = field(default=None, metadata={"doc": _NAME})
    period: TargetPeriod = field(
        default=TargetPeriod.DAY, metadata={"doc": "How long it counts: anything but `total`."}
    )
    week_starts: Weekday = field(default=Weekday.MONDAY, metadata={"doc": "The local day whose reset begins a week."})
    warn_at: Decimal | None = field(
        default=Decimal("0.75"),
        metadata={"doc": "Part of the amount whose use draws a warning.", "read": or_off(ratio_above_zero)},
    )


Keys: TypeAlias = PositionRuleKeys | FlatByKeys | BudgetKeys

_CLASSES: Mapping[str, type[Any]] = {
    **{kind.value: PositionRuleKeys for kind in PositionRuleKind},
    **{kind.value: FlatByKeys for kind in FlatByKind},
    **{kind.value: BudgetKeys for kind in BudgetKind},
}


def conduct_keys(kind: object) -> type[Keys] | None:
    """Return the class of a row of that kind, None where it is not read here."""
    return _CLASSES.get(kind) if isinstance(kind, str) else None


def is_conduct(row: object) -> bool:
    """Tell whether a [[limits]] row is one of these."""
    return has_kind(row, _CLASSES)


def read_conduct(reader: Reader, rows: list[Any], accounts: Collection[str], timezone: ZoneInfo) -> tuple[Conduct, ...]:
    """Return the rules of conduct without faults among all [[limits]] rows.

    Args:
        timezone: of hours and resets that name none.
    """
    mine = rows_of_kinds(reader, make_converter(texts=TEXT_READINGS), rows, _CLASSES)
    return tuple(read_rows(reader, mine, accounts, lambda keys, rule_id: conduct_of(keys, rule_id, timezone)).values())


def conduct_of(keys: Keys, rule_id: str, timezone: ZoneInfo) -> Conduct:
    """Return the rule that the keys describe.

    Raises:
        ValueError: keys that do not fit together; the text begins with the rule and the key.
    """
    account = AccountId(keys.account)
    match keys:
        case PositionRuleKeys():
            if isinstance(keys.amount, Percent) and keys.amount.fraction > 1:
                raise ValueError(f"rule {rule_id}: amount must be at most 100 %")
            volume = None if keys.volume is None else Volume(keys.volume)
            return PositionRule(rule_id, account, keys.kind, keys.amount, keys.within, volume, keys.follow, keys.scope)
        case FlatByKeys():
            if not keys.at:
                raise ValueError(f"rule {rule_id}: at must name at least one moment")
            firings = tuple(Cron(text, keys.timezone or timezone) for text in keys.at)
            return FlatBy(rule_id, account, firings, keys.lasts, keys.no_new_before, keys.scope)
        case BudgetKeys():
            if keys.period is TargetPeriod.TOTAL:
                raise ValueError(f"rule {rule_id}: period must not be total")
            weekday = list(Weekday).index(keys.week_starts)
            reset = ResetTime(keys.reset.at, keys.reset.zone or timezone, Period(keys.period.value), weekday)
            return Budget(rule_id, account, keys.kind, keys.amount, reset, keys.warn_at)
