"""Many readers of STOMP over WebSocket in one process, on epoll and bare sockets: as cheap as Python allows.

As a program it only reads: `python -m bench.socket_readers PORT COUNT`, which prints "ready", and, for each line on
stdin, how many connections are left.
"""

import os
import re
import resource
import select
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from attrs import define, field

SENT = re.compile(rb"@T([0-9]+)@")
"""Where a message tells when it was sent, in ns of the performance counter."""

_READ_BYTES = 256 * 1024
_TAIL_BYTES = 64
_PATIENCE_S = 60.0
_ALIVE_EVERY_S = 1.0
_ALIVE_GROUPS = 15
"""Servers ask silent connections by a ping, which nobody here looks for; a pong that nobody asked for says the same.
One group at a time: all at once would keep the server from everything else for a moment."""

_PONG = b"\x8a\x80" + bytes(4)
_FILES = 20_000

Heard = Callable[[int, int], None]
"""Takes when a message was sent and when it was read, in ns."""


def frame(text: str) -> bytes:
    """Return a text frame of a client, under a mask of zeros."""
    payload = text.encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload


@define
class Readers:
    """Connections to one server; each says `greeting`, frame by frame, and is ready when `ready` has come."""

    port: int
    path: str
    greeting: tuple[str, ...]
    ready: bytes = b"RECEIPT"
    heard: Heard = lambda sent, read: None
    gone: int = field(default=0, init=False)
    """Connections that the server has cut."""
    _epoll: select.epoll = field(factory=select.epoll, init=False)
    _sockets: dict[int, socket.socket] = field(factory=dict, init=False)
    _tails: dict[int, bytes] = field(factory=dict, init=False)
    _alive_at: float = field(factory=time.monotonic, init=False)
    _alive_group: int = field(default=0, init=False)
    _not_ready: set[int] = field(factory=set, init=False)

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._sockets)

    def connect(self, count: int, *, deaf: bool = False) -> list[socket.socket]:
        """Open connections, some at a time; deaf ones are never read after they are ready."""
        made: list[socket.socket] = []
        while len(made) < count:
            batch = [self._dial(small=deaf) for _ in range(min(50, count - len(made)))]
            deadline = time.monotonic() + _PATIENCE_S
            while self._not_ready:
                assert time.monotonic() < deadline, f"{len(self._not_ready)} connections got no answer"
                self.poll(0.1)
            made += batch
        if deaf:
            for each in made:
                self._epoll.modify(each.fileno(), 0)  # hang-ups are told all the same
        return made

    def poll(self, timeout_s: float) -> None:
        """Read what has come, at most once of each connection."""
        if time.monotonic() >= self._alive_at + _ALIVE_EVERY_S:
            self._alive_at = time.monotonic()
            self._alive_group = (self._alive_group + 1) % _ALIVE_GROUPS
            for number in self._sockets.keys() - self._not_ready:
                if number % _ALIVE_GROUPS == self._alive_group:
                    with suppress(OSError):  # cut, which reading will tell
                        self._sockets[number].send(_PONG)
        for number, _ in self._epoll.poll(timeout_s):
            try:
                data = self._sockets[number].recv(_READ_BYTES)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                self._drop(number)
                continue
            data = self._tails[number] + data
            if number in self._not_ready:
                self._greet(number, data)
                continue
            now, end = time.perf_counter_ns(), 0
            for match in SENT.finditer(data):
                self.heard(int(match[1]), now)
                end = match.end()
            self._tails[number] = data[max(end, len(data) - _TAIL_BYTES) :]

    def close(self) -> None:
        for each in self._sockets.values():
            each.close()
        self._sockets.clear()
        self._epoll.close()

    def _dial(self, *, small: bool) -> socket.socket:
        dialed = socket.socket()
        if small:
            dialed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        dialed.connect(("127.0.0.1", self.port))
        dialed.sendall(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: v12.stomp\r\n\r\n".encode()
        )
        dialed.setblocking(False)
        self._sockets[dialed.fileno()] = dialed
        self._tails[dialed.fileno()] = b""
        self._not_ready.add(dialed.fileno())
        self._epoll.register(dialed.fileno(), select.EPOLLIN)
        return dialed

    def _greet(self, number: int, data: bytes) -> None:
        """Say the next thing as soon as the answer to the one before has come."""
        assert b"ERROR\n" not in data, data[-300:]
        self._tails[number] = data
        if data.startswith(b"HTTP/1.1 101") and b"\r\n\r\n" in data:
            self._sockets[number].send(frame(self.greeting[0]))
        elif b"CONNECTED\n" in data and self.ready not in data and self.greeting[1:]:
            for text in self.greeting[1:]:
                self._sockets[number].send(frame(text))
        elif self.ready in data:
            self._not_ready.discard(number)
        else:
            return
        self._tails[number] = b""

    def _drop(self, number: int) -> None:
        self._epoll.unregister(number)
        self._sockets.pop(number).close()
        self._tails.pop(number)
        self._not_ready.discard(number)
        self.gone += 1


def allow_files() -> None:
    """Let this process, and those that it starts, have a socket a reader."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_FILES, most), most))


PATH = "/ws/api/v1"


def greeting(queue: str) -> tuple[str, ...]:
    """Return what a client of the Socket API says."""
    return (
        "CONNECT\naccept-version:1.2\nheart-beat:0,0\napi-key:bench\n\n\0",
        'SEND\ndestination:/app/subscribe\n\n{"accountIds":[]}\0',
        f"SUBSCRIBE\nid:sub-0\ndestination:{queue}\nreceipt:r\n\n\0",
    )


def main(port: str, count: str) -> None:
    """Connect, then read and throw away."""
    allow_files()
    readers = Readers(int(port), PATH, greeting("/user/queue/accounts/changes"))
    readers.connect(int(count))
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # does not interrupt the load generator beside it
    print("ready", flush=True)
    while True:
        readers.poll(0.1)
        if select.select([sys.stdin], [], [], 0)[0] and sys.stdin.readline():
            print(readers.count, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
