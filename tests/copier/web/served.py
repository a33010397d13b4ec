"""Talks to a host over memory, as rudely as a test wants; and the apps that are asked."""

from collections.abc import Awaitable, Callable

import trio

from adapters.transport.network import MemoryStream, memory_streams
from copier.web.asgi import App, Bounds, Message, Receive, Scope, Send
from copier.web.host import Host
from tests.copier.web.asgi_check import checked

LOCAL = ("127.0.0.1", 50000)
Answer = Callable[[Scope, Receive, Send], Awaitable[None]]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what was asked: method, path and body; over a WebSocket, with each message."""
    if scope["type"] == "websocket":
        await _echo_messages(scope, receive, send)
        return
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    said = f"{scope['method']} {scope['path']} ".encode() + body
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


async def _echo_messages(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"], "bytes": message["bytes"]})


async def talk(raw: bytes, app: App = echo, *, bounds: Bounds | None = None, patience_s: float = 300) -> bytes:
    """Return all that the host says to `raw` until it closes the line."""
    near, far = memory_streams()
    said = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(checked(app), bounds=bounds).serve_stream, far, LOCAL)
        await near.send_all(raw)
        with trio.move_on_after(patience_s):
            said = await everything(near)
        nursery.cancel_scope.cancel()
    return said


async def everything(stream: MemoryStream) -> bytes:
    """Return what comes up to the end."""
    said = b""
    while chunk := await stream.receive_some():
        said += chunk
    return said


def answering(*messages: Message) -> App:
    """Return an app that says these and returns, whatever it is asked."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(dict(message))

    return app
