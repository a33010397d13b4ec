"""`copier run`: the service."""

import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated, TextIO

import structlog
import trio
from cyclopts import Parameter

from adapters.base import Account
from adapters.registry import open_account
from adapters.transport.network import connect_tcp
from copier.alerts.words import AlertWords, ledger_stuck, service_ended, service_started, surface_failed
from copier.clock import utc_now
from copier.commands.alerts import alerting
from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, INTERRUPTED, explained
from copier.config.model import Configuration
from copier.ledger.journal import Listener
from copier.ledger.ledger import Ledger
from copier.service.calendars import CalendarReader
from copier.service.control import control_path, serve_control
from copier.service.dry_run import ledger_copy
from copier.service.service import Options, Service
from copier.telling.console import Narrator
from copier.telling.logs import configure_logs
from copier.web.changes import Changes
from copier.web.serve import serve_surface
from copier.web.store import opened_store, store_path
from copier.web.surface import Surface
from rules.model.values import AccountId

ONCE_S_MAX = 60.0
"""`--once` gives up after this long: an account that cannot be reached would keep it for ever."""

_log = structlog.get_logger("run")


def run(
    file: Path = Path("copier.toml"),
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Decide and print everything, send nothing, write nothing.")] = False,
    once: Annotated[bool, Parameter(help="Reconcile, converge, exit.")] = False,
    quiet: Annotated[bool, Parameter(help="Do not print copies and denials; the log still goes to stderr.")] = False,
) -> int:
    """Copy as FILE says, until SIGTERM or Ctrl-C."""
    with explained():
        config = read_config(file)
        configure_logs(config.service.log_level.value)
        ledger = ledger_copy(config.service.ledger) if dry_run else Ledger.open(config.service.ledger)
        try:
            return trio.run(_run, config, ledger, dry_run, once, quiet)
        finally:
            ledger.close()


COLLECT_AFTER = 10_000
"""Objects that are new before the garbage collector looks at them, for some 2 ms: what we keep has no cycles, so that
it finds little. By Python's own 700, its looks cost an order as much as its size does."""


def spare_collector() -> None:
    """Take what was loaded up to now out of the garbage collector's sight: it stays, and a look at it takes 40 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])


async def _run(config: Configuration, ledger: Ledger, dry_run: bool, once: bool, quiet: bool) -> int:
    stop = trio.Event()
    stopped_by: list[int] = []
    async with open_accounts(config) as accounts, alerting(config, quiet=dry_run) as alerter:
        words, changes = AlertWords(alerter.take), Changes()
        service = make_service(
            config,
            accounts,
            ledger,
            dry_run=dry_run,
            out=None if quiet else sys.stdout,
            listeners=[words],
            stuck=lambda error: alerter.take(ledger_stuck(utc_now(), error)),
            changes=changes,
        )
        alerter.take(service_started(utc_now(), len(config.links), len(config.accounts)))
        for record in service.lasting():  # of which the last run's reminders ended with it
            words(record, utc_now())
        spare_collector()
        kept = None if dry_run else store_path(config.service.ledger)
        with opened_store(kept) as store:
            async with trio.open_nursery() as nursery:
                await nursery.start(_watch_signals, stop, stopped_by, nursery.cancel_scope)
                if not dry_run:
                    await nursery.start(serve_control, control_path(config.service.ledger), service.pull)
                if config.service.listen is not None:
                    surface = Surface(config, service, changes, utc_now=utc_now, store=store, alerter=alerter)
                    serve = partial(serve_surface, failed=lambda what: alerter.take(surface_failed(utc_now(), what)))
                    await nursery.start(serve, surface, config.service.listen)
                _log.info("running", links=len(config.links), accounts=len(config.accounts), dry_run=dry_run)
                with trio.move_on_after(ONCE_S_MAX if once else float("inf")) as scope:
                    await service.run(stop, until_converged=once)
                nursery.cancel_scope.cancel()
        why = f"not converged within {ONCE_S_MAX:.0f} s" if scope.cancelled_caught else None
        alerter.take(service_ended(utc_now(), why, service.convergence.in_flight()))
    if scope.cancelled_caught:
        _log.error("not converged in time", seconds=ONCE_S_MAX)
        return FAILED
    for stage, figures in service.latency.summary().items():
        _log.info("latency", stage=stage, count=figures["count"], p50_ms=figures["p50"], p99_ms=figures["p99"])
    _log.info("ended", orders_under_way=service.convergence.in_flight())
    return INTERRUPTED if signal.SIGINT in stopped_by else FINE


@asynccontextmanager
async def open_accounts(config: Configuration) -> AsyncIterator[dict[AccountId, Account]]:
    """Make the accounts of a config, and close their connections at the end."""
    accounts = {
        name: open_account(account.venue, name, account.settings, connect=connect_tcp, now=utc_now)
        for name, account in config.accounts.items()
    }
    try:
        yield accounts
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(1):
            for account in accounts.values():
                await account.aclose()


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


async def _watch_signals(
    stop: trio.Event,
    stopped_by: list[int],
    scope: trio.CancelScope,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """End the service at the first signal after a drain, at the second at once."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for received in signals:
            stopped_by.append(received)
            if stop.is_set():
                scope.cancel()
            _log.info("stopping, orders under way are waited for", signal=signal.Signals(received).name)
            stop.set()
