"""An engine without tasks: a test hands it a round of inputs and sees what leaves, what is asked and written."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import evolve

from copier.engine.book import CopyBook
from copier.engine.engine import Engine
from copier.engine.inputs import Input, Intent, Outside, Polled, Reported
from copier.engine.limit_watch import LimitWatch
from copier.ledger.codec import decode
from copier.ledger.journal import Journal, Listener
from copier.ledger.ledger import Ledger
from copier.ledger.records import AlertRecord, Record
from copier.ledger.recovery import TYPES, recover
from copier.rulebook import Rulebook
from copier.telling.latency import Latency
from rules.limits.conduct_policy import Conduct
from rules.limits.policy import Limit
from rules.limits.results_policy import Results
from rules.model.actions import Action
from rules.model.copies import Copy
from rules.model.events import AccountReported, Origin, PositionClosed, PositionReported, SnapshotReceived
from rules.model.look_ups import LookUp
from rules.model.observed import AccountStatus, Position
from rules.model.reports import Report
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId, OmsType, PositionId
from rules.policy.links import CopyLink, CopyPolicy
from rules.times.schedule import Schedule
from tests.rules.playbook import EURUSD, T0, filled

SOURCE, TARGET = AccountId("source"), AccountId("target")
LINK = CopyLink(LinkId("source->target"), SOURCE, TARGET, CopyPolicy("as is"))
FULL = AccountStatus(Decimal(100_000), Decimal(100_000), "USD")


class Desk:
    """One service's engine on a ledger; `again` starts the next run on the same ledger, as after a crash."""

    def __init__(
        self,
        ledger: Ledger | None = None,
        *,
        links: Iterable[CopyLink] = (LINK,),
        limits: Iterable[Limit] = (),
        oms: OmsType = OmsType.HEDGING,
        close_orphans: bool = False,
        now: datetime = T0,
        listeners: Iterable[Listener] = (),
        accounts: Iterable[AccountId] = (SOURCE, TARGET),
        remembers: bool = False,
        maintenance: tuple[Schedule, ...] = (),
        conduct: Iterable[Conduct] = (),
        results: Iterable[Results] = (),
    ) -> None:
        self.ledger = Ledger.in_memory() if ledger is None else ledger
        self.now = now
        self.sent: list[Action] = []
        self.polled: list[AccountId] = []
        self.looked_for: list[Action] = []
        self.looked_up: list[LookUp] = []
        self.is_full = False
        self.views = {name: AccountView(name, instruments={EURUSD.symbol: EURUSD}) for name in accounts}
        for view in self.views.values():
            if view.account == TARGET:
                view.maintenance = maintenance
                view.oms, view.volumes_grow = oms, oms is OmsType.NETTING
        recovered = recover(self.ledger)
        self.book = CopyBook(self.views, recovered.forgotten_until)
        for copy in recovered.copies.values():
            self.book.store(copy)
        journal = Journal(self.ledger, threads=False, listeners=listeners)
        self.recalled: list[datetime] = []
        recall = dict.fromkeys(self.views, self.recalled.append) if remembers else None
        rulebook = Rulebook(tuple(links), tuple(limits), conduct=tuple(conduct), results=tuple(results))
        self.limits = LimitWatch(rulebook, recovered.limits.values(), journal, now, recall=recall)
        self.engine = Engine(
            links=links,
            views=self.views,
            book=self.book,
            journal=journal,
            limits=self.limits,
            utc_now=lambda: self.now,
            latency=Latency(),
            outside=Outside(
                send=self._send,
                full=lambda _: self.is_full,
                look_up=self.looked_up.append,
                poll=self._poll,
                find=self._find,
            ),
            mismatches=recovered.mismatches.values(),
            memories=recovered.memories.values(),
            levers=recovered.levers.values(),
            close_orphans=close_orphans,
        )

    def _send(self, account: AccountId, intent: Intent) -> None:
        assert account == intent.action.account
        self.sent.append(intent.action)

    def _find(self, action: Action, _: datetime) -> None:
        self.looked_for.append(action)

    def _poll(self, account: AccountId) -> None:
        self.polled.append(account)

    async def takes(self, *inputs: Input) -> list[Action]:
        """Run one round and return the orders that left in it."""
        before = len(self.sent)
        await self.engine.round(inputs)
        return self.sent[before:]

    async def ready(self) -> "Desk":
        """Let both accounts show their (empty) books once."""
        for name in self.views:
            await self.polls(name)
        return self

    async def takes_books(self, *source: Position) -> "Desk":
        """Let the source show these positions; the target shows whatever the book says that it holds, by not asking."""
        await self.polls(SOURCE, *source)
        return self

    async def polls(self, account: AccountId, *positions: Position, status: AccountStatus = FULL) -> list[Action]:
        """Let a poll, asked for and answered now, show these positions and figures."""
        self.now += timedelta(milliseconds=1)
        snapshot = SnapshotReceived(account, self.now, positions, Origin.RECONCILED, self.now)
        return await self.takes(AccountReported(account, self.now, status), snapshot)

    async def sees(self, position: Position, account: AccountId = SOURCE) -> list[Action]:
        """Let the account's stream report a position."""
        return await self.takes(PositionReported(account, self.now, position))

    async def closes(self, position_id: str = "p1", account: AccountId = SOURCE) -> list[Action]:
        """Let the account's stream report a close."""
        return await self.takes(PositionClosed(account, self.now, PositionId(position_id)))

    async def reports(self, *reports: Report) -> list[Action]:
        """Let the target's dispatcher report on orders."""
        self.now += timedelta(milliseconds=1)
        return await self.takes(*(Reported(TARGET, report) for report in reports))

    async def fills(self, actions: Iterable[Action]) -> list[Action]:
        """Let the target execute orders as wished."""
        return await self.reports(*(filled(action) for action in actions))

    async def loses(self, account: AccountId) -> list[Action]:
        """Let a poll of the account fail."""
        return await self.takes(Polled(account, "no connection"))

    async def copied(self, position: Position) -> Position:
        """Copy a source position and return the target's position."""
        return target_position(self, await self._filled(position), position)

    async def _filled(self, position: Position) -> Action:
        [order] = await self.sees(position)
        assert await self.fills([order]) == []
        return order

    def records(self, *kinds: str) -> list[Record]:
        """Return what stands in the ledger."""
        return [decode(TYPES[entry.kind], entry.body) for entry in self.ledger.entries(kinds=kinds or None)]

    @property
    def alerts(self) -> list[str]:
        return [record.code for record in self.records("alert") if isinstance(record, AlertRecord)]

    @property
    def copy(self) -> Copy:
        """The only copy that there is."""
        [copy] = self.book.all()
        return copy


def target_position(desk: Desk, order: Action, source: Position) -> Position:
    """Return the position that an opening left at the target, as its books show it."""
    return evolve(
        source,
        position_id=PositionId(f"t-{order.cl_ord_id}"),
        tag=order.cl_ord_id,
        opened_at=desk.now,
        volume=desk.book.by_order(order.cl_ord_id).expected,  # type: ignore[union-attr]  # copied just now
    )
