"""A policy's sum, value by value, each with the line that it was written in."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from copier.config.checks import duration_text
from copier.config.policies import PolicyKeys
from copier.config.policy_book import PolicySum
from copier.config.positions import KeyPath
from copier.config.structure import VALUES, toml_key
from rules.limits.days import Period, ResetTime
from rules.limits.results_policy import KeepAlive
from rules.limits.terms import Cash, Percent, StagedLock
from rules.model.frozen import frozen
from rules.model.values import plain
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.limits import Together
from rules.policy.mismatch import Tolerance, ToleranceUnit
from rules.policy.pacing import Span
from rules.times.cron import Cron

_SHOWN_ELSEWHERE = {"extends", "per_symbol"}


@frozen
class EffectiveKey:
    """One value of a sum; `line` is None for a default."""

    key: str
    value: str
    line: int | None


def effective_keys(total: PolicySum) -> tuple[EffectiveKey, ...]:
    """Return every value of a policy, as the config writes it."""
    return tuple(_keys(total, total.keys, ()))


def row_keys(total: PolicySum, row: PolicySum) -> tuple[EffectiveKey, ...]:
    """Return the values of a row of `per_symbol` that are not those of the policy around it."""
    around = set(effective_keys(total))
    return tuple(each for each in effective_keys(row) if each not in around)


def policy_lines(total: PolicySum) -> Iterator[tuple[str, int | None]]:
    """Yield what a policy is in lines of text, each with the line of the file where it was written."""
    for each in effective_keys(total):
        yield f"{each.key} = {each.value}", each.line
    for number, (symbols, row) in enumerate(zip(total.policy.per_symbol, total.rows, strict=True), 1):
        yield f"per_symbol row {number}, {symbols.on.value} {symbols.match}:", total.lines.get(("per_symbol",))
        for each in row_keys(total, row):
            yield f"  {each.key} = {each.value}", each.line


def _keys(total: PolicySum, section: Any, path: KeyPath) -> Iterator[EffectiveKey]:
    for attribute in attrs.fields(type(section)):
        if not attribute.init or (isinstance(section, PolicyKeys) and attribute.name in _SHOWN_ELSEWHERE):
            continue
        at = (*path, toml_key(attribute))
        value = getattr(section, attribute.name)
        if attrs.has(type(value)) and type(value) not in VALUES and "read" not in attribute.metadata:
            yield from _keys(total, value, at)
        else:
            yield EffectiveKey(".".join(str(part) for part in at), shown(value), _line(total, at))


def _line(total: PolicySum, at: KeyPath) -> int | None:
    """Return where a value was written; one whose class reads a whole table was written where its first key was."""
    below = (line for place, line in total.lines.items() if place[: len(at)] == at)
    return total.lines.get(at) or min(below, default=None)


def shown(value: Any) -> str:
    """Return a value as the config writes it, or in a few words."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Percent):
        return f"{plain(value.fraction * 100)} %"
    if isinstance(value, Cash):
        return plain(value.amount) + (f" {value.currency}" if value.currency else "")
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, Cron):
        return f"{value.expression} {value.zone.key}"
    if isinstance(value, ResetTime):
        each = "" if value.period is Period.DAY else f" each {value.period.value}"
        return f"{value.at.isoformat()} {value.zone.key}{each}"
    if isinstance(value, StagedLock):
        return f"{shown(value.floor)} of {value.of.value} at a profit of {shown(value.profit)} in {value.metric.value}"
    if isinstance(value, Span):
        two = value.least != value.most
        return f'["{shown(value.least)}", "{shown(value.most)}"]' if two else shown(value.least)
    if isinstance(value, Distance):
        unit = "" if value.unit is DistanceUnit.PRICE else f" {value.unit.value}"
        return plain(value.amount) + unit
    if isinstance(value, Tolerance):
        return _tolerance(value)
    if isinstance(value, Together):
        return f"{shown(value.symbols)} up to {plain(value.max_volume)} lots"
    if isinstance(value, KeepAlive):
        return f"{value.symbol} at {shown(value.at)} after {shown(value.after)}, held for {shown(value.lasts)}"
    if isinstance(value, frozenset):
        return shown(tuple(sorted(value, key=shown)))
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)


def _tolerance(value: Tolerance) -> str:
    if value.unit is ToleranceUnit.STEPS:
        return f"{plain(value.amount)} steps"
    return f"{plain(value.amount * 100)} %" if value.currency is None else f"{plain(value.amount)} {value.currency}"
