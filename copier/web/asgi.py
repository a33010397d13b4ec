"""The words of ASGI 3, and the bounds that our host of it keeps."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from rules.model.frozen import frozen

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Scope: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Peer: TypeAlias = tuple[str, int]


class ClientGone(OSError):
    """The client went away, or was cut; out of the app it is no bug."""


@frozen
class Bounds:
    """What one client, and all of them together, can make the host hold or wait for."""

    head_bytes_max: int = 32 * 1024
    """A browser's cookies and headers are a tenth of it. More is answered with 431."""
    body_bytes_max: int = 1024 * 1024
    """Of a request; a signal or a lever has a few hundred. More is answered with 413."""
    message_bytes_max: int = 256 * 1024
    """Of a WebSocket's message; ten thousand account names fit. More closes it with 1009."""
    outbox_bytes_max: int = 1024 * 1024
    """Waits for one WebSocket's reader, beside one message of any size: some hundred changes of a busy account."""
    head_s_max: float = 10.0
    """From a request's first byte to the end of its head; also for the handshake of TLS."""
    body_s_max: float = 30.0
    """For a request's body, as a whole."""
    answer_s_max: float = 15.0
    """For a client to take 64 KiB of an answer."""
    idle_s_max: float = 75.0
    """For the next request to begin. Proxies commonly keep theirs for 60 s, and ours must not end first."""
    silence_s_max: float = 60.0
    """A WebSocket of which nothing came for half of this is asked by a ping, and cut after the whole."""
    connections_max: int = 4096
    connections_per_ip_max: int = 128
    """Of one address, but for this machine's own: there, a proxy or a bench may stand for many."""


def is_loopback(ip: str) -> bool:
    """Tell whether an address of a peer is this machine's own."""
    return ip == "::1" or ip.startswith(("127.", "::ffff:127."))
