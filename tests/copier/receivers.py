"""Receivers on loopback that alerts are sent to in tests: an HTTP server that we did not write, and a small mailbox."""

import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from attrs import define, field

from rules.model.frozen import frozen

START_S_MAX = 10.0


@frozen
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@define
class HttpReceiver:
    """What came, and what is answered: statuses in turn, the last one for ever."""

    port: int = 0
    statuses: list[int] = field(factory=lambda: [200])
    got: list[Received] = field(factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append(Received(scope["path"], headers, body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        location = [(b"location", b"/elsewhere")] if status in (301, 302) else []
        await send({"type": "http.response.start", "status": status, "headers": location})
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """Run uvicorn in a thread."""
    receiver = HttpReceiver()
    config = uvicorn.Config(receiver, host="127.0.0.1", port=0, lifespan="off", log_level="critical", loop="asyncio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + START_S_MAX
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    receiver.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.should_exit = True
        thread.join(START_S_MAX)


class _Mailbox(socketserver.StreamRequestHandler):
    """Takes any mail: the few words of SMTP (RFC 5321) that a client needs to hand one over."""

    def handle(self) -> None:
        self._say("220 mailbox")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"QUIT":
                self._say("221 bye")
                return
            if word == b"DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline()) != b".\r\n":
                    lines.append(text)
                self.server.mails.append(b"".join(lines))  # type: ignore[attr-defined]  # set where it is made
            self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextmanager
def mailbox() -> Iterator[tuple[int, list[bytes]]]:
    """Run a mailbox in a thread; yield its port and the mails that came."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mailbox) as server:
        server.daemon_threads = True
        server.mails = mails = []  # type: ignore[attr-defined]  # the handler's only way to hand something over
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], mails
        finally:
            server.shutdown()
