"""An engine whose clock, inputs and answers are given: nothing leaves, nobody is asked, nothing is kept.

The decisions are those of the service: the same engine, desk, book, limits and journal, over a ledger in memory.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from attrs import evolve

from adapters.base import Capabilities
from copier.config.model import Configuration
from copier.engine.book import CopyBook
from copier.engine.engine import Engine
from copier.engine.inputs import Input, Intent, Outside, Reported
from copier.engine.limit_watch import LimitWatch
from copier.engine.views import empty_views
from copier.ledger.journal import Journal
from copier.ledger.ledger import Ledger
from copier.ledger.records import Record
from copier.telling.latency import Latency
from rules.model.actions import Action
from rules.model.events import Origin
from rules.model.look_ups import LookUp
from rules.model.reports import Canceled
from rules.model.state import Change
from rules.model.values import AccountId

_LATER = timedelta(microseconds=1)

Answer = Callable[[LookUp, datetime], list[Input]]
"""What a venue would say to a look-up."""


def _given(_: datetime) -> None:
    """Ask for a history: what is given comes by itself."""


class Rehearsal:
    """One run of a config. `records` is all that was written, each with its time; `orders` what left, unanswered."""

    def __init__(
        self,
        config: Configuration,
        capabilities: Mapping[AccountId, Capabilities],
        answer: Answer,
        now: datetime,
        histories: Iterable[AccountId] = (),
    ) -> None:
        """`histories` are the accounts of which a history is given in time."""
        self.now = now
        self.orders: list[Action] = []
        self.records: list[tuple[Record, datetime]] = []
        self._answer = answer
        self._asked: list[LookUp] = []
        self._ended: list[Action] = []
        self._ledger = Ledger.in_memory()
        journal = Journal(self._ledger, threads=False, listeners=[lambda record, at: self.records.append((record, at))])
        self.views = empty_views(capabilities, config.rulebook)
        targets = {link.target for link in config.links}
        self._sources = {link.source for link in config.links} & self.views.keys() - targets
        self.book = CopyBook(self.views)
        recall = dict.fromkeys(histories, _given)
        results = tuple(rule for rule in config.results if rule.account in recall)
        self.limits = LimitWatch(evolve(config.rulebook, results=results), (), journal, now, recall=recall)
        self.engine = Engine(
            links=config.links,
            views=self.views,
            book=self.book,
            journal=journal,
            limits=self.limits,
            utc_now=lambda: self.now,
            latency=Latency(),
            outside=Outside(
                send=self._send,
                full=lambda _: False,
                look_up=self._asked.append,
                poll=lambda _: None,
                find=lambda action, _: self._ended.append(action),
            ),
            # The books of a target that nobody trades on would contradict every copy.
            observe_targets=False,
        )

    def close(self) -> None:
        self._ledger.close()

    def _send(self, _: AccountId, intent: Intent) -> None:
        self.orders.append(intent.action)

    def take_orders(self) -> list[Action]:
        """Return what left since the last time."""
        orders, self.orders = self.orders, []
        return orders

    async def takes(self, *inputs: Input) -> None:
        """Let the engine decide on inputs, and on the answers to whatever it asks."""
        for account in self._sources:
            self.views[account].looked_at = self.now  # what was given is all that its books would show
        await self.engine.round(inputs)
        answered: set[LookUp] = set()
        while asked := [look_up for look_up in dict.fromkeys(self._asked) if look_up not in answered]:
            self._asked.clear()
            answered.update(asked)  # asked again in the same moment, a venue would say the same again
            await self.engine.round([each for look_up in asked for each in self._answer(look_up, self.now)])
        self._asked.clear()
        while self._ended:  # nothing is filled here, unless it is said
            ended, self._ended = self._ended, []
            await self.engine.round([Reported(each.account, Canceled(each.cl_ord_id)) for each in ended])

    async def sees(self, account: AccountId, change: Change, origin: Origin) -> None:
        """Let an account's position have changed, whatever its view would have doubted of that."""
        view, desk = self.views[account], self.engine.desk
        if change.position is None:
            view.positions.pop(change.position_id, None)
        else:
            view.positions[change.position_id] = change.position
        desk.now = self.now
        desk.changed(account, change, origin)
        await self.takes()

    async def until(self, at: datetime) -> None:
        """Let time pass: every timer that is due by then fires at its moment."""
        while (due := self.engine.due_at()) is not None and due <= at:
            self.now = max(due, self.now + _LATER)  # a timer that is late fires now, and never twice in one moment
            if self.now > at:
                break
            await self.takes()
        self.now = max(at, self.now)
