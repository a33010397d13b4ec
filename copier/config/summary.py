"""Says in lines of text what a configuration would run: for `copier check`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from copier.config.checks import duration_text
from copier.config.effective import policy_lines, shown
from rules.alerts.routes import AlertRoute
from rules.limits.conduct_policy import Conduct
from rules.limits.policy import Limit
from rules.limits.results_policy import Results
from rules.policy.links import CopyPolicy

if TYPE_CHECKING:
    from copier.config.alerts import AlertConfig
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
        tiers = "".join(f", {shown(tier.amount)} from {cap.by.value} {shown(tier.reached)}" for tier in cap.tiers)
        yield f"limit {cap.account}/{cap.kind.value}: {shown(cap.amount)}{tiers}"
    for name, calendar in configuration.calendars.items():
        place = "an address" if calendar.file is None else calendar.file
        yield f"news {name}: from {place}, read every {duration_text(calendar.refresh)}"
    for each, schedules in configuration.maintenance.items():
        yield f"maintenance of {each}: {', '.join(schedule.name for schedule in schedules)}"
    for alerts in configuration.alerts:
        yield f"{alerts.route.name} to {', '.join(_destinations(alerts))}: {_route(alerts.route)}"
    for rule in (*configuration.conduct, *configuration.results):
        yield f"limit {rule.rule_id}: {_conduct(rule)}"
    told: list[CopyPolicy] = []
    for total in configuration.sums.values():
        if total.policy not in told:
            told.append(total.policy)
            yield f"policy {total.policy.name}:"
            written = [text for text, line in policy_lines(total) if line is not None]
            yield from (f"  {text}" for text in written or ["all defaults"])


def _destinations(alerts: "AlertConfig") -> Iterator[str]:
    yield from (each.name for each in alerts.addresses)
    if alerts.webhook is not None:
        yield "a signed webhook"


def _route(route: AlertRoute) -> str:
    kinds = shown(tuple(sorted(kind.value for kind in route.kinds))) if route.kinds else "all kinds"
    accounts = f" about {shown(tuple(sorted(route.accounts)))}" if route.accounts else ""
    return f"{kinds}{accounts} from {route.min_severity.value} on, again after {duration_text(route.repeat)}"


def _conduct(rule: Conduct | Results) -> str:
    """Return what a rule says of itself, but for its name."""
    parts = (each.name for each in attrs.fields(type(rule)) if each.name not in ("rule_id", "account", "kind"))
    return ", ".join(f"{name} {shown(value)}" for name in parts if (value := getattr(rule, name)) is not None)


def _limit(limit: Limit) -> str:
    skipped = {"limit_id", "account", "kind"}
    parts = (field.name for field in attrs.fields(Limit) if field.name not in skipped)
    return ", ".join(f"{name} {shown(value)}" for name in parts if (value := getattr(limit, name)) is not None)
