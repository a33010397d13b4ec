"""Who hears what: each message is made once, and given to every listener's outbox without waiting for any of them.

What changed is only noted. One task gathers for a moment, makes what is new of each account, and sends that to all who
listen to it, a few at a time: orders go first.
"""

from collections import deque
from collections.abc import Collection, Mapping
from typing import Final, Protocol

import trio
from attrs import define, field

from rules.model.frozen import frozen
from rules.model.values import AccountId

GATHER_S: Final = 0.01
"""Between a change and its message: the order that follows from the change leaves meanwhile, and what changes together
is told together."""

SENDS_AT_ONCE: Final = 8
"""Some 40 us: so long an order that wants to leave may have to wait for the fan-out each time."""

REST_FACTOR: Final = 1.0
"""The fan-out rests as long as it has worked: what changes meanwhile is told in one message instead of several, and at
least half of the time belongs to the copier, but for bursts of notices."""

REST_S_MAX: Final = 0.1
"""Whoever trades by what is pushed here notices a longer silence after a burst."""

STATE_WAITING_MAX: Final = 256 * 1024
"""Bytes of the first state of many accounts that wait for their reader; the rest is made when it has taken these."""

NOTICES_MAX: Final = 10_000
"""Decisions that wait to be told, some seconds of a very busy service; of more the oldest are not pushed. The ledger
has them all."""


class Outbox(Protocol):
    """Where a listener's messages go. Only `emptied` waits; who is too far behind is cut."""

    @property
    def waiting_bytes(self) -> int: ...

    def put(self, payload: bytes) -> bool: ...

    async def emptied(self) -> None: ...


@frozen
class Shown:
    """One message about an account. Two with the same `key` tell the same."""

    queue: str
    key: bytes
    body: bytes


class Source(Protocol):
    """What there is to tell."""

    def accounts(self) -> Collection[AccountId]:
        """Return the accounts that there are."""

    def show(self, account: AccountId) -> Mapping[str, Shown]:
        """Return all messages about an account by their kind, each complete."""


@frozen
class Notice:
    """Something that is told once to those who listen to the account."""

    account: AccountId
    queue: str
    body: bytes
    needs: AccountId | None = None
    """Another account that it tells of, which a listener must be able to see too."""


@define(eq=False)
class Listener:
    """One client. `heads` are the first bytes of its messages, by queue, one for each subscription."""

    outbox: Outbox
    may_see: frozenset[AccountId] | None
    """None: everything."""
    wanted: frozenset[AccountId] | None = None
    """None: nothing yet; empty: every account that it may see, those that are added later too."""
    heads: dict[str, tuple[bytes, ...]] = field(factory=dict)
    sent_at: float = 0.0

    def wants(self, account: AccountId) -> bool:
        """Tell whether it asked for an account, and may see it."""
        if self.wanted is None or not self.sees(account):
            return False
        return not self.wanted or account in self.wanted

    def sees(self, account: AccountId | None) -> bool:
        """Tell whether it may see an account."""
        return account is None or self.may_see is None or account in self.may_see


