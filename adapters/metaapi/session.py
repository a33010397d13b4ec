"""One socket of the stream without I/O: frames in, events and frames out, and what is due when nothing comes.

Subscribes one account, asks each terminal host that is authenticated for a synchronization, and reports the state of
one of them, the leader: the first whose state is whole, until it is in trouble and another one's is whole.
"""

from datetime import datetime, timedelta
from typing import Final, TypeAlias

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.metaapi import wire
from adapters.metaapi.failures import is_final, retry_after_s, text_of
from adapters.metaapi.terminal import Phase, Terminal
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.values import iso, name
from adapters.secret import Secret
from adapters.transport import socketio
from rules.model.events import Event, SessionOpened, SnapshotReceived
from rules.model.values import AccountId, OmsType

Key: TypeAlias = tuple[int, str]
"""`(instanceIndex, host)`: whose words a packet is."""

INSTANCE: Final = 0

_OPEN_S_MAX: Final = 30.0
"""Until the server has opened the connection; a healthy one does at once."""

_SUBSCRIBE_PAUSE_S: Final = 3.0
_SUBSCRIBE_PAUSE_S_MAX: Final = 300.0
"""Between two subscriptions that nobody answers by `authenticated`; doubled each time, as the vendor's client does."""

_SUBSCRIBE_S_MAX: Final = 600.0
"""Until a terminal is up. After that a fresh socket, perhaps to another server, has the better chance."""

_RENEW_S_MAX: Final = 60.0
"""Until a host that was up is authenticated again; before that its state is old."""

_RENEWALS_MAX: Final = 3
"""Times that the state is read anew over one socket without success, before the socket is given up."""

_TERMINALS_MAX: Final = 8
"""Hosts at once; two is the most that high reliability is known to have."""

# The past is of no use to us: what was closed meanwhile is seen in the positions. A little of it does no harm where the
# broker's clock differs from ours.
_HISTORY: Final = timedelta(minutes=10)


