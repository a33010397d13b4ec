"""The service of a config, made: for `copier run`, the demo, and whoever runs one inside a program."""

from collections.abc import Callable, Iterable
from random import Random
from typing import TextIO

from adapters.base import Account
from adapters.transport.network import connect_tcp
from copier.clock import utc_now
from copier.config.model import Configuration
from copier.ledger.journal import Listener
from copier.ledger.ledger import Ledger
from copier.service.calendars import CalendarReader
from copier.service.service import Options, Service
from copier.telling.console import Narrator
from copier.web.changes import Changes
from rules.model.values import AccountId


def make_service(
    config: Configuration,
    accounts: dict[AccountId, Account],
    ledger: Ledger,
    *,
    dry_run: bool = False,
    out: TextIO | None = None,
    listeners: Iterable[Listener] = (),
    stuck: Callable[[str | None], None] = lambda _: None,
    changes: Changes | None = None,
) -> Service:
    """Return the service of a config over opened accounts; `changes` is told what changes."""
    changes = changes or Changes()
    changes.begin_after(ledger.last_seq)
    return Service(
        rulebook=config.rulebook,
        calendars=[_calendar(config, name, dry_run=dry_run) for name in config.calendars],
        accounts=accounts,
        ledger=ledger,
        utc_now=utc_now,
        random=Random(),
        options=Options(
            drain_s=config.service.drain.total_seconds(),
            close_orphans=config.service.close_orphans,
            dry_run=dry_run,
        ),
        reconcile_every_s={name: each.reconcile_every.total_seconds() for name, each in config.accounts.items()},
        listeners=[Narrator(out), changes.record, *listeners],
        stuck=stuck,
        touched=changes.touch,
    )


def _calendar(config: Configuration, name: str, *, dry_run: bool) -> CalendarReader:
    """Return the reader of a calendar, whose last good copy lies beside the ledger."""
    ledger = config.service.ledger
    kept = None if dry_run else ledger.with_name(f"{ledger.name}.news-{name}")
    return CalendarReader(name, config.calendars[name], connect=connect_tcp, now=utc_now, kept=kept)
