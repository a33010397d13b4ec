"""Reads the [[limits]] on results over time: consistency, trading days, inactivity."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.checks import TEXT_READINGS, CronText, count_above_zero, duration_within
from copier.config.errors import Fault, shown_value
from copier.config.limit_keys import (
    ConsistencyKind,
    InactivityKind,
    MinDaysKind,
    Reset,
    read_cash,
    read_fraction,
    read_reset,
)
from copier.config.limit_rows import has_kind, read_rows, rows_of_kinds
from copier.config.reader import Reader
from copier.config.structure import make_converter
from copier.config.units import read_amount
from rules.limits.days import ResetTime, reset_on
from rules.limits.results_policy import (
    BookedBy,
    Consistency,
    Inactivity,
    KeepAlive,
    OnExcess,
    ProfitBase,
    Results,
    TradingDays,
)
from rules.limits.terms import LimitAmount
from rules.model.frozen import frozen
from rules.model.values import AccountId, Symbol
from rules.times.cron import Cron

_NAME = "Tells two limits of one kind apart."
_SINCE = "The date from which on it counts: the phase's or the payout cycle's first day."
_RESET = 'When days begin: `"00:00 Europe/Prague"`.'
_BY = "The day to which a profit belongs."
_INITIAL = "What a percent is of, in the account's currency."


def read_date(value: object) -> date:
    """Return a TOML date."""
    if type(value) is not date:
        raise Fault("a date such as 2026-11-21, without quotes", shown_value(value))
    return value


@frozen
class ConsistencyKeys:
    """The best day may be at most a share of what was won. What is needed in all is told while it is more."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: ConsistencyKind = field(metadata={"doc": "This kind."})
    share: Decimal = field(metadata={"doc": 'How much the best day may be: `"40 %"`.', "read": read_fraction})
    reset: Reset = field(metadata={"doc": _RESET, "read": read_reset})
    since: date = field(metadata={"doc": _SINCE, "read": read_date})
    name: str | None = field(default=None, metadata={"doc": _NAME})
    base: ProfitBase = field(default=ProfitBase.TOTAL_PROFIT, metadata={"doc": "What it is a share of."})
    target: LimitAmount | None = field(
        default=None, metadata={"doc": 'Of `base = "target"`: cash, or a percent.', "read": read_amount}
    )
    by: BookedBy = field(default=BookedBy.CLOSE, metadata={"doc": _BY})
    on_excess: OnExcess = field(default=OnExcess.WARN, metadata={"doc": "What follows while it is too much."})
    initial_balance: Decimal | None = field(default=None, metadata={"doc": _INITIAL, "read": read_cash})


@frozen
class MinDaysKeys:
    """How many days must count. It forbids nothing; `copier limits` shows how many there are."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: MinDaysKind = field(metadata={"doc": "This kind."})
    days: int = field(metadata={"doc": "How many.", "read": count_above_zero})
    reset: Reset = field(metadata={"doc": _RESET, "read": read_reset})
    since: date = field(metadata={"doc": _SINCE, "read": read_date})
    name: str | None = field(default=None, metadata={"doc": _NAME})
    day_counts_if: LimitAmount | None = field(
        default=None,
        metadata={"doc": "The least profit of a day that counts: `0.5 %` or cash; none: a trade.", "read": read_amount},
    )
    by: BookedBy = field(default=BookedBy.CLOSE, metadata={"doc": _BY})
    initial_balance: Decimal | None = field(default=None, metadata={"doc": _INITIAL, "read": read_cash})


@frozen
class KeepAliveKeys:
    """The smallest trade that the account can do, bought and sold again at a firing where it is due.

    It passes the account's limits, caps, halts and maintenance windows as any copy does, and is not opened while the
    account holds the symbol (`KEEP_ALIVE_HELD`) or its history does not tell (`LIMIT_UNKNOWN`). What is denied is tried
    at the next firing; one that was missed is not made up for. It has no stop-loss.
    """

    symbol: str = field(metadata={"doc": "The account's own name of what is traded."})
    at: tuple[CronText, ...] = field(metadata={"doc": 'Cron expressions, such as `["0 10 * * tue"]`.'})
    timezone: ZoneInfo | None = field(default=None, metadata={"doc": "IANA zone; the service's where none is given."})
    after: timedelta | None = field(
        default=None,
        metadata={
            "doc": "How long the account must not have traded, less than `within`; else `warn_at` of it.",
            "read": duration_within(timedelta(minutes=1), timedelta(days=366)),
        },
    )
    lasts: timedelta = field(
        default=timedelta(0),
        metadata={
            "key": "for",
            "doc": "How long it is held before it is sold; up to 1 h.",
            "read": duration_within(timedelta(0), timedelta(hours=1)),
        },
    )


@frozen
class InactivityKeys:
    """How long an account may go without a trade before the firm closes it. A warning comes in time."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: InactivityKind = field(metadata={"doc": "This kind."})
    within: timedelta = field(
        metadata={
            "doc": 'How long: `"30d"`; up to 366 days.',
            "read": duration_within(timedelta(hours=1), timedelta(days=366)),
        }
    )
    since: date = field(metadata={"doc": _SINCE, "read": read_date})
    name: str | None = field(default=None, metadata={"doc": _NAME})
    warn_at: Decimal = field(
        default=Decimal("0.75"), metadata={"doc": "Part of that time after which it is told.", "read": read_fraction}
    )
    keep_alive: KeepAliveKeys | None = field(
        default=None, metadata={"doc": "A trade that keeps the account alive, where this is written; see below."}
    )


