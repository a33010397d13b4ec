"""A simulated MetaApi: its real-time API over Socket.IO 2 and the REST calls beside it, over a simulated broker."""

from collections.abc import Mapping
from typing import Final

from adapters.base import UtcNow
from adapters.metaapi.config import Config
from adapters.metaapi.simulator_desk import Desk, account_id
from adapters.metaapi.simulator_reads import Reads
from adapters.metaapi.simulator_rest import RestApi
from adapters.metaapi.simulator_socket import PING_INTERVAL_S, PING_TIMEOUT_S, Socket
from adapters.metaapi.simulator_subscription import Stamps
from adapters.metaapi.simulator_subscriptions import Venue
from adapters.secret import Secret
from adapters.simulation.broker import Broker
from adapters.simulation.control import with_control
from adapters.simulation.faults import Faults
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.polling_server import EngineServer
from adapters.transport.serving import HttpRequest, HttpService
from adapters.transport.socketio import ServerSession

_PATHS: Final = ("/ws", "/ws/")
ACCESS_WORD: Final = "simulated-token"
HOST: Final = "ps-mpa-0"


class Simulator:
    """Serves `broker` as MetaApi would, `service` on one port, with the control API under `/control/`.

    Args:
        now: the clock of its messages.
        faults: the weather; of its own where none is given.
        token: the only good one; it may see all accounts.
        mt4: hedging accounts are those of MetaTrader 4, where the rest of a partial close gets a new ticket.
        hosts: server processes that each run all terminals, and each send all packets.
        subscriptions_max: accounts at once on one socket.
        update_type: what changes are called: "update", or "status" as one published page has it.
        records_a_packet: of orders' and deals' history.
        trade_errors: refuse trades by `processingError` instead of by a code in the response.
        doubts: tell lost requests and answers by a code of unknown outcome instead of cutting the socket.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        now: UtcNow,
        faults: Faults | None = None,
        token: str = ACCESS_WORD,
        mt4: bool = False,
        hosts: tuple[str, ...] = (HOST,),
        subscriptions_max: int = 100,
        update_type: str = "update",
        records_a_packet: int = 100,
        trade_errors: bool = False,
        doubts: bool = False,
    ) -> None:
        self.broker = broker
        self.faults = Faults() if faults is None else faults
        self._now = now
        self._token = token
        self._mt4 = mt4
        self._hosts = hosts
        self._desks: dict[str, Desk] = {}
        self._sockets = 0
        self._venue = Venue(
            desks=self.desks,
            faults=self.faults,
            now=now,
            token=token,
            stamps=Stamps(now),
            reads=Reads(now),
            subscriptions_max=subscriptions_max,
            update_type=update_type,
            records_a_packet=records_a_packet,
            trade_errors=trade_errors,
            doubts=doubts,
        )
        self._rest = RestApi(self.desks, self.faults, token)
        self._engine = EngineServer(self._serve, admit=self._admit)
        self.service = HttpService(
            with_control(broker, self.faults, self._handle),
            dict.fromkeys(_PATHS, self._engine.websocket),
            admit=self._engine.admit,
        )
        self.desks()

    def desks(self) -> Mapping[str, Desk]:
        """Return the venue's accounts by id, those that the control API added included."""
        if len(self._desks) != len(self.broker.books):
            for name, book in self.broker.books.items():
                if account_id(name) not in self._desks:
                    self._desks[account_id(name)] = Desk(book, self._now, mt4=self._mt4, hosts=self._hosts)
        return self._desks

    def desk(self, account_name: str) -> Desk:
        """Return the terminal's side of the account of that name."""
        return self.desks()[account_id(account_name)]

    def config(self, account_name: str, origin: str) -> Config:
        """Return the config with which an account of this simulator, served at `origin`, is reached."""
        desk = self.desk(account_name)
        return Config(
            account_id=desk.account_id,
            token=Secret(self._token),
            oms=desk.book.oms,
            socket_url=origin,
            provisioning_url=origin,
        )

    def _admit(self, request: HttpRequest) -> HttpResponse | None:
        if self.faults.maintenance:
            return HttpResponse(503, {"content-type": "text/plain"}, b"maintenance")
        if request.query.get("EIO") != "3":
            return HttpResponse(
                400, {"content-type": "application/json"}, b'{"code":5,"message":"Unsupported protocol version"}'
            )
        return None

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        return await (self._engine.http(request) if request.path in _PATHS else self._rest.handle(request))

    async def _serve(self, connection: FrameConnection, request: HttpRequest) -> None:
        self._sockets += 1
        session = ServerSession(
            f"simulated{self._sockets}", eio_version=3, ping_interval_s=PING_INTERVAL_S, ping_timeout_s=PING_TIMEOUT_S
        )
        socket = Socket(self._venue, session, request.query.get("auth-token"))
        await socket.run(connection)
