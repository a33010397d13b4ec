"""The stream of one account: one connection, and before its token ends a second one that takes over from it."""

import logging
from typing import Final

import trio
from attrs import define, field

from adapters.base import Emit, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.clearstreet.config import Config
from adapters.clearstreet.net import Lives
from adapters.clearstreet.rest import Rest
from adapters.clearstreet.sequence import Gaps
from adapters.clearstreet.session import StreamSession, SubscriptionRefused
from adapters.clearstreet.sign_in import LiveToken
from adapters.clearstreet.trading import Trading
from adapters.transport.frames import EagerLock
from adapters.transport.network import Connect
from adapters.transport.plain_frames import VenueSocket
from adapters.transport.websocket import as_session_lost, open_websocket
from rules.model.events import Event
from rules.model.values import AccountId

_log = logging.getLogger(__name__)

_SYNC_S_MAX: Final = 60.0
"""From the open socket to the confirmed snapshot. The venue gives no figure; a replay is a day's messages."""

_BOOKS_PAUSE_S: Final = 0.5
"""Between two questions to the books, which may lag behind the stream a little."""

_FOLD_S: Final = 0.25
"""How long an execution waits for the position-update that belongs to it."""

_RENEW_AGAIN_S: Final = 30.0
"""Between two tries to open the connection that takes over."""

_CATCH_UP_S_MAX: Final = 10.0
"""How far a confirmed connection may seem to be behind the one that it takes over from; its books are true anyway."""


@define(eq=False)
class _Link:
    """One connection."""

    session: StreamSession
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    wanted: trio.Event = field(factory=trio.Event)
    """Set when the books are wanted."""
    ready_at: float | None = None
    """When it was confirmed, and behind the one that it takes over from."""


