"""What the surfaces see of the running service, and the levers through which they change it.

Read in the engine's thread, between awaits: what is read without an await in between is of one moment, and needs no
lock. Nothing here may be changed by a reader.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal, TypeVar

import trio

from adapters.base import Account, SignalReceiver, UtcNow
from copier.alerts.alerting import Alerter
from copier.config.model import Configuration
from copier.engine.book import CopyBook
from copier.engine.limit_watch import LimitWatch
from copier.ledger.ledger import Ledger
from copier.ledger.records import LeverRecord
from copier.service.service import Service
from copier.telling.histogram import Histogram
from copier.telling.logs import redact
from copier.telling.tally import Tally
from copier.telling.wording import printable
from copier.web.changes import Changes
from copier.web.key_file import keys_path
from copier.web.keys import KeyRing
from copier.web.loop_lag import LoopLag
from copier.web.principal import Principal
from copier.web.sessions import Sessions, SessionsMax
from copier.web.store import Store
from copier.web.traffic import Traffic
from rules.books.mismatch import Mismatch
from rules.model.frozen import frozen
from rules.model.levers import Lever
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId
from rules.policy.links import CopyLink, LinkState

T = TypeVar("T")

PATIENCE_S: Final = 10.0
"""For a lever to be pulled and durable: the engine's round takes milliseconds, a commit on a slow disk a second."""

REASON_MAX: Final = 500
"""Characters of a reason: more than anybody types."""

LAG_S_MAX: Final = 1.0
"""The guards on age and prices count in seconds: a loop that is later than this decides too late."""

_LEDGER_READERS_MAX: Final = 2
"""Threads that read the ledger beside the engine: more would only take its processor time."""


class NotPulled(Exception):
    """The engine did not answer in time. The lever may still be pulled: it is not known."""


@frozen
class SessionState:
    """Whether an account is in sight, since when, and why not."""

    state: Literal["ready", "starting", "lost", "refused"]
    since: datetime | None
    why: str | None


@frozen
class Trouble:
    """What is wrong, for a person."""

    says: str
    account: AccountId | None = None
    """Whose trouble it is; None: everybody's."""


@frozen
class Health:
    """Whether the service does what it is for."""

    alive: tuple[Trouble, ...]
    """Why a restart may help: empty where the engine's loop turns."""
    ready: tuple[Trouble, ...]
    """Why nothing can be relied upon now; empty where the ledger takes rows and every account is synchronized."""


