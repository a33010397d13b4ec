"""A simulated MetaCopier: its REST API and its Socket API over the books of a simulated broker."""

from collections.abc import Mapping

from trio_websocket import WebSocketConnection

from adapters.base import UtcNow
from adapters.metacopier.simulator_keys import Keys
from adapters.metacopier.simulator_rest import RestApi
from adapters.metacopier.simulator_stream import StreamServer
from adapters.simulation.broker import Broker
from adapters.simulation.control import with_control
from adapters.simulation.faults import Faults
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest, HttpService

SOCKET_PATH = "/ws/api/v1"

# Best first; a client that offers none is served too (the documented Node, Python and C# clients do not).
_SUBPROTOCOLS = ("v12.stomp", "v11.stomp", "v10.stomp")


class Simulator:
    """Serves `broker` as MetaCopier would, `service` on one port, with the control API under `/control/`.

    Args:
        now: the clock of its messages.
        faults: the weather; of its own where none is given.
        api_keys: each valid key with the names of the accounts that it may see; None: all, also later ones.
        sessions_max: Socket API sessions at once per key.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        now: UtcNow,
        faults: Faults | None = None,
        api_keys: Mapping[str, frozenset[str] | None],
        sessions_max: int = 100,
    ) -> None:
        self.faults = Faults() if faults is None else faults
        self._now = now
        self._keys = Keys(broker, api_keys, sessions_max)
        self._sessions = 0
        rest = RestApi(self._keys, self.faults, now)
        self.service = HttpService(
            with_control(broker, self.faults, rest.handle),
            {SOCKET_PATH: self._serve_socket},
            {SOCKET_PATH: _SUBPROTOCOLS},
            admit=self._admit,
        )

    def _admit(self, _: HttpRequest) -> HttpResponse | None:
        return HttpResponse(503, {"content-type": "text/plain"}, b"maintenance") if self.faults.maintenance else None

    async def _serve_socket(self, socket: WebSocketConnection, _: HttpRequest) -> None:
        self._sessions += 1
        await StreamServer(socket, self._keys, self.faults, self._now, f"session-{self._sessions}").run()
