"""What every venue offers the service: one `Account` per configured account, its capabilities, and its errors."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from rules.model.actions import Action
from rules.model.events import Event, SnapshotReceived
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Quote
from rules.model.reports import Report
from rules.model.values import ClOrdId, OmsType, Symbol

Emit: TypeAlias = Callable[[Event], Awaitable[None]]
"""Hands an event to the engine; waits while the engine is busy (back-pressure reaches the socket)."""

UtcNow: TypeAlias = Callable[[], datetime]
"""The service's one clock."""


class SessionLost(Exception):
    """Weather: the connection, the venue or the network went away. Try again with a fresh session and a snapshot.

    Raised while a request was under way it means that the outcome of that request is unknown.
    """


class RequestNotSent(SessionLost):
    """The connection could not be made: nothing of the request left this process."""


class RemoteProtocolError(SessionLost):
    """The venue broke its own protocol; the session is dropped. The text says what was expected and found."""


class LocalProtocolError(Exception):
    """We broke the protocol: a bug of ours, which stops the service."""


class SignInRefused(Exception):
    """The venue refuses these credentials or this account: no weather, and to be tried again rarely, if at all.

    The text holds no secret.
    """


class Throttled(Exception):
    """The venue refused to look at a request (rate limit) and executed nothing."""

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


@frozen
class Capabilities:
    """What a venue can do. The engine reads these, never a venue's name."""

    oms: OmsType
    streams: bool
    """The account pushes its state (positions, figures)."""
    trades: bool
    """The account takes orders."""
    volumes_grow: bool
    """A position's volume can grow while its id stays (netting). Where False, a larger volume is an old message."""
    keeps_take_profit: bool = True
    """The venue keeps a take-profit with each position. Where False, copies get none."""
    stop_loss_lasts: bool = True
    """The venue keeps a stop-loss as long as its position, and takes it with an opening.

    Where False, the stop-loss is an order of ours that ends with the session. `ReplaceStops` enters it, over the whole
    position; positions show it only while it covers them whole, and one that is missing is entered anew.
    """
    pending_orders: bool = False
    """The account shows its pending orders in snapshots and, where it trades, takes such orders."""
    orders_expire: bool = False
    """A pending order ends by itself at the time that it names."""
    figures: bool = True
    """The account tells balance and equity."""
    quotes: bool = True
    """The account tells prices: of symbols that are asked for, and of its positions."""
    history: bool = True
    """The account tells what happened in it; what of it a venue lacks stands in its README."""
    parallel_requests: int = 4
    """Requests under way at once per account."""
    requests_per_s: float = 10.0
    """Our own pace of orders where the venue gives no limit, and the most where it does."""
    settle_s: float = 2.0
    """How long after a lost answer the venue's books may still not show the order."""
    positions_settle_s: float | None = None
    """The same for what the list of open positions shows by itself: a close, a reduction, new stops. None: settle_s."""


@frozen
class Receipt:
    """What a signal did. `repeated`: it was taken before, and did nothing now."""

    says: str
    repeated: bool


class SignalFault(Exception):
    """A signal makes no sense: which key, what was expected, what was found."""

    def __init__(self, key: str, expected: str, found: str) -> None:
        super().__init__(f"{key}: expected {expected}, found {found}")
        self.key = key
        self.expected = expected
        self.found = found


class SignalConflict(Exception):
    """A signal does not fit what is open; nothing was done."""


@runtime_checkable
class SignalReceiver(Protocol):
    """An account to which programs tell what it holds."""

    def is_signed(self, body: bytes, headers: Mapping[str, str | None]) -> bool:
        """Tell whether somebody who may send a signal has sent this one."""
        ...

    async def receive(self, body: bytes, headers: Mapping[str, str | None]) -> Receipt:
        """Take a signal that is signed, once; it is durable when this returns.

        Args:
            body: as it came, which a signature may be of.
            headers: by small name.
        Raises:
            SignalFault, SignalConflict: nothing was done. SessionLost: it is not known.
        """
        ...


class Account(Protocol):
    """A configured account at its venue. Made by `adapters.registry`; every wait in it may raise `SessionLost`.

    Only `submit` moves money, and it sends a request at most once, whatever happens.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def stream(self, emit: Emit) -> None:
        """Run one stream session until it is lost; never returns normally.

        Emits SessionOpened once signed in, then a SnapshotReceived (origin RECONCILED) once the venue's own
        end-of-sync mark has come, then live events.

        Raises:
            SessionLost: the session is gone. SignInRefused: the venue will not have it.
        """
        ...

    async def symbols(self) -> Iterable[Symbol]:
        """Return the names of all instruments of the account."""
        ...

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        """Return the specification of `symbol`, or None when the account has no such instrument."""
        ...

    async def quote(self, symbol: Symbol) -> Quote | None:
        """Return the current quote, or None when the venue has none."""
        ...

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        """Ask the venue for all open positions and the account's figures (origin RECONCILED, `requested_at` set).

        With `capabilities.pending_orders` also for all pending orders, after the positions or together with them.
        """
        ...

    async def submit(self, action: Action) -> Report:
        """Send one action, once.

        Returns Filled, Accepted, StopsReplaced, Placed, Replaced, Canceled, Rejected or NotSent. An action on a
        position that the venue no longer has, when it closes or reduces, is Rejected (on a netting account it may be
        Filled by what ended the position, where that ended lots that copies offset there), and so is one on a pending
        order that works no more, and a pending order of a kind that the venue does not have.

        Raises:
            RequestNotSent: nothing left this process. SessionLost: the outcome is unknown. Throttled: not executed.
        """
        ...

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        """Ask the venue's books for the order with our tag that opens: Filled, Rejected, Accepted (under way) or
        NotFound; of a pending order also Placed (working) or Canceled (ended unfilled).

        NotFound is what the books say now; the caller knows whether the settle time is over.
        """
        ...

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        """Return what was booked since then: oldest first, as far back as the venue tells. For people, not for rules.

        It may lag: what was just done may be missing, or be told with the lots that are known so far.

        Raises:
            SessionLost: it cannot be read now, or not at all. SignInRefused: the venue will not have it.
        """
        ...

    async def aclose(self) -> None:
        """Give up the connections that are kept for requests."""
        ...
