"""A service in this process: by one config, and by each that takes its place while it runs."""

import signal
import sys
from collections.abc import AsyncIterator, Sequence
from functools import partial

import structlog
import trio
from attrs import define, field

from copier.alerts.alerting import Alerter
from copier.alerts.own_words import (
    config_refused,
    ledger_stuck,
    nothing_served,
    service_ended,
    service_started,
    surface_failed,
)
from copier.alerts.words import AlertWords
from copier.clock import utc_now
from copier.collector import spare_collector
from copier.commands.accounts import OpenAccounts
from copier.commands.alerts import alerting
from copier.commands.ending import Ending
from copier.commands.exits import FAILED, FINE, INTERRUPTED
from copier.commands.make_service import make_service
from copier.commands.reloading import ConfigFile, next_config
from copier.config.listen import Listen
from copier.config.model import Configuration
from copier.ledger.ledger import Ledger
from copier.service.control import control_path, serve_control
from copier.service.service import Service
from copier.telling.logs import configure_logs
from copier.web.changes import Changes
from copier.web.serve import CannotListen, serve_surface
from copier.web.store import opened_store, store_path
from copier.web.surface import Surface
from rules.model.frozen import frozen

ONCE_S_MAX = 60.0
"""`--once` gives up after this long: an account that cannot be reached would keep it for ever."""

_log = structlog.get_logger("run")


@frozen
class How:
    """What was asked for besides the config."""

    dry_run: bool = False
    once: bool = False
    quiet: bool = False


@define
class Running:
    """The service of a config file, on its ledger; `run` it once."""

    file: ConfigFile
    ledger: Ledger
    how: How
    accounts: OpenAccounts = field(factory=OpenAccounts)
    ending: Ending = field(factory=Ending)

    async def run(self, config: Configuration) -> int:
        """Run by a config, and by each that takes its place, until a signal ends it; return the exit code.

        Raises:
            CannotListen: what serves the dashboard cannot have its port.
            LedgerFailed: the ledger cannot be trusted any more.
        """
        try:
            # Hangups are heard from first to last: by default they end a process.
            with trio.open_signal_receiver(signal.SIGHUP) as hangups:
                async with trio.open_nursery() as nursery:
                    await nursery.start(watch_signals, self.ending)
                    code = await self._run_by(config, hangups)
                    while (changed := self.ending.begin_again()) is not None:
                        if changed.service.log_level is not config.service.log_level:
                            configure_logs(changed.service.log_level.value)
                        config, code = changed, await self._run_by(changed, hangups, again=True)
                    nursery.cancel_scope.cancel()
        finally:
            await self.accounts.aclose()
        return code

    async def _run_by(self, config: Configuration, hangups: AsyncIterator[int], *, again: bool = False) -> int:
        accounts = await self.accounts.of(config)
        late = trio.move_on_after(ONCE_S_MAX if self.how.once else float("inf"))
        async with alerting(config, quiet=self.how.dry_run) as alerter:
            words, changes = AlertWords(alerter.take, alerter.acknowledge), Changes()
            service = make_service(
                config,
                accounts,
                self.ledger,
                dry_run=self.how.dry_run,
                out=None if self.how.quiet else sys.stdout,
                listeners=[words],
                stuck=lambda error: alerter.take(ledger_stuck(utc_now(), error)),
                changes=changes,
            )
            alerter.take(service_started(utc_now(), len(config.links), len(config.accounts), again=again))
            for record in service.lasting():  # of which the last run's reminders ended with it
                words(record, utc_now())
            spare_collector()
            kept = None if self.how.dry_run else store_path(config.service.ledger)
            with opened_store(kept) as store, self.ending.scope:
                async with trio.open_nursery() as nursery:
                    if not self.how.dry_run:
                        await nursery.start(serve_control, control_path(config.service.ledger), service.pull)
                    if config.service.listen is not None:
                        surface = Surface(config, service, changes, utc_now=utc_now, store=store, alerter=alerter)
                        await _serve(nursery, surface, config.service.listen, alerter, again=again)
                    if not self.how.once:
                        nursery.start_soon(self._watch_config, config, hangups, alerter)
                    counts = {"links": len(config.links), "accounts": len(config.accounts)}
                    _log.info("running", **counts, dry_run=self.how.dry_run)
                    with late:
                        await service.run(self.ending.stop, until_converged=self.how.once)
                    nursery.cancel_scope.cancel()
            if self.ending.is_for_good:
                why = f"not converged within {ONCE_S_MAX:.0f} s" if late.cancelled_caught else None
                alerter.take(service_ended(utc_now(), why, service.convergence.in_flight()))
        return self._code(service, is_late=late.cancelled_caught)

    async def _watch_config(self, config: Configuration, hangups: AsyncIterator[int], alerter: Alerter) -> None:
        def refused(problems: Sequence[str]) -> None:
            alerter.take(config_refused(utc_now(), problems))

        changed = await next_config(self.file, config, hangups, refused)
        _log.info("the config was changed, beginning again by it; orders under way are waited for")
        self.ending.end_for(changed)

    def _code(self, service: Service, *, is_late: bool) -> int:
        """Say in the log how the run was; return its exit code."""
        if is_late:
            _log.error("not converged in time", seconds=ONCE_S_MAX)
            return FAILED
        for stage, figures in service.latency.summary().items():
            _log.info("latency", stage=stage, count=figures["count"], p50_ms=figures["p50"], p99_ms=figures["p99"])
        _log.info("ended", orders_under_way=service.convergence.in_flight())
        return INTERRUPTED if signal.SIGINT in self.ending.signals else FINE


async def _serve(nursery: trio.Nursery, surface: Surface, listen: Listen, alerter: Alerter, *, again: bool) -> None:
    """Serve the dashboard and the APIs. Where a changed config is why that cannot be, copying goes on all the same."""
    serve = partial(serve_surface, failed=lambda what: alerter.take(surface_failed(utc_now(), what)))
    try:
        await nursery.start(serve, surface, listen)
    except CannotListen as error:
        if not again:
            raise
        _log.error("nothing is served", why=str(error))
        alerter.take(nothing_served(utc_now(), str(error)))


async def watch_signals(ending: Ending, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """End the service at the first signal after a drain, at the second at once."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for received in signals:
            _log.info("stopping, orders under way are waited for", signal=signal.Signals(received).name)
            ending.end_by(received)