class StreamSession:
    """The state of one connection.

    Feed each frame to `receive`, call `elapse` when `due_s` is reached, and send what `take_outbox` gives after each.

    Args:
        session_id: new for each socket, 32 characters; names this one in `subscribe`.
        gap_s: how long a missing packet is waited for, seconds.
        now_s: a clock that never jumps, seconds; it may stand still while nobody reads.
    """

    def __init__(
        self,
        account: AccountId,
        account_id: str,
        oms: OmsType,
        token: Secret,
        *,
        session_id: str,
        tickets: Tickets,
        gap_s: float,
        now_s: float,
    ) -> None:
        self._account = account
        self._account_id = account_id
        self._oms = oms
        self._token = token
        self._session_id = session_id
        self._tickets = tickets
        self._gap_s = gap_s
        self._link = socketio.ClientSession(eio_version=3, read_event=wire.read_event)
        self._opened = False
        self._up_by_s: float | None = now_s + _OPEN_S_MAX
        """When the socket is given up, unless what it waits for has come: the connection, then a terminal."""
        self._subscribe_at_s: float | None = None
        self._subscribe_pause_s = _SUBSCRIBE_PAUSE_S
        self._connected = False
        self._terminals: dict[Key, Terminal] = {}
        self._leader: Key | None = None
        self._renewals = 0
        self._requests = 0

    @property
    def ping_every_s(self) -> float | None:
        """How often to call `ping`; None before the server has told."""
        return self._link.ping_every_s

    @property
    def silence_s_max(self) -> float | None:
        """How long the server may be silent; None before it has told."""
        return self._link.silence_s_max

    @property
    def due_s(self) -> float:
        """When `elapse` is to be called at the latest."""
        due_s = float("inf") if self._up_by_s is None else self._up_by_s
        if self._subscribe_at_s is not None:
            due_s = min(due_s, self._subscribe_at_s)
        for terminal in self._terminals.values():
            due_s = min(due_s, terminal.due_s)
        return due_s

    def ping(self) -> None:
        """Ping the server."""
        self._link.ping()

    def take_outbox(self) -> list[str]:
        """Return the frames to send now, in order."""
        return self._link.take_outbox()

    def receive(self, frame: str | bytes, at: datetime, now_s: float) -> list[Event]:
        """Take one WebSocket message.

        Args:
            at: our clock, UTC.
        Returns:
            what happened, in order.
        Raises:
            SignInRefused: token or account are refused for good. RemoteProtocolError: the frame breaks the protocol.
            SessionLost: the venue ends the session, or the terminal has lost its broker.
        """
        match self._link.receive(frame):
            case socketio.Connected(namespace="/") if not self._connected:
                self._connected = True
                self._up_by_s = now_s + _SUBSCRIBE_S_MAX
                self._subscribe(now_s)
            case socketio.Refused(error=error):
                raise self._refused_link(error)
            case socketio.Event(name=wire.EVENT_SYNCHRONIZATION, args=args):
                packet = wire.packet(args)
                return self._take(packet, at, now_s) if packet.account_id == self._account_id else []
            case socketio.Event(name=wire.EVENT_ERROR, args=args):
                error = wire.converted(wire.payload(args, wire.EVENT_ERROR), wire.ProcessingError, wire.EVENT_ERROR)
                self._failed(error, at, now_s)
            case socketio.Disconnected() | socketio.Closed():
                raise SessionLost("MetaApi closed the connection")
        return []

    def elapse(self, at: datetime, now_s: float) -> list[Event]:
        """Do what is due because time has passed; returns what happened.

        Raises:
            SessionLost: it is time to give up.
        """
        if self._up_by_s is not None and now_s >= self._up_by_s:
            what = "terminal that is up" if self._connected else "connection"
            raise SessionLost(f"expected a {what}, MetaApi gave none in time")
        if self._subscribe_at_s is not None and now_s >= self._subscribe_at_s:
            self._subscribe(now_s)
        events: list[Event] = []
        for key, terminal in list(self._terminals.items()):
            trouble = terminal.trouble(now_s)
            if trouble is not None:
                events += self._renew(key, terminal, trouble, at, now_s)
        return events

    # Requests

    def _subscribe(self, now_s: float) -> None:
        self._request(type="subscribe", sessionId=self._session_id)
        self._subscribe_at_s = now_s + self._subscribe_pause_s
        self._subscribe_pause_s = min(self._subscribe_pause_s * 2, _SUBSCRIBE_PAUSE_S_MAX)

    def _synchronize(self, key: Key, terminal: Terminal, at: datetime, now_s: float) -> None:
        since = iso(at - _HISTORY)
        request_id = self._request(
            type="synchronize",
            version=2,
            host=key[1],
            startingHistoryOrderTime=since,
            startingDealTime=since,
            specificationsHashes=[],
            positionsHashes=[],
            ordersHashes=[],
        )
        terminal.begin(request_id, now_s)

    def _request(self, **fields: object) -> str:
        self._requests += 1
        request_id = f"{self._session_id[:20]}{self._requests:012d}"
        self._link.emit(
            wire.EVENT_REQUEST,
            {
                "accountId": self._account_id,
                "requestId": request_id,
                "application": "MetaApi",
                "instanceIndex": INSTANCE,
                **fields,
            },
        )
        return request_id

    def _renew(self, key: Key, terminal: Terminal, trouble: str, at: datetime, now_s: float) -> list[Event]:
        """Have a host's state read anew, by subscribing again as the vendor's client does; too often is a lost socket.

        Where another host can lead, this one is left out instead; should it live, its `status` brings it back.
        """
        if self._leader not in (None, key):
            del self._terminals[key]
            return []
        if (other := self._healthy(key, now_s)) is not None:
            del self._terminals[key]
            return self._lead(other, at)
        self._renewals += 1
        if self._renewals > _RENEWALS_MAX:
            raise SessionLost(f"the state could not be read anew: {trouble}")
        terminal.renew(now_s)
        self._up_by_s = now_s + _RENEW_S_MAX
        self._subscribe_pause_s = _SUBSCRIBE_PAUSE_S
        self._subscribe(now_s)
        return []

    def _healthy(self, but: Key, now_s: float) -> Key | None:
        """Return a host whose state is whole and not in trouble, other than `but`."""
        for key, terminal in self._terminals.items():
            if key != but and terminal.phase is Phase.LIVE and terminal.trouble(now_s) is None:
                return key
        return None

    def _lead(self, key: Key, at: datetime) -> list[Event]:
        self._leader = key
        return [self._terminals[key].snapshot(at)]

    # What comes

    def _take(self, packet: wire.Packet, at: datetime, now_s: float) -> list[Event]:
        key = self._key(packet)
        if packet.is_update:
            return self._hand_on(packet, key, at, now_s)
        match packet.type:
            case "authenticated":
                return self._authenticated(packet, key, at, now_s)
            case "disconnected":
                return self._disconnected(key, at, now_s)
            case "status":
                self._status(packet, key, now_s)
                return []
        return self._hand_on(packet, key, at, now_s)

    def _key(self, packet: wire.Packet) -> Key:
        """Return whose packet it is; published samples name neither host nor instance, and are of the only one."""
        index = INSTANCE if packet.instance_index is None else packet.instance_index
        if packet.host is None and len(self._terminals) == 1 and packet.type != "authenticated":
            return next(iter(self._terminals))
        return index, "" if not packet.host else name(packet.host, "host")

    def _authenticated(self, packet: wire.Packet, key: Key, at: datetime, now_s: float) -> list[Event]:
        if packet.session_id not in (None, self._session_id):
            return []  # meant for an earlier socket
        terminal = self._terminals.get(key)
        if terminal is None:
            if len(self._terminals) >= _TERMINALS_MAX:
                raise RemoteProtocolError(f"expected at most {_TERMINALS_MAX} hosts, found more")
            terminal = self._terminals[key] = Terminal(self._account, self._oms, self._tickets, self._gap_s)
        self._up_by_s, self._subscribe_at_s, self._subscribe_pause_s = None, None, _SUBSCRIBE_PAUSE_S
        self._synchronize(key, terminal, at, now_s)
        if self._opened:
            return []
        self._opened = True
        return [SessionOpened(self._account, at)]

    def _disconnected(self, key: Key, at: datetime, now_s: float) -> list[Event]:
        """Take a host's end: another whose state is whole leads on, else nobody knows what the account holds."""
        if self._terminals.pop(key, None) is None:
            return []
        if not self._terminals:
            raise SessionLost("MetaApi's terminal was disconnected")
        if key != self._leader:
            return []
        self._leader = None
        other = self._healthy(key, now_s)
        return [] if other is None else self._lead(other, at)

    def _status(self, packet: wire.Packet, key: Key, now_s: float) -> None:
        terminal = self._terminals.get(key)
        if terminal is None:
            if packet.authenticated and key[0] == INSTANCE and self._subscribe_at_s is None and self._connected:
                self._subscribe(now_s)  # a host that we do not know, or that has forgotten us
            return
        terminal.heard(now_s)
        if packet.connected is False and key == (self._leader or key):
            raise SessionLost("MetaApi's terminal has lost the broker: what it shows may be old")

    def _hand_on(self, packet: wire.Packet, key: Key, at: datetime, now_s: float) -> list[Event]:
        terminal = self._terminals.get(key)
        if terminal is None:
            return []
        events = terminal.take(packet, at, now_s)
        if any(isinstance(event, SnapshotReceived) for event in events):
            leader = None if self._leader is None else self._terminals.get(self._leader)
            if leader is None or leader.phase is not Phase.LIVE or key == self._leader:
                self._leader, self._renewals = key, 0
        return events if key == self._leader else []

    def _failed(self, error: wire.ProcessingError, at: datetime, now_s: float) -> None:
        """Take the refusal of a request of ours: final, or a reason to try again later."""
        text = text_of(error, self._token)
        if error.account_id not in (None, self._account_id):
            return
        if is_final(error.error):
            raise SignInRefused(f"MetaApi refuses the account: {text}")
        if error.error == "ValidationError":
            raise RemoteProtocolError(f"expected our request to be taken, found {text}")
        pause_s = self._subscribe_pause_s
        if error.error == "TooManyRequestsError":
            pause_s = retry_after_s(error, at)
        self._subscribe_at_s = now_s + pause_s
        if self._up_by_s is not None:
            self._up_by_s = max(self._up_by_s, now_s + pause_s + _RENEW_S_MAX)
        for terminal in self._terminals.values():
            terminal.postpone(now_s + pause_s)

    def _refused_link(self, error: object) -> Exception:
        text = str(error.get("message", "") if isinstance(error, dict) else error)[:200]
        text = text.replace(self._token.reveal(), "***")
        if "unauthorized" in text.lower() or "token" in text.lower():
            return SignInRefused(f"MetaApi refuses the token: {text}")
        return SessionLost(f"MetaApi refuses the connection: {text!r}")