class Stream:
    """Runs the stream of one account; `lives` and `trading` are shared with its looks and orders."""

    def __init__(
        self,
        account: AccountId,
        config: Config,
        rest: Rest,
        lives: Lives,
        trading: Trading,
        *,
        connect: Connect,
        now: UtcNow,
    ) -> None:
        self._account = account
        self._config = config
        self._rest = rest
        self._lives = lives
        self._trading = trading
        self._connect = connect
        self._now = now
        self._gaps = Gaps()
        self._zone = config.zone

    async def run(self, emit: Emit) -> None:
        """Run one session, over as many connections as its tokens need, until it is lost; never returns normally.

        Raises:
            SessionLost: the session is gone. SignInRefused: for good.
        """
        try:
            async with trio.open_nursery() as nursery:
                run = _Run(emit, nursery)
                await self._link(run, None)
        except ExceptionGroup as group:
            raise _main_reason(group) from group

    async def _link(self, run: "_Run", before: _Link | None) -> None:
        """Run one connection; `before` is the one that it is to take over from."""
        try:
            token = await self._rest.token()
        except Throttled as error:
            raise SessionLost(str(error)) from error
        session = StreamSession(self._account, self._config.account_id, self._lives, self._gaps, self._zone)
        link = _Link(session)
        if before is None:
            run.current = link
        try:
            with link.scope:
                async with open_websocket(self._config.socket_address, connect=self._connect) as websocket:
                    await websocket.send_message(session.subscribe(token.text.reveal()))
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._read, run, link, websocket)
                        nursery.start_soon(self._ask_books, run, link)
                        nursery.start_soon(self._renew, run, link, token)
        except SubscriptionRefused:
            self._rest.reject(token)
            await self._check_account()
            raise

    async def _check_account(self) -> None:
        """Ask the books about the account, since a refused subscription does not say whether it is for good.

        Raises:
            SignInRefused: the credentials do not show it.
        """
        try:
            await self._rest.check_account()
        except SessionLost:
            return  # the stream's own loss says more

    # Reading

    async def _read(self, run: "_Run", link: _Link, websocket: VenueSocket) -> None:
        session = link.session
        sync_by = trio.current_time() + _SYNC_S_MAX
        fold_at: float | None = None
        while True:
            text = await self._next_frame(websocket, session, sync_by, fold_at)
            now = self._now()
            async with run.lock:
                if text is None:
                    await self._deliver(run, link, session.settle(now))
                while text is not None:  # also what was read with it: of a few milliseconds at most
                    events = session.receive(text, now)
                    if events or run.current is not link:  # a replay is thousands of messages that nobody hears of
                        await self._deliver(run, link, events)
                    for news in session.take_orders():
                        self._trading.hear(news)
                    text = websocket.ready_message()
            for note in session.take_notes():
                _log.warning("clearstreet.note account=%s %s", self._account, note)
            for notice in session.take_notices():
                _log.info("clearstreet.notice account=%s the venue said: %s", self._account, notice)
            if not session.waits:
                fold_at = None
            elif fold_at is None:
                fold_at = trio.current_time() + _FOLD_S
            if session.needs_books:
                link.wanted.set()

    async def _next_frame(
        self, websocket: VenueSocket, session: StreamSession, sync_by: float, fold_at: float | None
    ) -> str | bytes | None:
        """Return the next frame; None when an execution has waited long enough for its position-update."""
        stale_s = self._config.stale_after.total_seconds()
        limit = stale_at = trio.current_time() + stale_s
        if not session.synchronized:
            limit = min(limit, sync_by)
        if fold_at is not None:
            limit = min(limit, fold_at)
        frame = await websocket.message_by(limit)
        if frame is not None:
            return frame
        if fold_at is not None and limit == fold_at:
            return None
        if limit < stale_at:
            raise SessionLost(f"expected the end of the replay within {_SYNC_S_MAX:g} s, it did not come")
        raise SessionLost(f"the stream said nothing for {stale_s:g} s")

    async def _deliver(self, run: "_Run", link: _Link, events: list[Event]) -> None:
        """Give events on; of a connection that is to take over none, until it has come as far as the other one."""
        current = run.current
        if current is not None and current is not link:
            if not link.session.synchronized or self._is_behind(link, current):
                return
            current.scope.cancel()
            run.current = link
            events = [link.session.snapshot(self._now())]
        for event in events:
            await run.emit(event)

    @staticmethod
    def _is_behind(link: _Link, current: _Link) -> bool:
        """Tell whether a confirmed connection is to wait until it has told what the other one told, for a moment."""
        if link.session.place >= current.session.place:
            return False
        if link.ready_at is None:
            link.ready_at = trio.current_time()
        return trio.current_time() - link.ready_at < _CATCH_UP_S_MAX

    async def _ask_books(self, run: "_Run", link: _Link) -> None:
        session = link.session
        while True:
            await link.wanted.wait()
            link.wanted = trio.Event()
            while session.needs_books:
                mark = session.mark
                try:
                    books = await self._rest.books()
                except Throttled as error:
                    raise SessionLost(str(error)) from error
                async with run.lock:
                    if session.learn(books, mark):
                        await trio.lowlevel.checkpoint()  # thousands of positions took their time, as will what follows
                        await self._deliver(run, link, [session.snapshot(self._now())])
                if session.needs_books:
                    await trio.sleep(_BOOKS_PAUSE_S)

    # Taking over

    async def _renew(self, run: "_Run", link: _Link, token: LiveToken) -> None:
        """Open the next connection before the token of this one ends; being taken over from ends this task."""
        # A second later, so that the shared token is surely renewed although wall and waiting clock differ a little.
        await trio.sleep(max((token.fresh_until - self._now()).total_seconds(), 0.0) + 1.0)
        while self._now() < token.expires_at:
            if run.current is link:
                ended = trio.Event()
                run.nursery.start_soon(self._try_next, run, link, ended)
                await ended.wait()
            await trio.sleep(_RENEW_AGAIN_S)

    async def _try_next(self, run: "_Run", before: _Link, ended: trio.Event) -> None:
        """Run the next connection. What ends it before it has taken over is a note, and nothing is lost yet."""
        try:
            await self._link(run, before)
        except (SessionLost, ExceptionGroup) as error:
            reason = _main_reason(error) if isinstance(error, ExceptionGroup) else error
            if run.current is not before or not isinstance(reason, SessionLost):
                raise
            _log.warning("clearstreet.renewal account=%s %s", self._account, reason)
        finally:
            ended.set()


@define(eq=False)
class _Run:
    """One session: the connection whose events count, and the lock that keeps events in their order."""

    emit: Emit
    nursery: trio.Nursery
    current: _Link | None = None
    lock: EagerLock = field(factory=EagerLock)


def _main_reason(group: ExceptionGroup[Exception]) -> Exception:
    """Return the one error that ended all tasks of a session; a bug among them is shown as it is."""
    refused, rest = group.split(SignInRefused)
    if refused is None:
        return as_session_lost(group, "activity channel")
    if rest is not None and not isinstance(as_session_lost(rest, ""), SessionLost):
        return group
    error: BaseException = refused
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, SignInRefused)
    return error