class FanOut:
    """Sends to all listeners what they asked for."""

    def __init__(self, source: Source, *, repeat: str, repeat_every_s: float) -> None:
        """`repeat`: the kind of message that is sent every `repeat_every_s`, even where nothing has changed."""
        self._source = source
        self._repeat = repeat
        self._repeat_every_s = repeat_every_s
        self._listeners: dict[Listener, None] = {}
        self._by_account: dict[AccountId, dict[Listener, None]] = {}
        self._shown: dict[AccountId, dict[str, Shown]] = {}
        """The last messages about each account that somebody listens to."""
        self._known: frozenset[AccountId] = frozenset()
        self._changed: dict[AccountId, bool] = {}
        """Accounts to look at; True: repeat."""
        self._new: set[AccountId] = set()
        """Accounts that were added, of which nobody who listened before has been told."""
        self._notices: deque[Notice] = deque(maxlen=NOTICES_MAX)
        self._wake = trio.Event()
        self._count = 0

    # What happened

    def changed(self, account: AccountId) -> None:
        """Note that something of an account may be another than before."""
        if account in self._by_account:
            self._changed.setdefault(account, False)
            self._wake.set()

    def notice(self, notice: Notice) -> None:
        """Tell those who listen."""
        if notice.account in self._by_account:
            self._notices.append(notice)
            self._wake.set()

    def is_listened_to(self, account: AccountId) -> bool:
        """Tell whether somebody listens to an account."""
        return account in self._by_account

    # Who listens

    async def show(self, listener: Listener, queues: Collection[str] | None = None) -> None:
        """Tell a listener everything that it asked for, at once; from now on it hears what changes.

        Args:
            queues: that are told; None: all that it subscribed.
        """
        self._meet_accounts()
        self._listeners[listener] = None
        for account in self._known:
            self._index(listener, account)
            await self._tell(listener, account, listener.heads if queues is None else queues)

    def leave(self, listener: Listener) -> None:
        """Tell a listener nothing more."""
        self._listeners.pop(listener, None)
        for account in self._known:
            self._drop(listener, account)

    def _index(self, listener: Listener, account: AccountId) -> None:
        if listener.heads and listener.wants(account):
            self._by_account.setdefault(account, {})[listener] = None
        else:
            self._drop(listener, account)

    def _drop(self, listener: Listener, account: AccountId) -> None:
        listeners = self._by_account.get(account, {})
        listeners.pop(listener, None)
        if not listeners:
            self._by_account.pop(account, None)
            self._shown.pop(account, None)

    async def _tell(self, listener: Listener, account: AccountId, queues: Collection[str]) -> None:
        """Tell a listener all about an account, unless it does not listen to it."""
        if listener not in self._by_account.get(account, ()):
            return
        shown = self._shown.get(account)
        if shown is None:
            shown = self._shown[account] = dict(self._source.show(account))
        for message in shown.values():
            if message.queue in queues:
                tail = self._tail(message.body)
                for head in listener.heads.get(message.queue, ()):
                    listener.outbox.put(head + tail)
        listener.sent_at = trio.current_time()
        await trio.lowlevel.checkpoint()
        if listener.outbox.waiting_bytes > STATE_WAITING_MAX:
            await listener.outbox.emptied()

    def _meet_accounts(self) -> None:
        """Let those who listen to all accounts hear of new ones too; forget accounts that are gone."""
        now = frozenset(self._source.accounts())
        new, gone = now - self._known, self._known - now
        self._known = now
        for account in gone:
            self._by_account.pop(account, None)
            self._shown.pop(account, None)
        for account in sorted(new):
            for listener in self._listeners:
                self._index(listener, account)
            if account in self._by_account:
                self._new.add(account)
                self.changed(account)

    # The task

    async def run(self) -> None:
        """Send what changes, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._repeat_all)
            while True:
                await self._wake.wait()
                await trio.sleep(GATHER_S)
                self._wake = trio.Event()
                began = trio.current_time()
                await self._tell_notices()
                await self._tell_changes()
                await trio.sleep(min(REST_FACTOR * (trio.current_time() - began), REST_S_MAX))

    async def _repeat_all(self) -> None:
        """Have each account repeated in its turn: all at once would be a flood for who listens to many."""
        while True:
            self._meet_accounts()
            accounts = list(self._by_account)
            for account in accounts:
                self._changed[account] = True
                self._wake.set()
                await trio.sleep(self._repeat_every_s / len(accounts))
            if not accounts:
                await trio.sleep(self._repeat_every_s)

    async def _tell_notices(self) -> None:
        for _ in range(len(self._notices)):  # what comes meanwhile waits, or changes would never have their turn
            notice = self._notices.popleft()
            await self._publish(notice.account, notice.queue, notice.body, needs=notice.needs)

    async def _tell_changes(self) -> None:
        changed, self._changed = self._changed, {}
        new, self._new = self._new, set()
        for account, repeats in changed.items():
            if account not in self._by_account:
                continue  # nobody listens any more
            before = {} if account in new else self._shown.get(account, {})
            now = self._shown[account] = dict(self._source.show(account))
            for kind, message in now.items():
                is_news = kind not in before or before[kind].key != message.key
                if is_news or (repeats and kind == self._repeat):
                    await self._publish(account, message.queue, message.body)
            await trio.lowlevel.checkpoint()

    async def _publish(self, account: AccountId, queue: str, body: bytes, *, needs: AccountId | None = None) -> None:
        """Give a message to all who listen to an account. One that joins meanwhile is told by `show`."""
        tail = self._tail(body)
        frames: dict[bytes, bytes] = {}
        now, sends = trio.current_time(), 0
        for listener in list(self._by_account.get(account, ())):
            if listener not in self._by_account.get(account, ()) or not listener.sees(needs):
                continue
            for head in listener.heads.get(queue, ()):
                frame = frames.get(head)
                if frame is None:
                    frame = frames[head] = head + tail
                listener.outbox.put(frame)
                listener.sent_at = now
                sends += 1
            if sends >= SENDS_AT_ONCE:
                sends = 0
                await trio.lowlevel.checkpoint()
                now = trio.current_time()
        await trio.lowlevel.checkpoint()

    def _tail(self, body: bytes) -> bytes:
        """Return what follows a subscription's head: the rest of the message's id, its length, its body."""
        self._count += 1
        return b"%d\ncontent-length:%d\n\n%b\0" % (self._count, len(body), body)
