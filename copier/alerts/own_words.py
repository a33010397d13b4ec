"""Alerts of the service about itself, which no record of the ledger tells."""

from collections.abc import Iterable
from datetime import datetime

from copier.telling.wording import printable
from rules.alerts.kinds import Alert, AlertKind
from rules.model.severity import Severity

_LINES_MAX = 5
"""Of one alert: it is read on a phone. The log has the others."""


def service_started(at: datetime, links: int, accounts: int, *, again: bool = False) -> Alert:
    """Return the alert that the service runs; `again`: by a config that was changed while it ran."""
    kind = AlertKind.SERVICE_STARTED
    title = "copier runs by the changed config" if again else "copier runs"
    return Alert(kind, "service", title, at, kind.severity, (f"{links} links, {accounts} accounts",))


def config_refused(at: datetime, problems: Iterable[str]) -> Alert:
    """Return the alert that a changed config was not taken."""
    kind = AlertKind.CONFIG_REFUSED
    lines = [printable(problem) for problem in problems]
    more = (f"and {len(lines) - _LINES_MAX} more",) if len(lines) > _LINES_MAX else ()
    title = "the changed config is not taken: the old one goes on"
    return Alert(kind, "config", title, at, kind.severity, (*lines[:_LINES_MAX], *more))


def service_ended(at: datetime, why: str | None, orders: int) -> Alert:
    """Return the alert that the service ended; `why` is None where somebody asked for it."""
    kind = AlertKind.SERVICE_ENDED
    under_way = (f"{orders} orders were under way; the next start asks the venues",) if orders else ()
    if why is None:
        return Alert(kind, "service", "copier has ended, as asked", at, kind.severity, under_way)
    return Alert(kind, "service", "copier has ended by itself", at, Severity.CRITICAL, (printable(why), *under_way))


def ledger_stuck(at: datetime, error: str | None) -> Alert:
    """Return the alert that the ledger cannot be written, or, with no error, that it can again."""
    kind = AlertKind.LEDGER_STUCK
    title = "no order leaves: the ledger cannot be written" if error else "the ledger can be written again"
    lines = (printable(error),) if error else ()
    return Alert(kind, "ledger", title, at, kind.severity, lines, lasts=True, over=error is None)


def surface_failed(at: datetime, what: str) -> Alert:
    """Return the alert that what serves clients met a bug."""
    kind = AlertKind.SURFACE_FAILED
    return Alert(kind, "surface", "a request failed by a bug; trading goes on", at, kind.severity, (printable(what),))


def nothing_served(at: datetime, why: str) -> Alert:
    """Return the alert that a changed config left the dashboard and the APIs without a port."""
    kind = AlertKind.SURFACE_FAILED
    title = "the dashboard and the APIs are not served; trading goes on"
    return Alert(kind, "surface", title, at, kind.severity, (printable(why),))


def trial_alert(at: datetime) -> Alert:
    """Return the alert of `copier alerts test`."""
    kind = AlertKind.TEST
    lines = ("If you can read this, alerts of this copier reach you.",)
    return Alert(kind, "test", "copier: this is a test", at, kind.severity, lines)
