"""What commands about the past are asked for: days and instants in the zone of the config, an account or a link."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from copier.commands.configs import read_config
from copier.config.model import Configuration
from copier.performance.scope import Scope
from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId

DAY = timedelta(days=1)

_YEARS = range(1970, 9999)
"""Beyond them days and zones have no neighbours to reckon with."""


class WrongAsked(Exception):
    """What was given is no time, or ends before it begins; or there is no such account or link."""


@frozen
class Span:
    """From `since` on and before `until`; None: without end."""

    since: datetime | None
    until: datetime | None


@frozen
class Asked:
    """From when to when, and about whom."""

    from_: Annotated[
        str | None, Parameter(name="--from", help="Its first day (2026-11-20), or an instant with its zone.")
    ] = None
    to: Annotated[str | None, Parameter(name="--to", help="Its last day, or the instant before which it ends.")] = None
    account: Annotated[str | None, Parameter(help="Only what concerns this account.")] = None
    link: Annotated[str | None, Parameter(help="Only what concerns this link, such as `master->prop`.")] = None

    def span(self, zone: ZoneInfo) -> Span:
        """Return the time that was asked for.

        Raises:
            WrongAsked: it is none.
        """
        since = None if self.from_ is None else _instant("--from", self.from_, zone, timedelta(0))
        until = None if self.to is None else _instant("--to", self.to, zone, DAY)
        if since is not None and until is not None and since >= until:
            raise WrongAsked(f"expected --to after --from, found {self.to} and {self.from_}")
        return Span(since, until)

    def scope(self, config: Configuration | None, span: Span) -> Scope:
        """Return what was asked for within a span.

        Raises:
            WrongAsked: the config, where there is one, has no such account or link.
        """
        if config is not None and self.account is not None and self.account not in config.accounts:
            raise WrongAsked(f"--account: expected one of {', '.join(config.accounts)}, found {self.account!r}")
        links = [] if config is None else [link.link_id for link in config.links]
        if config is not None and self.link is not None and self.link not in links:
            raise WrongAsked(f"--link: expected one of {', '.join(links)}, found {self.link!r}")
        account = None if self.account is None else AccountId(self.account)
        return Scope(span.since, span.until, account, None if self.link is None else LinkId(self.link))


def day_of(text: str, zone: ZoneInfo, now: datetime) -> date:
    """Return the day that a text names: a date, `today` or `yesterday`.

    Raises:
        WrongAsked: it names none.
    """
    today = now.astimezone(zone).date()
    if text in ("today", "yesterday"):
        return today if text == "today" else today - DAY
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongAsked(f"--day: expected a day such as 2026-11-20, today or yesterday, found {text!r}") from None


def span_of_day(day: date, zone: ZoneInfo) -> Span:
    """Return the day from midnight to midnight, which is 23 or 25 hours where clocks are changed.

    Raises:
        WrongAsked: nobody traded then.
    """
    if day.year not in _YEARS:
        raise WrongAsked(f"--day: expected a year from {_YEARS[0]} to {_YEARS[-1]}, found {day.year}")
    return Span(_midnight(day, zone), _midnight(day + DAY, zone))


def config_and_ledger(file: Path, ledger: Path | None) -> tuple[Configuration | None, Path]:
    """Return the config of a command, None where it was given a ledger instead of one, and where the ledger is."""
    if ledger is not None:
        return None, ledger
    config = read_config(file)
    return config, config.service.ledger


def zone_of(config: Configuration | None) -> ZoneInfo:
    """Return the zone in which days begin."""
    return ZoneInfo("UTC") if config is None else config.service.timezone


def _instant(flag: str, text: str, zone: ZoneInfo, after_day: timedelta) -> datetime:
    at: datetime | None = None
    try:
        at = _midnight(date.fromisoformat(text) + after_day, zone)
    except (ValueError, OverflowError):
        with suppress(ValueError):
            at = datetime.fromisoformat(text)
    if at is None or at.tzinfo is None or at.year not in _YEARS:
        raise WrongAsked(
            f"{flag}: expected a day such as 2026-11-20, or an instant with its zone such as 2026-11-20T15:00:00Z, "
            f"found {text[:40]!r}"
        )
    return at


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
