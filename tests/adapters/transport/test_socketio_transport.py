"""Which way to a Socket.IO server is taken, after which refusals."""

import pytest
import trio
from trio.testing import MockClock

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.polling import PollingConnection
from adapters.transport.polling_server import EngineServer
from adapters.transport.serving import HttpRequest, HttpService
from adapters.transport.socketio_transport import Passage, open_socketio

OPEN = '0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'


class Server:
    """Echoes on both transports; refuses WebSockets by `refusal`, polling by `polling_refusal`; counts what it saw."""

    def __init__(self, nursery: trio.Nursery, refusal: int | None = None, polling_refusal: int | None = None) -> None:
        self.asked: list[tuple[str | None, dict[str, str], str | None]] = []
        self._engine = EngineServer(self._echo)
        self.refusal, self.polling_refusal = refusal, polling_refusal
        self.network = MemoryNetwork(nursery)
        service = HttpService(self._http, {"/ws/": self._engine.websocket}, admit=self._admit)
        self.network.listen("venue.test", 80, service.serve_stream)

    async def _echo(self, connection: FrameConnection, request: HttpRequest) -> None:
        await connection.send_message(OPEN)
        while True:
            await connection.send_message(str(await connection.get_message()))

    def _admit(self, request: HttpRequest) -> HttpResponse | None:
        self._note(request)
        # The body and a header repeat the token, as some edges do.
        return None if self.refusal is None else HttpResponse(self.refusal, {"x-url": "?t=sesame"}, b"sesame")

    async def _http(self, request: HttpRequest) -> HttpResponse:
        self._note(request)
        return await self._engine.http(request) if self.polling_refusal is None else HttpResponse(self.polling_refusal)

    def _note(self, request: HttpRequest) -> None:
        self.asked.append((request.query.get("transport"), dict(request.query), request.headers.get("x-key")))

    @property
    def ways(self) -> list[str | None]:
        return [way for way, _, _ in self.asked]

    async def talk(self, origin: str = "http://venue.test", passage: Passage | None = None) -> type[object]:
        """Talk over whatever opens; return its kind."""
        async with open_socketio(
            origin,
            "/ws",
            connect=self.network.connect,
            query={"t": "sesame"},
            headers={"X-Key": "k"},
            passage=passage,
        ) as connection:
            assert str(await connection.get_message()).startswith('0{"sid":"s1"')
            await connection.send_message("4a")
            assert await connection.get_message() == "4a"
            return type(connection)


@pytest.mark.parametrize("origin", ["http://venue.test", "ws://venue.test"])
async def test_websocket_is_taken_where_it_is_let_through(nursery: trio.Nursery, origin: str) -> None:
    server = Server(nursery)
    assert await server.talk(origin) is not PollingConnection
    assert server.asked == [("websocket", {"t": "sesame", "EIO": "4", "transport": "websocket"}, "k")]


@pytest.mark.parametrize("origin", ["http://venue.test", "ws://venue.test/"])
@pytest.mark.parametrize("refusal", [200, 400, 403, 404, 426, 501, 502, 503])
async def test_refused_websocket_is_followed_by_polling(nursery: trio.Nursery, refusal: int, origin: str) -> None:
    server = Server(nursery, refusal)
    assert await server.talk(origin) is PollingConnection
    assert server.ways[:2] == ["websocket", "polling"]
    assert server.asked[1] == ("polling", {"t": "sesame", "EIO": "4", "transport": "polling"}, "k")
    assert "websocket" not in server.ways[1:]


@pytest.mark.parametrize(("refusal", "kind"), [(401, SignInRefused), (429, SessionLost)])
async def test_refusal_that_is_meant_for_us_is_final(
    nursery: trio.Nursery, refusal: int, kind: type[Exception]
) -> None:
    server = Server(nursery, refusal)
    with pytest.raises(kind, match=f"found HTTP {refusal}"):
        await server.talk()
    assert server.ways == ["websocket"]


@pytest.mark.parametrize(
    ("polling_refusal", "kind"),
    [(403, SignInRefused), (401, SignInRefused), (404, SessionLost), (200, RemoteProtocolError)],
)
async def test_refusal_of_polling_is_final(nursery: trio.Nursery, polling_refusal: int, kind: type[Exception]) -> None:
    server = Server(nursery, 403, polling_refusal)
    with pytest.raises(kind) as caught:
        await server.talk()
    assert server.ways == ["websocket", "polling"]
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


async def test_refused_connection_is_not_followed_by_polling(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.network.refuse("venue.test", 80, True)
    with pytest.raises(RequestNotSent):
        await server.talk()
    assert server.ways == []


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n"])
async def test_lost_or_broken_handshake_is_not_followed_by_polling(
    nursery: trio.Nursery, autojump_clock: MockClock, answer: bytes
) -> None:
    connections = 0

    async def cut(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await stream.receive_some()
        if answer:
            await stream.send_all(answer)

    network = MemoryNetwork(nursery)
    network.listen("venue.test", 80, cut)
    with pytest.raises(SessionLost):
        async with open_socketio("http://venue.test", "/ws", connect=network.connect):
            pass
    assert connections == 1


@pytest.mark.parametrize("refusal", [None, 404])
async def test_error_of_the_block_comes_out_alone(nursery: trio.Nursery, refusal: int | None) -> None:
    server = Server(nursery, refusal)
    with pytest.raises(ValueError, match="a bug"):
        async with open_socketio("http://venue.test", "/ws", connect=server.network.connect):
            raise ValueError("a bug")


async def test_refusal_within_the_block_is_not_taken_for_one_of_the_handshake(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    with pytest.raises(SignInRefused, match="by the session"):
        async with open_socketio("http://venue.test", "/ws", connect=server.network.connect):
            raise SignInRefused("by the session")
    assert server.ways == ["websocket"]


async def test_that_polling_was_needed_is_remembered_for_an_hour(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server, passage = Server(nursery, 403), Passage()
    for _ in range(3):
        assert await server.talk(passage=passage) is PollingConnection
        await trio.sleep(1000)
    assert server.ways.count("websocket") == 1
    server.refusal = None
    await trio.sleep(1000)
    assert await server.talk(passage=passage) is not PollingConnection


async def test_that_a_websocket_was_refused_is_not_remembered_where_polling_is_refused_too(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server, passage = Server(nursery, 503, 503), Passage()
    for _ in range(2):
        with pytest.raises(SessionLost, match="found HTTP 503"):
            await server.talk(passage=passage)
    assert server.ways == ["websocket", "polling"] * 2


@pytest.mark.parametrize("status", [401, 403, 404, 503])
async def test_polling_that_is_refused_later_is_followed_by_a_websocket_at_the_next_try(
    nursery: trio.Nursery, autojump_clock: MockClock, status: int
) -> None:
    server, passage = Server(nursery, 403), Passage()
    await server.talk(passage=passage)
    server.refusal, server.polling_refusal = None, status
    with pytest.raises(SessionLost, match=f"found HTTP {status}"):
        await server.talk(passage=passage)
    assert await server.talk(passage=passage) is not PollingConnection


async def test_no_connection_says_nothing_about_what_gets_through(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server, passage = Server(nursery, 403), Passage()
    await server.talk(passage=passage)
    server.network.refuse("venue.test", 80, True)
    with pytest.raises(RequestNotSent):
        await server.talk(passage=passage)
    assert passage.is_polling
