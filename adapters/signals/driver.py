"""An account of signals behind the service's `Account`: what signals add up to, streamed like any other source."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NoReturn

import trio

from adapters.base import (
    Capabilities,
    Emit,
    LocalProtocolError,
    Receipt,
    SessionLost,
    SignalConflict,
    SignalFault,
    UtcNow,
)
from adapters.signals.book import applied
from adapters.signals.capabilities import capabilities
from adapters.signals.config import Config
from adapters.signals.signature import is_secret, read_signature
from adapters.signals.store import Store, hash_of
from adapters.signals.words import Signal, decoded, read_signal
from adapters.transport.network import Connect
from rules.model.actions import Action
from rules.model.events import Origin, PositionClosed, PositionReported, SessionOpened, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Position, Quote
from rules.model.reports import Report
from rules.model.values import AccountId, ClOrdId, PositionId, Symbol

NO_FIGURES = AccountStatus(balance=None, equity=None, currency=None)


class SignalsAccount:
    """One account of signals (`adapters.base.Account`, and an `adapters.base.SignalReceiver`).

    Args:
        connect: unused; every venue's account is made alike.
    """

    def __init__(self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow) -> None:
        del connect
        self._account = account
        self._config = config
        self._now = now
        self._store: Store | None = None
        self._positions: dict[PositionId, Position] = {}
        self._lives: dict[PositionId, datetime] = {}
        self._streams: set[_Outbox] = set()

    @property
    def capabilities(self) -> Capabilities:
        return capabilities()

    def is_signed(self, body: bytes, headers: Mapping[str, str | None]) -> bool:
        """See `adapters.base.SignalReceiver`; why a body cannot be read is told to nobody who may not send it."""
        if read_signature(self._config.signing_key, body, headers) is not None:
            return True
        try:
            return is_secret(self._config.secret, decoded(body).get("secret"))
        except SignalFault:
            return False

    async def receive(self, body: bytes, headers: Mapping[str, str | None]) -> Receipt:
        """Take a signal; it is on disk before this returns. See `adapters.base.SignalReceiver`."""
        await trio.lowlevel.checkpoint()
        signed, raw = read_signature(self._config.signing_key, body, headers), decoded(body)
        signal = read_signal(raw) if signed is None else read_signal(raw, signed.signal_id, signed.at)
        return self._take(signal, hash_of(body))

    def _take(self, signal: Signal, body_hash: bytes) -> Receipt:
        now, window, store = self._now(), self._config.window, self._opened()
        if abs(now - signal.at) > window:
            expected = f"a time within {window.total_seconds():g} s of {now.isoformat()}"
            raise SignalFault("time", expected, signal.at.isoformat())
        known = store.taken(signal.signal_id)
        if known is not None:
            if known.body_hash != body_hash:
                raise SignalConflict(f"signal {signal.signal_id} was taken before, with another body")
            return Receipt(known.says, repeated=True)
        outcome = applied(self._positions, self._lives, signal)
        try:
            store.save(signal.signal_id, body_hash, outcome.says, outcome.changed, now)
        except SessionLost:
            self._give_up()
            raise
        for position_id, position in outcome.changed.items():
            if position is None:
                del self._positions[position_id]
            else:
                self._positions[position_id] = position
                self._lives[position_id] = position.opened_at
        for stream in self._streams:
            stream.put(outcome.changed)
        return Receipt(outcome.says, repeated=False)

    async def stream(self, emit: Emit) -> None:
        """Tell of every change until the file is given up; see `adapters.base.Account.stream`."""
        await trio.lowlevel.checkpoint()
        self._opened()
        outbox = _Outbox()
        self._streams.add(outbox)
        try:
            await emit(SessionOpened(self._account, self._now()))
            # What changes from here on is in the outbox, so that nothing falls between the snapshot and the stream.
            outbox.changed.clear()
            await emit(self._snapshot(None))
            while True:
                await outbox.filled.wait()
                if self._store is None:
                    raise SessionLost("the file of signals was given up")
                for position_id, position in outbox.take().items():
                    if position is None:
                        await emit(PositionClosed(self._account, self._now(), position_id))
                    else:
                        await emit(PositionReported(self._account, self._now(), position))
        finally:
            self._streams.discard(outbox)

    async def symbols(self) -> Iterable[Symbol]:
        await trio.lowlevel.checkpoint()
        return tuple({position.symbol for position in self._positions.values()})

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        await trio.lowlevel.checkpoint()
        return None

    async def quote(self, symbol: Symbol) -> Quote | None:
        await trio.lowlevel.checkpoint()
        return None

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        await trio.lowlevel.checkpoint()
        self._opened()
        return self._snapshot(self._now()), NO_FIGURES

    async def submit(self, action: Action) -> NoReturn:
        await trio.lowlevel.checkpoint()
        raise LocalProtocolError(f"expected no order on account {self._account}, which takes none")

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        await trio.lowlevel.checkpoint()
        raise LocalProtocolError(f"expected no order on account {self._account}, which takes none")

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        await trio.lowlevel.checkpoint()
        raise SessionLost("an account of signals has no history")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self._give_up()

    def _opened(self) -> Store:
        """Return the open file, and take over what it holds at the first need, and anew after a failure.

        Raises:
            SessionLost: another process has it. SignInRefused: it does not fit this account.
        """
        if self._store is None:
            store = Store(self._config.state, self._account)
            self._positions, self._lives = store.positions(), store.lives()
            self._store = store
        return self._store

    def _give_up(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
        for outbox in self._streams:
            outbox.filled.set()

    def _snapshot(self, requested_at: datetime | None) -> SnapshotReceived:
        positions = tuple(self._positions.values())
        return SnapshotReceived(self._account, self._now(), positions, Origin.RECONCILED, requested_at)


class _Outbox:
    """What one stream has still to tell: of each position the latest only, so that a slow reader bounds it."""

    def __init__(self) -> None:
        self.changed: dict[PositionId, Position | None] = {}
        self.filled = trio.Event()

    def put(self, changed: Mapping[PositionId, Position | None]) -> None:
        for position_id, position in changed.items():
            self.changed.pop(position_id, None)
            self.changed[position_id] = position
        if changed:
            self.filled.set()

    def take(self) -> dict[PositionId, Position | None]:
        taken, self.changed = self.changed, {}
        self.filled = trio.Event()
        return taken
