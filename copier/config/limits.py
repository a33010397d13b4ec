"""Reads the [[limits]] on losses and profits: how much an account may lose, or win, before it is stopped."""

from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from attrs import fields

from copier.config.caps import is_cap
from copier.config.conduct import is_conduct
from copier.config.errors import Fault
from copier.config.limit_keys import LimitKeys, TargetPeriod, Weekday
from copier.config.limit_rows import refuse_account
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.results import is_results
from copier.config.structure import make_converter, toml_key
from rules.limits.days import Period, ResetTime
from rules.limits.policy import PERIODS, Limit
from rules.limits.terms import LimitKind, Metric, StagedLock
from rules.model.values import AccountId


def read_limits(
    reader: Reader, rows: list[Any], accounts: Collection[str], timezone: ZoneInfo
) -> tuple[tuple[Limit, KeyPath], ...]:
    """Return the limits without faults, each with its place.

    Args:
        timezone: of resets that name none.
    """
    converter = make_converter()
    places: dict[str, int] = {}
    found = []
    for index, raw in enumerate(rows):
        path: KeyPath = ("limits", index)
        if is_cap(raw) or is_conduct(raw) or is_results(raw):
            continue
        keys = reader.structure(converter, LimitKeys, raw, path)
        if keys is None:
            continue
        limit = _limit(reader, keys, path, timezone)
        if keys.account not in accounts:
            refuse_account(reader, path, keys.account, accounts)
        elif limit is not None and limit.limit_id in places:
            found_text = f"a second limit {limit.limit_id} (the first is limits[{places[limit.limit_id]}])"
            reader.fault(path, Fault("limits of one account and kind to have names", found_text, "give it a `name`"))
        elif limit is not None:
            places[limit.limit_id] = index
            found.append((limit, path))
    return tuple(found)


def _limit(reader: Reader, keys: LimitKeys, path: KeyPath, timezone: ZoneInfo) -> Limit | None:
    try:
        return limit_of(keys, timezone)
    except LimitRefused as refused:
        at = path if refused.key is None else (*path, refused.key)
        reader.fault(at, Fault("keys that fit together", f"a limit whose {refused}"))
        return None


class LimitRefused(ValueError):
    """Keys of a limit do not fit together; the text begins with the one that is named."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        word = text.partition(" ")[0]
        known = {toml_key(attribute) for attribute in fields(LimitKeys)}
        self.key = word if word in known else None


def limit_of(keys: LimitKeys, timezone: ZoneInfo) -> Limit:
    """Return the limit that the keys describe; `timezone` is of a reset that names none.

    Raises:
        LimitRefused: keys that do not fit together.
    """
    limit_id = f"{keys.account}/{keys.kind.value}" + (f"/{keys.name}" if keys.name else "")
    left_out = {"name", "period", "week_starts", "lock_when"}
    same = {each.name: getattr(keys, each.name) for each in fields(LimitKeys) if each.name not in left_out}
    lock = keys.lock_when
    same["lock_when"] = None if lock is None else StagedLock(lock.profit, lock.floor, lock.metric, lock.of)
    same["account"] = AccountId(keys.account)
    same["reset"] = _reset_of(keys, timezone)
    if lock is not None and lock.metric is Metric.DAY_NET_PNL:
        raise LimitRefused("lock_when must watch balance or equity")
    try:
        return Limit(limit_id=limit_id, **same)
    except ValueError as error:
        # Its text is "limit ID: KEY what is wrong with it".
        raise LimitRefused(str(error).removeprefix(f"limit {limit_id}: ")) from None


def _reset_of(keys: LimitKeys, timezone: ZoneInfo) -> ResetTime | None:
    """Return the reset with the period that the kind, or a target's own key, gives it."""
    period = PERIODS.get(keys.kind, Period.DAY)
    if keys.kind is not LimitKind.PROFIT_TARGET:
        if keys.period is not TargetPeriod.TOTAL:
            raise LimitRefused("period is for profit_target; losses name theirs in `kind`")
    elif keys.period is TargetPeriod.TOTAL:
        if keys.reset is not None:
            raise LimitRefused("reset is for targets of a day, week, month, quarter or year: write `period`")
    elif keys.reset is None:
        raise LimitRefused(f"reset is required by a target of a {keys.period.value}")
    else:
        period = Period(keys.period.value)
    if keys.week_starts is not Weekday.MONDAY and period is not Period.WEEK:
        raise LimitRefused("week_starts is for weekly limits")
    if keys.reset is None:
        return None
    weekday = list(Weekday).index(keys.week_starts)
    return ResetTime(keys.reset.at, keys.reset.zone or timezone, period, weekday)
