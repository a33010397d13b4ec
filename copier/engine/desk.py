"""The desk at which copies are decided: it asks the rules, writes what they say, and keeps what is to leave.

Synchronous throughout. The engine calls it within a round and lets the orders go after the round's commit.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from attrs import evolve

from copier.engine.book import CopyBook
from copier.engine.contexts import Contexts
from copier.engine.hearing import Hearing
from copier.engine.in_force import InForce
from copier.engine.inputs import Outside
from copier.engine.loose_orders import LooseOrders
from copier.engine.mirroring import Mirroring
from copier.engine.observations import Observations, known
from copier.engine.source_side import SourceSide
from copier.engine.timers import Timers
from copier.ledger.journal import Journal
from copier.ledger.records import Known
from rules.alerts.kinds import AlertKind
from rules.books.reconcile import CopyKey, overtaken_copy
from rules.deciding.decide import decide
from rules.deciding.decision import Decision
from rules.deciding.keep_alive import is_keep_alive
from rules.deciding.mirror import is_over_for_good, key_of
from rules.deciding.settling import settle
from rules.gates.caps import obeyed
from rules.model.actions import Action, PlaceOrder
from rules.model.beginnings import AT_MARKET
from rules.model.copies import Copy, CopyStatus, Purpose, replace_leg
from rules.model.events import Origin
from rules.model.identity import cl_ord_id
from rules.model.look_ups import LookUp
from rules.model.memory import LinkMemory
from rules.model.observed import Position
from rules.model.reports import Filled, Rejected, Report
from rules.model.state import AccountView, Change
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Price, Symbol, VenueOrderId, plain
from rules.policy.links import CopyLink, LinkState

Outgoing = tuple[Action, bool, datetime | None]
"""An order, whether it is a resend, and when the frame came that caused it."""


class Desk:
    """Decides about copies. `now` is the round's time; `cause_at` when the frame came that is being looked at."""

    def __init__(
        self,
        *,
        links: Iterable[CopyLink],
        views: Mapping[AccountId, AccountView],
        book: CopyBook,
        journal: Journal,
        outside: Outside,
        now: datetime,
        memories: Iterable[LinkMemory] = (),
        ordered: Callable[[Action], None],
    ) -> None:
        """`ordered` is told of each order in the moment in which its intent is written."""
        self.now = now
        self._ordered = ordered
        self.cause_at: datetime | None = None
        self.views = views
        self.book = book
        self.journal = journal
        self.outside = outside
        links = tuple(links)
        self.observations = Observations(journal, links)
        self.timers: Timers[CopyKey] = Timers()
        self.in_force = InForce(links, views)
        self._sources = SourceSide(links, views, outside, self.timers)
        self.loose = LooseOrders(journal, self._leave)
        self._by_source: dict[AccountId, list[CopyLink]] = {}
        for link in links:
            self._by_source.setdefault(link.source, []).append(link)
        self.memories = {memory.link_id: memory for memory in memories}
        self._contexts = Contexts(links, views, book, journal, self.memories)
        self._unlinked: dict[AccountId, dict[LinkId, None]] = {}
        """By source account, the links that only copies still name: the config does not."""
        self._mirroring = {link.link_id for link in links if link.policy.mirrors}
        self._awaited: dict[tuple[AccountId, Symbol], dict[CopyKey, None]] = {}
        self._outgoing: list[Outgoing] = []
        self.mirroring = Mirroring(views, book, journal, outside)
        for copy in book.all():
            self._note_unlinked(copy)
            if copy.flatten is not None and copy.holds:
                self.timers.set(copy.key, now)  # the last run's timers are gone, and its source may not come

    def remember(self, memory: LinkMemory) -> None:
        """Keep what a link remembers from now on."""
        self.memories[memory.link_id] = memory
        self.journal.memory(memory)

    def take_outgoing(self) -> list[Outgoing]:
        """Return the round's orders."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _leave(self, action: Action) -> None:
        """Let an order of no copy go with the round's."""
        self._ordered(action)
        self._outgoing.append((action, False, None))

    def changed(self, account: AccountId, change: Change, origin: Origin) -> None:
        """Decide about every copy of a source position that changed."""
        self.observations.position(account, change, origin, self.now)
        because = "closed" if change.position is None else "position"
        if change.position is None:
            self.views[account].beginnings.forget(change.position_id)
        hearing = Hearing(self.now)
        for link in self._by_source.get(account, ()):
            self._run(link.link_id, change.position_id, origin, because, change.price, hearing)
        for link_id in self._unlinked.get(account, ()):
            self._run(link_id, change.position_id, origin, because, change.price)

    def note_order(self, account: AccountId, order_id: VenueOrderId) -> None:
        """Write that a pending order of a source is not what it was, where a link asks how positions began."""
        if self._asks_beginnings(account):
            self.observations.order(account, self.views[account].waiting, order_id, self.now)

    def order_changed(self, account: AccountId, order_id: VenueOrderId) -> None:
        """Decide about what follows from a pending order of a source."""
        if self._asks_beginnings(account):
            self.looked(account)
        links = [link.link_id for link in self._by_source.get(account, ()) if link.link_id in self._mirroring]
        for link_id in (*links, *self._unlinked.get(account, ())):
            self._run(link_id, key_of(order_id), Origin.LIVE, "order")

    def _asks_beginnings(self, account: AccountId) -> bool:
        return any(link.link_id in self._sources.asks_beginnings for link in self._by_source.get(account, ()))

    def looked(self, account: AccountId) -> None:
        """Decide again about what waited for a look at a source's books."""
        for key in self._sources.take_unclear(account):
            copy = self.book.get(key)
            if copy is not None:
                self.reconsider(copy, "looked up")

    def answer(self, account: AccountId, symbol: Symbol) -> None:
        """Decide again about the copies that waited for what is now known of a symbol."""
        for key in self._awaited.pop((account, symbol), ()):
            copy = self.book.get(key)
            if copy is not None:
                self.reconsider(copy, "looked up")

    def settle(self, report: Report) -> None:
        """Take a report on an order, and decide what follows."""
        copy = self.book.by_order(report.cl_ord_id)
        if copy is None:
            return
        settled = settle(copy, report, self.now)
        if settled == copy:
            return
        self.journal.report(report, settled)
        self.book.store(settled)
        if isinstance(report, Rejected):
            self._look_closer(copy, report)
            self._tell_of_refused_stop(settled, report)
        self.mirroring.find(settled, copy)
        self.mirroring.tell_of_ended(settled, self.now)
        if isinstance(report, Filled) and report.opened:
            self._close_again(copy, report)
        self.reconsider(settled, "report")
        view = self.views[settled.target]
        if view.lagging and not self.outside.full(settled.target):
            view.lagging = False
            for waiting in self.book.waiting_at(settled.target):
                self.reconsider(waiting, "target caught up")

    def _look_closer(self, copy: Copy, refused: Rejected) -> None:
        """Ask about what the target refused: the position may be gone, a stop may lie beyond today's price."""
        self.outside.poll(copy.target)
        for leg in copy.legs:
            pending = leg.pending
            if pending is not None and pending.cl_ord_id == refused.cl_ord_id and pending.purpose is Purpose.STOPS:
                self.outside.look_up(LookUp(copy.target, leg.symbol, quote=True))

    def _close_again(self, copy: Copy, overtaken: Filled) -> None:
        """Take over what a close opened on a netting account, since somebody else's was faster, and close it again."""
        opened = overtaken_copy(copy, overtaken, self.now)
        what = f"the close {overtaken.cl_ord_id} came after somebody else's and opened {opened.granted} lots"
        self.journal.alert(
            AlertKind.OVERTAKEN, copy.target, f"{what} of {opened.target_symbol}, which are closed again"
        )
        self.adopt(opened, self.now)

    def _tell_of_refused_stop(self, copy: Copy, refused: Rejected) -> None:
        """Alert when the venue will not have the stop-loss of a leg, where none lasts: the position has none at all."""
        if self.views[copy.target].stop_loss_lasts:
            return
        for leg in copy.legs:
            if leg.stops_refused_at == self.now and leg.stop_loss is not None:
                what = f"{copy.link_id}: {leg.symbol} has no stop-loss at {plain(leg.stop_loss)}"
                self.journal.alert(AlertKind.STOP_LOSS, copy.target, f"{what}: {refused.text}")

    def reconsider(self, copy: Copy, because: str) -> None:
        """Decide again about a copy, on the source as last seen."""
        self._run(copy.link_id, copy.source_position_id, copy.origin, because)

    def gone(self, copy: Copy) -> None:
        """Decide about a copy whose source position was closed while we were away."""
        change = Change(copy.source_position_id, None)
        self.observations.position(copy.source, change, Origin.RECONCILED, self.now)
        self.reconsider(copy, "gone while we were away")

    def flatten(self, copy: Copy, why: str) -> None:
        """Close everything of a copy, and do not open it again."""
        if copy.flatten is None and copy.status is not CopyStatus.ENDED:
            flattened = evolve(copy, flatten=why)
            self.journal.decision(flattened, f"flatten: {why}")
            self.book.store(flattened)
            self.reconsider(flattened, f"flatten: {why}")

    def correct(self, copy: Copy, because: str) -> None:
        """Take a record that the target's books corrected, and decide what follows."""
        self.journal.decision(copy, because)
        self.book.store(copy)
        self.reconsider(copy, because)

    def adopt(self, copy: Copy, seen_at: datetime) -> None:
        """Take over a position that nobody owns, to close it; again, where books asked at `seen_at` still show it."""
        earlier, [leg] = self.book.get(copy.key), copy.legs
        if earlier is not None:
            settled_at = earlier.legs[0].settled_at
            if earlier.holds or (settled_at is not None and settled_at >= seen_at):
                return
        step = leg.step
        while self.knows(cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, step)):
            step += 1  # an earlier close used it up
        self._note_unlinked(copy)
        self.correct(replace_leg(copy, evolve(leg, step=step)), copy.flatten or "adopted")

    def begin(self, decision: Decision, because: str) -> None:
        """Begin a record of a trade that no source position asks for; one that was denied is only told."""
        assert decision.copy is not None  # there is something to begin
        if decision.copy.status is CopyStatus.ENDED:
            self.journal.decision(decision.copy, because, decision.trace)
            self.journal.forget(decision.copy)
            return
        self._note_unlinked(decision.copy)
        self._apply(None, decision.copy, decision, because, None)

    def _note_unlinked(self, copy: Copy) -> None:
        if copy.link_id not in self.in_force.links:
            self._unlinked.setdefault(copy.source, {})[copy.link_id] = None

    def _run(
        self,
        link_id: LinkId,
        position_id: PositionId,
        origin: Origin,
        because: str,
        price: Price | None = None,
        hearing: Hearing | None = None,
    ) -> None:
        copy = self.book.get((link_id, position_id))
        link = self.in_force.link(link_id) if copy is None else self.in_force.link_of(copy)
        if link is None or link.target not in self.views:
            return
        source = self._sources.of(link)
        shown = self._sources.shown(link, source, position_id, copy, self.now)
        if shown is None:
            return
        position = shown.position
        is_new = copy is None or copy.status is not CopyStatus.ACTIVE
        if copy is not None and position is not None and (copy.left or not copy.is_of(position)):
            is_new = True  # another life, which begins as soon as nothing of the old one is held
        began = self._sources.began(link, source, position_id, position, self.now) if is_new else AT_MARKET
        if position is not None and began is not None and (copy is None or _is_open_to(copy, position)):
            mirror = self.mirroring.of(link, began)
            if mirror is not None and mirror.holds:
                self.reconsider(self.mirroring.take_over(mirror, link, position, self.now), "order filled")
                return
            if mirror is not None and is_over_for_good(mirror):
                began = evolve(began, over=True)
        context = self._contexts.of(link, source, position_id, shown, origin, copy, price, began, hearing, self.now)
        decision = decide(context)
        new = decision.copy
        if new is None:
            return
        met = known(link, source, context.target, copy, new, decision, self.now)
        self._apply(copy, new, decision, because, met)
        if position is None and source.known and new.status is CopyStatus.ENDED and not new.holds:
            self.journal.forget(new)
            self.book.forget(new)

    def _apply(self, old: Copy | None, copy: Copy, decision: Decision, because: str, met: Known | None) -> None:
        """Write, index and let leave what was decided: `copy` is the decision's."""
        if decision.actions or copy != old:
            self.journal.decision(copy, because, decision.trace, decision.actions, met)
            self.book.store(copy)
            self.views[copy.target].lagging = self.outside.full(copy.target)
        for action in decision.actions:
            resend = old is not None and any(leg.cl_ord_id == action.cl_ord_id for leg in old.legs)
            self.journal.intent(action, resend=resend)
            self._ordered(action)
            self._outgoing.append((action, resend, self.cause_at))
        for look_up in decision.look_ups:
            if look_up.awaited:
                self._awaited.setdefault((look_up.account, look_up.symbol), {})[copy.key] = None
            self.outside.look_up(look_up)
        if decision.memory is not None:
            self.remember(decision.memory)
        if decision.look_again_at is not None:
            self.timers.set(copy.key, decision.look_again_at)

    def wanted(self, action: Action) -> bool:
        """Tell whether an opening that is about to leave is still wanted: its source open, nothing flattened."""
        copy = self.book.by_order(action.cl_ord_id)
        target = None if copy is None else self.views[copy.target]
        if copy is None or target is None or copy.flatten is not None:
            return False
        if target.denied is not None or target.halted is not None:
            return False
        if is_keep_alive(copy):
            return True
        link = self.in_force.link_of(copy)
        policy = link.policy.for_symbol(copy.source_symbol)
        if link.state is not LinkState.ACTIVE or obeyed(policy, self.views[copy.source]) is not None:
            return False
        if copy.limited and copy.fill_by is not None and self.now >= copy.fill_by:
            return False
        if isinstance(action, PlaceOrder) and not copy.limited:
            return self.mirroring.is_wanted(copy, policy, action)
        position = self.views[copy.source].positions.get(copy.source_position_id)
        return position is not None and copy.is_of(position)

    def knows(self, cl_ord_id: ClOrdId) -> bool:
        """Tell whether an order of that id was ever intended."""
        return self.journal.knows(cl_ord_id)


def _is_open_to(copy: Copy, position: Position) -> bool:
    """Tell whether an order's fill may still be what began a copy: what was decided before a restart stays so."""
    return not copy.legs and (copy.status is not CopyStatus.ENDED or not copy.is_of(position))
