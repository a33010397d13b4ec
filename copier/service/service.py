"""The nursery tree: who runs under whom, what is started first and what is cancelled last.

service
|- engine                   the single writer; ends after everything that feeds it
|- dispatchers              one a target; they outlive the sources, so that a drain can finish what left
|- look-ups
|- sources                  one stream and one poller an account, each supervised
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from random import Random

import structlog
import trio

from adapters.base import Account, UtcNow
from copier.engine.book import CopyBook
from copier.engine.engine import Engine
from copier.engine.inputs import Input, Intent, Outside, Pulled, Reported
from copier.engine.limit_watch import LimitWatch
from copier.engine.views import empty_views
from copier.ledger.journal import Journal, Listener
from copier.ledger.ledger import Ledger
from copier.ledger.records import CheckpointRecord, LeverRecord, MismatchRecord, Record
from copier.ledger.recovery import Recovered, Unanswered, recover, unanswered
from copier.rulebook import Rulebook
from copier.service.calendars import CalendarReader
from copier.service.convergence import Convergence
from copier.service.dispatch import Dispatcher
from copier.service.dry_run import DryRun
from copier.service.history import HistoryReader
from copier.service.lookups import LookUps
from copier.service.masking import without_secrets
from copier.service.polls import Poller
from copier.service.streams import run_stream
from copier.service.weather import Backoff
from copier.telling.latency import Latency
from copier.telling.tally import Tally
from rules.alerts.kinds import AlertKind
from rules.model.actions import Action
from rules.model.events import Event
from rules.model.frozen import frozen
from rules.model.reports import Report
from rules.model.state import AccountView
from rules.model.values import AccountId
from rules.policy.links import CopyLink

INPUTS_MAX = 1000
"""Events and reports that wait for the engine. A full channel slows the sockets down, and loses nothing."""

CHECKPOINT_ROWS = 1000
"""Rows since the last checkpoint that make a new one worth its size at start."""

RECONCILE_EVERY_S = 10.0
_log = structlog.get_logger("service")


@frozen
class Options:
    """What a service does besides its links and limits; durations in seconds."""

    drain_s: float = 10.0
    close_orphans: bool = False
    dry_run: bool = False


class Service:
    """A copier over some accounts and one ledger; `run` it once."""

    def __init__(
        self,
        *,
        rulebook: Rulebook,
        accounts: Mapping[AccountId, Account],
        ledger: Ledger,
        utc_now: UtcNow,
        random: Random,
        calendars: Iterable[CalendarReader] = (),
        options: Options | None = None,
        reconcile_every_s: Mapping[AccountId, float] | None = None,
        listeners: Iterable[Listener] = (),
        stuck: Callable[[str | None], None] = lambda _: None,
        touched: Callable[[Iterable[AccountId]], None] = lambda _: None,
        threads: bool = True,
    ) -> None:
        """`stuck` is told of a ledger that cannot be written, `touched` of accounts that were heard of."""
        self.options = options or Options()
        self.accounts = accounts
        self.latency = Latency()
        self.latencies = {name: Latency(self.latency) for name in accounts}
        self._every_s = reconcile_every_s or {}
        self._calendars = tuple(calendars)
        self._utc_now = utc_now
        self._random = random
        self._send, self._inputs = trio.open_memory_channel[Input](INPUTS_MAX)
        self.tally = Tally()
        self.journal = Journal(ledger, threads=threads, listeners=(self.tally, *listeners), stuck=stuck)
        recovered = recover(ledger)
        self._unanswered = unanswered(ledger, recovered)
        views = empty_views({name: account.capabilities for name, account in accounts.items()}, rulebook)
        self.book = CopyBook(views, recovered.forgotten_until)
        for copy in recovered.copies.values():
            self.book.store(copy)
        self._histories = self._history_readers({rule.account for rule in (*rulebook.limits, *rulebook.results)})
        recall = {name: history.ask for name, history in self._histories.items()}
        self.limits = LimitWatch(rulebook, recovered.limits.values(), self.journal, utc_now(), recall=recall)
        if self.journal.rows_since_checkpoint > CHECKPOINT_ROWS:
            self._checkpoint(recovered)
        targets = dict.fromkeys([*(link.target for link in rulebook.links), *self._held_at()])
        self._targets = {name: self._target(name) for name in targets}
        self._look_ups = LookUps(accounts, self._emit, utc_now)
        self._pollers = {name: self._poller(name) for name in accounts}
        self.engine = self._engine(rulebook.links, views, recovered, touched)
        self.convergence = Convergence(self.engine, self.book, accounts.keys(), utc_now)

    def _engine(
        self,
        links: Iterable[CopyLink],
        views: Mapping[AccountId, AccountView],
        recovered: Recovered,
        touched: Callable[[Iterable[AccountId]], None],
    ) -> Engine:
        return Engine(
            links=links,
            views=views,
            book=self.book,
            journal=self.journal,
            limits=self.limits,
            utc_now=self._utc_now,
            latency=self.latency,
            outside=Outside(
                send=self._dispatch,
                full=lambda name: name in self._targets and self._targets[name].full,
                look_up=self._look_ups.ask,
                poll=lambda name: self._pollers[name].ask(),
                find=self._find,
            ),
            mismatches=recovered.mismatches.values(),
            memories=recovered.memories.values(),
            levers=recovered.levers.values(),
            close_orphans=self.options.close_orphans,
            observe_targets=not self.options.dry_run,
            touched=touched,
        )

    def _checkpoint(self, recovered: Recovered) -> None:
        """Write down whole what is alive, so that the next start folds little."""
        self.journal.checkpoint(
            CheckpointRecord(
                tuple(self.book.all()),
                tuple(self.limits.states),
                self._utc_now(),
                tuple(recovered.mismatches.values()),
                tuple(recovered.memories.values()),
                tuple(recovered.levers.values()),
                self.book.forgotten_until,
            )
        )

    def _history_readers(self, names: Iterable[AccountId]) -> dict[AccountId, HistoryReader]:
        return {
            name: HistoryReader(name, self.accounts[name], emit=self._send.send, now=self._utc_now)
            for name in sorted(names)
            if self.accounts[name].capabilities.history
        }

    def _held_at(self) -> list[AccountId]:
        """Return the accounts where copies are held, whether or not a link still names them."""
        held = {copy.target for copy in self.book.all() if copy.holds}
        for name in sorted(held - self.accounts.keys()):
            _log.error("copies are open on an account that the config no longer names", account=name)
            self.journal.alert(AlertKind.ACCOUNT_UNNAMED, name, "see `copier status`")
        return sorted(held & self.accounts.keys())

    def _target(self, name: AccountId) -> "Dispatcher | DryRun":
        if self.options.dry_run:
            return DryRun(name, report=self._report)
        return Dispatcher(
            name,
            self.accounts[name],
            now=self._utc_now,
            report=self._report,
            wanted=lambda action: self.engine.wanted(action),
            latency=self.latencies[name],
        )

    def _poller(self, name: AccountId) -> Poller:
        return Poller(
            name,
            self.accounts[name],
            every_s=self._every_s.get(name, RECONCILE_EVERY_S),
            emit=self._send.send,
            backoff=Backoff(self._random),
            now=self._utc_now,
        )

    def _dispatch(self, name: AccountId, intent: Intent) -> None:
        if name not in self._targets:
            # An account that no link names is only ever asked to close what nobody owns; it gets its dispatcher late.
            self._targets[name] = self._target(name)
            self._target_nursery.start_soon(self._targets[name].run)
        self.convergence.ordered()
        self._targets[name].put(intent)

    async def _emit(self, event: Event) -> None:
        await self._send.send(event)

    async def _report(self, name: AccountId, report: Report) -> None:
        await self._send.send(Reported(name, without_secrets(report)))

    def lasting(self) -> Iterator[Record]:
        """Yield what an earlier run began and nobody ended, as it stands in the ledger."""
        for mismatch in self.engine.mismatches:
            yield MismatchRecord(mismatch, ended=False)
        yield from self.limits.lasting()

    async def pull(self, record: LeverRecord) -> str:
        """Do what an operator asks for; return what it did, once that is durable. The caller bounds the wait."""
        said: list[str] = []
        answered = trio.Event()

        def answer(text: str) -> None:
            said.append(text)
            answered.set()

        await self._send.send(Pulled(record, answer))
        await answered.wait()
        return said[0]

    @property
    def inputs_waiting(self) -> int:
        """Return how many events and reports wait for the engine."""
        return self._inputs.statistics().current_buffer_used

    def orders_waiting(self, name: AccountId) -> int:
        """Return how many orders wait for their turn at an account."""
        target = self._targets.get(name)
        return target.queued if isinstance(target, Dispatcher) else 0

    def stuck_s(self) -> float:
        """Return for how many seconds the engine has been at one round; 0 where it waits for something to do."""
        since = self.engine.busy_since
        return 0.0 if since is None else (self._utc_now() - since).total_seconds()

    # Life

    async def run(self, stop: trio.Event, *, until_converged: bool = False) -> None:
        """Run until `stop` is set (or until everything is as it should be), drain, and return.

        Raises:
            LedgerFailed: the ledger cannot be trusted any more. Anything else is a bug.
        """
        async with trio.open_nursery() as service:
            service.start_soon(self.engine.run, self._inputs)
            service.start_soon(self._look_ups.run)
            async with trio.open_nursery() as self._target_nursery:
                for order in self._unanswered:
                    self._resolve(order)
                for dispatcher in self._targets.values():
                    self._target_nursery.start_soon(dispatcher.run)
                async with trio.open_nursery() as sources:
                    self._start_sources(sources)
                    if until_converged:
                        sources.start_soon(self._end_converged, stop)
                    await stop.wait()
                    sources.cancel_scope.cancel()
                await self._drain()
                self._target_nursery.cancel_scope.cancel()
            service.cancel_scope.cancel()
        self.limits.save()
        await self.journal.commit(self._utc_now(), all_=True)

    def _find(self, action: Action, sent_at: datetime) -> None:
        target = self._targets[action.account]
        if isinstance(target, Dispatcher):
            target.resolve(action, sent_at, accepted=True)
        else:
            target.find(action)

    def _resolve(self, order: Unanswered) -> None:
        dispatcher = self._targets.get(order.action.account)
        if isinstance(dispatcher, Dispatcher):
            dispatcher.resolve(order.action, order.submitted_at, accepted=order.accepted)
        elif dispatcher is not None:
            dispatcher.put(Intent(order.action, order.submitted_at))

    def _start_sources(self, nursery: trio.Nursery) -> None:
        for calendar in self._calendars:
            nursery.start_soon(calendar.run, self._send.send)
        for name, account in self.accounts.items():
            nursery.start_soon(self._pollers[name].run, name=f"poll {name}")
            if name in self._histories:
                nursery.start_soon(self._histories[name].run, name=f"history {name}")
            if account.capabilities.streams:
                nursery.start_soon(
                    run_stream,
                    name,
                    account,
                    self._emit,
                    Backoff(self._random),
                    self._utc_now,
                    name=f"stream {name}",
                )

    async def _end_converged(self, stop: trio.Event) -> None:
        await self.convergence.wait()
        stop.set()

    async def _drain(self) -> None:
        """Let what has left come back, for a bounded time; the rest is resolved at the next start."""
        with trio.move_on_after(self.options.drain_s) as scope:
            while self.convergence.in_flight() or self.inputs_waiting:
                await self.engine.next_round()
        if scope.cancelled_caught:
            _log.warning(
                "drain ended with orders under way; the next start asks the venue", orders=self.convergence.in_flight()
            )
