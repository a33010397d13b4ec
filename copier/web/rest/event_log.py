"""The log behind the event stream: what changed, rendered once for all readers, in a ring of bounded size.

A reader is a place in the ring. Who is too slow, or comes back too late, finds that the ring has moved on, and is told
to read everything anew; nothing is kept for anybody.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeAlias

import trio

from copier.ledger.records import (
    AcknowledgedRecord,
    AlertRecord,
    DecisionRecord,
    LeverRecord,
    LimitRecord,
    MismatchRecord,
    ReportRecord,
)
from copier.web.changes import Change, ChangeReader
from copier.web.dto.copies import copy_of
from copier.web.dto.decisions import decision_of
from copier.web.dto.events import MismatchEnded, Positions, Session, acknowledged_of, alert_of
from copier.web.dto.levers import lever_of
from copier.web.dto.mismatches import mismatch_of
from copier.web.dto.words import to_json
from copier.web.principal import Principal
from copier.web.rest.limits import shown_limits
from copier.web.rest.links import show_link
from copier.web.rest.show_accounts import show_account, show_positions
from copier.web.surface import Surface
from rules.model.frozen import frozen
from rules.model.levers import Lever, SetAccount, SetLink
from rules.model.values import AccountId, LinkId

EVENTS_MAX: Final = 5000
"""Events of the ring: some megabytes, and some minutes of a busy day."""

SHOW_EVERY_S: Final = 1.0
"""Accounts and links conflate: a person reads no faster, and a quote comes hundreds of times a second."""

LINGER_S: Final = 60.0
"""Nothing is rendered for nobody; but a reader whose connection broke finds what it missed."""

Needed = frozenset[AccountId] | None
"""The accounts that one must be able to see; None: only who sees all."""

_Shown: TypeAlias = tuple[tuple[str, str], list[tuple[Needed, Any]]]
"""An event and its subject, with its bodies."""


@frozen
class Told:
    """One event. Of the bodies the first counts whose accounts a reader may see."""

    number: int
    event: str
    bodies: tuple[tuple[Needed, bytes], ...]
    accounts: frozenset[AccountId]
    """What it is about, for readers who want to hear of some accounts only."""

    def body_for(self, principal: Principal) -> bytes | None:
        for needed, body in self.bodies:
            if principal.accounts is None or (needed is not None and needed <= principal.accounts):
                return body
        return None


class EventLog:
    """Renders what changed while somebody listens, and for a while after."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._ring: deque[Told] = deque(maxlen=EVENTS_MAX)
        self._number = 0
        self._run = f"{int(surface.started_at.timestamp() * 1000):x}"
        self._changed = trio.Event()
        self._listeners = 0
        self._left_at = float("-inf")
        self._begun = trio.Event()
        self._looked = trio.Event()
        self._reader: ChangeReader | None = None
        self._following = ExitStack()
        self._accounts: set[AccountId] = set()
        self._links: set[LinkId] = set()
        self._traded: set[AccountId] = set()
        """Where copies changed since the last look: a position may have come and gone between two looks, and somebody
        have read it meanwhile."""
        self._shown: dict[tuple[str, str], bytes] = {}
        """The last body of what conflates: the same one is not told again."""

    # For readers

    @property
    def last(self) -> int:
        """The number of the last event."""
        return self._number

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Have events rendered for the length of the block."""
        if self._reader is None:
            self._begin()
        self._listeners += 1
        try:
            yield
        finally:
            self._listeners -= 1
            self._left_at = trio.current_time()

    def id_of(self, number: int) -> str:
        """Return what a client gives to go on after an event."""
        return f"{self._run}-{number}"

    def place_of(self, event_id: str) -> int | None:
        """Return the number of the event with that id; None where it is not of this run, or too long ago."""
        run, _, digits = event_id.partition("-")
        if run != self._run or not digits.isascii() or not digits.isdigit() or len(digits) > 15:
            return None
        return int(digits) if self.is_whole_after(int(digits)) else None

    def is_whole_after(self, number: int) -> bool:
        """Tell whether every event after that number is still in the ring."""
        first = self._ring[0].number if self._ring else self._number + 1
        return first - 1 <= number <= self._number

    def after(self, number: int) -> list[Told]:
        """Return the events of the ring after that number."""
        missing = self._number - number
        return [] if missing <= 0 else list(self._ring)[-missing:]

    async def ready(self) -> None:
        """Return when every change from now on will be told."""
        await self._looked.wait()

    async def more(self) -> None:
        """Return when an event has been added."""
        await self._changed.wait()

    # What changes it

    async def run(self) -> None:
        """Render until cancelled; nothing while nobody listens."""
        while True:
            await self._begun.wait()
            with self._following:
                await self._look()
                await self._follow()
            self._reader, self._begun, self._looked = None, trio.Event(), trio.Event()

    def _begin(self) -> None:
        """Follow what changes from here on."""
        self._forget()
        self._following = ExitStack()
        self._reader = self._following.enter_context(self._surface.changes.reader())
        self._begun.set()

    def _forget(self) -> None:
        """Begin anew: nobody followed what changed meanwhile."""
        self._ring.clear()
        self._number += 1  # who knows an event of before cannot go on from there

    async def _look(self) -> None:
        """Note how everything looks, in small parts: what changes from here on is told."""
        self._shown.clear()
        for name in self._surface.views:
            self._shown |= {key: to_json(bodies[0][1]) for key, bodies in self._of_account(name)}
            await trio.lowlevel.checkpoint()
        for link_id in self._surface.links:
            self._shown |= {key: to_json(bodies[0][1]) for key, bodies in self._of_link(link_id)}
            await trio.lowlevel.checkpoint()
        self._looked.set()

    async def _follow(self) -> None:
        assert self._reader is not None  # it has begun
        show_at = trio.current_time()
        while self._listeners or trio.current_time() < self._left_at + LINGER_S:
            with trio.move_on_at(show_at if self._accounts or self._links else trio.current_time() + LINGER_S):
                news = await self._reader.take()
                if news.is_gap:
                    self._forget()
                    self._accounts |= self._surface.views.keys()
                    self._links |= self._surface.links.keys()
                self._accounts |= news.accounts
                for change in news.changes:
                    self._take(change)
            if trio.current_time() >= show_at:
                self._show()
                show_at = trio.current_time() + SHOW_EVERY_S

    def _show(self) -> None:
        """Tell how accounts and links look now, where that is not what was told last, or may not be what was read."""
        for name in self._traded:
            self._shown.pop(("positions", name), None)
        self._accounts |= self._traded
        shown = [each for name in self._accounts & self._surface.views.keys() for each in self._of_account(name)]
        shown += [each for link_id in self._links & self._surface.links.keys() for each in self._of_link(link_id)]
        for key, bodies in shown:
            body = to_json(bodies[0][1])
            if self._shown.get(key) != body:
                self._shown[key] = body
                self._tell(key[0], *bodies)
        self._accounts.clear()
        self._links.clear()
        self._traded.clear()

    def _of_account(self, name: AccountId) -> list[_Shown]:
        """Return what is told of an account."""
        session, own = self._surface.session(name), frozenset({name})
        return [
            (("account", name), [(own, show_account(self._surface, name))]),
            (("positions", name), self._positions(name)),
            (("session", name), [(own, Session(name, session.state, session.since, session.why))]),
        ]

    def _of_link(self, link_id: LinkId) -> list[_Shown]:
        """Return what is told of a link."""
        link = self._surface.links[link_id]
        return [(("link", link_id), [(frozenset({link.source, link.target}), show_link(self._surface, link))])]

    def _positions(self, name: AccountId) -> list[tuple[Needed, Any]]:
        """Return an account's positions: with what they are copies of for who sees those sources, else without."""
        view, surface = self._surface.views[name], self._surface
        sources = frozenset(copy.source for copy in surface.book.of_target(name) if copy.holds)
        own = frozenset({name})
        whole = Positions(name, show_positions(surface, Principal("all", frozenset()), view))
        if not sources:
            return [(own, whole)]
        bare = Positions(name, show_positions(surface, Principal("own", frozenset(), own), view))
        return [(own | sources, whole), (own, bare)]

    def _take(self, change: Change) -> None:
        """Tell of a record that became durable."""
        record = change.record
        match record:
            case DecisionRecord():
                ends = frozenset({record.copy.source, record.copy.target})
                self._tell("decision", (ends, decision_of(change.number, change.at, record)))
                self._tell("copy", (ends, copy_of(record.copy)))
                self._links.add(record.copy.link_id)
                self._traded |= ends
            case ReportRecord():
                ends = frozenset({record.copy.source, record.copy.target})
                self._tell("copy", (ends, copy_of(record.copy)))
                self._links.add(record.copy.link_id)
                self._traded |= ends
            case LimitRecord():
                for limit in shown_limits(self._surface, record.account):
                    if limit.limit == record.state.limit_id:
                        self._tell("limit", (frozenset({record.account}), limit))
            case MismatchRecord(mismatch):
                over = MismatchEnded(mismatch.link_id, mismatch.target, mismatch.symbol, mismatch.kind.value)
                shown, event = (over, "mismatch_over") if record.ended else (mismatch_of(mismatch), "mismatch")
                self._tell(event, (self._ends(mismatch.link_id), shown))
                self._links.add(mismatch.link_id)
            case AlertRecord():
                self._tell("alert", (_about(record), alert_of(change.number, change.at, record)))
            case AcknowledgedRecord():
                self._tell("acknowledged", (_about(record), acknowledged_of(change.at, record)))
            case LeverRecord():
                lever = lever_of(record)
                if lever is not None:
                    self._tell("lever", (self._subject(record.lever), lever))
            case _:
                pass

    def _ends(self, link_id: LinkId) -> Needed:
        link = self._surface.links.get(link_id)
        return None if link is None else frozenset({link.source, link.target})

    def _subject(self, lever: Lever) -> Needed:
        """Return whose lever it is; what it changes is shown anew."""
        if isinstance(lever, SetAccount):
            self._accounts.add(lever.account)
            return frozenset({lever.account})
        if isinstance(lever, SetLink):
            self._links.add(lever.link_id)
            return self._ends(lever.link_id)
        return None

    def _tell(self, event: str, *bodies: tuple[Needed, Any]) -> None:
        self._number += 1
        about = _union(needed for needed, _ in bodies)
        rendered = tuple((needed, to_json(shown)) for needed, shown in bodies)
        self._ring.append(Told(self._number, event, rendered, about))
        self._changed.set()
        self._changed = trio.Event()


def _about(record: AlertRecord | AcknowledgedRecord) -> Needed:
    """Return who may hear of an alert: what is about no account is for those who see all."""
    return frozenset({record.account}) if record.account else None


def _union(needed: Iterable[Needed]) -> frozenset[AccountId]:
    return frozenset(account for each in needed if each is not None for account in each)
