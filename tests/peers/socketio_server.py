"""A python-socketio server under uvicorn on a free loopback port, printed; says what socketio_server.js says.

usage: python socketio_server.py [TRANSPORTS]
"""

import socket
import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
import uvicorn

# Whole seconds: the library cuts fractions off in its open packet.
transports = "".join(sys.argv[1:2]) or "polling,websocket"
server = socketio.AsyncServer(async_mode="asgi", ping_interval=1, ping_timeout=1, transports=transports.split(","))


def serve(namespace: str, wants_token: bool) -> None:
    async def say(name: str, data: Any, to: str, **options: Any) -> None:
        await server.emit(name, data, to=to, namespace=namespace, **options)

    async def connect(sid: str, environ: dict[str, str], auth: dict[str, str] | None) -> None:
        if wants_token and (auth or {}).get("token") != "good":
            raise socketio.exceptions.ConnectionRefusedError("bad token")
        token = parse_qs(environ["QUERY_STRING"])["auth-token"][0]
        await say("hello", {"header": environ.get("HTTP_DEVELOPER_API_KEY"), "query": token}, sid)

    async def subscriptions(sid: str, data: Any) -> tuple[dict[str, Any], float]:
        return {"status": "ok", "got": data}, 1.5

    async def ask(sid: str) -> None:
        async def done(answer: Any) -> None:
            await say("answered", answer, sid)

        await say("question", {"q": 1}, sid, callback=done)

    async def stream(sid: str, count: int) -> None:
        for seq in range(count):
            await say("position", {"seq": seq, "lots": 0.1, "id": "144115188076017329"}, sid)

    async def later(sid: str, ms: int) -> None:
        await server.sleep(ms / 1000)
        await say("here", None, sid)

    async def kick(sid: str) -> None:
        await server.disconnect(sid, namespace=namespace)

    async def binary(sid: str) -> None:
        await say("bytes", b"\x01\x02\x03", sid)

    for handler in (connect, subscriptions, ask, stream, later, kick, binary):
        server.on(handler.__name__, handler, namespace=namespace)


serve("/", False)
serve("/secure", True)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()  # before the port is told: who connects now waits for the server
print(listener.getsockname()[1], flush=True)
app = socketio.ASGIApp(server, socketio_path="ws")
uvicorn.Server(uvicorn.Config(app, log_level="warning", ws_ping_interval=None)).run(sockets=[listener])
