"""The lives of the service within one simulation: started on one ledger again and again, and killed where it hurts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum

import trio
from attrs import define, field

from adapters.base import Account
from adapters.transport.network import Connect, MemoryStream
from copier.ledger.ledger import Entry, Ledger, LedgerFailed
from copier.rulebook import Rulebook
from copier.service.service import Service
from rules.model.values import AccountId
from tests.simulation.scenario import Scenario
from tests.simulation.world import World

DOWN_S_MAX = 6.0
"""How long the service stays dead."""


class Killed(BaseException):
    """The process dies here: nothing after this point happens, and nothing catches it."""


class Point(Enum):
    """Where the service can be killed."""

    BEFORE_COMMIT = "before a commit"
    AFTER_COMMIT = "after a commit with intents, before anything leaves"
    BEFORE_SEND = "before the first byte of an order"
    HALF_SENT = "within an order"
    SENT = "after the last byte of an order, before its answer"


@define
class Killer:
    """Kills at the next point that it was armed for."""

    armed: Point | None = None
    kills: int = 0

    def arm(self, point: Point) -> None:
        self.armed = point

    def reached(self, point: Point) -> None:
        """Die if this is the point.

        Raises:
            Killed: it is.
        """
        if self.takes(point):
            raise Killed

    def takes(self, point: Point) -> bool:
        """Tell whether this is the point; whoever is told so must die of it."""
        if self.armed is not point:
            return False
        self.armed = None
        self.kills += 1
        return True


class MortalLedger(Ledger):
    """The ledger, which survives, with the points before and after a commit."""

    killer: Killer

    full: bool = False
    """While the disk is full nothing is written, and so nothing may leave."""

    def append(self, entries: Sequence[Entry], at: datetime) -> int:
        if self.full:
            raise LedgerFailed("the simulated disk is full")
        self.killer.reached(Point.BEFORE_COMMIT)
        seq = super().append(entries, at)
        if any(entry.kind in ("intent", "resend") for entry in entries):
            self.killer.reached(Point.AFTER_COMMIT)
        return seq


class MortalStream(MemoryStream):
    """A connection with the points around the sending of a request that moves money."""

    def __init__(self, inner: MemoryStream, killer: Killer, is_cut: Callable[[], bool]) -> None:
        super().__init__(inner._outgoing, inner._incoming)  # the same connection, nothing of it new
        self._killer = killer
        self._is_cut = is_cut

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if not _moves_money(bytes(data[:200])):
            await super().send_all(data)
            return
        self._killer.reached(Point.BEFORE_SEND)
        if self._killer.takes(Point.HALF_SENT):
            await super().send_all(data[: len(data) // 2])
            raise Killed
        await super().send_all(data)
        self._killer.reached(Point.SENT)
        if self._is_cut():
            self.close()


def _moves_money(head: bytes) -> bool:
    """Tell whether an order begins so: a request over HTTP that changes something, or a trade in a WebSocket frame."""
    method, _, rest = head.partition(b" ")
    if method in (b"POST", b"PUT", b"PATCH", b"DELETE"):
        return b"/auth/" not in rest and b"/oauth/" not in rest
    return b'"trade"' in _unmasked(head)


def _unmasked(frame: bytes) -> bytes:
    """Return the text of a client's WebSocket frame (RFC 6455, 5.2); what is none makes no sense, and no trade."""
    if len(frame) < 8 or not frame[1] & 0x80:
        return b""
    extended = {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)
    mask, text = frame[2 + extended : 6 + extended], frame[6 + extended :]
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))


@define(eq=False)
class Process:
    """One run of the service's process: what it has of the network dies with it."""

    world: World
    killer: Killer

    async def connect(self, host: str, port: int, tls: bool) -> trio.abc.Stream:
        stream = await self.world.network.connect(host, port, tls)
        assert isinstance(stream, MemoryStream)
        return MortalStream(stream, self.killer, lambda: self.world.takes_cut(host))


MakeAccounts = Callable[[Connect], dict[AccountId, Account]]


@define(eq=False)
class Lives:
    """Runs the service again and again until cancelled. `make_accounts` is the world's own, or a test's sabotage."""

    scenario: Scenario
    world: World
    make_accounts: MakeAccounts
    killer: Killer = field(factory=Killer)
    ledger: MortalLedger = field(init=False)
    service: Service | None = field(default=None, init=False)
    down: list[tuple[float, float]] = field(factory=list, init=False)
    """When no service ran, or it could write nothing, by trio's clock."""
    _born: int = field(default=0, init=False)
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _stop: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        ledger = MortalLedger.in_memory()
        assert isinstance(ledger, MortalLedger)  # its annotation promises less
        self.ledger = ledger
        self.ledger.killer = self.killer

    async def run(self) -> None:
        """Live, die, and live again."""
        random = self.scenario.random("downtime")
        while True:
            self._born += 1
            self._scope = trio.CancelScope()
            try:
                with self._scope:
                    await self._live()
            except* Killed:
                pass  # died where it was meant to
            self.service = None
            since_s = trio.current_time()
            await trio.sleep(random.choice((0.0, random.uniform(0.0, DOWN_S_MAX))))
            self.down.append((since_s, trio.current_time()))

    def stop_now(self) -> None:
        """Stop the service as a person does: it drains what is under way."""
        self.killer.kills += 1
        self._stop.set()

    async def fill_disk(self, seconds: float) -> None:
        """Let the ledger have no room for a while."""
        since_s = trio.current_time()
        self.ledger.full = True
        await trio.sleep(seconds)
        self.ledger.full = False
        self.down.append((since_s, trio.current_time()))

    def kill_now(self) -> None:
        """Kill the service at this moment, wherever it is."""
        self.killer.kills += 1
        self._scope.cancel()

    async def _live(self) -> None:
        accounts = self.make_accounts(Process(self.world, self.killer).connect)
        try:
            self.service = Service(
                rulebook=Rulebook(tuple(self.scenario.links)),
                accounts=accounts,
                ledger=self.ledger,
                utc_now=self.world.now,
                random=self.scenario.random(f"life {self._born}"),
                reconcile_every_s=self.scenario.reconcile_every_s,
                threads=False,
            )
            self._stop = trio.Event()
            await self.service.run(self._stop)
        finally:
            with trio.CancelScope(shield=True):
                for account in accounts.values():
                    await account.aclose()