Keys: TypeAlias = ConsistencyKeys | MinDaysKeys | InactivityKeys

_CLASSES: Mapping[str, type[Any]] = {
    ConsistencyKind.CONSISTENCY.value: ConsistencyKeys,
    MinDaysKind.MIN_DAYS.value: MinDaysKeys,
    InactivityKind.INACTIVITY.value: InactivityKeys,
}


def results_keys(kind: object) -> type[Keys] | None:
    """Return the class of a row of that kind, None where it is not read here."""
    return _CLASSES.get(kind) if isinstance(kind, str) else None


def is_results(row: object) -> bool:
    """Tell whether a [[limits]] row is one of these."""
    return has_kind(row, _CLASSES)


def read_results(reader: Reader, rows: list[Any], accounts: Collection[str], timezone: ZoneInfo) -> tuple[Results, ...]:
    """Return the rules on results without faults among all [[limits]] rows.

    Args:
        timezone: of resets that name none.
    """
    mine = rows_of_kinds(reader, make_converter(texts=TEXT_READINGS), rows, _CLASSES)
    return tuple(read_rows(reader, mine, accounts, lambda keys, rule_id: results_of(keys, rule_id, timezone)).values())


def results_of(keys: Keys, rule_id: str, timezone: ZoneInfo) -> Results:
    """Return the rule that the keys describe.

    Raises:
        ValueError: keys that do not fit together; the text begins with the rule and the key.
    """
    account = AccountId(keys.account)
    if isinstance(keys, InactivityKeys):
        began = datetime.combine(keys.since, time(), UTC)
        return Inactivity(rule_id, account, keys.within, began, keys.warn_at, _keep_alive(keys, timezone))
    reset = ResetTime(keys.reset.at, keys.reset.zone or timezone)
    began = _began(reset, keys.since)
    if isinstance(keys, MinDaysKeys):
        return TradingDays(rule_id, account, keys.days, reset, began, keys.day_counts_if, keys.by, keys.initial_balance)
    return Consistency(
        rule_id,
        account,
        keys.share,
        reset,
        began,
        keys.base,
        keys.target,
        keys.by,
        keys.on_excess,
        keys.initial_balance,
    )


def _keep_alive(keys: InactivityKeys, timezone: ZoneInfo) -> KeepAlive | None:
    trade = keys.keep_alive
    if trade is None:
        return None
    firings = tuple(Cron(text, trade.timezone or timezone) for text in trade.at)
    part = Fraction(keys.warn_at)
    after = keys.within * part.numerator // part.denominator if trade.after is None else trade.after
    return KeepAlive(Symbol(trade.symbol), firings, after, trade.lasts)


def _began(reset: ResetTime, day: date) -> datetime:
    """Return the reset of a local date; a date that its zone left out begins with the next one."""
    return reset_on(reset, day) or _began(reset, day + timedelta(days=1))