class Surface:
    """The running service as it may be shown."""

    def __init__(
        self,
        config: Configuration,
        service: Service,
        changes: Changes,
        *,
        utc_now: UtcNow,
        store: Store | None = None,
        alerter: Alerter | None = None,
    ) -> None:
        """`store`: what is remembered beside the ledger; None: in memory only. `alerter`: who tells people, if anybody.

        Raises:
            KeysRefused: the file of keys cannot be trusted.
        """
        self.store = store or Store(None)
        self.beside: list[Callable[[], Awaitable[None]]] = []
        """What the parts of the surfaces run of their own, for as long as they are served."""
        self.config = config
        self.changes = changes
        self.utc_now = utc_now
        self.version = version("trade-copier")
        self.started_at: datetime = utc_now()
        self.links: Mapping[LinkId, CopyLink] = {link.link_id: link for link in config.links}
        self.keys = KeyRing(
            keys_path(config.service.ledger), utc_now=utc_now, anonymous=not config.service.behind_proxy
        )
        self.sessions = Sessions(SessionsMax(config.service.sessions_per_key, config.service.sessions_per_ip))
        self.loop_lag = LoopLag()
        self.traffic = Traffic()
        self.alerter = alerter
        self._service = service
        self._readers = trio.CapacityLimiter(_LEDGER_READERS_MAX)

    # What is now

    @property
    def dry_run(self) -> bool:
        return self._service.options.dry_run

    @property
    def views(self) -> Mapping[AccountId, AccountView]:
        """Each account as the engine knows it."""
        return self._service.engine.views

    @property
    def book(self) -> CopyBook:
        """All copies that can still matter."""
        return self._service.book

    @property
    def limits(self) -> LimitWatch:
        return self._service.limits

    @property
    def mismatches(self) -> Iterable[Mismatch]:
        """What lasts now."""
        return self._service.engine.mismatches

    @property
    def levers(self) -> Iterable[LeverRecord]:
        """What operators have set and is in force."""
        return self._service.engine.desk.in_force.levers.values()

    @property
    def ledger_seq(self) -> int:
        """The last entry of the ledger."""
        return self._service.journal.last_seq

    @property
    def is_stuck(self) -> bool:
        """Tell whether the ledger cannot be written now."""
        return self._service.journal.stuck_by is not None

    def account(self, name: AccountId) -> Account:
        """Return an account at its venue; only its history is for the surfaces to ask."""
        return self._service.accounts[name]

    def receiver(self, name: AccountId) -> SignalReceiver | None:
        """Return an account to which programs tell what it holds; None: it is none, or there is none of that name."""
        found: object = self._service.accounts.get(name)
        return found if isinstance(found, SignalReceiver) else None

    def session(self, name: AccountId) -> SessionState:
        """Return whether an account is in sight."""
        view, loss = self.views[name], self._service.engine.sessions.loss(name)
        if loss is not None:
            return SessionState("refused" if loss.refused else "lost", loss.since, printable(loss.why))
        if not (view.known and view.ready):
            return SessionState("starting", None, None)
        return SessionState("ready", self._service.engine.sessions.back_at(name) or view.known_at, None)

    def link_state(self, link_id: LinkId) -> LinkState:
        """Return what a link may do, all things considered."""
        link = self._service.engine.desk.in_force.link(link_id)
        return LinkState.ACTIVE if link is None else link.state

    def is_held_back(self, link_id: LinkId) -> bool:
        """Tell whether a mismatch lets a link only close."""
        return link_id in self._service.engine.desk.in_force.held_back

    def latency_of(self, name: AccountId) -> Mapping[str, Mapping[str, float | int]]:
        """Return an account's latencies by stage: count, p50, p99."""
        return self._service.latencies[name].summary()

    @property
    def tally(self) -> Tally:
        """What was counted since the service began."""
        return self._service.tally

    @property
    def commits(self) -> Histogram:
        """How long the ledger's commits took."""
        return self._service.journal.commits

    @property
    def histograms(self) -> Mapping[str, Histogram]:
        """How long each stage of all orders took."""
        return self._service.latency.histograms

    def histograms_of(self, name: AccountId) -> Mapping[str, Histogram]:
        """Return how long each stage of an account's orders took."""
        return self._service.latencies[name].histograms

    @property
    def inputs_waiting(self) -> int:
        """How many events and reports wait for the engine."""
        return self._service.inputs_waiting

    def orders_waiting(self, name: AccountId) -> int:
        """Return how many orders wait for their turn at an account."""
        return self._service.orders_waiting(name)

    @property
    def latency_ms(self) -> Mapping[str, Mapping[str, float | int]]:
        """By stage: count, p50, p99."""
        return self._service.latency.summary()

    def lost_since(self, account: AccountId) -> datetime | None:
        """Return since when an account is out of sight; None while it is seen."""
        return self._service.engine.sessions.lost_since(account)

    def health(self) -> Health:
        """Look whether all is well."""
        stuck_s = self._service.stuck_s()
        stuck = Trouble(f"the engine has not finished a round for {stuck_s:.0f} s")
        alive = (stuck,) if stuck_s > PATIENCE_S else ()
        ready = list(alive)
        if self.loop_lag.worst_s > LAG_S_MAX:
            ready.append(Trouble(f"the loop was {self.loop_lag.worst_s:.1f} s late within the last 10 s"))
        if self._service.journal.stuck_by is not None:
            ready.append(Trouble("the ledger cannot be written"))
        for name in self.views:
            session = self.session(name)
            if session.state != "ready":
                ready.append(Trouble(f"account {name} is not synchronized: {session.why or session.state}", name))
        return Health(alive, tuple(ready))

    # What was

    @property
    def ledger_path(self) -> Path:
        return self.config.service.ledger

    async def read_ledger(self, reading: Callable[[Ledger], T]) -> T:
        """Return what `reading` makes of the ledger, read in a thread beside the engine; the caller bounds the wait.

        Raises:
            LedgerFailed, LedgerRefused: it cannot be read.
        """

        def read() -> T:
            ledger = Ledger.open(self.ledger_path, readonly=True)
            try:
                return reading(ledger)
            finally:
                ledger.close()

        return await trio.to_thread.run_sync(read, limiter=self._readers, abandon_on_cancel=True)

    # What changes it

    async def pull(self, lever: Lever, principal: Principal, why: str) -> str:
        """Pull a lever in a principal's name; return one sentence on what it did, once that is durable.

        Raises:
            NotPulled: no answer in time.
        """
        record = LeverRecord(lever, principal.name, redact(why)[:REASON_MAX])
        with trio.move_on_after(PATIENCE_S):
            return await self._service.pull(record)
        raise NotPulled(f"{lever.key}: the engine did not answer within {PATIENCE_S:.0f} s")
