"""Says in lines of text what a configuration would run: for `copier check`."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs

from copier.config.checks import duration_text
from rules.distances import Distance, DistanceUnit
from rules.limits_days import ResetTime
from rules.limits_policy import Cash, Limit, Percent
from rules.policy import CopyPolicy
from rules.schedule import Schedule
from rules.symbols import SymbolMap
from rules.values import plain

if TYPE_CHECKING:
    from copier.config.model import Configuration


def summary_lines(configuration: "Configuration") -> tuple[str, ...]:
    """Return the lines; no secret is among them, as a venue's settings are not shown."""
    return tuple(_lines(configuration))


def _lines(configuration: "Configuration") -> Iterator[str]:
    service = configuration.service
    yield f"ledger {service.ledger}, timezone {service.timezone.key}"
    for account in configuration.accounts.values():
        yield f"account {account.account}: {account.venue}, compared every {duration_text(account.reconcile_every)}"
    for link in configuration.links:
        yield f"link {link.link_id}: {link.state.value}, policy {link.policy.name}"
    for limit in configuration.limits:
        yield f"limit {limit.limit_id}: {_limit(limit)}"
    for cap in configuration.caps:
        yield f"limit {cap.account}/{cap.kind.value}: {shown(cap.amount)}"
    told: list[CopyPolicy] = []
    for policy in (link.policy for link in configuration.links):
        if policy not in told:
            told.append(policy)
            yield f"policy {policy.name}:"
            for name, value in _keys(policy):
                yield f"  {name} = {value}"


def _limit(limit: Limit) -> str:
    skipped = {"limit_id", "account", "kind"}
    parts = (field.name for field in attrs.fields(Limit) if field.name not in skipped)
    return ", ".join(f"{name} {shown(value)}" for name in parts if (value := getattr(limit, name)) is not None)


def _keys(policy: CopyPolicy) -> Iterator[tuple[str, str]]:
    for part in attrs.fields(CopyPolicy):
        value = getattr(policy, part.name)
        if part.name == "name":
            continue
        if attrs.has(type(value)) and not isinstance(value, Schedule | SymbolMap):
            for key in attrs.fields(type(value)):
                if key.init:
                    yield f"{part.name}.{key.name}", shown(getattr(value, key.name))
        else:
            yield part.name, shown(value)


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
    if isinstance(value, ResetTime):
        return f"{value.at.isoformat()} {value.zone.key}"
    if isinstance(value, Distance):
        unit = "" if value.unit is DistanceUnit.PRICE else f" {value.unit.value}"
        return plain(value.amount) + unit
    if isinstance(value, SymbolMap):
        return f"{len(value.rows)} rows"
    if isinstance(value, Schedule):
        return f"{value.name} ({value.timezone})"
    if isinstance(value, tuple | frozenset):
        return "[" + ", ".join(sorted(shown(item) for item in value)) + "]"
    return str(value)
